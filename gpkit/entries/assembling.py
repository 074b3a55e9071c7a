"""Extracted entries of several sources → one table, each entry once, with what it covers.

Steps: find copies, measure coverage, link continuation lines, put in order. Between the steps the entries are one
Arrow table, so that their texts are in memory once.
Entries are ordered by instant; equal instants keep the order of their part, or its reverse when it runs newest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gpkit.entries.arrow import to_series
from gpkit.entries.continuation import JOINED, LINK
from gpkit.entries.coverage import Coverage, Problem, Unread, Written, row_limit_signs
from gpkit.entries.extracting import quiet
from gpkit.entries.identity import MARK_COPIES, ORDER
from gpkit.entries.measure import measure
from gpkit.tables import ENTRIES, conform

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

_WORKING = ("file_no", "line", "sequence", "begins_as", "left_open", "is_entry")


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


@dataclass(frozen=True)
class Part:
    """The extracted entries of one file or stretch.

    Attributes:
        name: For people.
        table: As :class:`gpkit.entries.Extractor` makes it.
        declared_s: Seconds that it says it covers; null when it does not say.
        is_export: Whether somebody exported it, so that a round number of entries is a sign of a row limit.
        written_with: The filter with which it was written, which left entries out; empty for none.
        is_table: Whether it was written from entries as a table, redacted and perhaps masked.
    """

    name: str
    table: pa.Table
    declared_s: float | None = None
    is_export: bool = True
    written_with: str = ""
    is_table: bool = False


def assemble(
    parts: list[Part],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    problems: Sequence[Problem] = (),
    unread: Sequence[Unread] = (),
    notes: Sequence[str] = (),
    is_selection: bool = False,
) -> Entries:
    """One table of all parts.

    Args:
        parts: At least one. The list is emptied, so that its texts are not held twice.
        since: Only entries at or after this instant.
        until: Only entries before this instant.
        problems: What could not be read, for the coverage.
        unread: Stretches that were not read, for the coverage.
        notes: What else a reader must know, for the coverage.
        is_selection: Whether a filter left entries out.

    Returns:
        One row for each entry, oldest first.
    """
    import duckdb

    described = [(part.name, _signs(part) if part.is_export else ()) for part in parts]
    written = [Written(part.name, part.written_with) for part in parts if part.written_with]
    arrow = _number(parts, since, until)
    parts.clear()
    with duckdb.connect() as connection:
        quiet(connection)
        connection.execute("SET arrow_large_buffer_size = true")
        connection.register("entries", arrow)
        connection.execute(MARK_COPIES)
        coverage = measure(
            connection, described, problems, unread, notes, is_selection=is_selection, written_with=written
        )
        arrow = _link(connection, arrow)
        return Entries(_frame(connection, arrow), coverage)


def _signs(part: Part) -> tuple[str, ...]:
    """Why an export may have been cut, told from all of it: what the window leaves out was exported too."""
    import pyarrow.compute as pc

    counts = pc.value_counts(part.table["severity"]).to_pylist()
    severities = {row["values"] or "DEFAULT": row["counts"] for row in counts}
    ends = pc.min_max(part.table["timestamp_ns"]).as_py()
    window_s = None if ends["min"] is None else (ends["max"] - ends["min"]) / 1e9
    return row_limit_signs(part.name, len(part.table), severities, window_s, part.declared_s)


def _number(parts: Sequence[Part], since: datetime | None, until: datetime | None) -> pa.Table:
    """All parts as one table, with the order that entries of equal instants keep."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    numbered = []
    begin = 0
    for file_no, part in enumerate(parts):
        table = part.table
        for limit, keeps in ((since, pc.greater_equal), (until, pc.less)):
            if limit is not None:
                table = table.filter(keeps(table["timestamp_ns"], _ns(limit)))
        lines = np.arange(begin, begin + len(table))
        begin += len(table)
        table = table.append_column("file_no", pa.array(np.full(len(table), file_no, dtype="int32")))
        table = table.append_column("line", pa.array(lines))
        numbered.append(table.append_column("sequence", pa.array(-lines if _newest_first(table) else lines)))
    return pa.concat_tables(numbered)


def _newest_first(table: pa.Table) -> bool:
    import pyarrow.compute as pc

    stamps = pc.drop_null(table["timestamp_ns"])
    return len(stamps) > 1 and stamps[0].as_py() > stamps[-1].as_py()


def _ns(instant: datetime) -> int:
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _link(connection: duckdb.DuckDBPyConnection, arrow: pa.Table) -> pa.Table:
    """The table with ``continues``, the joined message at each head, and the level that a head gives to its lines."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    connection.execute(LINK)
    heads = connection.sql(JOINED).to_arrow_table()
    lines = connection.sql("SELECT * FROM links WHERE goes_on ORDER BY line").to_arrow_table()

    def replaced(column: str, at: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.Table:
        mask = np.zeros(len(arrow), dtype=bool)
        mask[at.to_numpy()] = True
        whole = pa.chunked_array(pc.replace_with_mask(arrow[column].combine_chunks(), mask, values.combine_chunks()))
        return arrow.set_column(arrow.column_names.index(column), column, whole)

    arrow = arrow.append_column("continues", pa.nulls(len(arrow), arrow.schema.field("insert_id").type))
    if len(lines):
        arrow = replaced("continues", lines["line"], lines["head_insert_id"])
        arrow = replaced("effective_severity", lines["line"], lines["own_or_head_severity"])
        arrow = replaced("message", heads["head"], heads["message"])
    return arrow


def _frame(connection: duckdb.DuckDBPyConnection, arrow: pa.Table) -> pd.DataFrame:
    """The table ENTRIES in order. Texts stay in Arrow's memory: Python strings would need several times the room."""
    import numpy as np
    import pandas as pd

    order = connection.sql(ORDER).to_arrow_table()["line"].to_numpy()
    in_order = len(order) == len(arrow) and bool((order == np.arange(len(order))).all())
    columns: dict[str, pd.Series[Any]] = {}
    for name in [name for name in arrow.column_names if name not in _WORKING]:
        column = arrow[name]
        # One column at a time, each released once it is taken: the texts are most of the memory.
        arrow = arrow.drop_columns([name])
        columns[name] = to_series(column if in_order else column.take(order))
    for name in ("timestamp", "receive_timestamp"):
        columns[name] = pd.to_datetime(columns[f"{name}_ns"] // 1000, unit="us", utc=True)
    return conform(pd.DataFrame(columns, copy=False), ENTRIES)
