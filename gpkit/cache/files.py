"""One file of the cache: a Parquet table and what it says about itself, there whole or not at all.

A file is written under a temporary name in its own folder, brought to the disk, then renamed, and the rename is
brought to the disk too. What it says (whose it is, the reads that filled it) stands in its footer, so that table and
knowledge cannot part. Pages carry checksums, which are verified when the table is read.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gpkit.cache.slices import Read

if TYPE_CHECKING:
    import pyarrow as pa

BROKEN = ".broken"
TEMPORARY = ".tmp"
_ABOUT = b"gpkit.cache"
# Measured on 50 000 generated entries: 5.4 MB in 0.08 s; level 3 5.4 MB in 0.10 s, level 5 5.3 MB in 0.20 s.
_LEVEL = 1
# Texts that hardly repeat. All others get a dictionary: 100 000 entries are read in 0.08 s instead of 0.32.
_UNLIKE = frozenset(["entry", "message", "insert_id", "trace", "span_id"])


class About(NamedTuple):
    """What a file says about itself."""

    digest: str
    since_ns: int
    reads: tuple[Read, ...]
    entries: int


class Unusable(Exception):  # noqa: N818 - says what a file is, not who must act
    """A file that is no whole slice of this cache, and why. Never leaves the room."""


def make_folder(folder: Path) -> None:
    """A folder for its owner alone; those above it as usual.

    Raises:
        OSError: It cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)


def write(path: Path, table: pa.Table, about: About, *, durable: bool = True) -> None:
    """Write a whole file or nothing: what was there stays until the new content is on the disk.

    Args:
        path: Where; its folder exists.
        table: Of any columns that include those of an identity.
        about: What it says about itself.
        durable: Wait for the disk. A file that may be lost with the power need not.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    import pyarrow.parquet as pq

    def fill(file: Any) -> None:
        pq.write_table(
            table.replace_schema_metadata({_ABOUT: _said(about, _columns(table.schema))}),
            file,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=[name for name in table.column_names if name not in _UNLIKE],
            write_page_checksum=True,
        )

    _replace(path, fill, durable=durable)


def write_text(path: Path, text: str) -> None:
    """Write a small text file, whole or not at all.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    _replace(path, lambda file: file.write(text.encode()), durable=False)


def _replace(path: Path, fill: Any, *, durable: bool) -> None:
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            fill(file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def peek(path: Path, digest: str, since_ns: int) -> About:
    """What a file says about itself, from its footer alone.

    Raises:
        Unusable: It is cut, corrupt, foreign, or in the wrong place.
        OSError: It is gone or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        try:
            footer = pq.read_metadata(file)
            return _about(footer.metadata or {}, footer.num_rows, None, digest, since_ns)
        except (pa.ArrowException, ValueError) as error:
            raise Unusable(_reason(error)) from None
        except OSError as error:  # Arrow says so of a broken file too, but without a number
            if error.errno is not None:
                raise
            raise Unusable(_reason(error)) from None


def read(path: Path, digest: str, since_ns: int) -> tuple[pa.Table, About]:
    """A file's table, and what it says about itself.

    Raises:
        Unusable: It is cut, corrupt, foreign, or in the wrong place.
        OSError: It is gone or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = path.read_bytes()  # first, so that a disk that fails is not taken for a file that is broken
    try:
        table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True, use_threads=False)
        about = _about(table.schema.metadata or {}, len(table), _columns(table.schema), digest, since_ns)
        table.validate()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unusable(_reason(error)) from None
    return table.replace_schema_metadata(None), about


def set_aside(path: Path) -> Path | None:
    """Rename a file that is of no use, so that it is not met again; null when it is gone already."""
    aside = path.with_name(path.name + BROKEN)
    try:
        os.replace(path, aside)
    except OSError:
        return None
    return aside


def _said(about: About, columns: int) -> bytes:
    content = about._asdict() | {"columns": columns}
    return json.dumps(content | {"check": _check(content)}).encode()


def _about(metadata: Mapping[bytes, bytes], rows: int, columns: int | None, digest: str, since_ns: int) -> About:
    said = json.loads(metadata.get(_ABOUT, b"null"))
    if not isinstance(said, dict):
        raise Unusable("it was not written by this cache")
    if said.pop("check", None) != _check(said):
        raise Unusable("what it says about itself is corrupt")
    written = said.pop("columns")
    about = About(**said | {"reads": tuple(Read(*read) for read in said["reads"])})
    if (about.digest, about.since_ns) != (digest, since_ns):
        raise Unusable("it belongs elsewhere")
    if rows != about.entries or columns not in (None, written):
        raise Unusable("it is not the table that was written")
    return about


def _columns(schema: pa.Schema) -> int:
    """Names and types, which no checksum of Parquet covers."""
    return zlib.crc32(str(schema.remove_metadata()).encode())


def _check(content: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _reason(error: Exception) -> str:
    if isinstance(error, Unusable):
        return str(error)
    # Arrow's own words may hold bytes of the file.
    return "it is no whole Parquet file"
