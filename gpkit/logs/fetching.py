"""A project's log entries of a window, from the Cloud Logging API by way of the cache.

What is held is not asked for again. What is missing or young is read, kept, and what could not be read is said.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gpkit import cloud
from gpkit.cache import Shelf, Store, Stretch, missing, settled, stamps_of, starts, union
from gpkit.entries import Entries, Extractor, Part, Unread, assemble
from gpkit.entries.coverage import at
from gpkit.environments import Environment
from gpkit.instants import text
from gpkit.logs.asking import gaps_of, normal_of, refuse_bulk, shelf_of, window_of
from gpkit.logs.filling import Filling, Outcome
from gpkit.logs.progress import Progress
from gpkit.logs.streaming import fill
from gpkit.plural import counted

if TYPE_CHECKING:
    import pyarrow as pa

_PASSES = 3  # chosen: a slice that is lost while it is read is read again, but not for ever
_LOST = "its slice in the cache was lost each time it was filled"
_WORTH_TELLING_S = 5.0  # chosen: at the quota each call waits a second


def fetch(
    environment: Environment,
    since: datetime | None,
    until: datetime | None,
    filter: str = "",
    *,
    offline: bool = False,
    progress: Callable[[Progress], None] | None = None,
    project: str = "",
    store: Store | None = None,
    limits: cloud.Limits | None = None,
    pace: cloud.Pace | None = None,
) -> Entries:
    """The log entries of a project in a window.

    Args:
        environment: Its ``logs_…`` settings say where, as whom and how often; ``mask_contacts`` what is masked.
        since, until: The window, half-open, in UTC.
        filter: In the language of Cloud Logging; empty for all entries.
        offline: From the cache alone; nothing is asked for.
        progress: Told about every second how far it is.
        project: In place of the environment's.
        store: In place of the cache that ``GPKIT_CACHE`` or the project says.
        limits: When the far side is given up.
        pace: The clock, sleep and dice of the client.

    Returns:
        One row for each entry, oldest first. The coverage says in ``unread`` what could not be read, and in ``notes``
        what came from the cache.

    Raises:
        ParameterError: No window, an impossible one, or a filter that is none; or more than
            :data:`gpkit.logs.asking.MAX_UNCACHED_S` of it would have to be asked for.
        TargetError: No project, no access, no credentials.
        cloud.Incomplete: The far side failed, and nothing of the window is held.
    """
    import pyarrow as pa

    window, normal = window_of(since, until), normal_of(filter)
    target = cloud.target(environment, project)
    with contextlib.ExitStack() as cleanup:
        if store is None and environment.is_local:  # its address is another stack's tomorrow
            store = Store(Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="gpkit-cache-"))))
        shelf = shelf_of(store, environment, target, normal)
        shelf.tidy()
        slices = shelf.slices(*window)
        gaps = () if offline else gaps_of(window, slices)
        refuse_bulk(gaps, target)

        def ask(gap: Stretch) -> Generator[cloud.Page, None, None]:
            yield from cloud.pages(
                target, filter=normal, since=gap.since_ns, until=gap.until_ns, limits=limits, pace=pace, on_wait=waits
            )

        def waits(seconds: float, what: str) -> None:
            if seconds >= _WORTH_TELLING_S:
                filling.report(f"{what}, {seconds:.0f} s", at_once=True)

        filling = Filling(
            shelf,
            cleanup.enter_context(Extractor(mask_contacts=environment.mask_contacts)),
            ask,
            slices=len(slices),
            reads_per_minute=target.reads_per_minute,
            tell=progress,
        )
        held = _filled(filling, window, gaps, offline=offline)
        if filling.outcome.failure is not None and not held.covered:
            raise filling.outcome.failure
        table = pa.concat_tables([filling.extractor.extract([]), *held.tables])
    unread = _unread(filling.outcome, held, "offline, and it is not in the cache" if offline else _LOST)
    notes = _notes(filling, held, offline=offline)
    part = Part(f"api:{target.project}", table, is_export=False)
    return assemble([part], unread=unread, notes=notes, is_selection=bool(normal))


class _Held(NamedTuple):
    """What is held of a window: entries, the stretches they are all of, what of these is settled, what is lacking."""

    tables: list[pa.Table]
    covered: tuple[Stretch, ...]
    settled: tuple[Stretch, ...]
    lacking: tuple[Stretch, ...]


def _filled(filling: Filling, window: Stretch, gaps: Sequence[Stretch], *, offline: bool) -> _Held:
    """Fill the gaps and take up what is held then. What turns out to be broken only now is filled once more."""
    outcome = filling.outcome
    for _ in range(_PASSES):
        fill(filling, gaps)
        held = _take_up(filling.shelf, window, outcome)
        gaps = missing(window, [*held.covered, *(stretch for stretch, _ in outcome.given_up)])
        if offline or not gaps:
            break
    return held._replace(lacking=tuple(gaps))


def _take_up(shelf: Shelf, window: Stretch, outcome: Outcome) -> _Held:
    tables = list(outcome.loose)
    reads = list(outcome.loose_reads)
    for begin_ns in starts(*window):
        held = outcome.recent.pop(begin_ns, None) or shelf.read(begin_ns)
        if held is not None:
            stamps = stamps_of(held.table)
            first, last = stamps.searchsorted(window.since_ns), stamps.searchsorted(window.until_ns)
            tables.append(held.table.slice(first, last - first))
            reads += [read for read in held.reads if read.at_ns <= shelf.now_ns()]
    covered = union(Stretch(max(read[0], window[0]), min(read[1], window[1])) for read in reads)
    return _Held(tables, covered, settled(reads, late_ns=shelf.late_ns, now_ns=shelf.now_ns()), ())


def _unread(outcome: Outcome, held: _Held, why: str) -> list[Unread]:
    found = [*outcome.given_up, *((stretch, why) for stretch in held.lacking)]
    joined = [
        (stretch, reason)
        for reason in dict.fromkeys(reason for _, reason in found)
        for stretch in union(each for each, own in found if own == reason)
    ]
    return [Unread(at(stretch.since_ns), at(stretch.until_ns), reason) for stretch, reason in sorted(joined)]


def _notes(filling: Filling, held: _Held, *, offline: bool) -> list[str]:
    outcome, slices = filling.outcome, filling.slices
    made = "no call was made"
    if outcome.calls:
        made = f"{outcome.calls} calls were made" if outcome.calls > 1 else "1 call was made"
    unread = [*held.lacking, *(stretch for stretch, _ in outcome.given_up)]
    not_held = outcome.filled.union(*(starts(*stretch) for stretch in unread))
    whole = slices - len(not_held)
    notes = [
        "Offline: from the cache alone."
        if offline
        else f"{whole} of {counted(slices, 'slice')} from the cache, {made}."
    ]
    notes += outcome.notes
    if outcome.clock_ahead_s:
        notes.append(f"The clock of this host is {outcome.clock_ahead_s:.0f} s ahead of the service's.")
    notes += [f"In the cache, {fault.file} {fault.why}." for fault in filling.shelf.faults]
    young = [part for stretch in held.covered for part in missing(stretch, held.settled)]
    if young:
        since = text(at(young[0].since_ns))
        notes.append(f"From {since} on entries may be missing that arrived after they were read.")
    return notes
