"""Entries in Parquet files, read by DuckDB out of core: any number of them in bounded memory."""

# ruff: noqa: S608 - the SQL is put together from constants and quoted literals, never from what a log holds.
from __future__ import annotations

import contextlib
import glob
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.entries.cleaning import literal
from gpkit.entries.coverage import Written
from gpkit.errors import OutputError, SourceError
from gpkit.logs.warehouse.engines import ROWS
from gpkit.redaction import redact
from gpkit.tables import filter_of

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    from ibis.backends.duckdb import Backend


@contextlib.contextmanager
def opened(source: str | Path, *, memory_limit: str, needed: Iterable[str] = ()) -> Iterator[ir.Table]:
    """The entries of Parquet files as an Ibis table, as long as the context lasts.

    Files may overlap: of several, each entry is there once. One file is taken as it is.

    Args:
        source: A file, a folder (its files that end in ``.parquet``, at any depth), or a pattern.
        memory_limit: What DuckDB may use before it goes on in temporary files, as it writes it: ``1GB``.
        needed: The columns that must be there.

    Raises:
        SourceError: Nothing is there, it cannot be read as Parquet, or it lacks a column.
    """
    import duckdb

    files = _files(Path(os.path.expanduser(source)))
    with _bounded(memory_limit) as backend:
        try:
            with warnings.catch_warnings():  # Ibis 12 asks by a name that DuckDB 2 will drop
                warnings.simplefilter("ignore", DeprecationWarning)
                entries = backend.read_parquet(files, union_by_name=True)
                if len(files) > 1:
                    entries = _each_once(backend, files, entries)
        except duckdb.Error as error:
            raise _unreadable(source, error) from error
        if missing := [name for name in needed if name not in entries.columns]:
            raise SourceError(
                f"'{source}' is no table of entries: it lacks {', '.join(missing)}.",
                next_step="Write one: gpkit logs SOURCE -o entries.parquet",
            )
        try:
            yield entries
        except duckdb.IOException as error:  # a file further on, or a part of one
            raise _unreadable(source, error) from error


def written_with(source: str | Path) -> tuple[Written, ...]:
    """The Parquet files that were written with a filter.

    Raises:
        SourceError: Nothing is there, or it cannot be read as Parquet.
    """
    import pyarrow as pa

    files = _files(Path(os.path.expanduser(source)))
    try:
        told = [Written(os.path.basename(file), redact(filter_of(Path(file)))) for file in files]
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(source, error) from error
    return tuple(one for one in told if one.filter)


def write_sorted(
    tables: Iterable[pa.Table],
    to: Path,
    *,
    schema: pa.Schema,
    order: Sequence[str],
    written: pa.Schema,
    memory_limit: str,
) -> int:
    """Tables of one schema as one Parquet file in order, sorted out of core.

    Args:
        tables: The rows, some at a time.
        to: The file; it is there whole or not at all.
        schema: Of every table.
        order: The columns to sort by.
        written: Of the file: the columns to keep, and what pandas must know of them.
        memory_limit: What DuckDB may use before it goes on in temporary files.

    Returns:
        How many rows were written.

    Raises:
        OutputError: The file cannot be written.
    """
    import duckdb
    import pyarrow.parquet as pq

    partial = to.with_name(f".{to.name}.{os.getpid()}.partial")
    rows = 0
    try:
        with tempfile.TemporaryDirectory(prefix="gpkit-rows-") as folder:
            unsorted = Path(folder) / "rows.parquet"
            with pq.ParquetWriter(unsorted, schema) as writer:
                for table in tables:
                    rows += len(table)
                    writer.write_table(table)
            with _bounded(memory_limit) as backend:
                names = ", ".join(f'"{name}"' for name in written.names)
                source = f"SELECT {names} FROM read_parquet({literal(str(unsorted))}) ORDER BY {', '.join(order)}"
                with pq.ParquetWriter(partial, written) as writer:
                    for batch in backend.con.sql(source).to_arrow_reader(ROWS):
                        writer.write_batch(batch.cast(written))
        partial.replace(to)
    except OSError as error:
        raise OutputError(f"'{to}' cannot be written: {error.strerror}.", next_step="Choose another file.") from error
    except duckdb.IOException as error:
        why = str(error).splitlines()[0]
        raise OutputError(f"'{to}' cannot be written.", why, "Choose another file.") from error
    finally:
        partial.unlink(missing_ok=True)
    return rows


