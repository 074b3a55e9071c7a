"""What is tried again, what is not, and what the records say of it: real kernels that die."""

from __future__ import annotations

import errno
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from gpkit import runs
from gpkit.cli import main
from gpkit.errors import FarSideError, KernelError, ParameterError
from gpkit.history import read as read_past
from gpkit.history.against import earlier
from gpkit.report.overview import overview
from gpkit.runs.asking.plan import Plan
from gpkit.runs.machine import kernel
from gpkit.runs.making import attempts
from tests.history_support import finding, meets, past_run
from tests.runs_support import FINISH, add_notebook, make_project, read, run_folders, start_gpkit

TIMES = """
import os, pathlib
times = pathlib.Path("times")
made = len(times.read_text()) if times.exists() else 0
times.write_text("x" * (made + 1))
"""
DIES = "os.kill(os.getpid(), 9)"
# The kernel first, then the process that drives it, then memory.
BREAKS = f"""
if made == 0:
    {DIES}
if made == 1:
    os.kill(os.getppid(), 9)
if made == 2:
    bytearray(10**15)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_project(tmp_path / "project")
    monkeypatch.chdir(made)
    monkeypatch.setattr(attempts, "PAUSE_S", 0.01)
    return made


def ended(status, kind="", stage="run"):
    return {"status": status, "error": {"kind": kind, "message": "", "stage": stage, "cell": None} if kind else None}


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (ended("kernel-died", "DeadKernelError", "cells"), "the kernel died"),
        (ended("kernel-died", "RuntimeError", "cells"), "the kernel died"),
        (ended("failed", "KernelError", "kernel"), "the kernel did not start"),
        (ended("failed", "WorkerEnded", "run"), "the process that drives the notebook died"),
        (ended("failed", "MemoryError", "cells"), "memory ran out"),
        (ended("failed", "_ArrayMemoryError", "cells"), "memory ran out"),
        (ended("failed", "OutOfMemoryException", "cells"), "memory ran out"),
        (ended("ok"), ""),
        (ended("timeout", "timeout", "cells"), ""),
        (ended("interrupted", "interrupted", "run"), ""),
        (ended("missed", "missed", "schedule"), ""),
        (ended("failed", "FarSideError", "kernel"), ""),
        (ended("failed", "FarSideError", "cells"), ""),
        (ended("failed", "ConnectionRefusedError", "cells"), ""),
        (ended("failed", "SourceError", "cells"), ""),
        (ended("failed", "ZeroDivisionError", "cells"), ""),
        (ended("failed", "KernelError", "cells"), ""),
        (ended("failed", "WorkerEnded", "report"), ""),
        (ended("failed", "OutputError", "report"), ""),
        (ended("failed", "RecordLost", "record"), ""),
        ({}, ""),
    ],
)
def test_only_what_broke_around_the_notebook_is_tried_again(record, says):
    assert attempts.cause(record) == says


def test_a_kernel_that_died_after_it_found_trouble_is_not_asked_until_it_finds_none():
    died = ended("kernel-died", "DeadKernelError", "cells")

    assert attempts.cause(died, [meets()]) == "the kernel died"
    assert attempts.cause(died, [meets(), finding()]) == ""


def test_attempts_share_one_deadline_and_none_is_made_that_has_less_time_than_the_last_one_took():
    plan = Plan(Path("a.ipynb"), Path(), Path(), {}, deadline_s=100.0, retries=3)
    second = attempts.following(plan, "first", 20.0)

    assert (second.attempt, second.retry_of, second.spent_s, second.deadline_s) == (2, "first", 22.0, 100.0)
    assert attempts.following(second, "second", 37.0).spent_s == 63.0
    assert attempts.following(second, "second", 38.0) is None
    assert attempts.following(plan, "first", 49.5) is None


def test_there_are_no_more_attempts_than_asked_for_and_pauses_are_bounded():
    plan = Plan(Path("a.ipynb"), Path(), Path(), {}, retries=1)

    assert attempts.following(replace(plan, attempt=2), "second", 1.0) is None
    assert attempts.following(replace(plan, retries=0), "first", 1.0) is None
    assert [attempts.pause_s(number) for number in (1, 2, 3, 4, 5, 10)] == [2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EAGAIN, KernelError), (errno.ENOMEM, KernelError), (errno.ENOENT, FarSideError)]
)
def test_a_machine_without_room_is_told_from_a_kernel_whose_program_is_gone(tmp_path, monkeypatch, number, kind):
    async def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("jupyter_client.manager.AsyncKernelManager.start_kernel", refused)

    with pytest.raises(FarSideError, match="The kernel 'python3' did not start: ") as caught:
        kernel.start("python3", cwd=tmp_path, private=tmp_path, run_id="r", run_folder=tmp_path)
    assert type(caught.value) is kind


@pytest.mark.parametrize("count", [-1, 11])
def test_a_number_of_retries_that_makes_no_sense_is_refused_before_anything_starts(project, count):
    add_notebook(project, "works", "1")

    with pytest.raises(ParameterError, match=f"{count} retries are not possible. There may be 0 to 10."):
        runs.run("works", retries=count)
    assert run_folders(project) == []


def test_a_run_whose_surroundings_break_is_tried_again_and_every_attempt_has_its_linked_folder(project, capsys):
    add_notebook(project, "dies", TIMES, BREAKS, FINISH)

    code = main(["run", "dies", "--retries", "3", "--json"])

    said = capsys.readouterr()
    records = [read(folder / "run.json") for folder in run_folders(project)]
    ids = [one["run_id"] for one in records]
    assert [one["status"] for one in records] == ["kernel-died", "failed", "failed", "ok"]
    assert [one["exit_code"] for one in records] == [3, 3, 3, 1]
    assert [(one.get("attempt"), one.get("retry_of")) for one in records] == [
        (None, None), (2, ids[0]), (3, ids[1]), (4, ids[2]),
    ]  # fmt: skip
    assert {one["deadline_s"] for one in records} == {600.0}
    assert code == 1
    assert [json.loads(line)["run_id"] for line in said.out.splitlines()] == [ids[3]]
    assert "(attempt 1 of 4: the kernel died; next one in 0.01 s)" in said.err
    assert "(attempt 2 of 4: the process that drives the notebook died; next one in 0.02 s)" in said.err
    assert "(attempt 3 of 4: memory ran out; next one in 0.04 s)" in said.err
    page = (project / "outputs" / "index.html").read_text()
    assert "Attempt 4. 0.71 of 200" in page
    assert "3 failed attempts tried again" in page
    assert f"4, after {ids[2]}" in (run_folders(project)[3] / "report.html").read_text()


def test_an_attempt_has_what_earlier_ones_left_of_the_deadline(project):
    notebook = add_notebook(project, "hangs", "import time; time.sleep(600)")
    plan = replace(runs.make_plan(notebook, retries=3), attempt=2, retry_of="the-first-one", spent_s=597.0)

    [made] = runs.launch([plan])

    assert (made.status, made.record["deadline_s"]) == ("timeout", 600.0)
    assert 3.0 <= made.record["duration_s"] < 60.0
    assert len(run_folders(project)) == 1


def test_a_run_that_found_something_or_raised_is_made_once(project):
    add_notebook(project, "finds", FINISH)
    add_notebook(project, "raises", "1 / 0")

    made = runs.run(["finds", "raises"], retries=3, jobs=2)

    assert sorted(one.exit_code for one in made) == [1, 3]
    assert len(run_folders(project)) == 2


def test_an_interruption_between_attempts_starts_no_other(project):
    add_notebook(project, "dies", TIMES, DIES)
    process = start_gpkit(project, "run", "dies", "--retries", "3")
    said = next(line for line in process.stderr if "attempt" in line)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert "next one in 2 s" in said
    assert process.returncode == 3
    assert [read(folder / "run.json")["status"] for folder in run_folders(project)] == ["kernel-died"]


def test_an_attempt_that_was_tried_again_is_no_point_of_a_trend_and_no_failed_run(tmp_path):
    past_run(tmp_path, 0, finding())
    first = past_run(tmp_path, 60, status="kernel-died")
    second = past_run(tmp_path, 61, status="kernel-died", retry_of=first.name, attempt=2)
    past_run(tmp_path, 62, finding(), retry_of=second.name, attempt=3)
    alone = past_run(tmp_path, 120, status="kernel-died")
    last = past_run(tmp_path, 180, finding())
    pasts = [read_past(folder) for folder in sorted((tmp_path / "runs").iterdir(), reverse=True)]

    [entry] = overview(pasts)
    names = [past.run_id for past in earlier(tmp_path / "runs", read_past(last))]

    assert (entry.failed, entry.of, entry.retried, entry.total) == (1, 4, 2, 6)
    assert names[0] == alone.name
    assert len(names) == 3
    assert {first.name, second.name}.isdisjoint(names)
