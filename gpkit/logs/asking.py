"""What is asked of a project's log, checked before any call: the window, the filter, and how much of it is not held."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gpkit import cloud
from gpkit.cache import Key, Shelf, Slice, Store, Stretch, missing
from gpkit.entries import SCHEMA_VERSION
from gpkit.environments import Environment
from gpkit.errors import ParameterError
from gpkit.instants import text
from gpkit.logs.sources import no_window

# A week of a service that writes ten entries a second is 6 million entries: 6048 calls, or 1 h 41 min of the quota.
MAX_UNCACHED_S = 7 * 86400.0
_PAGE = 1000  # entries of a page at most, documented


def require_possible(
    environment: Environment,
    since: datetime | None,
    until: datetime | None,
    filter: str = "",
    *,
    offline: bool = False,
    project: str = "",
) -> None:
    """Refuse at once what :func:`gpkit.logs.fetch` would refuse, as far as that can be told without a call.

    Args:
        environment, since, until, filter, offline, project: Of :func:`gpkit.logs.fetch`.

    Raises:
        ParameterError: No window, an impossible one, or a filter that is none; or more than
            :data:`MAX_UNCACHED_S` of it would have to be asked for.
        TargetError: No project, or a malformed address or account.
    """
    window, target = window_of(since, until), cloud.target(environment, project)
    if offline or (window.until_ns - window.since_ns) / 1e9 <= MAX_UNCACHED_S:
        return
    held = [] if environment.is_local else shelf_of(None, environment, target, normal_of(filter)).slices(*window)
    refuse_bulk(gaps_of(window, held), target)


def shelf_of(store: Store | None, environment: Environment, target: cloud.Target, normal: str) -> Shelf:
    """Where the slices of a log are kept."""
    store = dataclasses.replace(store or Store(), late_s=environment.logs_late_s)
    return store.shelf(Key(target.project, normal, target.endpoint, environment.mask_contacts, SCHEMA_VERSION))


def gaps_of(window: Stretch, slices: Sequence[Slice]) -> tuple[Stretch, ...]:
    """What is to be read, slices side by side as one."""
    return missing(window, [stretch for each in slices for stretch in each.held])


def window_of(since: datetime | None, until: datetime | None) -> Stretch:
    """The window in nanoseconds.

    Raises:
        ParameterError: An end of it is missing, or they stand the wrong way round.
    """
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


def normal_of(filter: str) -> str:
    """The filter in its one spelling; empty for all entries.

    Raises:
        ParameterError: It is wrong, or asks for what cannot be had here.
    """
    if not filter.strip():
        return ""
    from gpkit import filters

    parsed = filters.parse(filter)
    filters.check(parsed)
    return filters.normal(parsed)


def refuse_bulk(gaps: Sequence[Stretch], target: cloud.Target) -> None:
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
