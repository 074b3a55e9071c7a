"""Files to read: found by name, folder or pattern, opened whatever compresses them, and fed to DuckDB.

What DuckDB reads fast it reads itself. What it cannot read, or reads wrongly, is cut into entries by
:mod:`gpkit.logs.shapes`: wrappers, other encodings, broken lines, half of a surrogate pair.
"""

# ruff: noqa: S608 - the SQL is put together from constants and quoted literals, never from what a log holds.
from __future__ import annotations

import bz2
import glob
import gzip
import json
import lzma
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.errors import SourceError
from gpkit.logs.coverage import Problem
from gpkit.logs.shapes import ARRAY, LINES, compression_of, cut_entries, declared_span_s, encoding_of, way_to_read

if TYPE_CHECKING:
    import duckdb

HEAD_BYTES = 1 << 16
TAIL_BYTES = 1 << 10
# DuckDB's default of 16 MiB refuses larger objects; a log entry may hold 256 KiB, a pasted one anything.
MAX_OBJECT_BYTES = 1 << 28
_ENDINGS = (".json", ".jsonl", ".ndjson", ".log")
_COMPRESSED = ("", ".gz", ".zst", ".bz2", ".xz")


@dataclass(frozen=True)
class Found:
    """A file, and whether the caller named it: a named file that is no export is an error, another is passed over."""

    path: Path
    named: bool


@dataclass
class Texts:
    """Entries cut from one file, in two forms: as they stood, and as DuckDB can parse them where that differs."""

    entries: list[str] = field(default_factory=list)
    readable: list[str | None] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
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
        for file in _behind(Path(name).expanduser()):
            key = file.path.resolve()
            if key not in found or file.named:
                found[key] = file
    return list(found.values())


def _behind(path: Path) -> list[Found]:
    if path.is_dir():
        inside = [
            Found(file, named=False) for file in sorted(path.rglob("*")) if file.is_file() and _looks_like_log(file)
        ]
        if not inside:
            raise SourceError(
                f"The folder '{path}' holds no log file.", f"Looked for {', '.join(_ENDINGS)}, plain or compressed."
            )
        return inside
    if path.exists():
        return [Found(path, named=True)]
    matches = sorted(glob.glob(str(path), recursive=True))
    if matches:
        return [Found(Path(match), named=False) for match in matches if Path(match).is_file()]
    what = "No file matches" if glob.has_magic(str(path)) else "There is no file"
    raise SourceError(f"{what} '{path}'.", next_step=f"Looked from {os.getcwd()}.")


def _looks_like_log(file: Path) -> bool:
    return any(file.name.lower().endswith(ending + packed) for ending in _ENDINGS for packed in _COMPRESSED)


def insert_file(connection: duckdb.DuckDBPyConnection, insert_sql: Callable[[str], str], path: Path) -> Texts:
    """Put a file's entries into the working table.

    Args:
        connection: Where the working table is.
        insert_sql: Makes the INSERT statement for a source of ``entry`` and ``readable``.
        path: The file.

    Returns:
        What was cut by hand and the problems met; empty when DuckDB read the file without any.

    Raises:
        SourceError: The file cannot be read, or is no export.
    """
    import duckdb

    try:
        packed, head = _head(path)
        way = way_to_read(head, path.name)
        # DuckDB takes an array that is cut between two entries for a whole one.
        whole = way == LINES or (way == ARRAY and _tail(path, packed).rstrip().endswith(b"]"))
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise SourceError(f"{path.name} cannot be read: {error}.", "It may be cut off.", "Export it again.") from error
    if whole and packed in (None, "gzip", "zstd"):
        try:
            connection.execute("BEGIN")
            connection.execute(insert_sql(_fast_source(path, way, packed)))
            (unread,) = connection.execute(
                "SELECT count(*) FROM entries WHERE NOT is_entry OR entry IS NULL"
            ).fetchall()[0]
            connection.execute("ROLLBACK" if unread else "COMMIT")
            if not unread:
                return Texts()
        except duckdb.Error:
            # It says at which byte; cutting the file tells what is wrong, and keeps the lines that are right.
            connection.execute("ROLLBACK")
    texts = _cut(path, packed)
    _insert_texts(connection, insert_sql, texts)
    return texts


def _fast_source(path: Path, way: str, packed: str | None) -> str:
    name = str(path).replace("'", "''")
    # A name may hold characters that DuckDB takes for a pattern.
    for special in "[*?":
        name = name.replace(special, f"[{special}]")
    return f"""
        SELECT json AS entry, NULL::VARCHAR AS readable FROM read_json_objects('{name}',
            format = '{"array" if way == ARRAY else "newline_delimited"}', ignore_errors = {str(way == LINES).lower()},
            compression = '{packed or "none"}', maximum_object_size = {MAX_OBJECT_BYTES})
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


def _cut(path: Path, packed: str | None) -> Texts:
    try:
        raw = _open(path, packed)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise SourceError(f"{path.name} cannot be read: {error}.", "It may be cut off.", "Export it again.") from error
    encoding = encoding_of(raw)
    text = raw.decode(encoding, errors="replace")
    texts = Texts(declared_s=declared_span_s(text[:HEAD_BYTES]))
    if "\ufffd" in text and b"\xef\xbf\xbd" not in raw and encoding != "utf-16":
        texts.problems.append(Problem(path.name, None, "bytes that are not UTF-8 were replaced"))
    for cut in cut_entries(text, path.name):
        if cut.problem:
            texts.problems.append(Problem(path.name, cut.line, cut.problem))
        else:
            texts.entries.append(cut.text)
    if not texts.entries and texts.problems:
        raise SourceError(
            f"{path.name} is not a log export: none of its {len(texts.problems)} records is a log entry.",
            next_step="Export entries instead: gcloud logging read FILTER --format=json > entries.json",
        )
    return texts


def _insert_texts(connection: duckdb.DuckDBPyConnection, insert_sql: Callable[[str], str], texts: Texts) -> None:
    import pyarrow as pa

    cut = pa.table({"entry": pa.array(texts.entries, pa.string())})
    connection.register("cut", cut)
    try:
        valid = connection.execute("SELECT json_valid(entry) FROM cut").fetchall()
        texts.readable = [None if ok else _readable(entry) for entry, (ok,) in zip(texts.entries, valid, strict=True)]
        both = pa.table({"entry": cut["entry"], "readable": pa.array(texts.readable, pa.string())})
        connection.unregister("cut")
        connection.register("cut", both)
        connection.execute(insert_sql("SELECT entry, readable FROM cut"))
    finally:
        connection.unregister("cut")


def _readable(entry: str) -> str:
    """The entry without what DuckDB cannot parse: halves of surrogate pairs become question marks."""
    return json.dumps(json.loads(entry), ensure_ascii=False).encode("utf-8", "replace").decode()
