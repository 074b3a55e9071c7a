"""What the rest of the machine sees of a forked process: its command line, and the mark of its run. Linux.

A fork shows the command line and the environment with which its parent was started, whatever it does later. Both
lie in the process's own memory, so a process that was started with room for them can write its own: ``ps`` then tells
supervisor, worker and kernel apart, and whatever a kernel forks carries the run's mark for good
(:func:`gpkit.runs.machine.processes.marked`).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from gpkit.runs.machine.processes import RUN_ID

_ROOM = "-" * 160  # a run's id has at most 90 characters, the name of a module 30
_ARG_START, _ARG_END, _ENV_START, _ENV_END = 45, 46, 47, 48  # in /proc/PID/stat, counted from the state: proc(5)


def with_room(command: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """A command and an environment whose process, and its forks, can label themselves."""
    return [*command, _ROOM], {**os.environ, RUN_ID: _ROOM}


def take_room() -> None:
    """Forget what :func:`with_room` added, so that nothing takes it for a run; the memory stays."""
    os.environ.pop(RUN_ID, None)


def show_as(command: str) -> None:
    """Have this command line in ``ps`` and in /proc."""
    _overwrite(_ARG_START, _ARG_END, 0, command.replace(" ", "\0").encode())


def mark(run_id: str) -> None:
    """Carry a run's mark as if this process had been started with it."""
    try:
        at = Path("/proc/self/environ").read_bytes().find(f"{RUN_ID}={_ROOM}".encode())
    except OSError:
        return
    if at >= 0:
        _overwrite(_ENV_START, _ENV_END, at, f"{RUN_ID}={run_id}".encode(), len(f"{RUN_ID}={_ROOM}"))


def _overwrite(first: int, last: int, at: int, text: bytes, size: int | None = None) -> None:
    """Write text, and zeros up to ``size`` bytes, into the memory that begins and ends where /proc says."""
    try:
        fields = Path("/proc/self/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        begin, end = int(fields[first]), int(fields[last])
    except (OSError, IndexError, ValueError):
        return
    size = end - begin - at if size is None else size
    if begin > 0 and 0 < size <= end - begin - at:
        ctypes.memmove(begin + at, text[: size - 1].ljust(size, b"\0"), size)
