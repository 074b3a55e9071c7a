"""``parameters/schedule.yaml``, read and checked: everything that can be wrong is said before anything is due.

What concerns the whole file refuses the file. What concerns one entry refuses that entry, and the others still run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from gpkit.environments import load, project_root
from gpkit.errors import CallerError, ParameterError, nearest
from gpkit.instants import instant
from gpkit.protocol import scenarios
from gpkit.runs.asking.declarations import read_declarations
from gpkit.runs.asking.parameters import check
from gpkit.runs.asking.plan import DEADLINE_S, duration_s, find_notebook, require_retries
from gpkit.schedule.cron import parse, require_zone
from gpkit.schedule.document import Document, read_document
from gpkit.schedule.entry import CATCH_UPS, GRACE_S, LATEST, NAME, Entry, Refused, Retention, Schedule
from gpkit.stack import find_faults

SCHEDULE_FILE = Path("parameters") / "schedule.yaml"
_TOP = ("timezone", "jobs", "entries")
_SETTINGS = (
    "notebook", "environment", "parameters", "cron", "timezone", "deadline", "catch_up", "grace", "start", "retention",
    "retries",
)  # fmt: skip
_AGE = re.compile(r"(\d+(?:\.\d+)?)([dw])")
_DAY_S = {"d": 86400.0, "w": 604800.0}


def read_schedule(file: Path | None = None, *, now: datetime | None = None) -> Schedule:
    """Read and check a schedule.

    Args:
        file: The file; ``parameters/schedule.yaml`` of the project by default.
        now: What relative times are checked against; defaults to the present.

    Raises:
        SourceError: The file cannot be read.
        ParameterError: It is no schedule. What is wrong with one entry is in ``refused`` instead.
    """
    root = project_root()
    path = (file or root / SCHEDULE_FILE).absolute()
    document = read_document(path, str(path.relative_to(root) if path.is_relative_to(root) else path))
    top = _mapping(document, "an 'entries:' with names")
    _require_known(document, (), top, _TOP, "a setting of a schedule")
    zone = _located(document, ("timezone",), lambda: _zone(top.get("timezone", "UTC")))
    jobs = _located(document, ("jobs",), lambda: _jobs(top.get("jobs", 1)))
    listed = _mapping(document, "entries, each with a name", "entries")
    entries: list[Entry] = []
    refused: list[Refused] = []
    for name in map(str, listed):
        try:
            entries.append(_entry(document, name, zone, root, now or datetime.now(UTC)))
        except CallerError as error:
            refused.append(Refused(name, error))
    return Schedule(path, tuple(entries), tuple(refused), jobs)


def _entry(document: Document, name: str, zone: str, root: Path, now: datetime) -> Entry:
    path = ("entries", name)
    if not NAME.fullmatch(name):
        raise ParameterError(
            f"{document.place(*path)}: {name!r} is no name of an entry.",
            next_step="Letters, digits, '_', '.' and '-', at most 100, beginning with a letter or a digit.",
        )
    settings = _mapping(document, f"settings: {', '.join(_SETTINGS)}", *path)
    _require_known(document, path, settings, _SETTINGS, "a setting of an entry")

    def read(setting: str, make: Callable[[Any], Any], otherwise: Any) -> Any:
        written = settings.get(setting)
        return _located(document, (*path, setting), lambda: make(otherwise if written is None else written))

    for setting in ("notebook", "cron"):
        if settings.get(setting) is None:
            raise ParameterError(f"{document.place(*path)}, entry {name!r}: it has no {setting}.")
    notebook = read("notebook", lambda value: find_notebook(_text(value, "notebook"), root), None)
    zone = read("timezone", _zone, zone)
    return Entry(
        name=name,
        notebook=notebook,
        root=root,
        parameters=_parameters(document, path, settings, notebook, root, now),
        cron=read("cron", lambda value: parse(_text(value, "cron"), zone), None),
        deadline_s=read("deadline", lambda value: _duration(value, "deadline"), DEADLINE_S),
        catch_up=read("catch_up", _catch_up, LATEST),
        grace_s=read("grace", lambda value: _duration(value, "grace"), GRACE_S),
        start=read("start", lambda value: instant(_text(value, "start"), now=now, name="start"), ""),
        retention=read("retention", _retention, Retention()),
        retries=read("retries", _retries, 0),
    )


def _parameters(
    document: Document, path: tuple[str, ...], settings: Mapping[str, Any], notebook: Path, root: Path, now: datetime
) -> dict[str, Any]:
    """The given parameters, checked as ``gpkit run`` checks them, except for credentials: those belong to a moment."""
    given = settings.get("parameters")
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise ParameterError(
            f"{document.place(*path, 'parameters')}, entry {path[-1]!r}: parameters are names and values."
        )
    values = {str(name): value for name, value in given.items()}
    if "environment" in values and settings.get("environment") is not None:
        raise ParameterError(
            f"{document.place(*path, 'parameters', 'environment')}, entry {path[-1]!r}: environment is given twice."
        )
    if settings.get("environment") is not None:
        values["environment"] = settings["environment"]
    checked = partial(check, notebook.stem, read_declarations(notebook), folder=root, now=now)
    for name, value in values.items():  # one by one, so that the message names the line
        is_own = name == "environment" and "environment" in settings
        place = (*path, "environment") if is_own else (*path, "parameters", name)
        _located(document, place, partial(checked, values={name: value}))
    whole = _located(document, (*path, "parameters"), partial(checked, values=values))
    if whole.get("environment"):
        target = _located(document, (*path, "environment"), partial(load, whole["environment"]))
        if target.is_local and not whole.get("logs"):
            faults = whole.get("faults") or ""
            _located(document, (*path, "parameters", "faults"), lambda: scenarios.read(find_faults(faults)))
    times = {name: values[name] for name in ("since", "until") if name in values}  # relative to each slot
    return {name: whole[name] for name in values} | times


def _located(document: Document, path: tuple[str, ...], make: Callable[[], Any]) -> Any:
    """What ``make`` returns; what it refuses is refused with the line and the entry."""
    try:
        return make()
    except CallerError as error:
        entry = f", entry {path[1]!r}" if path[0] == "entries" else ""
        what = f"{document.place(*path)}{entry}: {error.what}"
        raise type(error)(what, error.why, error.next_step) from None


def _mapping(document: Document, wanted: str, *path: str) -> dict[str, Any]:
    found = document.content
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not found:
        about = f", entry {path[1]!r}" if len(path) > 1 else ""
        raise ParameterError(f"{document.place(*path)}{about}: there should be {wanted}.")
    return found


def _require_known(
    document: Document, path: tuple[str, ...], settings: Mapping[str, Any], known: tuple[str, ...], what: str
) -> None:
    for name in map(str, settings):
        if name not in known:
            about = f", entry {path[1]!r}" if path else ""
            raise ParameterError(
                f"{document.place(*path, name)}{about}: {name!r} is not {what}.",
                nearest(name, known),
                f"There are: {', '.join(known)}.",
            )


def _text(value: Any, setting: str) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"{setting} takes text, not {value!r}.", next_step=f"Put it in quotes: {setting}: '…'")
    return value


def _zone(value: Any) -> str:
    require_zone(_text(value, "timezone"))
    return str(value)


def _jobs(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ParameterError(f"jobs takes a whole number from 1, not {value!r}.")
    return value


def _catch_up(value: Any) -> str:
    if value not in CATCH_UPS:
        raise ParameterError(
            f"catch_up = {value!r} is not possible.",
            nearest(str(value), CATCH_UPS),
            f"catch_up is one of: {', '.join(CATCH_UPS)}.",
        )
    return str(value)


def _duration(value: Any, setting: str) -> float:
    length = duration_s(str(value)) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else 0.0
    if length <= 0:
        raise ParameterError(f"{setting} = {value!r} leaves no time.", next_step=f"Write {setting}: 10m")
    return length


def _retries(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParameterError(f"retries takes a whole number, not {value!r}.")
    return require_retries(value)


def _retention(value: Any) -> Retention:
    if isinstance(value, Retention):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return Retention(runs=value)
    if isinstance(value, str) and (age := _AGE.fullmatch(value.strip())) and float(age[1]) > 0:
        return Retention(age_s=float(age[1]) * _DAY_S[age[2]])
    raise ParameterError(
        f"retention = {value!r} is not possible.", next_step="Write a number of runs, or an age: 100, 90d, 12w."
    )
