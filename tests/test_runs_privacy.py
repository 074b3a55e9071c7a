"""Nobody else on the machine can reach a kernel: by its sockets, its connection file, a port, or what a run leaves."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from gpkit.runs.recording import folder as folders
from tests.runs_support import (
    add_notebook,
    as_another_user,
    make_project,
    processes_with,
    read,
    run_folders,
    start_gpkit,
    until,
)

FORKS = "import os\nif os.fork() == 0:\n    print('from a fork', flush=True)\n    os._exit(0)\nos.wait()"
HANGS = "open('hanging', 'w').close()\nimport time\ntime.sleep(600.5)"


@pytest.fixture(scope="module")
def run() -> Iterator[Path]:
    """The folder of a run whose kernel works, where every user may look into the project."""
    above = Path(tempfile.mkdtemp())
    above.chmod(0o755)
    project = make_project(above / "project")
    add_notebook(project, "hangs", FORKS, HANGS)
    process = start_gpkit(project, "run", "hangs")
    try:
        until(lambda: (project / "hanging").exists())
        yield run_folders(project)[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        shutil.rmtree(above)


def pids(run: Path) -> list[int]:
    return processes_with(run.name.removesuffix(folders.PARTIAL))


def tried(*acts: Callable[[], object]) -> list[str]:
    """How each attempt ended."""
    ends = []
    for act in acts:
        try:
            act()
            ends.append("done")
        except OSError as error:
            ends.append(type(error).__name__)
    return ends


def connect(path: Path) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as line:
        line.connect(str(path))


def test_another_user_who_knows_every_path_reaches_neither_sockets_nor_connection_file(run):
    private = Path(read(run / folders.PROCESS_FILE)["private"])
    sockets = [path for path in private.iterdir() if path.is_socket()]
    acts = [
        lambda: os.listdir(private),
        lambda: (private / "kernel.json").read_text(),
        lambda: os.rename(private, f"{private}-taken"),
        *(lambda path=path: connect(path) for path in sockets),
    ]

    assert as_another_user(lambda: tried(*acts)) == ["PermissionError"] * len(acts)
    assert len(sockets) == 6  # the kernel's five, and one for what its forks print
    assert tried(*(lambda path=path: connect(path) for path in sockets)) == ["done"] * 6  # the paths are right


def test_another_user_learns_no_key_from_the_processes_of_a_run_and_cannot_end_them(run):
    key = read(Path(read(run / folders.PROCESS_FILE)["private"]) / "kernel.json")["key"]
    processes = pids(run)
    acts = [
        act
        for pid in processes
        for act in (
            lambda pid=pid: Path(f"/proc/{pid}/environ").read_bytes(),
            lambda pid=pid: os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY)),
            lambda pid=pid: os.listdir(f"/proc/{pid}/fd"),
            lambda pid=pid: os.kill(pid, signal.SIGTERM),
        )
    ]

    assert len(processes) >= 3  # supervisor, worker, kernel
    assert set(as_another_user(lambda: tried(*acts))) == {"PermissionError"}
    assert all(key not in Path(f"/proc/{pid}/cmdline").read_text() for pid in processes)


def test_what_another_user_may_read_of_an_unfinished_run_is_no_way_in(run):
    key = read(Path(read(run / folders.PROCESS_FILE)["private"]) / "kernel.json")["key"]
    files = [str(path) for path in run.rglob("*") if path.is_file()]

    told = as_another_user(lambda: "".join(Path(path).read_text() for path in files))

    assert '"private"' in told  # the path alone, into which nobody else gets
    assert key not in told
    assert (
        as_another_user(lambda: tried(lambda: (run / "x").touch(), lambda: os.rename(run, f"{run}-taken")))
        == ["PermissionError"] * 2
    )


def test_no_process_of_a_run_listens_on_a_port(run):
    assert [psutil.Process(pid).net_connections(kind="inet") for pid in pids(run)] == [[]] * len(pids(run))


def test_what_a_forked_process_prints_still_arrives(run):
    until(lambda: "from a fork" in (run / "notebook.ipynb").read_text() if (run / "notebook.ipynb").exists() else False)
