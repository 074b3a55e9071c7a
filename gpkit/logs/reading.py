"""Files of log entries → one table, each entry once, with what it covers.

A straight list of steps, all in DuckDB: extract, drop copies, link continuation lines, order, measure coverage.
Entries are ordered by instant; equal instants keep the order of the files, or its reverse when they run newest first.
"""

# ruff: noqa: S608 - the SQL is put together from constants and quoted literals, never from what a log holds.
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.errors import SourceError
from gpkit.logs.continuation import link_sql
from gpkit.logs.coverage import Coverage, FileCoverage, Gap, Problem, at, gap_limit_ns, row_limit_signs
from gpkit.logs.extraction import COLUMNS, extraction_sql
from gpkit.logs.files import Found, find, insert_file
from gpkit.logs.identity import MARK_COPIES
from gpkit.logs.scrubbing import scrubbed_sql, scrubber
from gpkit.tables import ENTRIES, conform

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

_WORKING = ("file_no", "begins_as", "left_open", "is_entry")


@dataclass(frozen=True)
class Entries:
    """Log entries and what they cover.

    Attributes:
        frame: The table ENTRIES, with ``payload_timestamp_ns`` behind it: the application's own stamp of the
            instant, null where it wrote none.
        coverage: The window, its gaps, and the signs that something is missing.
    """

    frame: pd.DataFrame
    coverage: Coverage


def read(
    paths: str | Path | Iterable[str | Path],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    mask_contacts: bool = True,
) -> Entries:
    """Read exported log entries.

    Args:
        paths: Files, folders or patterns: JSON arrays, one object a line, or wrapped by a script; plain, gzip, zstd,
            bzip2 or xz. Files may overlap: each entry is kept once, and of two copies the one with its payload.
        since: Only entries at or after this instant.
        until: Only entries before this instant.
        mask_contacts: Mask client addresses and e-mail addresses.

    Returns:
        One row for each entry, oldest first.

    Raises:
        SourceError: A path leads nowhere, or a named file is no log export, and why.
    """
    import duckdb

    found = find(paths)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        connection.create_function("scrub", scrubber(mask_contacts=mask_contacts), ["VARCHAR"], "VARCHAR")
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE entries ({columns})")
        files, problems = _insert_all(connection, found, mask_contacts=mask_contacts)
        connection.execute(_limit_sql(since, until))
        described = _describe_files(connection, files)
        sequence = _sequence_sql(connection)
        connection.execute(MARK_COPIES)
        duplicates = connection.execute("DELETE FROM entries WHERE rowid IN (SELECT line FROM copies)").fetchall()[0][0]
        connection.execute(link_sql(sequence))
        coverage = _coverage(connection, described, duplicates, problems)
        return Entries(_frame(connection, sequence), coverage)


@dataclass(frozen=True)
class ReadFile:
    """A file that entries came from, and how many seconds it says it covers, where it says so."""

    name: str
    declared_s: float | None


def _insert_all(
    connection: duckdb.DuckDBPyConnection, found: list[Found], *, mask_contacts: bool
) -> tuple[list[ReadFile], list[Problem]]:
    read_files: list[ReadFile] = []
    problems: list[Problem] = []
    refusals: list[SourceError] = []
    for file in found:
        number = len(read_files)

        def insert_sql(source: str, number: int = number) -> str:
            extracted = extraction_sql(scrubbed_sql(source, mask_contacts=mask_contacts))
            return f"INSERT INTO entries BY NAME SELECT {number} AS file_no, * FROM ({extracted})"

        try:
            texts = insert_file(connection, insert_sql, file.path)
        except SourceError as error:
            if file.named:
                raise
            refusals.append(error)
            problems.append(Problem(file.path.name, None, str(error).splitlines()[0]))
            continue
        read_files.append(ReadFile(file.path.name, texts.declared_s))
        problems += texts.problems
    if not read_files:
        raise refusals[0]
    return read_files, problems


def _limit_sql(since: datetime | None, until: datetime | None) -> str:
    limits = ["false"]
    if since is not None:
        limits.append(f"timestamp_ns < {_ns(since)}")
    if until is not None:
        limits.append(f"timestamp_ns >= {_ns(until)}")
    return f"DELETE FROM entries WHERE {' OR '.join(limits)}"


