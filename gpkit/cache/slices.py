"""Slices of the UTC clock, the reads that filled them, and what of them is held.

Pure: whole nanoseconds since 1970 in, the same out. Every stretch is half-open, since ≤ t < until.

A read says: this stretch was read to its end, beginning at this instant. Entries arrive late, so a read settles
its stretch only up to the lag horizon before it began; what is behind that is young and read again. A read that
claims to begin in the future comes from a clock that jumped, and settles nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# Chosen, not measured: an hour is four files and a week 672, opened in well under a second; of a service that writes
# 100 entries a second a slice is 90 000 entries or some 10 MB, which is read and written in about a second.
SLICE_S = 900
SLICE_NS = SLICE_S * 1_000_000_000
_STAMP = "%Y%m%dT%H%M%SZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stretch(NamedTuple):
    """A half-open stretch of time in nanoseconds since 1970."""

    since_ns: int
    until_ns: int


class Read(NamedTuple):
    """A stretch that was read to its end, and when reading it began."""

    since_ns: int
    until_ns: int
    at_ns: int


@dataclass(frozen=True)
class Slice:
    """One slice of the clock, and what of it is held.

    Attributes:
        since_ns: Its begin.
        until_ns: Its end.
        reads: What it was filled by; empty when there is nothing.
        held: The stretches of it that are settled, in order: nothing needs to be read there again.
        entries: How many are in it.
    """

    since_ns: int
    until_ns: int
    reads: tuple[Read, ...] = ()
    held: tuple[Stretch, ...] = ()
    entries: int = 0

    @property
    def state(self) -> str:
        """``final`` is settled as a whole, ``part`` where it was read, ``young`` not yet; else ``missing``."""
        if not self.reads:
            return "missing"
        if not missing(Stretch(self.since_ns, self.until_ns), self.held):
            return "final"
        read = union(Stretch(each.since_ns, each.until_ns) for each in self.reads)
        return "part" if read == self.held else "young"

    @property
    def read_at_ns(self) -> int | None:
        """When it was last read from its source."""
        return max((read.at_ns for read in self.reads), default=None)


def starts(since_ns: int, until_ns: int) -> range:
    """The begins of all slices that a window touches."""
    return range(since_ns // SLICE_NS * SLICE_NS, until_ns, SLICE_NS)


def settled(reads: Iterable[Read], *, late_ns: int, now_ns: int) -> tuple[Stretch, ...]:
    """The stretches that need not be read again: as far as each read lies behind its horizon."""
    ends = ((read, min(read.until_ns, read.at_ns - late_ns)) for read in reads if read.at_ns <= now_ns)
    return union(Stretch(read.since_ns, end) for read, end in ends if end > read.since_ns)


def union(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """The same time as few stretches in order, none touching the next."""
    found: list[Stretch] = []
    for each in sorted(stretches):
        if each.until_ns <= each.since_ns:
            continue
        if found and each.since_ns <= found[-1].until_ns:
            found[-1] = Stretch(found[-1].since_ns, max(found[-1].until_ns, each.until_ns))
        else:
            found.append(each)
    return tuple(found)


def missing(wanted: Stretch, held: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """The stretches of ``wanted`` that are in none of ``held``, in order."""
    found: list[Stretch] = []
    at = wanted.since_ns
    for each in union(held):
        if each.since_ns > at:
            found.append(Stretch(at, min(each.since_ns, wanted.until_ns)))
        at = max(at, each.until_ns)
        if at >= wanted.until_ns:
            break
    found.append(Stretch(at, wanted.until_ns))
    return tuple(each for each in found if each.until_ns > each.since_ns)


def compact(reads: Sequence[Read]) -> tuple[Read, ...]:
    """The same knowledge in fewer reads: without those inside a later one, and parts of one read as one."""
    found: list[Read] = []
    for read in sorted(reads, key=lambda read: (read.at_ns, read.since_ns)):
        if found and found[-1].at_ns == read.at_ns and read.since_ns <= found[-1].until_ns:
            found[-1] = found[-1]._replace(until_ns=max(found[-1].until_ns, read.until_ns))
        elif read.until_ns > read.since_ns:
            found.append(read)
    return tuple(
        read
        for place, read in enumerate(found)
        if not any(later.since_ns <= read.since_ns and read.until_ns <= later.until_ns for later in found[place + 1 :])
    )


def stamp(since_ns: int) -> str:
    """The begin of a slice as the name of its file: ``20250907T131500Z``."""
    return (_EPOCH + timedelta(microseconds=since_ns // 1000)).strftime(_STAMP)


def of_stamp(text: str) -> int | None:
    """The begin of the slice that a file is named for; null when it is no such name."""
    try:
        since_ns = (datetime.strptime(text, _STAMP).replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) * 10**9
    except ValueError:
        return None
    return since_ns if since_ns % SLICE_NS == 0 else None
