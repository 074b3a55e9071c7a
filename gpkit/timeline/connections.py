"""Entries → one row for each server-side connection.

Steps: the lines that matter (Ibis, where the entries are), groups of application lines on each instance, pairs of
groups and upgrades, then outcome, reason and the time of the decision. An upgrade without lines and lines without an
upgrade are rows too. Instances follow one another, so that only the lines of one are in memory at a time.

Rules of attribution:

* A reason is taken from the application's lines. Without any it is ``unknown``: never guessed.
* 503 and 500 of the platform itself are ``start_failed`` when the entry says so, and ``crash_loop`` when an instance
  of that revision failed to boot within ten minutes of it.
* The decision's instant is the application's own stamp. It and the entry's stamp bound it; the request's start is the
  platform's. The interval holds both clocks' stamps and their resolution.
"""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.tables import CONNECTIONS, conform, empty
from gpkit.timeline.lines import REQUIRED, boots, from_frame, lived, narrow, story
from gpkit.timeline.pairing import WINDOW_S
from gpkit.timeline.rows import rows_of_instance

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa

CHUNK = 32_768  # chosen: lines brought at a time, and about the rows that are written at a time
MEMORY = "250MB"  # measured: more is not faster; the process takes some 400 MB beside it


def connections(entries: pd.DataFrame, *, window_s: float = WINDOW_S) -> pd.DataFrame:
    """The server's own account of every connection.

    Args:
        entries: The table ENTRIES.
        window_s: The usual lag from a request to the application's first line.

    Returns:
        The table CONNECTIONS, oldest first. An entry without an instant is part of none.

    Raises:
        TableError: A column is missing.
    """
    return _collected(_tables(from_frame(entries), window_s))


def connections_of(
    source: Path | str | ir.Table, *, window_s: float = WINDOW_S, memory_limit: str = MEMORY
) -> pd.DataFrame:
    """The same of entries that are too many to be loaded: only their lines that matter leave the engine.

    Args:
        source: Parquet of the table ENTRIES (a file, a folder or a pattern; files may overlap), or an Ibis table of its
            columns on any engine.
        window_s: The usual lag from a request to the application's first line.
        memory_limit: What DuckDB may use before it goes on in temporary files; Parquet only.

    Returns:
        The table CONNECTIONS, oldest first.

    Raises:
        SourceError: The path leads to no Parquet file, or to one that cannot be read or lacks a column.
        TableError: A column of the Ibis table is missing.
    """
    from gpkit.logs.warehouse import parquet

    if isinstance(source, (str, Path)):
        with parquet.opened(source, memory_limit=memory_limit, needed=REQUIRED) as entries:
            return _collected(_tables(entries, window_s))
    return _collected(_tables(source, window_s))


def write_connections(
    source: Path | str | ir.Table, to: Path, *, window_s: float = WINDOW_S, memory_limit: str = MEMORY
) -> int:
    """:func:`connections_of` into a Parquet file, where the rows themselves are too many to be loaded.

    Returns:
        How many rows were written, oldest first.

    Raises:
        OutputError: The file cannot be written.
        SourceError: The path leads to no Parquet file, or to one that cannot be read or lacks a column.
        TableError: A column of the Ibis table is missing.
    """
    from gpkit.logs.warehouse import parquet

    if isinstance(source, (str, Path)):
        with parquet.opened(source, memory_limit=memory_limit, needed=REQUIRED) as entries:
            return write_connections(entries, to, window_s=window_s, memory_limit=memory_limit)
    return parquet.write_sorted(
        (_with_instant(table) for table in _tables(source, window_s)),
        to,
        schema=_schema(),
        order=("sort_ns", "connection_id"),
        written=_written(),
        memory_limit=memory_limit,
    )


