"""One stream of pages over slices that are missing side by side, laid down slice by slice.

It claims each slice before it lets go of the one before, and stops at one that another process fills. A slice is
written when the stream passes its end, and is out of memory then. In between, pieces are kept, so that what was read
survives the process. What cannot be kept is handed on all the same.

Entries come in order of time, to the microsecond: everything before that of the last timestamp seen is complete.

:func:`fill` reads the stretches that are missing one after the other. Of two processes one goes ahead, and the other
follows from the cache. Once the far side fails, the rest is given up.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gpkit import cloud
from gpkit.cache import SLICE_NS, Claim, Stretch, merged, stamps_of
from gpkit.errors import OutputError
from gpkit.logs.filling import Filling, begin_of

if TYPE_CHECKING:
    import pyarrow as pa

GRAIN_NS = 1_000  # how finely the service orders entries, as far as is known
BATCH_ENTRIES = 20_000  # chosen: extraction on all cores needs a batch; some 30 MB
BATCH_BYTES = 64 << 20  # chosen: an entry can have 256 KiB
WAIT_S = 1800.0  # chosen: twice what a process needs that reads the densest slice at the quota
BATCH_S = 5.0  # chosen: of a process that is killed, what it read in this time is read again


class Stream:
    """A stream over a gap, and the slice that it is in.

    Args:
        filling: What it is part of.
        gap: What to read.
        claim: The right to fill the first slice; null where nothing can be kept.
        held: What gives the claim back.
    """

    def __init__(self, filling: Filling, gap: Stretch, claim: Claim | None, held: contextlib.ExitStack) -> None:
        self._filling = filling
        self._gap = gap
        self._claim = claim
        self._held = held
        self._raw: list[bytes] = []
        self._pending: list[pa.Table] = []  # of this slice, of which so many are kept as pieces:
        self._kept = 0
        self._at_ns = self._upto_ns = self._kept_ns = gap.since_ns
        self._asked_ns = self._entered_ns = filling.now_ns()
        self._kept_s = time.monotonic()
        self._stopped = False

    @property
    def _end_ns(self) -> int:
        """Where the stream leaves the slice that it is in."""
        return min(self._at_ns // SLICE_NS * SLICE_NS + SLICE_NS, self._gap.until_ns)

    def run(self) -> int:
        """Read to the end of the gap, or to a slice that another process fills; where to go on.

        Raises:
            GpkitError: The far side refused. What was read before is kept.
        """
        outcome = self._filling.outcome
        calls_before = outcome.calls
        try:
            with contextlib.closing(self._filling.ask(self._gap)) as pages:
                flushed_s, size_bytes = time.monotonic(), 0
                for page in pages:
                    self._raw += page.entries
                    if page.last_ns is not None:
                        self._upto_ns = max(self._upto_ns, page.last_ns // GRAIN_NS * GRAIN_NS)
                    self._filling.compare_clock(page.served_ns)
                    outcome.entries += len(page.entries)
                    outcome.calls = calls_before + page.call_no
                    size_bytes += sum(map(len, page.entries))
                    is_full = len(self._raw) >= BATCH_ENTRIES or size_bytes >= BATCH_BYTES
                    if is_full or time.monotonic() - flushed_s >= BATCH_S:
                        self._lay()
                        flushed_s, size_bytes = time.monotonic(), 0
                    self._filling.report(ahead_ns=self._upto_ns - self._at_ns)
                    if self._stopped:
                        return self._at_ns
            self._upto_ns = self._gap.until_ns
            self._lay()
        except cloud.Incomplete as failure:
            outcome.failure = failure
            self._upto_ns = min(self._upto_ns, failure.until_ns)
            self._lay()
            if not self._stopped:
                self._write(self._upto_ns)
        except BaseException:
            with contextlib.suppress(Exception):
                self._lay(at_once=True)
            raise
        finally:
            self._held.close()
        return self._at_ns

    def _lay(self, *, at_once: bool = False) -> None:
        """Lay down what has come: slices that are complete, and now and then a piece of the one that is not."""
        table = merged([self._filling.extractor.extract(self._raw)])
        self._raw = []
        stamps = stamps_of(table)
        while True:
            inside = int(stamps.searchsorted(self._end_ns)) if self._end_ns < self._gap.until_ns else len(table)
            self._pending.append(table.slice(0, inside))
            if self._upto_ns < self._end_ns:
                if at_once or time.monotonic() - self._kept_s >= BATCH_S:
                    self._keep()
                break
            table, stamps = table.slice(inside), stamps[inside:]
            self._write(self._end_ns)
            if self._at_ns == self._gap.until_ns or not self._enter():
                break
        self._asked_ns = self._filling.now_ns()

    def _write(self, until_ns: int) -> None:
        """The slice is read up to here: write it, and move on."""
        import pyarrow as pa

        table = pa.concat_tables(self._pending)
        done = self._filling.read_of(self._at_ns, max(self._at_ns, until_ns), self._entered_ns)
        self._pending, self._kept = [], 0
        self._at_ns = self._kept_ns = done.until_ns
        self._filling.passed(Stretch(done.since_ns, done.until_ns))
        self._filling.outcome.filled.add(begin_of(done.since_ns))
        if self._claim is not None:
            try:
                held = self._filling.shelf.write(self._claim, table, [done])
                self._filling.outcome.written(self._claim.since_ns, held)
                return
            except OutputError as error:
                self._filling.outcome.not_kept(error)
        self._filling.outcome.loose.append(table)
        self._filling.outcome.loose_reads.append(done)

    def _keep(self) -> None:
        """Keep what has come of an unfinished slice."""
        import pyarrow as pa

        if self._claim is None or self._upto_ns <= self._kept_ns:
            return
        piece = pa.concat_tables(self._pending[self._kept :])
        read = self._filling.read_of(self._kept_ns, self._upto_ns, self._entered_ns)
        try:
            self._filling.shelf.append(self._claim, piece, read)
        except OutputError as error:
            self._filling.outcome.not_kept(error)
        self._kept, self._kept_ns, self._kept_s = len(self._pending), self._upto_ns, time.monotonic()

    def _enter(self) -> bool:
        """Claim the slice that the stream comes to, and let go of the last; not one that another process fills."""
        self._entered_ns = self._asked_ns
        part = Stretch(self._at_ns, self._end_ns)
        with contextlib.ExitStack() as held:
            try:
                claim = held.enter_context(self._filling.shelf.claim(part.since_ns))
                self._stopped = claim is None or self._filling.still_missing(part) != (part,)
            except OutputError as error:
                self._filling.outcome.not_kept(error)
                claim = None
            self._held.close()
            if not self._stopped:
                self._claim, self._held = claim, held.pop_all()
        return not self._stopped


def fill(filling: Filling, gaps: Iterable[Stretch]) -> None:
    """Read the gaps, in order."""
    gaps = tuple(gaps)
    filling.begin(gaps)
    for gap in gaps:
        at_ns = gap.since_ns
        while at_ns < gap.until_ns:
            if filling.outcome.failure is not None:
                filling.give_up(Stretch(at_ns, gap.until_ns), filling.outcome.failure.reason)
                break
            at_ns = _go_on(filling, Stretch(at_ns, gap.until_ns))
    if gaps:
        filling.report(at_once=True)


def _go_on(filling: Filling, gap: Stretch) -> int:
    """Read from the begin of a gap as far as it goes; where to go on."""
    begin_ns = begin_of(gap.since_ns)
    part = Stretch(gap.since_ns, min(begin_ns + SLICE_NS, gap.until_ns))
    with contextlib.ExitStack() as held:
        claim: Claim | None = None
        try:
            claim = held.enter_context(filling.shelf.claim(begin_ns, wait_s=WAIT_S, on_wait=filling.waits))
            if claim is None:
                filling.give_up(part, f"another process has been reading it for more than {WAIT_S / 60:.0f} min")
                return part.until_ns
        except OutputError as error:
            filling.outcome.not_kept(error)
        left = filling.still_missing(part)
        if not left:
            filling.passed(part)
            return part.until_ns
        # What is held in the middle of a slice ends the stream there.
        until_ns = gap.until_ns if left[0].until_ns == part.until_ns else left[0].until_ns
        return Stream(filling, Stretch(left[0].since_ns, until_ns), claim, held.pop_all()).run()
