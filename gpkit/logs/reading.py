"""Files of log entries → one table, each entry once, with what it covers.

Steps: extract (DuckDB), find copies, measure coverage, link continuation lines, put in order. Between the steps the
entries are one Arrow table, so that their texts are in memory once.
Entries are ordered by instant; equal instants keep the order of the files, or its reverse when they run newest first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.errors import SourceError
from gpkit.logs.arrow import to_series
from gpkit.logs.continuation import JOINED, LINK
from gpkit.logs.coverage import Coverage, Problem
from gpkit.logs.extraction import extraction_sql
from gpkit.logs.files import Found, find, load_file
from gpkit.logs.identity import MARK_COPIES, ORDER
from gpkit.logs.measure import measure
from gpkit.logs.scrubbing import scrubbed_sql, scrubber
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

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        with contextlib.suppress(duckdb.Error):  # in a kernel without ipywidgets it is off and cannot be set
            connection.execute("SET enable_progress_bar = false")
        connection.create_function("scrub", scrubber(mask_contacts=mask_contacts), ["VARCHAR"], "VARCHAR")
        # Texts of more than 2 GiB in one column.
        connection.execute("SET arrow_large_buffer_size = true")
        loaded, problems = _load_all(connection, find(paths), mask_contacts=mask_contacts)
        arrow = _number(loaded, since, until)
        files = [(file.name, file.declared_s) for file in loaded]
        loaded.clear()
        connection.register("entries", arrow)
        connection.execute(MARK_COPIES)
        coverage = measure(connection, files, problems)
        arrow = _link(connection, arrow)
        return Entries(_frame(connection, arrow), coverage)


@dataclass(frozen=True)
class Loaded:
    """The extracted entries of one file."""

    name: str
    table: pa.Table
    declared_s: float | None


def _load_all(
    connection: duckdb.DuckDBPyConnection, found: list[Found], *, mask_contacts: bool
) -> tuple[list[Loaded], list[Problem]]:
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    refusals: list[SourceError] = []

    def extract(source: str) -> str:
        return extraction_sql(scrubbed_sql(source, mask_contacts=mask_contacts))

    for file in found:
        try:
            table, cuttings = load_file(connection, extract, file.path)
        except SourceError as error:
            if file.named:
                raise
            refusals.append(error)
            why = str(error).splitlines()[0].removeprefix(f"{file.path.name} ").rstrip(".")
            problems.append(Problem(file.path.name, None, why))
            continue
        loaded.append(Loaded(file.path.name, table, cuttings.declared_s))
        problems += cuttings.problems
    if not loaded:
        raise refusals[0]
    return loaded, problems


def _number(loaded: list[Loaded], since: datetime | None, until: datetime | None) -> pa.Table:
    """All files as one table, with the order that entries of equal instants keep."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    numbered = []
    begin = 0
    for file_no, file in enumerate(loaded):
        table = file.table
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
