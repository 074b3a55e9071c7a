"""Files to read: opened whatever compresses them, and fed to DuckDB.

What DuckDB reads fast it reads itself. What it cannot read, or reads wrongly, is cut into entries by
:mod:`gpkit.logs.cutting`: wrappers, other encodings, broken lines, half of a surrogate pair, objects above its 16 MiB.
"""

# ruff: noqa: S608 - the SQL is put together from constants and quoted literals, never from what a log holds.
from __future__ import annotations

import bz2
import glob
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.entries.assembling import Part
from gpkit.entries.cleaning import literal
from gpkit.entries.coverage import Problem
from gpkit.errors import SourceError
from gpkit.logs.cutting import Cut, cut_entries, cut_rows, declared_span_s
from gpkit.logs.shapes import ARRAY, LINES, PARQUET, ROWS, compression_of, encoding_of, way_to_read
from gpkit.redaction import redact
from gpkit.tables import FILTER_KEY

if TYPE_CHECKING:
    import pyarrow as pa

    from gpkit.entries import Extractor

HEAD_BYTES = 1 << 16
TAIL_BYTES = 1 << 10
_UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error)


@dataclass(frozen=True)
class Cuttings:
    """What a file says besides its entries.

    Attributes:
        problems: What could not be read.
        declared_s: The seconds that it claims to cover; null when it claims nothing.
        written_with: The filter with which it was written; empty for none.
        is_table: Whether it was written from entries as a table, redacted and perhaps masked.
    """

    problems: tuple[Problem, ...] = ()
    declared_s: float | None = None
    written_with: str = ""
    is_table: bool = False


def part_of(name: str, table: pa.Table, cuttings: Cuttings, *, is_export: bool) -> Part:
    """What :func:`load_file` gives, as a part of a reading; a selection is no export that a row limit may have cut."""
    is_whole = is_export and not cuttings.written_with
    return Part(name, table, cuttings.declared_s, is_whole, cuttings.written_with, cuttings.is_table)


def load_file(extractor: Extractor, path: Path) -> tuple[pa.Table, Cuttings]:
    """A file's entries, extracted.

    Args:
        extractor: Extracts them.
        path: The file.

    Returns:
        One row for each entry in the order of the file, and what the file says and lacks.

    Raises:
        SourceError: The file cannot be read, or is no export.
    """
    import duckdb

    try:
        packed, head = _head(path)
        way = way_to_read(head, path.name)
        # DuckDB takes an array that is cut between two entries for a whole one.
        whole = way in (LINES, ROWS) or (way == ARRAY and _tail(path, packed).rstrip().endswith(b"]"))
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    if way == PARQUET:
        return _load_parquet(extractor, path)
    is_table = way == ROWS
    if whole and packed in (None, "gzip", "zstd"):
        try:
            table = extractor.of_sql(_fast_source(path, way, packed))
            if all_true(table["is_entry"]):
                return table, Cuttings(is_table=is_table)
        except duckdb.Error:
            # It says at which byte; cutting the file tells what is wrong, and keeps the lines that are right.
            pass
    try:
        cuttings, entries = _cut(path, packed)
    except _UNREADABLE as error:  # it may have gone in the meantime
        raise _unreadable(path, error) from error
    return _extracted(extractor, path.name, entries), replace(cuttings, is_table=is_table)


def _load_parquet(extractor: Extractor, path: Path) -> tuple[pa.Table, Cuttings]:
    """The entries of a table's column ``entry``, extracted once more: what was redacted stays as it is."""
    import duckdb

    source = f"read_parquet({_pattern(path)}, hive_partitioning = false)"
    try:
        columns = extractor.connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        if ("entry", "VARCHAR") not in [column[:2] for column in columns]:
            raise SourceError(
                f"{path.name} is not a log export: it is a Parquet file without the column entry.",
                next_step="Write one: gpkit logs SOURCE -o entries.parquet",
            )
        written_with = _written_with(extractor, path)
        try:
            table = extractor.of_sql(f"SELECT entry, NULL::VARCHAR AS readable FROM {source}")
            if all_true(table["is_entry"]):
                return table, Cuttings(written_with=written_with, is_table=True)
        except duckdb.InvalidInputException:  # an entry that DuckDB cannot parse
            pass
        texts = [text for (text,) in extractor.connection.execute(f"SELECT entry FROM {source}").fetchall()]
    except duckdb.Error as error:
        raise SourceError(
            f"{path.name} cannot be read as Parquet.", str(error).splitlines()[0], "It may be cut off: write it again."
        ) from error
    problems, entries = _sorted_out(path.name, cut_rows(texts))
    return _extracted(extractor, path.name, entries), Cuttings(
        tuple(problems), written_with=written_with, is_table=True
    )