def _tables(entries: ir.Table, window_s: float) -> Iterator[pa.Table]:
    """The rows of all instances, some thousands at a time, in no order."""
    import pyarrow as pa

    from gpkit.logs.warehouse.engines import batches

    entries = narrow(entries)
    failures = _failed_boots(entries)
    lines = story(entries)
    lines = lines.filter(lines.timestamp_ns.notnull())
    # Upgrades after the lines: of requests that reached no instance there may be any number, and no line is theirs.
    in_order = lines.order_by(lines.instance_id, lines.rule.startswith("upgrade-"), lines.timestamp_ns, lines.insert_id)
    parts = (rows_of_instance(part, failures, window_s=window_s) for part in by_instance(batches(in_order, CHUNK)))
    rows = itertools.chain.from_iterable(parts)
    while chunk := _next(rows, CHUNK // 4):
        yield pa.Table.from_pylist(chunk, schema=_schema())


def _failed_boots(entries: ir.Table) -> dict[str, list[int]]:
    """Instants, in order, at which instances of each revision failed to boot."""
    from gpkit.logs.warehouse.engines import batches

    told = [row for batch in batches(boots(entries)) for row in batch.to_pylist()]
    ended = {row["instance_id"] for row in told if row["instance_id"] is not None}
    started: set[str] = set()
    for batch in batches(lived(entries, ended)) if ended else ():
        started.update(batch["instance_id"].to_pylist())
    failures: dict[str, list[int]] = {}
    for row in sorted(told, key=lambda row: int(row["timestamp_ns"])):
        if row["instance_id"] not in started:
            failures.setdefault(row["revision"], []).append(row["timestamp_ns"])
    return failures


def _next(rows: Iterator[dict[str, object]], count: int) -> list[dict[str, object]]:
    """This many rows, made without looking for cycles: there are none, and looking takes a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return list(itertools.islice(rows, count))
    finally:
        if was_enabled:
            gc.enable()


def by_instance(lines: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The lines of each instance, one table each.

    Upgrades without any line come in several tables: each stands for itself.
    """
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    last: str | None = None
    has_lines = False
    for batch in lines:
        begin = 0
        for instance_id, run in itertools.groupby(batch["instance_id"].to_pylist()):
            end = begin + sum(1 for _ in run)
            if held and (instance_id != last or not has_lines):
                yield pa.Table.from_batches(held)
                held = []
            part = batch.slice(begin, end - begin)
            if not held:
                has_lines = not part["rule"][0].as_py().startswith("upgrade-")
            held.append(part)
            last, begin = instance_id, end
    if held:
        yield pa.Table.from_batches(held)


def _schema() -> pa.Schema:
    import pyarrow as pa

    kinds = {
        "instant": pa.timestamp("us", "UTC"),
        "integer": pa.int64(),
        "number": pa.float64(),
        "text": pa.string(),
        "flag": pa.bool_(),
        "texts": pa.list_(pa.string()),
    }
    columns = [(column.name, kinds[column.kind]) for column in CONNECTIONS]
    return pa.schema([*columns, ("sort_ns", pa.int64())])


def _written() -> pa.Schema:
    """The schema of a file. Without pandas' own note whole numbers with nulls are read back as floats."""
    import pyarrow as pa

    schema = _schema()
    columns = pa.schema([schema.field(column.name) for column in CONNECTIONS])
    return columns.with_metadata(pa.Schema.from_pandas(empty(CONNECTIONS), preserve_index=False).metadata)


def _with_instant(rows: pa.Table) -> pa.Table:
    """The rows with ``requested_utc`` beside its nanoseconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    us = pc.divide(rows["requested_ns"], 1000)
    at = rows.column_names.index("requested_utc")
    return rows.set_column(at, rows.schema.field(at), us.cast(pa.timestamp("us", "UTC")))


def _collected(tables: Iterator[pa.Table]) -> pd.DataFrame:
    import pyarrow as pa

    from gpkit.entries.arrow import to_frame

    rows = pa.concat_tables([_schema().empty_table(), *map(_with_instant, tables)])
    rows = rows.sort_by([("sort_ns", "ascending"), ("connection_id", "ascending")]).drop_columns(["sort_ns"])
    return conform(to_frame(rows), CONNECTIONS)
