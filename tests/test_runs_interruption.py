"""Whatever is killed or stopped, nothing recorded is lost and nothing looks like success."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import nbformat
import pytest

from gpkit import runs
from gpkit.runs.recording import folder as folders
from gpkit.runs.recording.orphans import complete_orphans
from tests.runs_support import (
    FINISH,
    add_notebook,
    cells_of,
    make_project,
    processes_with,
    read,
    run_folders,
    start_gpkit,
    until,
)

HANGS = "print('kept', flush=True)\nopen('hanging', 'w').close()\nimport time\ntime.sleep(600.25)"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def start_hanging(project: Path, *options: str):
    """A run that waits in its second cell; returns its process once it waits there."""
    add_notebook(project, "hangs", FINISH, HANGS)
    process = start_gpkit(project, "run", "hangs", *options)
    until(lambda: (project / "hanging").exists())
    return process


def supervisor_of(project: Path) -> int:
    [folder] = run_folders(project)
    return int(read(folder / folders.PROCESS_FILE)["pid"])


def worker_of(project: Path) -> int:
    supervisor = supervisor_of(project)
    [worker] = [pid for pid in processes_with("gpkit.runs.making.worker") if parent(pid) == supervisor]
    return worker


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_as_interrupted_with_a_partial_report(project, number):
    process = start_hanging(project)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    [folder] = run_folders(project)
    assert process.returncode == 3
    assert "hangs  interrupted" in said
    assert "Traceback" not in said
    assert read(folder / "run.json")["status"] == read(folder / "results.json")["status"] == "interrupted"
    assert read(folder / "run.json")["verdict"] is None
    assert read(folder / "results.json")["findings"][0]["n"] == 200
    assert "kept\n" in cells_of(folder)[1].outputs[0].text
    assert "INTERRUPTED" in (folder / "report.html").read_text()
    assert processes_with(folder.name) == []


def test_runs_that_wait_for_their_turn_are_not_started_after_an_interruption(project):
    add_notebook(project, "waits", "1")
    process = start_hanging(project, "waits")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert [read(folder / "run.json")["notebook"] for folder in run_folders(project)] == ["hangs"]


def test_a_caller_that_is_killed_leaves_an_interrupted_run(project):
    process = start_hanging(project)
    process.kill()
    process.communicate(timeout=60)

    folder = until(lambda: [found for found in run_folders(project) if not found.name.endswith(folders.PARTIAL)])[0]
    assert read(folder / "run.json")["status"] == "interrupted"
    assert (folder / "report.html").is_file()


def test_a_supervisor_that_is_killed_takes_the_kernel_along_and_the_run_is_interrupted(project):
    process = start_hanging(project)
    os.kill(supervisor_of(project), signal.SIGKILL)
    _, said = process.communicate(timeout=60)

    [folder] = run_folders(project)
    assert process.returncode == 3
    assert "hangs  interrupted" in said
    assert read(folder / "run.json")["status"] == "interrupted"
    assert read(folder / "results.json")["findings"][0]["n"] == 200
    assert sorted(path.name for path in folder.iterdir())[-4:] == [
        "report.html",
        "report.md",
        "results.json",
        "run.json",
    ]


def test_a_worker_that_is_killed_is_a_failed_run(project):
    process = start_hanging(project)
    os.kill(worker_of(project), signal.SIGKILL)
    process.communicate(timeout=60)

    [folder] = run_folders(project)
    assert process.returncode == 3
    assert read(folder / "run.json")["status"] == "failed"
    assert "signal 9" in read(folder / "run.json")["error"]["message"]
    assert "RUN FAILED" in (folder / "report.html").read_text()


def test_an_orphan_is_completed_by_the_next_command(project, monkeypatch):
    monkeypatch.chdir(project)
    outputs = project / "outputs"
    orphan = folders.create(outputs, "20250101T000000000Z-handshake_race-000000")
    folders.write_json(orphan / "run.json", {"run_id": "x", "status": "running", "notebook": "handshake_race"})
    folders.write_json(orphan / folders.PROCESS_FILE, {"pid": 2**22 - 1, "process_started": 1.0, "boot_id": "gone"})

    runs.run(add_notebook(project, "works", "1"))

    final = outputs / "runs" / "20250101T000000000Z-handshake_race-000000"
    assert not orphan.exists()
    assert read(final / "run.json")["status"] == "interrupted"
    assert read(final / "run.json")["exit_code"] == 3
    assert (final / "report.html").is_file()


def test_a_run_in_progress_is_no_orphan(tmp_path):
    folder = folders.create(tmp_path, "20250101T000000000Z-a-000000")

    assert complete_orphans(tmp_path) == []
    assert folder.is_dir()


def test_a_run_of_another_host_or_container_is_no_orphan_before_its_time_is_over(tmp_path):
    folder = folders.create(tmp_path, "20250101T000000000Z-a-000000")
    elsewhere = read(folder / folders.PROCESS_FILE) | {"pid": 2**22 - 1, "place": "another pid:[1]"}
    folders.write_json(folder / folders.PROCESS_FILE, elsewhere)

    assert complete_orphans(tmp_path) == []
    assert folder.is_dir()

    folders.write_json(folder / folders.PROCESS_FILE, elsewhere | {"until_s": time.time() - 1})
    [final] = complete_orphans(tmp_path)

    assert read(final / "run.json")["status"] == "interrupted"


def test_another_process_with_the_same_pid_does_not_keep_an_orphan_alive(tmp_path):
    folder = folders.create(tmp_path, "20250101T000000000Z-a-000000")
    mine = read(folder / folders.PROCESS_FILE)
    folders.write_json(folder / folders.PROCESS_FILE, {**mine, "process_started": mine["process_started"] - 1})

    assert [found.name for found in complete_orphans(tmp_path)] == ["20250101T000000000Z-a-000000"]


def test_a_notebook_cut_short_on_disk_still_gets_a_report(tmp_path):
    folder = folders.create(tmp_path, "20250101T000000000Z-a-000000")
    whole = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
    (folder / "notebook.ipynb").write_text(whole[: len(whole) // 2])
    folders.write_json(folder / folders.PROCESS_FILE, {})

    [final] = complete_orphans(tmp_path)

    assert read(final / "run.json")["status"] == "interrupted"
    assert (final / "report.html").is_file()


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    folders.write_json(path, {"status": "ok"})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        folders.write_json(path, {"status": "failed"})

    assert read(path) == {"status": "ok"}
    assert [found.name for found in tmp_path.iterdir()] == ["run.json"]


def test_text_that_is_no_unicode_is_written_as_its_escape(tmp_path):
    folders.write_json(tmp_path / "run.json", {"message": "a\ud800b"})

    assert json.loads((tmp_path / "run.json").read_bytes()) == {"message": "a\ud800b"}


def test_run_ids_sort_by_time_and_are_unique():
    from datetime import UTC, datetime, timedelta

    at = datetime(2025, 9, 7, 13, 20, 0, 999_000, tzinfo=UTC)
    ids = [folders.new_run_id("a/b c", at + timedelta(milliseconds=step)) for step in (0, 1, 1, 2)]

    assert ids[0].startswith("20250907T132000999Z-a-b-c-")
    assert [identifier[:19] for identifier in ids] == sorted(identifier[:19] for identifier in ids)
    assert len(set(ids)) == 4
