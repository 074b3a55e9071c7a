"""A run that dies at any step of its records loses nothing recorded, and shows nothing that it did not earn."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gpkit import history
from gpkit.runs.recording import folder as folders
from gpkit.runs.recording.orphans import complete_orphans
from tests.cache_support import small_disk
from tests.history_support import past_run
from tests.runs_support import (
    FINISH,
    add_notebook,
    gpkit,
    make_project,
    processes_with,
    read,
    run_folders,
    start_gpkit,
    until,
)

STEPS = str(Path(__file__).with_name("steps"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = make_project(tmp_path / "project")
    add_notebook(made, "works", FINISH)
    return made


def stepwise(project: Path, **told: Any) -> dict[str, str]:
    """What makes the processes of a run act at their steps: tests/steps/sitecustomize.py."""
    path = os.pathsep.join([STEPS, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PYTHONPATH": path, "GPKIT_TEST_STEPS": json.dumps({"runs": str(project / "outputs" / "runs"), **told})}


def run_until(project: Path, at: str, do: str) -> subprocess.CompletedProcess[str]:
    return gpkit(project, "run", "works", **stepwise(project, at=at, do=do))


def test_death_before_during_and_after_each_write_loses_nothing_and_claims_nothing(project, tmp_path):
    copies = tmp_path / "copies"
    done = gpkit(project, "run", "works", **stepwise(project, copies=str(copies)))
    assert done.returncode == 1, done.stderr

    steps = sorted(copies.iterdir(), key=lambda path: int(path.name.split()[0]))
    labels = [path.name.split(" ", 1)[1] for path in steps]
    assert {"supervisor half run.json 1", "kernel open results.json 1", "worker half notebook.ipynb 1"} <= set(labels)
    assert {"supervisor half results.json 2", "worker open report.html 1", "supervisor rename folder 1"} <= set(labels)
    assert len(steps) > 30

    ended = {label: left_by(root) for label, root in zip(labels, steps, strict=True)}
    earned = labels.index("supervisor rename run.json 3")  # from then on the last record stands
    for at, (label, run) in enumerate(ended.items()):
        assert run in (None, ("ok", "findings") if at > earned else ("interrupted", "")), label


def left_by(root: Path) -> tuple[str, str] | None:
    """Looks at an outputs folder as the next command does; status and verdict of its one run."""
    before = [past for past in history.newest(root / "runs") if past.is_partial]
    assert all((past.status, past.verdict, past.problems) == ("running", "", ()) for past in before)
    recorded = [read(past.folder / "results.json").get("findings") for past in before if is_whole(past.folder)]

    complete_orphans(root)

    found = list(history.newest(root / "runs"))
    assert not list((root / "runs").glob("*.partial"))
    if not found:
        return None
    [past] = found
    results = read(past.folder / "results.json")
    assert past.problems == ()
    assert [results["findings"]] == (recorded or [results["findings"]])
    assert (results["status"], results["verdict"] or "") == (past.status, past.verdict)
    assert ("FAILS" in past.report.read_text()[:2000]) == (past.verdict == "findings")
    assert not before or past.run_id in (root / "index.html").read_text()
    assert not list(past.folder.glob(".*"))
    return past.status, past.verdict


def is_whole(folder: Path) -> bool:
    return bool(folders.read_json(folder / "results.json"))


@pytest.mark.parametrize(
    ("at", "status", "verdict"),
    [
        ("supervisor half run.json 1", "interrupted", None),  # while the kernel starts
        ("supervisor half results.json 1", "interrupted", None),  # when the cells have ended
        ("supervisor rename folder 1", "ok", "findings"),  # everything is done but its name
        ("worker half notebook.ipynb 1", "failed", None),
        ("worker open report.html 1", "ok", "findings"),  # another process makes the report
    ],
)
def test_a_process_of_a_run_that_is_killed_at_a_step_leaves_what_was_earned(project, at, status, verdict):
    done = run_until(project, at, "kill")

    [folder] = run_folders(project)
    record, results = read(folder / "run.json"), read(folder / "results.json")
    assert (record["status"], record["verdict"]) == (results["status"], results["verdict"]) == (status, verdict)
    assert done.returncode == record["exit_code"]
    assert done.stderr.count(f"works  {status}") == 1
    assert "Traceback" not in done.stderr
    assert (folder / "report.html").is_file()
    assert processes_with(folder.name) == []


def test_supervisor_and_kernel_killed_at_once_leave_an_interrupted_run_and_no_process(project):
    add_notebook(project, "hangs", FINISH, "open('hanging', 'w').close()\nimport time\ntime.sleep(600.25)")
    process = start_gpkit(project, "run", "hangs")
    until(lambda: (project / "hanging").exists())
    [folder] = run_folders(project)
    run_id = folder.name.removesuffix(folders.PARTIAL)
    supervisor = read(folder / folders.PROCESS_FILE)["pid"]
    [kernel] = [pid for pid in processes_with(run_id) if pid in processes_with("ipykernel_launcher")]
    for pid in (supervisor, kernel):
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=60)

    [folder] = run_folders(project)
    assert (process.returncode, read(folder / "run.json")["status"]) == (3, "interrupted")
    assert read(folder / "results.json")["findings"][0]["n"] == 200
    until(lambda: not processes_with(run_id))


def kernels_of(run_id: str) -> list[int]:
    return sorted(set(processes_with(run_id)) & set(processes_with("ipykernel_launcher")))


def test_a_kernel_killed_while_it_starts_is_said_to_have_died(project):
    add_notebook(project, "slow", "import time\ntime.sleep(20.25)", FINISH)
    process = start_gpkit(project, "run", "slow")
    until(lambda: run_folders(project) and kernels_of(run_folders(project)[0].name.removesuffix(folders.PARTIAL)))
    run_id = run_folders(project)[0].name.removesuffix(folders.PARTIAL)
    for pid in kernels_of(run_id):
        os.kill(pid, signal.SIGKILL)
    _, said = process.communicate(timeout=60)

    [folder] = run_folders(project)
    record = read(folder / "run.json")
    assert (process.returncode, record["status"], record["verdict"]) == (3, "kernel-died", None)
    assert record["cells"]["run"] <= 1
    assert said.count("slow  kernel-died") == 1
    assert (folder / "report.html").is_file()
    until(lambda: not processes_with(run_id))


def test_a_kernel_killed_while_the_report_is_made_changes_nothing(project):
    process = start_gpkit(project, "run", "works", **stepwise(project, at="worker open report.html 1", do="stop"))
    until(lambda: (project / "outputs" / "acted").exists())
    run_id = run_folders(project)[0].name.removesuffix(folders.PARTIAL)
    [worker] = [pid for pid in processes_with(run_id) if pid in processes_with("gpkit.runs.making.worker")]
    for pid in kernels_of(run_id):
        os.kill(pid, signal.SIGKILL)
    os.kill(worker, signal.SIGCONT)
    _, said = process.communicate(timeout=60)

    [folder] = run_folders(project)
    record = read(folder / "run.json")
    assert (process.returncode, record["status"], record["verdict"]) == (1, "ok", "findings")
    assert "Traceback" not in said
    assert processes_with(run_id) == []


@pytest.mark.parametrize(
    "at", ["supervisor open run.json 1", "kernel open results.json 1", "worker open notebook.ipynb 1"]
)
def test_a_disk_that_gets_full_is_one_message_and_the_run_is_recorded_once_there_is_room(project, at):
    with small_disk(project / "outputs", 2048) as outputs:
        done = run_until(project, at, "fill")
        left = json.loads(gpkit(project, "runs", "--json").stdout)
        (outputs / "filler").unlink()
        [mended] = map(json.loads, gpkit(project, "runs", "--json").stdout.splitlines())
        record = read(Path(mended["folder"]) / "run.json")

    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    assert (left["status"], left["verdict"]) == ("interrupted", None)
    assert mended["status"] in ("interrupted", "failed")
    assert (mended["verdict"], record["verdict"], record["exit_code"]) == (None, None, 3)
    assert mended["report"]


def test_two_commands_at_once_on_one_folder_each_record_their_own_run_and_complete_an_orphan_once(project):
    orphan = folders.create(project / "outputs", "20250101T000000000Z-works-000000")
    folders.write_json(orphan / "run.json", {"run_id": "x", "status": "running", "notebook": "works"})
    folders.write_json(orphan / folders.PROCESS_FILE, {})

    processes = [start_gpkit(project, "run", "works") for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in processes]

    records = [read(folder / "run.json") for folder in run_folders(project)]
    assert [process.returncode for process in processes] == [1, 1], said
    assert [record["status"] for record in records] == ["interrupted", "ok", "ok"]
    assert [list(folder.glob(".*")) for folder in run_folders(project)] == [[], [], []]
    assert (project / "outputs" / "index.html").read_text().count("report.html") >= 3


@pytest.mark.parametrize(
    "content", ['{"findings": ["x", 7]}', '{"findings": {"a": 1}, "coverage": "x"}', "[" * 100_000, "[1]", "\xff\xfe"]
)
def test_an_orphan_that_holds_anything_at_all_is_completed_and_so_are_the_others(tmp_path, content):
    for number in range(2):
        folder = folders.create(tmp_path, f"20250101T00000000{number}Z-a-000000")
        folders.write_json(folder / folders.PROCESS_FILE, {})
    (folder / "results.json").write_bytes(content.encode("latin-1"))
    (folder / "run.json").write_text('{"status": "ok", "verdict": "healthy", "started_utc": "2999-01-01T00:00:00Z"}')

    assert len(complete_orphans(tmp_path)) == 2

    for past in history.newest(tmp_path / "runs"):
        assert (past.status, past.verdict, past.duration_s) == ("interrupted", "", None)
        assert past.report


def test_a_clock_set_back_during_a_run_is_recorded_and_no_duration_or_comparison_goes_by_it(project):
    later = past_run(project / "outputs", notebook="works", run_id="29990101T000000000Z-works-000000")
    started = {"started_utc": "2999-01-01T00:00:00Z", "environment": None}
    folders.write_json(later / "run.json", {**read(later / "run.json"), **started})

    done = run_until(project, "supervisor half run.json 1", "set back")

    [folder, _] = run_folders(project)
    record, page = read(folder / "run.json"), (folder / "report.html").read_text()
    assert (done.returncode, record["status"], record["verdict"]) == (1, "ok", "findings")
    assert record["ended_utc"] < record["started_utc"]
    assert -7202 < record["clock_moved_s"] < -7198
    assert 0 < record["duration_s"] == record["timings"]["total_s"] < 100
    assert "was set back by 2 h 0 min during the run" in page
    assert done.stderr.count(f"The run {later.name} is dated later than this machine's clock (") == 1
    assert read(folder / "results.json")["against"]["runs"] == 0
