"""Where entries come from: export files of every shape that gpkit reads, and a log that grows.

An entry of an export keeps the bytes that it had in the file.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gpkit.errors import SourceError
from gpkit.local.cloud_logging.held import Held, hold
from gpkit.logs.cutting import cut_entries
from gpkit.logs.shapes import ARRAY, LINES, compression_of, encoding_of, way_to_read

HEAD_BYTES = 1 << 16
_array = msgspec.json.Decoder(list[msgspec.Raw])


def read_export(path: Path, project: str) -> list[Held]:
    """The entries of an export file. Records that are no entries are left out.

    Raises:
        SourceError: There is no such file, or it is no export.
    """
    try:
        data = _unpacked(path.read_bytes(), path.name)
    except OSError as error:
        raise SourceError(f"'{path}' cannot be read: {(error.strerror or 'it is broken').lower()}.") from error
    held = (hold(raw, project) for raw in _cut(data, path.name))
    return [entry for entry in held if entry is not None]


def _unpacked(data: bytes, name: str) -> bytes:
    way = compression_of(data[:8])
    try:
        if way == "zstd":
            import pyarrow

            with pyarrow.input_stream(pyarrow.py_buffer(data), compression="zstd") as stream:
                return bytes(stream.read())
        unpack: dict[str | None, Any] = {"gzip": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}
        return bytes(unpack[way](data)) if way else data
    except (EOFError, ValueError, lzma.LZMAError, OSError) as error:
        raise SourceError(f"{name} cannot be unpacked.", "The file may be cut off.") from error


def _cut(data: bytes, name: str) -> Iterator[bytes]:
    head = data[:HEAD_BYTES]
    way = way_to_read(head, name)
    if way == LINES:
        try:
            yield from list(_lines(data))
        except msgspec.DecodeError:
            way = "other"  # objects over several lines, or broken ones: the slow way tells them apart
        else:
            return
    if way == ARRAY:
        try:
            yield from [bytes(raw) for raw in _array.decode(data.removeprefix(b"\xef\xbb\xbf"))]
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        else:
            return
    text = data.decode(encoding_of(head), errors="replace")
    yield from (cut.text.encode() for cut in cut_entries(text, name) if not cut.problem)


def _lines(data: bytes) -> Iterator[bytes]:
    check = msgspec.json.Decoder(msgspec.Raw)
    for line in data.split(b"\n"):
        if stripped := line.strip():
            check.decode(stripped)
            yield stripped


class Follower:
    """A log that grows, one entry a line. A line is taken when its end is written; the file may not be there yet."""

    def __init__(self, path: Path, project: str) -> None:
        self.path = path
        self._project = project
        self._at = 0

    def new(self) -> list[Held]:
        """The entries that were written since the last time."""
        try:
            if os.stat(self.path).st_size <= self._at:
                return []
            with self.path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        held = (hold(line, self._project) for line in whole.split(b"\n") if line.strip())
        return [entry for entry in held if entry is not None]
