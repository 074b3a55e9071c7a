"""The run folders of an outputs folder: newest first, and one by its name.

A run's id begins with the instant it was made, so a folder need not be opened to be put in order. Folders with other
names are opened for it: they stand where their record, or else their last change, puts them. None is left out.
"""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gpkit.errors import ParameterError, nearest
from gpkit.history.past import PARTIAL, RESULTS_FILE, RUN_FILE, Past, read, stamp_of

LAST = "last"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_Place = tuple[str, str, Past | None]  # when, folder name, the run when it was read already
_AHEAD = timedelta(minutes=1)  # chosen: clocks of machines that share a folder differ by less
_SHOWN = 5  # chosen: of the runs that an ambiguous name may mean


def newest(runs: Path, *, notebook: str = "", since: datetime | None = None) -> Iterator[Past]:
    """The runs under a folder, newest first, each read when it is asked for; a missing folder gives none.

    Args:
        runs: The folder ``runs`` of an outputs folder.
        notebook: Only runs of this notebook; folders of others are not even opened.
        since: Only runs made at this instant or later.
    """
    named: list[_Place] = []
    others = []
    for name in folder_names(runs):
        stamp, of = stamp_of(name)
        if not stamp:
            others.append(name)
        elif not notebook or of == in_a_name(notebook):
            named.append((stamp, name, None))
    named.sort(key=_place, reverse=True)
    unnamed = [_placed(past) for past in (_read_now(runs / name) for name in others) if past is not None]
    unnamed.sort(key=_place, reverse=True)
    first = _stamp(since) if since is not None else ""
    for stamp, name, known in heapq.merge(named, unnamed, key=_place, reverse=True):
        if stamp < first:
            return
        past = known or _read_now(runs / name)
        if past is None:
            continue
        if not notebook or past.notebook in (notebook, ""):
            yield past


def find(outputs: Path, written: str) -> Past:
    """The run that a text means: its id, the beginning of it, ``last`` (of the complete ones), or the path of a folder.

    Raises:
        ParameterError: There is none, or there are several.
    """
    runs = outputs / "runs"
    if written == LAST:
        latest = next(newest(runs), None)
        if latest is None:
            raise ParameterError(f"{runs} holds no run.", next_step="gpkit run NOTEBOOK makes one.")
        return next((past for past in newest(runs) if not past.is_partial), latest)
    path = Path(written).expanduser()
    if len(path.parts) > 1 and _holds_a_run(path):
        return read(path.absolute())
    names = folder_names(runs)
    exact = [name for name in names if name.removesuffix(PARTIAL) == written.removesuffix(PARTIAL)]
    fitting = exact or [name for name in names if written and name.startswith(written)]
    if len(fitting) == 1:
        return read(runs / fitting[0])
    if fitting:
        shown = [name.removesuffix(PARTIAL) for name in sorted(fitting, reverse=True)[:_SHOWN]]
        more = f" and {len(fitting) - _SHOWN} more" if len(fitting) > _SHOWN else ""
        raise ParameterError(
            f"{written!r} is the beginning of {len(fitting)} runs.",
            f"They are: {', '.join(shown)}{more}.",
            "Write more of it.",
        )
    raise ParameterError(
        f"There is no run {written[:200]!r} in {runs}.",
        nearest(written, sorted(names, reverse=True)[:1000]),
        "gpkit runs lists them.",
    )


def folder_names(runs: Path) -> list[str]:
    """The names of all run folders, in no order. Hidden ones are still being claimed, or on their way out."""
    try:
        with os.scandir(runs) as entries:
            return [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def dated_later(runs: Path, now: datetime) -> str:
    """The newest run when it is dated later than now, by more than a minute; else empty. Folders are not opened."""
    newest_name = max((name for name in folder_names(runs) if stamp_of(name)[0]), default="")
    return newest_name if stamp_of(newest_name)[0] > _stamp(now + _AHEAD) else ""


def in_a_name(notebook: str) -> str:
    """A notebook's name as it stands in a run id."""
    return _NOT_IN_A_NAME.sub("-", notebook)[:60]


def _read_now(folder: Path) -> Past | None:
    """The run in a folder that was there a moment ago; null when it was removed meanwhile."""
    past = read(folder)
    if not past.problems or folder.exists():
        return past
    complete = folder.with_name(folder.name.removesuffix(PARTIAL))
    return read(complete) if complete != folder and complete.exists() else None


def _holds_a_run(path: Path) -> bool:
    try:
        return any((path / name).is_file() for name in (RUN_FILE, RESULTS_FILE))
    except (OSError, ValueError):  # no such path can be
        return False


def _placed(past: Past) -> _Place:
    """A folder whose name does not tell when it was made: its record does, or else its last change."""
    at = past.at
    if at is None:
        try:
            at = datetime.fromtimestamp(past.folder.stat().st_mtime, UTC)
        except OSError:  # gone meanwhile
            return "", past.folder.name, past
    return _stamp(at), past.folder.name, past


def _place(item: _Place) -> tuple[str, str]:
    return item[:2]


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S%f}"[:18]
