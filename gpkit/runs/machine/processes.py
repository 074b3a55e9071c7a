"""Every process that a run started, and how to end all of them. Linux first; elsewhere the process tree only.

A run's processes are found in two ways. Its supervisor adopts whatever loses its parent, so they stay below it in
the process tree whatever they do; and each carries ``GPKIT_RUN_ID`` in its environment, which outlives even the
supervisor.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RUN_ID = "GPKIT_RUN_ID"
RUN_FOLDER = "GPKIT_RUN_FOLDER"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ENDING_S = 5.0  # chosen: a killed process that is still there by then is stuck in the kernel


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent_pid: int) -> None:
    """Be killed when the parent process ends; at once when it already has."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def identity(pid: int) -> dict[str, Any]:
    """What tells this process from any other, also after a restart: pid, start time, boot id, and where pids count."""
    return {"pid": pid, "process_started": _started(pid), "boot_id": _boot_id(), "place": _place()}


def is_running(recorded: Mapping[str, Any]) -> bool | None:
    """Whether the process that :func:`identity` described is still there; null where it cannot be seen from here."""
    pid = recorded.get("pid")
    if not isinstance(pid, int):
        return False
    if recorded.get("place", _place()) != _place():
        return None
    same = all(recorded.get(name) == value for name, value in identity(pid).items() if name != "place")
    return same and bool(_started(pid))


def end_descendants(run_id: str, *, spare: int | None = None) -> int:
    """Kill everything below this process and everything that carries the run's id; how many there were.

    ``spare`` is the pid of one child that lives on.
    """
    import psutil

    this = psutil.Process()
    ended: set[int] = set()
    until = time.monotonic() + _ENDING_S
    while time.monotonic() < until:
        # Parents first may fork once more before they end: look again until nothing is left.
        below = {process.pid for process in this.children(recursive=True) if _is_live(process)}
        found = (below | marked(run_id)) - {this.pid, spare}
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _reap(spare)
        ended |= found
        if not found:
            break
        time.sleep(0.01)
    return len(ended)


def end_marked(run_id: str) -> None:
    """Kill what an earlier run, whose supervisor is gone, left behind."""
    until = time.monotonic() + _ENDING_S
    while (found := marked(run_id) - {os.getpid()}) and time.monotonic() < until:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def marked(run_id: str) -> set[int]:
    """The processes whose environment carries this run's id."""
    mark = f"{RUN_ID}={run_id}".encode()
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
    return found


def _is_live(process: Any) -> bool:
    import psutil

    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _reap(spare: int | None) -> None:
    """Collect the adopted children that ended; the spared one is collected by who started it."""
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == spare:
                break
            os.waitpid(ended.si_pid, os.WNOHANG)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _started(pid: int) -> float:
    """Start of a process in the kernel's own ticks since boot, or 0 when it is gone or a zombie."""
    try:
        # The name in parentheses may hold spaces and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return 0.0 if fields[0] in "ZX" else float(fields[19])
    except OSError:
        if Path("/proc/self/stat").exists():
            return 0.0
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def _place() -> str:
    """Where a pid means the same: this host, and this container of it."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    except OSError:
        return ""
