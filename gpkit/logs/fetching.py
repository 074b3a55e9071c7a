"""A project's log entries of a window, from the Cloud Logging API by way of the cache.

What is held is not asked for again. What is missing or young is read, kept, and what could not be read is said.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gpkit import cloud
from gpkit.cache import Key, Shelf, Slice, Store, Stretch, missing, settled, stamps_of, starts, union
from gpkit.entries import SCHEMA_VERSION, Entries, Extractor, Part, Unread, assemble
from gpkit.entries.coverage import at
from gpkit.environments import Environment
from gpkit.errors import ParameterError
from gpkit.instants import text
from gpkit.logs.filling import Filling, Outcome
from gpkit.logs.progress import Progress
from gpkit.logs.sources import no_window
from gpkit.logs.streaming import fill
from gpkit.plural import counted

if TYPE_CHECKING:
    import pyarrow as pa

# A week of a service that writes ten entries a second is 6 million entries: 6048 calls, or 1 h 41 min of the quota.
MAX_UNCACHED_S = 7 * 86400.0
_PAGE = 1000  # entries of a page at most, documented
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
            :data:`MAX_UNCACHED_S` of it would have to be asked for.
        TargetError: No project, no access, no credentials.
        cloud.Incomplete: The far side failed, and nothing of the window is held.
    """
    import pyarrow as pa

    window, normal = _window(since, until), _normal(filter)
    target = cloud.target(environment, project)
    with contextlib.ExitStack() as cleanup:
        if store is None and environment.is_local:  # its address is another stack's tomorrow
            store = Store(Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="gpkit-cache-"))))
        store = dataclasses.replace(store or Store(), late_s=environment.logs_late_s)
        shelf = store.shelf(Key(target.project, normal, target.endpoint, environment.mask_contacts, SCHEMA_VERSION))
        shelf.tidy()
        slices = shelf.slices(*window)
        gaps = () if offline else _gaps(window, slices)
        _refuse_bulk(gaps, target)

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


def _gaps(window: Stretch, slices: Sequence[Slice]) -> tuple[Stretch, ...]:
    """What is to be read, slices side by side as one."""
    return missing(window, [stretch for each in slices for stretch in each.held])


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


def _window(since: datetime | None, until: datetime | None) -> Stretch:
    if since is None or until is None:
        raise no_window(since, until)
    window = Stretch(_ns(since), _ns(until))
    if window.since_ns >= window.until_ns:
        raise ParameterError(
            f"since = {text(since)} is not before until = {text(until)}.",
            next_step="A window runs from since to until.",
        )
    return window


def _ns(instant: datetime) -> int:
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _normal(filter: str) -> str:
    if not filter.strip():
        return ""
    from gpkit import filters

    parsed = filters.parse(filter)
    filters.check(parsed)
    return filters.normal(parsed)


def _refuse_bulk(gaps: Sequence[Stretch], target: cloud.Target) -> None:
    """Refuse what the read quota is not made for.

    Raises:
        ParameterError: More than :data:`MAX_UNCACHED_S` would have to be asked for.
    """
    missing_s = sum(gap.until_ns - gap.since_ns for gap in gaps) / 1e9
    if missing_s <= MAX_UNCACHED_S:
        return
    per_minute = target.reads_per_minute * _PAGE
    hours = missing_s * 10 / per_minute / 60
    raise ParameterError(
        f"{missing_s / 86400:.1f} days of the log of '{target.project}' are not in the cache; "
        f"at most {MAX_UNCACHED_S / 86400:.0f} are read through the API at once.",
        f"{target.reads_per_minute} reads a minute of {_PAGE} entries are at most {per_minute} entries a minute: "
        f"of a service that writes 10 entries a second this window takes {hours:.1f} hours.",
        "Bulk history belongs to the warehouse or to sink files: -p logs=bigquery:PROJECT.DATASET, or "
        "-p logs=gs://BUCKET/PREFIX/*.json. Or ask for a shorter window.",
    )
