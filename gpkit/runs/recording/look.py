"""Past runs as a command sees them: orphans completed first, then filtered, newest first."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from itertools import islice
from pathlib import Path

from gpkit.errors import ParameterError, nearest
from gpkit.history import Past, find, newest
from gpkit.history.listing import LAST
from gpkit.history.past import STATUSES, UNKNOWN, VERDICTS
from gpkit.history.sweeps import Sweep, sweeps
from gpkit.runs.recording import folder as folders
from gpkit.runs.recording import status
from gpkit.runs.recording.orphans import complete_orphans


def look(
    outputs: Path,
    *,
    notebook: str = "",
    environment: str = "",
    verdict: str = "",
    status: str = "",
    since: datetime | None = None,
    limit: int | None = None,
) -> list[Past]:
    """The runs of an outputs folder, newest first. An empty filter lets everything through.

    Raises:
        ParameterError: A verdict or status that does not exist.
    """
    _require(verdict, VERDICTS, "verdict")
    _require(status, (*STATUSES, UNKNOWN), "status")
    complete_orphans(outputs)
    found = (
        past
        for past in map(labelled, newest(outputs / "runs", notebook=notebook, since=since))
        if (not notebook or past.notebook == notebook)
        and (not environment or past.environment == environment)
        and (not verdict or past.verdict == verdict)
        and (not status or past.status == status)
    )
    return list(islice(found, limit))


def look_at(outputs: Path, written: str) -> Past:
    """The run that an id, the beginning of one, ``last`` or a path means.

    Raises:
        ParameterError: There is none, or there are several.
    """
    complete_orphans(outputs)
    return labelled(find(outputs, written))


def look_at_sweep(outputs: Path, written: str) -> Sweep:
    """The sweep that an id, the beginning of one, or ``last`` means.

    Raises:
        ParameterError: There is none, or there are several.
    """
    complete_orphans(outputs)
    known = {sweep.id: sweep for sweep in sweeps(map(labelled, newest(outputs / "runs")))}
    if not known:
        raise ParameterError(
            f"{outputs / 'runs'} holds no sweep.", next_step="gpkit run NOTEBOOK --sweep NAME=a,b makes one."
        )
    fitting = [name for name in known if name == written] or [name for name in known if name.startswith(written)]
    if written == LAST:
        fitting = [next(iter(known))]
    if len(fitting) != 1:
        raise ParameterError(
            f"{written[:200]!r} is the beginning of {len(fitting)} sweeps."
            if fitting
            else f"There is no sweep {written[:200]!r}.",
            nearest(written, known),
            f"The newest are: {', '.join(list(known)[:5])}.",
        )
    return known[fitting[0]]


def labelled(past: Past) -> Past:
    """A run that says it is running while its maker is gone, and that could not be completed, is interrupted."""
    if not past.is_partial or folders.is_being_made(past.folder):
        return past
    told = "Its maker is gone, and its record could not be completed."
    return dataclasses.replace(past, status=status.INTERRUPTED, verdict="", problems=(*past.problems, told))


def _require(written: str, known: tuple[str, ...], what: str) -> None:
    if written and written not in known:
        raise ParameterError(
            f"{written!r} is no {what}.", nearest(written, known), f"A {what} is one of: {', '.join(known)}."
        )
