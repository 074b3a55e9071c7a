"""Files to read: found by name, folder or pattern, opened whatever compresses them, and fed to DuckDB.

What DuckDB reads fast it reads itself. What it cannot read, or reads wrongly, is cut into entries by
:mod:`gpkit.logs.shapes`: wrappers, other encodings, broken lines, half of a surrogate pair, objects above its 16 MiB.
"""

# ruff: noqa: S608 - the SQL is put together from constants and quoted literals, never from what a log holds.
from __future__ import annotations

import bz2
import glob
import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.entries.coverage import Problem
from gpkit.errors import SourceError
from gpkit.logs.shapes import ARRAY, LINES, compression_of, cut_entries, declared_span_s, encoding_of, way_to_read

if TYPE_CHECKING:
    import pyarrow as pa

    from gpkit.entries import Extractor

HEAD_BYTES = 1 << 16
TAIL_BYTES = 1 << 10
_ENDINGS = (".json", ".jsonl", ".ndjson", ".log")
_UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error)
_COMPRESSED = ("", ".gz", ".zst", ".bz2", ".xz")


@dataclass(frozen=True)
class Found:
    """A file, and whether the caller named it: a named file that is no export is an error, another is passed over."""

    path: Path
    named: bool


@dataclass(frozen=True)
class Cuttings:
    """What a file says besides its entries: what could not be read, and the seconds it claims to cover."""

    problems: tuple[Problem, ...] = ()
    declared_s: float | None = None


def find(paths: str | Path | Iterable[str | Path]) -> list[Found]:
    """The files behind names, folders and patterns, each once, in a stable order.

    Raises:
        SourceError: A name leads to nothing.
    """
    given: Sequence[str | Path] = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not given:
        raise SourceError("No file was given.", next_step="Name an export: gpkit logs entries.json")
    found: dict[Path, Found] = {}
    for name in given:
        for file in _behind(Path(os.path.expanduser(name))):
            key = file.path.resolve()
            if key not in found or file.named:
                found[key] = file
    return list(found.values())


def _behind(path: Path) -> list[Found]:
    # Not Path's own questions: they raise for a name that is too long.
    if os.path.isdir(path):
        if inside := _inside(path):
            return inside
        raise SourceError(
            f"The folder '{path}' holds no log file.", f"Looked for {', '.join(_ENDINGS)}, plain or compressed."
        )
    if os.path.exists(path):
        return [Found(path, named=True)]
    if matches := [Path(match) for match in sorted(glob.glob(str(path), recursive=True)) if os.path.isfile(match)]:
        return [Found(match, named=False) for match in matches]
    what = "No file matches" if glob.has_magic(str(path)) else "There is no file"
    raise SourceError(f"{what} '{str(path)[:200]}'.", next_step=f"Looked from {os.getcwd()}.")


def _inside(folder: Path) -> list[Found]:
    """The log files of a folder, and the sub-folders that cannot be listed: reading those will tell why."""
    unlisted: list[Path] = []
    files: list[Path] = []
    for at, _, names in os.walk(folder, onerror=lambda error: unlisted.append(Path(error.filename))):
        files += [Path(at, name) for name in names if is_log_name(name) and os.path.isfile(os.path.join(at, name))]
    return [Found(path, named=False) for path in sorted(files) + unlisted]


def is_log_name(name: str) -> bool:
    """Whether a file is called as logs are: its ending, plain or compressed."""
    return any(name.lower().endswith(ending + packed) for ending in _ENDINGS for packed in _COMPRESSED)


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
        whole = way == LINES or (way == ARRAY and _tail(path, packed).rstrip().endswith(b"]"))
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    if whole and packed in (None, "gzip", "zstd"):
        try:
            table = extractor.of_sql(_fast_source(path, way, packed))
            if all_true(table["is_entry"]):
                return table, Cuttings()
        except duckdb.Error:
            # It says at which byte; cutting the file tells what is wrong, and keeps the lines that are right.
            pass
    try:
        cuttings, entries = _cut(path, packed)
    except _UNREADABLE as error:  # it may have gone in the meantime
        raise _unreadable(path, error) from error
    return extractor.extract(entries), cuttings


def _unreadable(path: Path, error: Exception) -> SourceError:
    if isinstance(error, OSError) and error.strerror:
        return SourceError(f"{path.name} cannot be read: {error.strerror}.")
    return SourceError(f"{path.name} cannot be read: {error}.", "It may be cut off.", "Export it again.")


def _fast_source(path: Path, way: str, packed: str | None) -> str:
    name = str(path).replace("'", "''")
    # A name may hold characters that DuckDB takes for a pattern.
    for special in "[*?":
        name = name.replace(special, f"[{special}]")
    return f"""
        SELECT json AS entry, NULL::VARCHAR AS readable FROM read_json_objects('{name}',
            format = '{"array" if way == ARRAY else "newline_delimited"}', ignore_errors = {str(way == LINES).lower()},
            compression = '{packed or "none"}')
    """


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
    entries: list[str] = []
    problems: list[Problem] = []
    if encoding != "utf-16" and "\ufffd" in text and b"\xef\xbf\xbd" not in raw:
        problems.append(Problem(path.name, None, "bytes that are not UTF-8 were replaced"))
    for cut in cut_entries(text, path.name):
        if cut.problem:
            problems.append(Problem(path.name, cut.line, cut.problem))
        else:
            entries.append(cut.text)
    if not entries and problems:
        raise SourceError(
            f"{path.name} is not a log export: none of its {len(problems)} records is a log entry.",
            next_step="Export entries instead: gcloud logging read FILTER --format=json > entries.json",
        )
    return Cuttings(tuple(problems), declared_span_s(text[:HEAD_BYTES])), entries


def all_true(column: pa.ChunkedArray) -> bool:
    """Whether no value is false or null."""
    import pyarrow.compute as pc

    return bool(pc.sum(column).as_py() == len(column) or len(column) == 0)
