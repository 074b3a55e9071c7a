"""Due: real runs of what is due, once, whoever else runs the schedule, and whatever is killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpkit.cli import main
from gpkit.runs.making import attempts
from gpkit.schedule import read_schedule, run_due
from tests.cache_support import small_disk
from tests.runs_support import FINISH, add_notebook, gpkit, make_project, read, run_folders, start_gpkit, until
from tests.schedule_support import at, slots_of, stamp, write_schedule, yesterday, yesterday_at

PARAMETERS = 'environment: str = "local"  # where\nsince: str = ""  # first instant\nattempts: int = 5  # [1..10]'
# Waits for the file "go" in the project's folder, at most half a minute.
WAIT = 'import pathlib, time\n[time.sleep(0.02) for _ in range(1500) if not pathlib.Path("go").exists()]'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_project(tmp_path / "project")
    (made / "parameters" / "environments" / "staging.yaml").write_text("url: wss://staging.example.com/ws\n")
    add_notebook(made, "works", FINISH, parameters=PARAMETERS)
    add_notebook(made, "waits", WAIT, FINISH, parameters=PARAMETERS)
    monkeypatch.chdir(made)
    return made


def test_what_is_due_is_run_once_with_its_slot_and_what_was_missed_is_recorded(project):
    write_schedule(
        project,
        nightly="notebook: works, cron: '0 * * * *', start: '2026-11-21T04:00Z', parameters: {since: -1h, attempts: 3}",
    )

    done = run_due(read_schedule(), now=at("21 06:30"))

    [run] = done.runs
    assert (run.status, run.exit_code) == ("ok", 1)
    assert run.record["schedule"] == {"name": "nightly", "slot_utc": "2026-11-21T06:00:00Z"}
    assert run.record["parameters"]["since"] == "2026-11-21T05:00:00Z"  # from the slot, however late it runs
    assert run.record["given"] == ["since", "attempts"]
    assert slots_of(project) == [
        ("nightly", "2026-11-21T04:00:00Z", "missed"),
        ("nightly", "2026-11-21T05:00:00Z", "missed"),
        ("nightly", "2026-11-21T06:00:00Z", "ok"),
    ]
    assert sorted(done.exit_codes) == [1, 3, 3]
    assert run_due(read_schedule(), now=at("21 06:59")).exit_codes == []
    assert run_due(read_schedule(), now=at("21 05:30")).exit_codes == []  # the clock was set back
    assert len(run_folders(project)) == 3


def test_a_missed_slot_is_a_run_folder_that_says_so(project):
    write_schedule(project, nightly="notebook: works, cron: '0 * * * *', start: '2026-11-21T04:00Z', catch_up: skip")

    done = run_due(read_schedule(), now=at("21 04:30"))

    [folder] = run_folders(project)
    record, results = read(folder / "run.json"), read(folder / "results.json")
    assert [run.folder for run in done.missed] == [folder]
    assert folder.name.startswith("20261121T040000000Z-works-")
    assert (record["status"], record["verdict"], record["exit_code"]) == ("missed", None, 3)
    assert (record["started_utc"], record["duration_s"]) == (None, None)
    assert record["error"]["message"] == (
        "The slot of 2026-11-21T04:00:00Z of schedule entry 'nightly' passed without a run, and catch_up is skip."
    )
    assert (results["status"], results["findings"]) == ("missed", [])
    assert "passed without a run" in (folder / "report.html").read_text()
    assert "passed without a run" in (folder / "report.md").read_text()
    assert folder.name in (project / "outputs" / "index.html").read_text()


def test_the_command_ends_as_its_worst_run_and_with_0_when_nothing_is_due(project):
    write_schedule(project, nightly=f"notebook: works, {yesterday_at(12)}")

    first, second = gpkit(project, "schedule", "due", "--json"), gpkit(project, "schedule", "due", "--json")

    assert first.returncode == 1, first.stderr
    assert json.loads(first.stdout)["verdict"] == "findings"
    assert first.stderr.startswith("works  ok  findings  ")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_retention_removes_old_runs_of_the_entry_alone(project):
    settings = "notebook: works, cron: '0 * * * *', start: '2026-11-21T04:00Z', catch_up: skip"
    # On another target: of one notebook and target, one last missed run is kept, whichever entry it is of.
    write_schedule(project, nightly=f"{settings}, retention: 1", other=f"{settings}, environment: staging")
    run_due(read_schedule(), now=at("21 06:30"))

    done = run_due(read_schedule(), names=["nightly"], now=at("21 07:01"))

    assert done.removed == {"nightly": 2}
    assert slots_of(project) == [
        ("nightly", "2026-11-21T06:00:00Z", "missed"),  # the last one of its status
        ("nightly", "2026-11-21T07:00:00Z", "ok"),
        ("other", "2026-11-21T04:00:00Z", "missed"),
        ("other", "2026-11-21T05:00:00Z", "missed"),
        ("other", "2026-11-21T06:00:00Z", "missed"),
    ]


def test_two_schedulers_on_one_folder_never_run_a_slot_twice(project):
    write_schedule(project, nightly=f"notebook: works, catch_up: all, {yesterday_at(11, 12)}")

    schedulers = [start_gpkit(project, "schedule", "due") for _ in range(3)]
    said = [process.communicate(timeout=120)[1] for process in schedulers]

    taken = [(name, slot) for name, slot, _ in slots_of(project)]
    assert len(taken) == len(set(taken)) == 2, said
    assert {status for _, _, status in slots_of(project)} == {"ok"}
    assert {process.returncode for process in schedulers} <= {0, 1}


def test_a_run_whose_kernel_died_is_tried_again_for_the_same_slot_and_then_done_with(project, monkeypatch):
    monkeypatch.setattr(attempts, "PAUSE_S", 0.01)
    dies_once = (
        "import os, pathlib\ntry:\n    pathlib.Path('died').mkdir()\nexcept OSError:\n    pass\nelse:\n    os._exit(9)"
    )
    add_notebook(project, "dies", dies_once, FINISH, parameters=PARAMETERS)
    write_schedule(project, nightly="notebook: dies, cron: '0 * * * *', start: '2026-11-21T06:00Z', retries: 1")

    done = run_due(read_schedule(), now=at("21 06:30"))

    assert done.exit_codes == [1]
    assert slots_of(project) == [
        ("nightly", "2026-11-21T06:00:00Z", "kernel-died"),
        ("nightly", "2026-11-21T06:00:00Z", "ok"),
    ]
    assert run_due(read_schedule(), now=at("21 06:59")).exit_codes == []


def test_a_killed_scheduler_resumes_and_repeats_nothing(project):
    write_schedule(project, nightly=f"notebook: waits, catch_up: all, {yesterday_at(10, 11)}")
    killed = start_gpkit(project, "schedule", "due")
    until(lambda: list((project / "outputs" / "runs").glob("[0-9]*.partial/notebook.ipynb")))

    killed.kill()
    killed.communicate()
    (project / "go").touch()
    done = gpkit(project, "schedule", "due")
    until(lambda: not list((project / "outputs" / "runs").glob("*.partial")))

    assert done.returncode == 1, done.stderr
    assert slots_of(project) == [
        ("nightly", stamp(yesterday(10)), "interrupted"),
        ("nightly", stamp(yesterday(11)), "ok"),
    ]


def test_a_scheduler_killed_while_it_records_what_was_missed_leaves_whole_records_and_the_next_one_the_rest(project):
    minutes = yesterday_at(12).replace("'0 12", "'*/2 12")
    write_schedule(project, nightly=f"notebook: works, catch_up: skip, {minutes}")
    killed = start_gpkit(project, "schedule", "due")
    until(lambda: len(run_folders(project)) >= 3)

    killed.kill()
    killed.communicate()
    before = slots_of(project)
    done = gpkit(project, "schedule", "due")

    assert done.returncode == 3, done.stderr
    assert 3 <= len(before) < 30
    assert {status for *_, status in slots_of(project)} == {"missed"}
    assert len({slot for _, slot, _ in slots_of(project)}) == len(run_folders(project)) == 30
    assert all((folder / "report.html").stat().st_size for folder in run_folders(project))


def test_on_a_full_disk_nothing_half_recorded_is_left_and_the_slot_stays_due(project):
    write_schedule(project, nightly=f"notebook: works, catch_up: skip, {yesterday_at(12)}")
    with small_disk(project / "outputs", 64) as outputs:
        (outputs / "filler").write_bytes(bytes(64 * 1024))
        full = gpkit(project, "schedule", "due")
        left = list((outputs / "runs").glob("[!.]*"))
    mended = gpkit(project, "schedule", "due")

    assert full.returncode == 4, full.stderr
    assert "outputs cannot be written. " in full.stderr
    assert "Traceback" not in full.stderr
    assert left == []
    assert mended.returncode == 3
    assert [status for *_, status in slots_of(project)] == ["missed"]


def test_an_entry_that_cannot_run_now_is_said_and_stays_due_and_the_others_run(project):
    start = yesterday_at(12)
    write_schedule(
        project,
        remote=f"notebook: works, environment: staging, {start}",
        gone=f"notebook: removed, {start}",
        here=f"notebook: works, {start}",
    )

    done = gpkit(project, "schedule", "due", GPKIT_JWT_SECRET="", GPKIT_TOKEN="")

    assert done.returncode == 4
    assert "Environment 'staging' needs a credential" in done.stderr
    assert "entry 'gone': There is no notebook 'removed'." in done.stderr
    assert [(name, status) for name, _, status in slots_of(project)] == [("here", "ok")]


def test_an_entry_that_is_not_there_is_refused_with_the_nearest_one(project, capsys):
    write_schedule(project, nightly="notebook: works, cron: '@daily'", gone="notebook: removed, cron: '@daily'")

    assert "There is no entry 'nightli' in the schedule. Did you mean 'nightly'?" in refused(capsys, "nightli")
    assert "entry 'gone': There is no notebook 'removed'." in refused(capsys, "gone")


def refused(capsys: pytest.CaptureFixture[str], *names: str) -> str:
    code = main(["schedule", "due", *names])
    said = capsys.readouterr()
    assert (code, said.out) == (4, "")
    return said.err


def test_an_outputs_folder_that_cannot_be_written_is_exit_4(project, capsys):
    write_schedule(project, nightly=f"notebook: works, {yesterday_at(12)}")
    (project / "outputs").write_text("a file")

    assert "cannot be written" in refused(capsys)


def test_another_scheduler_says_which_slot_its_run_stands_for(project):
    write_schedule(project, nightly=f"notebook: works, {yesterday_at(12)}")
    slot = stamp(yesterday(12))

    done = gpkit(project, "run", "works", "-p", "since=-1h", "--slot", f"nightly@{slot}")

    [folder] = run_folders(project)
    assert done.returncode == 1, done.stderr
    assert slots_of(project) == [("nightly", slot, "ok")]
    assert read(folder / "run.json")["parameters"]["since"] == stamp(yesterday(11))
    assert run_due(read_schedule()).exit_codes == []


@pytest.mark.parametrize(
    "slot", ["nightly", "nightly@", "@2026-11-21T05:00Z", "../x@2026-11-21T05:00Z", "nightly@soon"]
)
def test_a_slot_that_is_none_is_refused(project, slot, capsys):
    assert main(["run", "works", "--slot", slot]) == 4
    assert "slot" in capsys.readouterr().err
    assert run_folders(project) == []
