"""Sink files: a log routed to a bucket, or exports wherever fsspec reaches, read a stretch at a time.

``gs://BUCKET/PREFIX/*.json``, ``s3://…``, ``https://…``: a file, a folder or a pattern. Each file passes through this
machine in stretches of whole lines, is extracted as a local one is, and is gone: only what was selected stays.
"""

from __future__ import annotations

import bz2
import gzip
import logging
import lzma
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gpkit.entries import Extractor, Part, Problem
from gpkit.errors import FarSideError, SourceError, TargetError
from gpkit.logs.files import HEAD_BYTES, load_file, part_of
from gpkit.logs.finding import is_log_name
from gpkit.logs.shapes import LINES, ROWS, compression_of, way_to_read

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

STRETCH_BYTES = 64_000_000  # chosen: about 60 000 entries; extracting them takes some 200 MB
logging.getLogger("gcsfs").addHandler(logging.NullHandler())  # what it would print is in the error that follows
_OPENERS: dict[str, Callable[[Any], Any]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}


def load(
    address: str, extractor: Extractor, *, is_export: bool = True, progress: Callable[[str], None] | None = None
) -> tuple[list[Part], list[Problem]]:
    """The entries of all files behind an address, and what could not be read of them.

    Args:
        address: A file, a folder or a pattern that fsspec understands.
        extractor: Extracts, and selects where it has a selection.
        is_export: Whether a round number of entries would be a sign of a row limit.
        progress: Told which file is read.

    Raises:
        FarSideError: The far side failed while a file was read.
        SourceError: Nothing is there, or the only file is no log export.
        TargetError: What reads such addresses is not installed, or access was refused.
    """
    with _told(address):
        system, files = _find(address)
    parts: list[Part] = []
    problems: list[Problem] = []
    for number, file in enumerate(files, start=1):
        if progress is not None:
            progress(f"file {number}/{len(files)}: {file}")
        name = file.rsplit("/", 1)[-1]
        try:
            with _told(file), tempfile.TemporaryDirectory(prefix="gpkit-sink-") as folder:
                for stretch in _stretches(system, file, Path(folder) / name):
                    table, cuttings = load_file(extractor, stretch)
                    parts.append(part_of(name, table, cuttings, is_export=is_export))
                    problems += cuttings.problems
                    del table
        except SourceError as error:
            if len(files) == 1:
                raise
            problems.append(Problem(name, None, str(error).splitlines()[0].removeprefix(f"{name} ").rstrip(".")))
    if not parts:
        raise SourceError(f"No file behind '{address}' is a log export.", problems[0].what if problems else "")
    return parts, problems


def _find(address: str) -> tuple[AbstractFileSystem, list[str]]:
    import fsspec

    system, path = fsspec.core.url_to_fs(address)
    if any(special in path for special in "*?["):
        found = sorted(str(file) for file in system.glob(path) if not system.isdir(file))
    elif path.endswith("/") or system.isdir(path):
        found = sorted(str(file) for file in system.find(path) if is_log_name(str(file)))
    else:
        found = [path] if system.exists(path) else []
    if not found:
        raise SourceError(f"No file is behind '{address}'.", next_step="Give a pattern: gs://BUCKET/PREFIX/*.json")
    return system, found


def _stretches(system: AbstractFileSystem, file: str, at: Path) -> Iterator[Path]:
    """The file a stretch of whole lines at a time, each under the same name; whole where it has no lines."""
    with system.open(file, "rb") as raw:
        packed = compression_of(raw.read(8))
        raw.seek(0)
        # DuckDB and Arrow read zstd, Python does not: such a file is brought as it is.
        stream: IO[bytes] = _OPENERS[packed](raw) if packed in _OPENERS else raw
        head = stream.read(HEAD_BYTES)
        if packed == "zstd" or way_to_read(head, at.name) not in (LINES, ROWS):
            with at.open("wb") as whole:
                whole.write(head)
                while block := stream.read(1 << 20):
                    whole.write(block)
            yield at
            return
        rest = head
        while rest:
            block = rest + stream.read(STRETCH_BYTES)
            end = block.rfind(b"\n") + 1
            is_last = len(block) == len(rest)
            cut = len(block) if is_last or not end else end
            if not end and not is_last:  # one line longer than a stretch: wait for its end
                rest = block
                continue
            at.write_bytes(block[:cut])
            rest = block[cut:]
            del block
            yield at


class _told:  # noqa: N801 - reads as a sentence where it is used
    """What fsspec and its file systems raise, as errors of ours."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ImportError):
            raise TargetError(
                f"What reads '{self._address}' is not installed.",
                str(error),
                "For gs:// install it: pip install 'gpkit[gcs]'",
            ) from None
        if isinstance(error, ValueError) and "Protocol not known" in str(error):
            raise SourceError(f"'{self._address}' is an address of no kind that fsspec knows.") from None
        if isinstance(error, PermissionError):
            raise TargetError(
                f"Access to '{self._address}' was refused.",
                next_step="Ask for roles/storage.objectViewer, and run gcloud auth application-default login.",
            ) from None
        if isinstance(error, FileNotFoundError):
            raise SourceError(f"There is no file '{self._address}'.") from None
        if isinstance(error, (OSError, EOFError, zlib.error, lzma.LZMAError)):
            raise FarSideError(
                f"'{self._address}' could not be read to its end: {error or type(error).__name__}.",
                next_step="Try again.",
            ) from None
