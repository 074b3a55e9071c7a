"""Files to read, found by name, folder or pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpkit.errors import SourceError

_ENDINGS = (".json", ".jsonl", ".ndjson", ".log", ".parquet")
_COMPRESSED = ("", ".gz", ".zst", ".bz2", ".xz")


@dataclass(frozen=True)
class Found:
    """A file, and whether the caller named it: a named file that is no export is an error, another is passed over."""

    path: Path
    named: bool


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
