"""Staying: each entry in a process of its own, when it is due, until told to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gpkit.errors import ParameterError
from gpkit.instants import text
from gpkit.runs.recording.folder import write_json
from gpkit.schedule import Schedule, keep
from tests.runs_support import FINISH, add_notebook, gpkit, make_project, processes_with, start_gpkit, until
from tests.schedule_support import at, entry, slots_of, write_schedule, yesterday_at
from tests.test_schedule_due import PARAMETERS, WAIT


class World:
    """A clock that moves when it is waited for, and processes that take some seconds of it."""

    def __init__(self, outputs: Path, *entries: Any, jobs: int = 1, takes_s: float = 60.0, code: int = 0) -> None:
        self.outputs, self.now, self.naps = outputs, at("21 03:59"), 0
        self.schedule = Schedule(Path("schedule.yaml"), entries, (), jobs)
        self.takes_s, self.code = takes_s, code
        self.started: list[str] = []
        self.refusals: list[list[str]] = []
        self.codes: list[int] = []

    def start(self, name: str) -> Process:
        self.started.append(f"{name} {self.now:%H:%M:%S}")
        slot = self.now.replace(minute=self.now.minute // 30 * 30, second=0)
        if self.code != 4:
            (self.outputs / "runs" / str(len(self.started))).mkdir(parents=True)
            content = {"schedule": {"name": name, "slot_utc": text(slot)}}
            write_json(self.outputs / "runs" / str(len(self.started)) / "run.json", content)
        return Process(self)

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= 30
        self.naps += 1
        assert self.naps < 20_000
        self.now += timedelta(seconds=seconds)

    def keep(self, until: str, read: Any = None) -> None:
        keep(
            read or (lambda: self.schedule), self.start, self.outputs, self.codes, until=at(until),
            clock=lambda: self.now, pause=self.pause,
            on_refused=lambda errors: self.refusals.append([str(error) for error in errors]),
        )  # fmt: skip


class Process:
    def __init__(self, world: World) -> None:
        self.world, self.ends = world, world.now + timedelta(seconds=world.takes_s)
        self.signals: list[int] = []

    def poll(self) -> int | None:
        return self.world.code if self.world.now >= self.ends else None

    def send_signal(self, number: int) -> None:
        self.signals.append(number)

    def wait(self, timeout: float) -> int:
        return 3 if self.signals else self.world.code


def test_each_slot_is_started_when_it_comes(tmp_path):
    world = World(tmp_path, entry(name="a"), entry("30 5 * * *", name="b"))

    world.keep("21 06:10")

    assert world.started == ["a 04:00:00", "a 05:00:00", "b 05:30:00", "a 06:00:00"]
    assert world.codes == [0, 0, 0, 0]


def test_a_long_run_of_one_entry_does_not_hold_up_another(tmp_path):
    world = World(tmp_path, entry(name="a"), entry("0 4 * * *", name="b"), jobs=2, takes_s=600)

    world.keep("21 04:30")

    assert world.started == ["a 04:00:00", "b 04:00:00"]


def test_no_more_run_at_a_time_than_jobs_allow(tmp_path):
    world = World(tmp_path, entry(name="a"), entry("0 4 * * *", name="b"), jobs=1, takes_s=120)

    world.keep("21 04:30")

    assert [line[:7] for line in world.started] == ["a 04:00", "b 04:02"]


def test_what_cannot_run_is_not_tried_again_before_its_next_slot(tmp_path):
    world = World(tmp_path, entry(name="a"), code=4, takes_s=1)

    world.keep("21 05:30")

    assert world.started == ["a 04:00:00", "a 05:00:00"]
    assert world.codes == [4, 4]


def test_a_clock_that_is_set_back_starts_nothing_twice_and_goes_on(tmp_path):
    world = World(tmp_path, entry(name="a"))
    world.keep("21 06:30")
    world.now = at("21 04:30")

    world.keep("21 07:10")

    assert world.started == ["a 04:00:00", "a 05:00:00", "a 06:00:00", "a 07:00:00"]


def test_a_schedule_that_breaks_is_said_once_and_the_last_good_one_stays_in_force(tmp_path):
    world = World(tmp_path, entry(name="a"))

    def read() -> Iterator[Schedule]:
        if at("21 04:30") < world.now < at("21 05:30"):
            raise ParameterError("It is broken.")
        return world.schedule

    world.keep("21 06:10", read)

    assert world.started == ["a 04:00:00", "a 05:00:00", "a 06:00:00"]
    assert world.refusals == [["It is broken."], []]


def test_what_still_runs_at_the_end_is_waited_for(tmp_path):
    world = World(tmp_path, entry(name="a"), takes_s=1200)

    world.keep("21 04:10")

    assert world.codes == [0]
    assert world.now >= at("21 04:20")


def test_an_interruption_ends_what_runs(tmp_path):
    world = World(tmp_path, entry(name="a"), takes_s=1200)

    def read() -> Schedule:
        if world.now > at("21 04:05"):
            raise KeyboardInterrupt
        return world.schedule

    with pytest.raises(KeyboardInterrupt):
        world.keep("21 05:00", read)
    assert world.codes == [3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = make_project(tmp_path / "project")
    add_notebook(made, "works", FINISH, parameters=PARAMETERS)
    add_notebook(made, "waits", WAIT, FINISH, parameters=PARAMETERS)
    return made


def test_the_command_runs_what_is_due_until_its_end_with_the_exit_code_of_the_worst(project):
    write_schedule(project, nightly=f"notebook: works, {yesterday_at(12)}", other="notebook: works, cron: '0 0 1 1 *'")

    done = gpkit(project, "schedule", "run", "--until", text(datetime.now(UTC) + timedelta(seconds=3)))

    assert done.returncode == 1, done.stderr
    assert "works  ok  findings" in done.stderr
    assert [(name, status) for name, _, status in slots_of(project)] == [("nightly", "ok")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_and_what_it_runs_is_recorded(project, number):
    write_schedule(project, nightly=f"notebook: waits, {yesterday_at(12)}")
    process = start_gpkit(project, "schedule", "run")
    until(lambda: list((project / "outputs" / "runs").glob("[0-9]*.partial/notebook.ipynb")))

    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 3, said
    assert "Traceback" not in said
    assert [(name, status) for name, _, status in slots_of(project)] == [("nightly", "interrupted")]
    assert processes_with(str(project)) == []


def test_a_killed_command_leaves_its_run_to_end_and_the_next_one_repeats_nothing(project):
    write_schedule(project, nightly=f"notebook: waits, {yesterday_at(12)}")
    process = start_gpkit(project, "schedule", "run")
    until(lambda: list((project / "outputs" / "runs").glob("[0-9]*.partial/notebook.ipynb")))
    process.kill()

    during = gpkit(project, "schedule", "due")
    (project / "go").touch()
    until(lambda: [status for *_, status in slots_of(project)] == ["ok"])
    process.communicate()
    after = gpkit(project, "schedule", "due")

    assert (during.returncode, after.returncode) == (0, 0)
    assert [status for *_, status in slots_of(project)] == ["ok"]
