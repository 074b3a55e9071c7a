"""The filling of a window: what its streams share, what came of it, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gpkit import cloud
from gpkit.cache import SLICE_NS, Held, Read, Shelf, Stretch, missing
from gpkit.entries import Extractor
from gpkit.errors import OutputError
from gpkit.logs.progress import Progress, left_s

if TYPE_CHECKING:
    import pyarrow as pa

TELL_S = 1.0  # chosen: a person reads no faster
SKEW_NS = 10 * 10**9  # chosen: an answer tells the second, and takes its time to arrive
RECENT_BYTES = 256 << 20  # chosen: an hour of a busy service

Ask = Callable[[Stretch], Generator[cloud.Page, None, None]]


@dataclass
class Outcome:
    """What came of a filling, apart from what is in the cache now.

    Attributes:
        entries: That came from the far side.
        calls: Made for them, failed ones too.
        filled: Slices of which a part came from the far side, by their begin.
        recent: What the slices hold that were written last, by their begin, so that they need not be read back.
        loose: Entries that could not be kept, and
        loose_reads: the stretches that they are all of.
        given_up: Stretches that were not read, and why.
        notes: What else a reader must know.
        clock_ahead_s: How far this host's clock is ahead of the service's, where that is much.
        failure: The error that ended it; null when none did.
    """

    entries: int = 0
    calls: int = 0
    filled: set[int] = field(default_factory=set)
    recent: dict[int, Held] = field(default_factory=dict)
    loose: list[pa.Table] = field(default_factory=list)
    loose_reads: list[Read] = field(default_factory=list)
    given_up: list[tuple[Stretch, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    clock_ahead_s: float = 0.0
    failure: cloud.Incomplete | None = None

    def written(self, begin_ns: int, held: Held) -> None:
        """Remember what a slice holds, as long as there is room."""
        self.recent.pop(begin_ns, None)
        if sum(each.table.nbytes for each in self.recent.values()) + held.table.nbytes <= RECENT_BYTES:
            self.recent[begin_ns] = held

    def not_kept(self, error: OutputError) -> None:
        """Note, once, that the cache could not be written."""
        note = f"Not everything that was read is in the cache: {error.what}"
        if note not in self.notes:
            self.notes.append(note)


class Filling:
    """The filling of a window.

    Args:
        shelf: Where slices are kept.
        extractor: Makes the tables.
        ask: The pages of a stretch, oldest first.
        slices: How many the window touches.
        reads_per_minute: The quota.
        tell: Told how far it is, now and then.

    Attributes:
        slices: How many the window touches.
        outcome: What came of it so far.
    """

    def __init__(
        self,
        shelf: Shelf,
        extractor: Extractor,
        ask: Ask,
        *,
        slices: int,
        reads_per_minute: int,
        tell: Callable[[Progress], None] | None = None,
    ) -> None:
        self.shelf = shelf
        self.extractor = extractor
        self.ask = ask
        self.outcome = Outcome()
        self.slices = slices
        self._reads_per_minute = reads_per_minute
        self._tell = tell
        self._told_s = float("-inf")
        self._left: dict[int, int] = {}
        self._whole_ns = 0
        self._ahead_ns = 0
        self._began_ns, self._began_s = shelf.now_ns(), time.monotonic()

    def begin(self, gaps: Iterable[Stretch]) -> None:
        """Take down what is to be read."""
        self._left = _by_slice(gaps)
        self._whole_ns = sum(self._left.values())

    def now_ns(self) -> int:
        """The clock, but never ahead of what has really passed: a read must not seem later than it was."""
        passed_ns = int((time.monotonic() - self._began_s) * 1e9)
        return min(self.shelf.now_ns(), self._began_ns + passed_ns)

    def compare_clock(self, served_ns: int | None) -> None:
        """Hold this host's clock against the service's: one that is ahead would make slices final too early."""
        ahead_ns = self.now_ns() - served_ns if served_ns is not None else 0
        if ahead_ns > max(self._ahead_ns, SKEW_NS):
            self._ahead_ns = ahead_ns
            self.outcome.clock_ahead_s = ahead_ns / 1e9

    def read_of(self, since_ns: int, until_ns: int, began_ns: int) -> Read:
        """A stretch that was read, and when reading it began, by the service's clock where ours is ahead of it."""
        return Read(since_ns, until_ns, began_ns - self._ahead_ns)

    def still_missing(self, wanted: Stretch) -> tuple[Stretch, ...]:
        """What of a part of one slice is to be read: neither settled, nor read by another since this began."""
        found = self.shelf.slice(begin_of(wanted.since_ns))
        now_ns = self.shelf.now_ns()
        fresh = [Stretch(*read[:2]) for read in found.reads if self._began_ns <= read.at_ns <= now_ns]
        return missing(wanted, [*found.held, *fresh])

    def passed(self, stretch: Stretch) -> None:
        """A part of one slice is done."""
        begin_ns = begin_of(stretch.since_ns)
        left_ns = self._left.pop(begin_ns, 0) - (stretch.until_ns - stretch.since_ns)
        if left_ns > 0:
            self._left[begin_ns] = left_ns

    def give_up(self, stretch: Stretch, why: str) -> None:
        """A stretch is not read."""
        self.outcome.given_up.append((stretch, why))

    def report(self, waiting: str = "", *, ahead_ns: int = 0, at_once: bool = False) -> None:
        """Tell how far it is, now and then; ``ahead_ns`` is what of an unfinished slice was read."""
        now_s = time.monotonic()
        if self._tell is None or (now_s - self._told_s < TELL_S and not at_once):
            return
        self._told_s = now_s
        missing_ns = sum(self._left.values()) - ahead_ns
        left = left_s(
            calls=self.outcome.calls,
            read_ns=self._whole_ns - missing_ns,
            missing_ns=missing_ns,
            reads_per_minute=self._reads_per_minute,
        )
        self._tell(Progress(self.slices - len(self._left), self.slices, self.outcome.entries, left, waiting))

    def waits(self, seconds: float) -> None:
        """Another process fills a slice, and this one waits for it."""
        self.report(f"another process reads this slice, for {seconds:.0f} s", at_once=True)


def begin_of(instant_ns: int) -> int:
    """Where the slice of an instant begins."""
    return instant_ns // SLICE_NS * SLICE_NS


def _by_slice(gaps: Iterable[Stretch]) -> dict[int, int]:
    """How many nanoseconds are missing of each slice, by its begin."""
    found: dict[int, int] = {}
    for gap in gaps:
        for begin_ns in range(begin_of(gap.since_ns), gap.until_ns, SLICE_NS):
            part_ns = min(begin_ns + SLICE_NS, gap.until_ns) - max(begin_ns, gap.since_ns)
            found[begin_ns] = found.get(begin_ns, 0) + part_ns
    return found
