"""What a run uses: CPU time and peak memory of all its processes. Seconds and bytes.

The supervisor looks now and then at every process below it. CPU time is the kernel's own account: of the processes
that are there, and of those that ended and were collected by them. Memory is the larger of two numbers, and at least
what was used: the most that all processes together held at one look, and the most that one of them ever held by the
kernel's own account. What several processes share of files counts once; what a forked process inherits counts again.

On Linux it is read from ``/proc``, 0.1 ms for a look. Elsewhere CPU time comes from psutil, and the peak is that of one
process alone.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOOK_EVERY_S = 0.25  # chosen: what lasts longer is seen; 0.04 % of one processor
_PROC = Path("/proc")
_KIB = 1024
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_MEMORY = ("VmHWM", "RssAnon", "RssShmem", "RssFile")


class Usage:
    """Looks at this process and everything below it; see the module.

    Attributes:
        peak_bytes: The peak so far.
        next_look_s: When to look again, on the monotonic clock.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self.next_look_s = 0.0
        self._reads_proc = _children_file(os.getpid(), os.getpid()).exists()

    def look(self) -> None:
        """See how much memory is held now, unless that was seen a moment ago."""
        now_s = time.monotonic()
        if now_s < self.next_look_s:
            return
        self.next_look_s = now_s + LOOK_EVERY_S
        if not self._reads_proc:
            return
        found = [_memory(pid) for pid in _tree(os.getpid())]
        together = sum(one["RssAnon"] + one["RssShmem"] for one in found) + max(one["RssFile"] for one in found)
        self.heard(max(together, *(one["VmHWM"] for one in found)))

    def heard(self, peak_bytes: int) -> None:
        """Take in the peak of a process that has ended, as its parent knows it."""
        self.peak_bytes = max(self.peak_bytes, peak_bytes)

    def told(self, until: str) -> dict[str, Any]:
        """As JSON values: what was used up to ``report`` (the page is not yet made) or ``end``."""
        self.next_look_s = 0.0
        self.look()
        self.heard(peak_of_collected())
        cpu_s = _cpu_s_by_proc() if self._reads_proc else _cpu_s_by_psutil()
        return {
            "cpu_s": round(cpu_s, 2),
            "peak_memory_bytes": self.peak_bytes,
            "until": until,
            "source": "/proc" if self._reads_proc else "psutil",
        }


def peak_of_collected() -> int:
    """The most memory that one of the processes which this one has collected ever held."""
    unit = 1 if sys.platform == "darwin" else _KIB
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit


def _tree(pid: int) -> Iterator[int]:
    """A process and everything below it; a process that is just being started may be missing."""
    yield pid
    for thread in _listed(_PROC / str(pid) / "task"):
        try:
            children = _children_file(pid, thread).read_bytes().split()
        except OSError:  # it ended meanwhile
            continue
        for child in children:
            yield from _tree(int(child))


def _children_file(pid: int, thread: int | str) -> Path:
    return _PROC / str(pid) / "task" / str(thread) / "children"


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _memory(pid: int) -> dict[str, int]:
    """What a process holds, in bytes; nothing when it has ended."""
    found = dict.fromkeys(_MEMORY, 0)
    try:
        lines = (_PROC / str(pid) / "status").read_text("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in lines:
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0]) * _KIB
    return found


def _cpu_s_by_proc() -> float:
    ticks = 0
    for pid in _tree(os.getpid()):
        try:
            # The name in parentheses may hold spaces and parentheses itself.
            fields = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # user and system: its own, and of those that it collected
    return ticks / _TICKS_PER_S


def _cpu_s_by_psutil() -> float:
    import psutil

    this = psutil.Process()
    total_s = 0.0
    for process in (this, *this.children(recursive=True)):
        try:
            told = process.cpu_times()
        except psutil.Error:
            continue
        total_s += sum(getattr(told, name, 0.0) for name in ("user", "system", "children_user", "children_system"))
    return total_s
