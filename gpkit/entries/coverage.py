"""What was read and what was not: the window, its gaps, and the signs that something is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from gpkit.plural import counted, plural

# gcloud's and scripts' usual limits; the API's page sizes are 50 and 1000.
_ROUND_COUNTS = frozenset(
    [10, 20, 50, 100, 200, 250, 300, 500, 1000, 1500, 2000, 2500, 5000, 10000, 20000, 50000, 100000]
)
MIN_GAP_S = 60.0  # chosen: Cloud Monitoring's health checks write at least one entry a minute
GAP_RATIO = 20.0  # chosen: a silence this many times the usual distance between entries is a gap

_NAMED_COUNT = re.compile(r"(?<!\d)(\d+)(?:_overlap)?\.[a-z]+(?:\.[a-z]+)*$")
_NAMED_HOURS = re.compile(r"(?i)last[_-]?(\d+)?[_-]?(hour|day|week|minute)")
_UNIT_S = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}


@dataclass(frozen=True)
class FileCoverage:
    """One file: what it held, and what is odd about it. The window is null when nothing in it had a timestamp."""

    name: str
    entries: int
    since: datetime | None
    until: datetime | None
    payload_missing: int
    signs: tuple[str, ...]


@dataclass(frozen=True)
class Gap:
    """A silence in all entries, much longer than usual."""

    since: datetime
    until: datetime
    seconds: float


@dataclass(frozen=True)
class Problem:
    """Something in a file that is no entry, or a file that is no export."""

    file: str
    line: int | None
    what: str


@dataclass(frozen=True)
class Unread:
    """A stretch that was asked for and not read, and why. Whether anything is in it is not known."""

    since: datetime
    until: datetime
    why: str


@dataclass(frozen=True)
class Written:
    """A file that was itself written with a filter, as text without secrets."""

    file: str
    filter: str

    @property
    def sentence(self) -> str:
        """For people. Of what the filter leaves out a part may be there: one of its sources may have been whole."""
        return f"{self.file} was written with the filter {self.filter}: it may lack entries that this leaves out."


@dataclass(frozen=True)
class Coverage:
    """What the entries cover.

    Attributes:
        files: Each file that entries came from.
        entries: Entries after removing copies.
        duplicates: Further copies of an entry, within a file or between files.
        since: First timestamp, UTC; null without entries.
        until: Last timestamp, UTC; null without entries.
        gaps: Silences much longer than usual.
        row_limit_signs: Why the export may have been cut by a number of rows. Empty means no sign, not proof.
        payload_missing: Entries with neither payload nor request: a script lost it, or the source has none.
        without_timestamp: Entries whose instant cannot be read; they stand last and are in no window.
        problems: Records that are no entries, and files that are no exports, with line numbers.
        unread: Stretches that were asked for and not read.
        notes: What else a reader must know, one sentence each.
        is_selection: Whether a filter left entries out: a silence is then one of what it selects.
        filter: What left entries out, as text without secrets: the filter asked for, and those with which files were
            written. Empty for nothing.
        written_with: Each file that was written with a filter.
    """

    files: tuple[FileCoverage, ...]
    entries: int
    duplicates: int
    since: datetime | None
    until: datetime | None
    gaps: tuple[Gap, ...]
    row_limit_signs: tuple[str, ...]
    payload_missing: int
    without_timestamp: int
    problems: tuple[Problem, ...]
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    is_selection: bool = False
    filter: str = ""
    written_with: tuple[Written, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """For ``run.json`` and ``results.json``: instants as ISO 8601 text."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain

    def sentences(self) -> list[str]:
        """What a reader must know before trusting a number, worst first; empty when nothing is odd."""
        told = [f"Not read: {_text(part.since)} – {_text(part.until)}: {part.why}." for part in self.unread]
        told += dict.fromkeys(one.sentence for one in self.written_with)
        told += self.row_limit_signs
        if self.payload_missing:
            told.append(
                f"{self.payload_missing} of {counted(self.entries, 'entry', 'entries')} "
                f"{plural(self.payload_missing, 'has', 'have')} no payload."
            )
        if self.problems:
            first = self.problems[0]
            where = f", line {first.line}" if first.line else ""
            told.append(
                f"{counted(len(self.problems), 'record')} could not be read; the first: "
                f"{first.file}{where}: {first.what}."
            )
        if self.without_timestamp:
            told.append(f"{counted(self.without_timestamp, 'entry has', 'entries have')} no readable timestamp.")
        silence = "No entry that the filter selects for" if self.is_selection else "Silence of"
        told += [f"{silence} {gap.seconds:.0f} s from {_text(gap.since)}." for gap in self.gaps]
        told += self.notes
        return told


def row_limit_signs(
    name: str, entries: int, severities: Mapping[str, int], window_s: float | None, declared_s: float | None
) -> tuple[str, ...]:
    """Why a file may have been cut by a number of rows.

    Args:
        name: The file's name; it may tell a number of rows or hours.
        entries: Entries in it.
        severities: Entries of each severity as logged.
        window_s: Seconds between its first and last entry.
        declared_s: Seconds that the file says it covers, when a wrapper says so.
    """
    signs = []
    named = _NAMED_COUNT.search(name)
    if entries in _ROUND_COUNTS:
        signs.append(f"{name} holds exactly {entries} entries: probably cut by a row limit.")
    elif (
        named and int(named[1]) == entries and any(0 < entries - limit <= 5 for limit in _ROUND_COUNTS if limit >= 100)
    ):
        signs.append(
            f"{name} holds {entries} entries, just above a round number: probably joined pages of a row limit."
        )
    full = [severity for severity, count in severities.items() if count in (50, 100, 1000)]
    if len(severities) > 1 and full and entries not in _ROUND_COUNTS:
        limit = severities[full[0]]
        signs.append(
            f"{name} holds exactly {limit} entries of {', '.join(sorted(full))}: "
            f"probably at most {limit} of each severity."
        )
    hours = _NAMED_HOURS.search(name)
    said_s = declared_s or (int(hours[1] or 1) * _UNIT_S[hours[2].lower()] if hours else None)
    if said_s and window_s is not None and window_s < said_s / 2:
        signs.append(f"{name} should cover {said_s:.0f} s and covers {window_s:.0f} s.")
    return tuple(signs)


def gap_limit_ns(usual_ns: float) -> float:
    """How long a silence must be to count as a gap, given the usual distance between entries."""
    return max(MIN_GAP_S * 1e9, GAP_RATIO * usual_ns)


def at(ns: int) -> datetime:
    """An instant in UTC, to the microsecond."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return _text(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
