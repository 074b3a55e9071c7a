"""All shelves in one folder: where the cache is, what it holds, and what of it can go."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gpkit import environments
from gpkit.cache import files
from gpkit.cache.key import Key
from gpkit.cache.shelf import KEY_FILE, SLICE, Shelf
from gpkit.cache.slices import SLICE_NS, of_stamp

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "key": "str",
    "project": "str",
    "endpoint": "str",
    "filter": "str",
    "masked": "boolean",
    "version": "Int64",
    "since": "datetime64[us, UTC]",
    "until": "datetime64[us, UTC]",
    "slices": "Int64",
    "final": "Int64",
    "young": "Int64",
    "part": "Int64",
    "entries": "Int64",
    "size_bytes": "Int64",
    "last_read": "datetime64[us, UTC]",
    "broken": "Int64",
}
"""The columns of :meth:`Store.listing`."""


class Pruned(NamedTuple):
    """What pruning removed: slices, and the bytes of all files."""

    slices: int
    size_bytes: int


def default_folder() -> Path:
    """``GPKIT_CACHE``, else ``outputs/cache/logs`` in the project."""
    given = os.environ.get("GPKIT_CACHE", "")
    return Path(given).expanduser() if given else environments.project_root() / "outputs" / "cache" / "logs"


@dataclass(frozen=True)
class Store:
    """The shelves in one folder.

    Attributes:
        folder: Where they are.
        late_s: The lag horizon: entries are taken to arrive within this time.
        now_ns: The clock.
    """

    folder: Path = field(default_factory=default_folder)
    late_s: float = environments.LOGS_LATE_S
    now_ns: Callable[[], int] = time.time_ns

    def shelf(self, key: Key) -> Shelf:
        """The slices of a key, whether there are any or not."""
        label = json.dumps(key.shown(), indent=1, ensure_ascii=False) + "\n"
        return Shelf(self.folder / key.digest, label, late_ns=int(self.late_s * 1e9), now_ns=self.now_ns)

    def listing(self) -> pd.DataFrame:
        """What is held: one row for each key, the one last read first; columns as in :data:`COLUMNS`.

        ``since`` and ``until`` are the begin of the first and the end of the last slice. What dead processes left
        behind is folded in or removed.
        """
        import pandas as pd

        rows = [_row(shelf) for shelf in self._shelves()]
        frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
        return frame.sort_values("last_read", ascending=False, na_position="last", ignore_index=True)

    def prune(self, older_than_s: float, *, project: str = "") -> Pruned:
        """Remove the slices that were neither filled nor read for so long, and broken files as old.

        Args:
            older_than_s: Since a file was last of use.
            project: Only of this project; empty for all.
        """
        limit_s = self.now_ns() / 1e9 - older_than_s
        slices = size_bytes = 0
        for shelf in list(self._shelves()):
            if project and _said(shelf).get("project") != project:
                continue
            shelf.tidy()
            for path in _ending(shelf, SLICE, files.BROKEN):
                with contextlib.suppress(OSError):  # gone in the meantime
                    about = path.stat()
                    if about.st_mtime <= limit_s:
                        path.unlink()
                        slices += path.suffix == SLICE
                        size_bytes += about.st_size
            _remove_if_empty(shelf.folder)
        return Pruned(slices, size_bytes)

    def _shelves(self) -> Iterator[Shelf]:
        for folder in sorted(self.folder.iterdir()) if self.folder.is_dir() else []:
            if folder.is_dir():
                yield Shelf(folder, late_ns=int(self.late_s * 1e9), now_ns=self.now_ns)


def _row(shelf: Shelf) -> dict[str, Any]:
    shelf.tidy()
    paths = _ending(shelf, SLICE)
    found = [shelf.slice(start) for path in paths if (start := of_stamp(path.stem)) is not None]
    slices = [each for each in found if each.reads]
    states = [each.state for each in slices]
    kept = [path.stat() for path in _ending(shelf, SLICE)]
    said = _said(shelf)
    return {name: said.get(name) for name in Key.__dataclass_fields__} | {
        "key": shelf.folder.name,
        "since": _instant(slices[0].since_ns) if slices else None,
        "until": _instant(slices[-1].since_ns + SLICE_NS) if slices else None,
        "slices": len(slices),
        **{state: states.count(state) for state in ("final", "young", "part")},
        "entries": sum(each.entries for each in slices),
        "size_bytes": sum(about.st_size for about in kept),
        "last_read": max((datetime.fromtimestamp(about.st_mtime, UTC) for about in kept), default=None),
        "broken": len(_ending(shelf, files.BROKEN)),
    }


def _said(shelf: Shelf) -> Mapping[str, Any]:
    """What the key file of a shelf says; nothing where it is missing or broken."""
    try:
        said = json.loads((shelf.folder / KEY_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    kinds = {"project": str, "filter": str, "endpoint": str, "masked": bool, "version": int}
    sound = isinstance(said, dict) and all(type(said.get(name)) is kind for name, kind in kinds.items())
    return said if sound else {}


def _ending(shelf: Shelf, *endings: str) -> list[Path]:
    return sorted(path for path in shelf.folder.iterdir() if path.suffix in endings)


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder with nothing but its key file; a process that just now writes into it keeps it."""
    if all(path.name == KEY_FILE for path in folder.iterdir()):
        with contextlib.suppress(OSError):
            (folder / KEY_FILE).unlink(missing_ok=True)
            folder.rmdir()


def _instant(ns: int) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)
    except OverflowError:  # the last slice of the year 9999 ends after it
        return datetime.max.replace(tzinfo=UTC)
