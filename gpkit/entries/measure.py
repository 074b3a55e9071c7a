"""How much the entries of a reading cover. Reads the view ``entries`` and the table ``copies``; pure otherwise."""

# ruff: noqa: S608 - the SQL is put together from constants and quoted literals, never from what a log holds.
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpkit.entries.coverage import Coverage, FileCoverage, Gap, Problem, Unread, Written, at, gap_limit_ns
from gpkit.plural import counted, plural

if TYPE_CHECKING:
    import duckdb

_BARE = "payload_kind IS NULL AND http_url IS NULL"


def measure(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[tuple[str, tuple[str, ...]]],
    problems: Sequence[Problem],
    unread: Sequence[Unread] = (),
    notes: Sequence[str] = (),
    *,
    is_selection: bool = False,
    written_with: Sequence[Written] = (),
) -> Coverage:
    """What was read.

    Args:
        connection: Where the entries are.
        parts: Of each part its name, and the signs that it was cut.
        problems: What could not be read.
        unread: Stretches that were not read.
        notes: What else a reader must know.
        is_selection: Whether a filter left entries out.
        written_with: Each file that was written with a filter; entries were left out of it too.
    """
    described = _describe(connection, parts)
    entries, first_ns, last_ns, bare, timeless = connection.execute(f"""
        SELECT count(*), min(timestamp_ns), max(timestamp_ns),
            count(*) FILTER ({_BARE}), count(*) FILTER (timestamp_ns IS NULL)
        FROM entries WHERE line NOT IN (SELECT line FROM copies)
    """).fetchall()[0]
    return Coverage(
        files=described,
        entries=entries,
        duplicates=sum(file.entries for file in described) - entries,
        since=None if first_ns is None else at(first_ns),
        until=None if last_ns is None else at(last_ns),
        gaps=_gaps(connection, (last_ns - first_ns) / (entries - 1)) if first_ns is not None and entries > 1 else (),
        row_limit_signs=tuple(sign for file in described for sign in file.signs),
        payload_missing=bare,
        without_timestamp=timeless,
        problems=tuple(problems),
        unread=tuple(unread),
        notes=tuple(notes),
        is_selection=is_selection or bool(written_with),
        written_with=tuple(written_with),
    )


def _gaps(connection: duckdb.DuckDBPyConnection, usual_ns: float) -> tuple[Gap, ...]:
    pairs = connection.execute(
        """
        SELECT * FROM (
            SELECT lag(timestamp_ns) OVER (ORDER BY timestamp_ns) AS before, timestamp_ns AS after
            FROM entries WHERE timestamp_ns IS NOT NULL
        ) WHERE after - before > ? ORDER BY before
        """,
        [int(gap_limit_ns(usual_ns))],
    ).fetchall()
    return tuple(Gap(at(before), at(after), (after - before) / 1e9) for before, after in pairs)


def _describe(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[tuple[str, tuple[str, ...]]]
) -> tuple[FileCoverage, ...]:
    rows = connection.execute(f"""
        SELECT file_no, count(*), min(timestamp_ns), max(timestamp_ns),
            count(*) FILTER ({_BARE})
        FROM entries GROUP BY file_no
    """).fetchall()
    by_number = {row[0]: row[1:] for row in rows}
    described = []
    for number, (name, signs) in enumerate(parts):
        entries, first_ns, last_ns, bare = by_number.get(number, (0, None, None, 0))
        if (entries and bare == entries) or bare > entries / 2:
            of = counted(entries, "entry", "entries")
            signs += (f"{name} has lost its payloads: {bare} of {of} {plural(bare, 'has', 'have')} none.",)
        described.append(
            FileCoverage(
                name,
                entries,
                None if first_ns is None else at(first_ns),
                None if last_ns is None else at(last_ns),
                bare,
                signs,
            )
        )
    return tuple(described)