def _extracted(extractor: Extractor, name: str, entries: list[str]) -> pa.Table:
    import duckdb

    try:
        return extractor.extract(entries)
    except duckdb.Error as error:
        if "RecursionError" not in str(error):
            raise
        raise SourceError(f"{name} holds an entry that is nested too deeply for the filter to look into it.") from error


def _written_with(extractor: Extractor, path: Path) -> str:
    """The filter that a Parquet file says it was written with; what it says is redacted as all evidence is."""
    found = extractor.connection.execute(
        f"SELECT decode(value) FROM parquet_kv_metadata({_pattern(path)}) WHERE decode(key) = ?", [FILTER_KEY.decode()]
    ).fetchall()
    return redact(str(found[0][0])) if found else ""


def _unreadable(path: Path, error: Exception) -> SourceError:
    if isinstance(error, OSError) and error.strerror:
        return SourceError(f"{path.name} cannot be read: {error.strerror}.")
    return SourceError(f"{path.name} cannot be read: {error}.", "It may be cut off.", "Export it again.")


def _fast_source(path: Path, way: str, packed: str | None) -> str:
    entry = "json_extract_string(json, '$.entry')" if way == ROWS else "json"
    return f"""
        SELECT {entry} AS entry, NULL::VARCHAR AS readable FROM read_json_objects({_pattern(path)},
            format = '{"array" if way == ARRAY else "newline_delimited"}', ignore_errors = {str(way != ARRAY).lower()},
            compression = '{packed or "none"}')
    """


def _pattern(path: Path) -> str:
    """SQL: this file and no other, whose name may hold characters that DuckDB takes for a pattern."""
    return literal(glob.escape(str(path)))


def _head(path: Path) -> tuple[str | None, bytes]:
    with path.open("rb") as file:
        packed = compression_of(file.read(8))
    return packed, _open(path, packed, HEAD_BYTES)


def _open(path: Path, packed: str | None, size: int = -1) -> bytes:
    if packed == "zstd":
        import pyarrow as pa

        with pa.input_stream(str(path), compression="zstd") as stream:
            return bytes(stream.read() if size < 0 else stream.read(size))
    openers: dict[str | None, Callable[[Path], Any]] = {
        None: partial(open, mode="rb"),
        "gzip": partial(gzip.open, mode="rb"),
        "bz2": partial(bz2.open, mode="rb"),
        "xz": partial(lzma.open, mode="rb"),
    }
    with openers[packed](path) as file:
        return bytes(file.read(size))


def _tail(path: Path, packed: str | None) -> bytes:
    with path.open("rb") as file:
        if packed is None:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read()
    return _open(path, packed)[-TAIL_BYTES:]


def _cut(path: Path, packed: str | None) -> tuple[Cuttings, list[str]]:
    raw = _open(path, packed)
    encoding = encoding_of(raw)
    text = raw.decode(encoding, errors="replace")
    problems, entries = _sorted_out(path.name, cut_entries(text, path.name))
    if encoding != "utf-16" and "\ufffd" in text and b"\xef\xbf\xbd" not in raw:
        problems.insert(0, Problem(path.name, None, "bytes that are not UTF-8 were replaced"))
    return Cuttings(tuple(problems), declared_span_s(text[:HEAD_BYTES])), entries


def _sorted_out(name: str, cuts: Iterable[Cut]) -> tuple[list[Problem], list[str]]:
    """What is no entry, and the entries.

    Raises:
        SourceError: There are records, and none is an entry.
    """
    entries: list[str] = []
    problems: list[Problem] = []
    for cut in cuts:
        if cut.problem:
            problems.append(Problem(name, cut.line, cut.problem))
        else:
            entries.append(cut.text)
    if not entries and problems:
        raise SourceError(
            f"{name} is not a log export: none of its {len(problems)} records is a log entry.",
            next_step="Export entries instead: gcloud logging read FILTER --format=json > entries.json",
        )
    return problems, entries


def all_true(column: pa.ChunkedArray) -> bool:
    """Whether no value is false or null."""
    import pyarrow.compute as pc

    return bool(pc.sum(column).as_py() == len(column) or len(column) == 0)