@contextlib.contextmanager
def _bounded(memory_limit: str) -> Iterator[Backend]:
    """DuckDB with a limit and a temporary folder of its own."""
    import duckdb
    import ibis

    with tempfile.TemporaryDirectory(prefix="gpkit-duckdb-") as folder:
        backend = ibis.duckdb.connect(memory_limit=memory_limit, temp_directory=folder, preserve_insertion_order=False)
        backend.raw_sql("SET TimeZone = 'UTC'")
        with contextlib.suppress(duckdb.Error):  # in a kernel without ipywidgets it is off and cannot be set
            backend.raw_sql("SET enable_progress_bar = false")
        try:
            yield backend
        finally:
            backend.disconnect()


def _each_once(backend: Backend, files: Sequence[str], entries: ir.Table) -> ir.Table:
    """The entries of several files, of which each stays once: told by log name, timestamp and insert id.

    What repeats another is found by the columns of its identity alone, and left out where the files are read: texts
    never pass through a sort. Most entries are there once, which a hash of eight bytes tells; only those whose hash is
    there again are compared. Of several copies the one with its payload stays. An entry without an insert id stays.
    """
    if not {"timestamp_ns", "insert_id"} <= set(entries.columns):
        return entries
    paths = ", ".join(literal(glob.escape(file)) for file in files)
    source = f"read_parquet([{paths}], union_by_name = true, filename = true, file_row_number = true)"
    identity = [name for name in ("insert_id", "timestamp_ns", "log_name") if name in entries.columns]
    worth = [f"{name} IS NULL" for name in ("payload_kind", "http_url") if name in entries.columns]
    digest = f"hash({', '.join(identity)})"
    backend.raw_sql(f"""
        CREATE TABLE repeated AS
        SELECT {digest} AS digest FROM {source} WHERE insert_id IS NOT NULL GROUP BY ALL HAVING count(*) > 1
    """)
    backend.raw_sql(f"""
        CREATE TABLE copies AS
        SELECT filename, file_row_number FROM {source}
        WHERE insert_id IS NOT NULL AND {digest} IN (FROM repeated)
        QUALIFY row_number() OVER (
            PARTITION BY {", ".join(identity)} ORDER BY {", ".join([*worth, "filename", "file_row_number"])}) > 1
    """)
    backend.raw_sql(f"""
        CREATE VIEW entries AS
        SELECT * EXCLUDE (filename, file_row_number)
        FROM {source} ANTI JOIN copies USING (filename, file_row_number)
    """)
    return backend.table("entries")


def _files(path: Path) -> list[str]:
    if path.is_dir():
        found = sorted(str(file) for file in path.rglob("*.parquet") if file.is_file())
        missing = f"The folder '{path}' holds no Parquet file."
    elif path.is_file():
        return [str(path)]
    else:
        found = sorted(file for file in glob.glob(str(path), recursive=True) if os.path.isfile(file))
        missing = (
            f"No file matches '{str(path)[:200]}'." if glob.has_magic(str(path)) else f"There is no file '{path}'."
        )
    if not found:
        raise SourceError(missing, next_step="Write one: gpkit logs SOURCE -o entries.parquet")
    return found


def _unreadable(source: str | Path, error: Exception) -> SourceError:
    return SourceError(
        f"'{source}' cannot be read as Parquet.",
        str(error).splitlines()[0],
        "Write it again: gpkit logs SOURCE -o entries.parquet",
    )
