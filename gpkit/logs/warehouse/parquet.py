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
from gpkit.errors import OutputError, SourceError
from gpkit.logs.warehouse.engines import ROWS

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    from ibis.backends.duckdb import Backend


@contextlib.contextmanager
def opened(source: str | Path, *, memory_limit: str) -> Iterator[ir.Table]:
    """The entries of Parquet files as an Ibis table, as long as the context lasts.

    Args:
        source: A file, a folder (its files that end in ``.parquet``, at any depth), or a pattern.
        memory_limit: What DuckDB may use before it goes on in temporary files, as it writes it: ``1GB``.

    Raises:
        SourceError: Nothing is there, or it cannot be read as Parquet.
    """
    import duckdb

    files = _files(Path(os.path.expanduser(source)))
    with _bounded(memory_limit) as backend:
        try:
            with warnings.catch_warnings():  # Ibis 12 asks by a name that DuckDB 2 will drop
                warnings.simplefilter("ignore", DeprecationWarning)
                entries = backend.read_parquet(files, union_by_name=True)
        except duckdb.Error as error:
            raise _unreadable(source, error) from error
        try:
            yield entries
        except duckdb.IOException as error:  # a file further on, or a part of one
            raise _unreadable(source, error) from error


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