def _ns(instant: datetime) -> int:
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return int((aware - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


def _sequence_sql(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL for the order of rows with equal instants: as in the file, reversed where the file runs newest first."""
    newest_first = connection.execute("""
        SELECT file_no FROM entries WHERE timestamp_ns IS NOT NULL GROUP BY file_no
        HAVING arg_min(timestamp_ns, rowid) > arg_max(timestamp_ns, rowid)
    """).fetchall()
    numbers = ", ".join(str(number) for (number,) in newest_first)
    return (
        f"CASE WHEN entries.file_no IN ({numbers}) THEN -entries.rowid ELSE entries.rowid END"
        if numbers
        else "entries.rowid"
    )


def _describe_files(connection: duckdb.DuckDBPyConnection, files: list[ReadFile]) -> tuple[FileCoverage, ...]:
    rows = connection.execute("""
        SELECT file_no, count(*), min(timestamp_ns), max(timestamp_ns),
            count(*) FILTER (payload_kind IS NULL AND http_url IS NULL)
        FROM entries GROUP BY file_no
    """).fetchall()
    by_number = {row[0]: row[1:] for row in rows}
    severities: dict[int, dict[str, int]] = {}
    for number, severity, count in connection.execute(
        "SELECT file_no, coalesce(severity, 'DEFAULT'), count(*) FROM entries GROUP BY ALL"
    ).fetchall():
        severities.setdefault(number, {})[severity] = count
    described = []
    for number, file in enumerate(files):
        entries, first_ns, last_ns, bare = by_number.get(number, (0, None, None, 0))
        window_s = None if first_ns is None else (last_ns - first_ns) / 1e9
        signs = row_limit_signs(file.name, entries, severities.get(number, {}), window_s, file.declared_s)
        if (entries and bare == entries) or bare > entries / 2:
            signs += (f"{file.name} has lost its payloads: {bare} of {entries} entries have none.",)
        described.append(
            FileCoverage(
                file.name,
                entries,
                None if first_ns is None else at(first_ns),
                None if last_ns is None else at(last_ns),
                bare,
                signs,
            )
        )
    return tuple(described)


def _coverage(
    connection: duckdb.DuckDBPyConnection, files: tuple[FileCoverage, ...], duplicates: int, problems: list[Problem]
) -> Coverage:
    entries, first_ns, last_ns, bare, timeless = connection.execute("""
        SELECT count(*), min(timestamp_ns), max(timestamp_ns),
            count(*) FILTER (payload_kind IS NULL AND http_url IS NULL), count(*) FILTER (timestamp_ns IS NULL)
        FROM entries
    """).fetchall()[0]
    gaps: tuple[Gap, ...] = ()
    if entries > 1 and first_ns is not None:
        usual_ns = (last_ns - first_ns) / (entries - 1)
        gaps = tuple(
            Gap(at(before), at(after), (after - before) / 1e9)
            for before, after in connection.execute(
                """
                SELECT * FROM (
                    SELECT lag(timestamp_ns) OVER (ORDER BY timestamp_ns) AS before, timestamp_ns AS after
                    FROM entries WHERE timestamp_ns IS NOT NULL
                ) WHERE after - before > ? ORDER BY before
                """,
                [int(gap_limit_ns(usual_ns))],
            ).fetchall()
        )
    return Coverage(
        files=files,
        entries=entries,
        duplicates=duplicates,
        since=None if first_ns is None else at(first_ns),
        until=None if last_ns is None else at(last_ns),
        gaps=gaps,
        row_limit_signs=tuple(sign for file in files for sign in file.signs),
        payload_missing=bare,
        without_timestamp=timeless,
        problems=tuple(problems),
    )


def _frame(connection: duckdb.DuckDBPyConnection, sequence: str) -> pd.DataFrame:
    """The table ENTRIES. Texts stay in Arrow's memory: a million Python strings would take several times the room."""
    plain = [name for name in COLUMNS if name not in _WORKING]
    taken = {
        "effective_severity": "CASE WHEN links.goes_on AND entries.severity IS NULL THEN links.head_severity "
        "ELSE entries.effective_severity END",
        "message": "coalesce(joined.message, entries.message)",
    }
    chosen = ", ".join(f'{taken.get(name, "entries." + name)} AS "{name}"' for name in plain)
    arrow = connection.sql(f"""
        SELECT make_timestamp(entries.timestamp_ns // 1000)::TIMESTAMPTZ AS timestamp,
            make_timestamp(entries.receive_timestamp_ns // 1000)::TIMESTAMPTZ AS receive_timestamp,
            CASE WHEN links.goes_on THEN links.head_insert_id END AS continues,
            {chosen}
        FROM entries
        LEFT JOIN links ON entries.rowid = links.line
        LEFT JOIN (SELECT head, string_agg(message, chr(10) ORDER BY place) AS message FROM links GROUP BY head) joined
            ON entries.rowid = joined.head
        ORDER BY entries.timestamp_ns NULLS LAST, {sequence}
    """).to_arrow_table()
    return conform(arrow_to_pandas(arrow), ENTRIES)


def arrow_to_pandas(arrow: pa.Table) -> pd.DataFrame:
    """An Arrow table as pandas, integers with nulls kept whole and texts left in Arrow's memory."""
    import pandas as pd
    import pyarrow as pa

    nullable = {
        pa.int64(): pd.Int64Dtype(),
        pa.int32(): pd.Int64Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    frame: pd.DataFrame = arrow.to_pandas(types_mapper=nullable.get, self_destruct=True, split_blocks=True)
    return frame
