"""``gpkit prune``: what goes, what never goes, and what a sudden death or a second command does to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from gpkit.errors import ParameterError
from gpkit.runs.machine.processes import identity
from gpkit.runs.recording.retention import Keep, parse_keep, prune
from tests.history_support import BEGIN, finding, many_runs, meets, past_run, undecided
from tests.runs_support import as_another_user, gpkit, make_project, until

DAY = 24 * 60.0
NOW = BEGIN + timedelta(days=10)


def left(root):
    return sorted(path.name for path in (root / "runs").iterdir())


def test_runs_older_than_asked_for_go_and_the_last_of_each_verdict_stays(tmp_path):
    last_failing = past_run(tmp_path, 0, finding())
    past_run(tmp_path, 1, meets())
    past_run(tmp_path, 2, meets())
    young = past_run(tmp_path, 9 * DAY, meets())
    elsewhere = past_run(tmp_path, 3, meets(), environment="production")

    done = prune(tmp_path, Keep(age=timedelta(days=2)), now=NOW)

    assert left(tmp_path) == sorted(path.name for path in (last_failing, young, elsewhere))
    assert len(done.removed) == 2
    assert done.freed_bytes > 2000
    assert done.kept == {"asked for": 1, "the last of their verdict": 2}


def test_a_number_counts_for_each_notebook_and_environment(tmp_path):
    for minute in range(5):
        past_run(tmp_path, minute, meets())
        past_run(tmp_path, minute, meets(), notebook="auth_timing")

    prune(tmp_path, Keep(count=2), now=NOW)

    assert len(left(tmp_path)) == 4


def test_failed_and_missed_runs_have_a_last_one_too(tmp_path):
    for minute, status in enumerate(["timeout", "missed", "timeout", "missed", "ok"]):
        past_run(tmp_path, minute, status=status, started_utc=None if status == "missed" else "2026-11-01T00:00:00Z")

    prune(tmp_path, Keep(count=0), now=NOW)

    assert [json.loads((tmp_path / "runs" / name / "run.json").read_text())["status"] for name in left(tmp_path)] == [
        "timeout", "missed", "ok",
    ]  # fmt: skip


def test_a_run_that_a_finding_of_a_kept_run_names_stays_and_what_that_names_too(tmp_path):
    first = past_run(tmp_path, 0, meets())
    second = past_run(tmp_path, 1, meets(next_step=f"gpkit diff {first.name} last"))
    unnamed = past_run(tmp_path, 2, meets())
    past_run(tmp_path, 3, meets(evidence=[f"outputs/runs/{second.name}/evidence"], claim=f"As in {first.name}."))

    done = prune(tmp_path, Keep(count=1), now=NOW)

    assert [past.run_id for past in done.removed] == [unnamed.name]
    assert done.kept["named by a finding"] == 2


def test_a_run_being_made_and_folders_that_are_no_runs_stay(tmp_path):
    running = past_run(tmp_path, 0, status="running").rename(tmp_path / "runs" / "made.partial")
    (running / "process.json").write_text(json.dumps(identity(os.getpid())))
    (tmp_path / "runs" / "notes").mkdir()
    broken = past_run(tmp_path, 1)
    (broken / "run.json").write_text("{")
    past_run(tmp_path, 2, status="paused")
    for minute in (3, 4):
        past_run(tmp_path, minute, meets())

    done = prune(tmp_path, Keep(count=0), now=NOW)

    assert len(done.removed) == 1
    assert done.kept == {"not readable as runs": 3, "being made": 1, "the last of their verdict": 1}


def test_only_runs_of_a_notebook_and_an_environment_go_when_they_are_named(tmp_path):
    for minute in range(3):
        past_run(tmp_path, minute, meets())
        past_run(tmp_path, minute, meets(), notebook="auth_timing")
        past_run(tmp_path, minute, meets(), notebook="auth_timing", environment="production", tail=1)

    done = prune(tmp_path, Keep(count=0), notebook="auth_timing", environment="production", now=NOW)

    assert {(past.notebook, past.environment) for past in done.removed} == {("auth_timing", "production")}
    assert len(done.removed) == 2


def test_a_dry_run_says_what_would_go_and_removes_nothing(tmp_path):
    for minute in range(3):
        past_run(tmp_path, minute, undecided())
    (tmp_path / "runs" / ".trash-x").mkdir()

    done = prune(tmp_path, Keep(count=1), dry_run=True, now=NOW)

    assert len(done.removed) == 2
    assert len(left(tmp_path)) == 4


def test_what_a_killed_command_had_not_yet_deleted_is_deleted_by_the_next(tmp_path):
    past_run(tmp_path, 0).rename(tmp_path / "runs" / ".trash-20261101-1")

    prune(tmp_path, Keep(count=0), now=NOW)

    assert left(tmp_path) == []


def test_an_outputs_folder_without_runs_is_nothing_to_prune(tmp_path):
    assert prune(tmp_path / "nothing", Keep(count=0)).removed == []


def test_a_command_killed_at_any_moment_leaves_whole_runs_only(tmp_path):
    many_runs(tmp_path, 800)
    project = make_project(tmp_path / "project")
    killed = subprocess.Popen(
        [sys.executable, "-m", "gpkit", "prune", "--keep", "1", "--outputs", str(tmp_path)],
        cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until(lambda: len(os.listdir(tmp_path / "runs")) < 700)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    seen = [path for path in (tmp_path / "runs").iterdir() if not path.name.startswith(".")]

    assert 30 < len(seen) < 800
    assert all({"run.json", "report.html"} <= {file.name for file in path.iterdir()} for path in seen)

    prune(tmp_path, Keep(count=1))
    assert 6 <= len(left(tmp_path)) <= 24  # six pairs, four words for how a run ended
    assert not list((tmp_path / "runs").glob(".trash-*"))


def test_commands_at_the_same_time_remove_each_run_once(tmp_path):
    many_runs(tmp_path, 400)
    done = []
    threads = [threading.Thread(target=lambda: done.append(prune(tmp_path, Keep(count=3)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    removed = [past.run_id for one in done for past in one.removed]
    assert len(removed) == len(set(removed)) == 400 - len(left(tmp_path))
    assert all(one.problems == [] for one in done)


def test_a_folder_that_may_not_be_removed_is_named_and_stays_whole():
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        names = [past_run(folder, minute, meets()).name for minute in range(3)]

        removed, problems = as_another_user(
            lambda: (lambda done: (len(done.removed), done.problems))(prune(folder, Keep(count=1)))
        )

        assert removed == 0
        assert problems == [f"{name} cannot be removed: Permission denied." for name in names[:2]]
        assert left(folder) == names
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("written", "keep"),
    [
        ("30d", Keep(age=timedelta(days=30))),
        ("12h", Keep(age=timedelta(hours=12))),
        (" 8 w ", Keep(age=timedelta(weeks=8))),
        ("100", Keep(count=100)),
    ],
)
def test_what_to_keep_is_an_age_or_a_number(written, keep):
    assert parse_keep(written) == keep


@pytest.mark.parametrize("written", ["", "all", "-1", "1.5d", "30 years", "9999999w9", "d"])
def test_anything_else_is_refused(written):
    with pytest.raises(ParameterError, match="does not say what to keep"):
        parse_keep(written)


@pytest.mark.parametrize("written", ["0", " 0 d"])
def test_keeping_nothing_is_refused_and_removes_nothing(tmp_path, written):
    project = make_project(tmp_path)
    past_run(project / "outputs", 0, meets())
    past_run(project / "outputs", 1, meets())

    done = gpkit(project, "prune", "--keep", written)

    assert done.returncode == 4
    assert "would keep nothing but the last run of each status and verdict.\nWrite --keep 1 to keep" in done.stderr
    assert len(left(project / "outputs")) == 2


def test_the_command_says_what_went_and_what_it_freed_and_renews_the_list(tmp_path):
    project = make_project(tmp_path)
    for minute in range(3):
        past_run(project / "outputs", minute, meets())

    planned = gpkit(project, "prune", "--keep", "1", "--dry-run")
    done = gpkit(project, "prune", "--keep", "1")

    assert "2 runs would be removed, 0.0 MB freed." in planned.stderr
    assert done.returncode == 0
    assert "2 runs removed, 0.0 MB freed.\nKept: 1 asked for." in done.stderr
    assert [json.loads(line)["size_bytes"] > 1000 for line in done.stdout.splitlines()] == [True, True]
    assert (project / "outputs" / "index.html").read_text().count("event_success_rates-000000") >= 1
    assert len(left(project / "outputs")) == 1


def test_the_last_run_of_a_schedules_entry_stays_since_it_tells_where_the_entry_stands(tmp_path):
    slot = {"name": "hourly", "slot_utc": "2026-11-01T00:00:00Z"}
    past_run(tmp_path, 0, meets(), schedule=slot)
    of_the_entry = past_run(tmp_path, 1, meets(), schedule=slot)
    by_hand = past_run(tmp_path, 2, meets())

    done = prune(tmp_path, Keep(age=timedelta(days=2)), now=NOW)

    assert left(tmp_path) == sorted([of_the_entry.name, by_hand.name])
    assert done.kept == {"the last of their verdict": 1, "the last of their schedule": 1}


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (["--notebook", "auth_timng"], "No run's notebook is 'auth_timng'."),
        (["--notebook", "auth_timng"], "Did you mean 'auth_timing'?"),
        (["-e", "production"], "There are: staging."),
    ],
)
def test_a_choice_that_no_run_fits_is_refused(tmp_path, chosen, told):
    project = make_project(tmp_path)
    past_run(project / "outputs", 0, notebook="auth_timing")

    done = gpkit(project, "prune", "--keep", "1", *chosen)

    assert done.returncode == 4
    assert told in done.stderr
    assert len(left(project / "outputs")) == 1
