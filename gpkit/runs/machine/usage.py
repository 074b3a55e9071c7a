"""What a run uses: CPU time and peak memory of all its processes. Seconds and bytes.

The supervisor looks now and then at every process below it. CPU time is the kernel's own account: of the processes
that are there, and of those that ended and were collected by them. Memory is the larger of two numbers, and at least
what was used: the most that all processes together held at one look, and the most that one of them ever held by the
kernel's own account. What several processes share counts once: files, and what forked processes inherited and have
not written to since. CPU time of the warm parent, which imports for all runs of a command, is no run's.

On Linux it is read from ``/proc``. A look takes 0.1 ms, and 1 ms more for each 100 MB that a forked process holds, so
that looks keep a pause. Elsewhere CPU time comes from psutil, and the peak is that of one process alone.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOOK_EVERY_S = 0.25  # chosen: what lasts longer is seen
LOOK_COST = 100  # chosen: pause between looks, in units of what the last one took, so at most 1 % of one processor
_PROC = Path("/proc")
_KIB = 1024
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_HELD = ("VmHWM", "RssAnon", "RssShmem", "RssFile")  # of status
_OF_A_FORK = ("Private_Dirty", "Shared_Dirty")  # of smaps_rollup; dirty: in no file
_ARG_START = 45  # of stat, counted from the state: proc(5)


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
        if self._reads_proc:
            self.heard(_held_now(os.getpid()))
        self.next_look_s = now_s + max(LOOK_EVERY_S, LOOK_COST * (time.monotonic() - now_s))

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


def _held_now(root: int) -> int:
    """What a process and everything below it hold together, in bytes; at least what one of them ever held."""
    pids = list(_tree(root))
    held = {pid: _told(pid, "status", _HELD) for pid in pids}
    begin = _stat(root)[_ARG_START:][:1]
    # A fork that started no program has the stack of its parent, at the same place.
    forks = {pid: _told(pid, "smaps_rollup", _OF_A_FORK) for pid in pids if _stat(pid)[_ARG_START:][:1] == begin}
    own = sum(held[pid]["RssAnon"] + held[pid]["RssShmem"] for pid in pids if not any(forks.get(pid, {}).values()))
    own += sum(fork["Private_Dirty"] for fork in forks.values())
    inherited = max((fork["Shared_Dirty"] for fork in forks.values()), default=0)
    together = own + inherited + max(one["RssFile"] for one in held.values())
    return max(together, *(one["VmHWM"] for one in held.values()))


def _told(pid: int, file: str, names: tuple[str, ...]) -> dict[str, int]:
    """What a file of a process tells under these names, in bytes; nothing when it has ended."""
    found = dict.fromkeys(names, 0)
    try:
        lines = (_PROC / str(pid) / file).read_text("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in lines:
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0]) * _KIB
    return found


def _stat(pid: int) -> list[str]:
    """The fields of a process from its state on; none when it has ended."""
    try:
        # The name in parentheses may hold spaces and parentheses itself.
        return (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_s_by_proc() -> float:
    ticks = 0
    for pid in _tree(os.getpid()):
        ticks += sum(map(int, _stat(pid)[11:15]))  # user and system: its own, and of those that it collected
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
