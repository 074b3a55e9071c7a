"""What the files of a log held when a run read them, in a few numbers: sizes and digests.

A record that names a file by its path alone would not tell when somebody puts another one there. Files of at most
``MOST_BYTES`` together are digested whole; of larger ones the ends, their size and the time of their last change, which
is said. At most ``MOST_FILES`` are opened. Nothing here raises: what cannot be read has no digest.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gpkit.errors import GpkitError
from gpkit.plural import counted
from gpkit.redaction import redact

MOST_BYTES = 256 << 20  # chosen: a third of a second of BLAKE2b
END_BYTES = 1 << 20
MOST_FILES = 100  # chosen: more are counted by name, size and time alone
WHOLE, ENDS = "every byte", "size, time of the last change, first and last MiB"
_SHOWN = 5  # chosen: files that are named
_DIGEST_BYTES = 16
_CHUNK_BYTES = 1 << 20


def fingerprint(logs: Any, root: Path) -> dict[str, Any]:
    """The files that the parameter ``logs`` names, as JSON values; empty when it names none of this machine.

    Args:
        logs: The parameter.
        root: Where relative paths begin.

    Returns:
        ``digest_of``: what the digests are made of. ``files``: by name, ``size_bytes`` and ``digest`` of each.
        ``more``: of those beyond ``MOST_FILES`` together, ``files``, ``size_bytes`` and ``digest``.
    """
    if not isinstance(logs, str) or not logs.strip():
        return {}
    from gpkit.logs import sources  # here: most runs read no log
    from gpkit.logs.finding import find

    try:
        if sources.source(logs).kind != sources.FILES:
            return {}
        path = root / os.path.expanduser(logs)
        files = [(found.path, os.stat(found.path)) for found in find(path)]
    except (GpkitError, OSError, ValueError):  # it went away meanwhile
        return {}
    digest_of = WHOLE if sum(told.st_size for _, told in files) <= MOST_BYTES else ENDS
    base = _base(path)
    named = {
        redact(os.path.relpath(file, base)): {"size_bytes": told.st_size, "digest": _digest(file, told, digest_of)}
        for file, told in files[:MOST_FILES]
    }
    return {"digest_of": digest_of, "files": named, **_more(files[MOST_FILES:], base)}


def differences(then: Any, now: Mapping[str, Any]) -> list[str]:
    """What another run would read that is not what a record tells of; one sentence, or none.

    Args:
        then: As recorded; a record of an older gpkit has none.
        now: The fingerprint of now; empty for what is no file.
    """
    if not now:
        return []
    before, after = (_files(one) for one in (then, now))
    if not before:
        return ["Whether the log is as it was then cannot be told: the record has no digest of it."]
    is_alike = isinstance(then, Mapping) and then.get("digest_of") == now["digest_of"]
    told = []
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if new is None or old is None:
            told.append(f"{name} {'is gone' if new is None else 'was not there'}")
        elif old.get("size_bytes") != new.get("size_bytes"):
            told.append(f"{name} had {_bytes(old)} and has {_bytes(new)}")
        elif is_alike and old.get("digest") != new.get("digest"):
            is_whole = now["digest_of"] == WHOLE
            told.append(f"{name} {'holds other bytes' if is_whole else 'was changed since'}, of the same size")
    if not told:
        return []
    more = f"; and {counted(len(told) - _SHOWN, 'more file')}" if len(told) > _SHOWN else ""
    return [f"The log is another, and numbers may differ for that alone: {'; '.join(told[:_SHOWN])}{more}."]


def _files(told: Any) -> dict[str, Mapping[str, Any]]:
    files = told.get("files") if isinstance(told, Mapping) else None
    found = (
        {str(name): one for name, one in files.items() if isinstance(one, Mapping)} if isinstance(files, dict) else {}
    )
    more = told.get("more") if isinstance(told, Mapping) else None
    return found | ({f"the files beyond {MOST_FILES}": more} if isinstance(more, Mapping) else {})


def _bytes(told: Mapping[str, Any]) -> str:
    size = told.get("size_bytes")
    return f"{size:,} bytes" if isinstance(size, int) else "no known size"


def _base(path: Path) -> Path:
    """The folder from which files are named: the given one, or the last one above a pattern."""
    if path.is_dir():
        return path
    base = path.parent
    while glob.has_magic(str(base)) and not base.exists() and base != base.parent:
        base = base.parent
    return base


def _digest(file: Path, told: os.stat_result, digest_of: str) -> str | None:
    made = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    try:
        with file.open("rb") as opened:
            if digest_of == WHOLE:
                while chunk := opened.read(_CHUNK_BYTES):
                    made.update(chunk)
            else:
                made.update(f"{told.st_size} {told.st_mtime_ns} ".encode())
                made.update(opened.read(END_BYTES))
                opened.seek(max(0, told.st_size - END_BYTES))
                made.update(opened.read(END_BYTES))
    except OSError:
        return None
    return made.hexdigest()


def _more(files: Iterable[tuple[Path, os.stat_result]], base: Path) -> dict[str, Any]:
    made, count, size_bytes = hashlib.blake2b(digest_size=_DIGEST_BYTES), 0, 0
    for file, told in files:
        name = os.path.relpath(file, base).encode("utf-8", "surrogateescape")
        made.update(name + f" {told.st_size} {told.st_mtime_ns}\n".encode())
        count, size_bytes = count + 1, size_bytes + told.st_size
    return {"more": {"files": count, "size_bytes": size_bytes, "digest": made.hexdigest()}} if count else {}
