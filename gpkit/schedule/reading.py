"""``parameters/schedule.yaml``, read and checked: everything that can be wrong is said before anything is due.

What concerns the whole file refuses the file. What concerns one entry refuses that entry, and the others still run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from gpkit.environments import load, project_root
from gpkit.errors import CallerError, ParameterError, nearest
from gpkit.instants import instant
from gpkit.protocol import scenarios
from gpkit.runs.asking.declarations import read_declarations
from gpkit.runs.asking.of_log import require_log
from gpkit.runs.asking.parameters import check
from gpkit.runs.asking.plan import DEADLINE_S, find_notebook
from gpkit.schedule.cron import parse
from gpkit.schedule.document import Document, read_document
from gpkit.schedule.entry import GRACE_S, LATEST, NAME, Entry, Refused, Retention, Schedule
from gpkit.schedule.settings import catch_up_of, duration_of, jobs_of, retention_of, retries_of, text_of, zone_of
from gpkit.stack import find_faults

SCHEDULE_FILE = Path("parameters") / "schedule.yaml"
ENTRIES = "entries"
_TOP = ("timezone", "jobs", ENTRIES)
_SETTINGS = (
    "notebook", "environment", "parameters", "cron", "timezone", "deadline", "catch_up", "grace", "start", "retention",
    "retries",
)  # fmt: skip


def read_schedule(file: Path | None = None, *, now: datetime | None = None) -> Schedule:
    """Read and check a schedule.

    Args:
        file: The file; ``parameters/schedule.yaml`` of the project by default.
        now: What relative times are checked against; defaults to the present.

    Raises:
        SourceError: The file cannot be read.
        ParameterError: It is no schedule; everything that is wrong is said. What is wrong with entries alone is in
            ``refused`` instead, one for each thing.
    """
    root = project_root()
    path = (file or root / SCHEDULE_FILE).absolute()
    document = read_document(path, str(path.relative_to(root) if path.is_relative_to(root) else path))
    wrong: list[CallerError] = [error for path, error in document.twice if path[0] != ENTRIES or len(path) == 1]
    zone, jobs, listed = _top(document, wrong)
    entries: list[Entry] = []
    refused: list[Refused] = []
    for name in map(str, listed):
        found: list[CallerError] = [error for path, error in document.twice if path[:2] == (ENTRIES, name)]
        entry = _entry(_Reader(document, name, found), zone, root, now or datetime.now(UTC))
        entries += [entry] if entry is not None and not found else []
        refused += [Refused(name, error) for error in found]
    if wrong:
        raise _together([*wrong, *(one.error for one in refused)])
    return Schedule(path, tuple(entries), tuple(refused), jobs)


def _top(document: Document, wrong: list[CallerError]) -> tuple[str, int, Mapping[str, Any]]:
    """Zone, jobs and entries of a schedule; what is wrong with the file as a whole is added to ``wrong``."""
    zone, jobs, listed = "UTC", 1, {}
    try:
        top = _mapping(document, "an 'entries:' with names")
        wrong += _unknown(document, (), top, _TOP, "a setting of a schedule")
        listed = _mapping(document, "entries, each with a name", ENTRIES) if ENTRIES in top or not wrong else {}
    except CallerError as error:
        wrong.append(error)
        top = document.content if isinstance(document.content, dict) else {}
    for name, read in (("timezone", zone_of), ("jobs", jobs_of)):
        try:
            value = _located(document, (name,), partial(read, top[name])) if name in top else None
        except CallerError as error:
            wrong.append(error)
        else:
            zone, jobs = (value or zone, jobs) if name == "timezone" else (zone, value or jobs)
    return zone, jobs, listed


def _together(errors: list[CallerError]) -> CallerError:
    """One error that says all of them, each on lines of its own."""
    return errors[0] if len(errors) == 1 else ParameterError("\n".join(map(str, errors)))


@dataclass(frozen=True)
class _Reader:
    """One entry being read; what is wrong with it is added to ``wrong``, so that all of it can be told at once."""

    document: Document
    name: str
    wrong: list[CallerError]

    @property
    def path(self) -> tuple[str, ...]:
        return ENTRIES, self.name

    @property
    def place(self) -> str:
        return f"{self.document.place(*self.path)}, entry {self.name!r}"

    def refuse(self, what: str, next_step: str = "") -> None:
        self.wrong.append(ParameterError(what, next_step=next_step))

    def read(self, path: tuple[str, ...], make: Callable[[], Any], otherwise: Any = None) -> Any:
        """What ``make`` returns; ``otherwise`` when it refuses."""
        try:
            return _located(self.document, (*self.path, *path), make)
        except CallerError as error:
            self.wrong.append(error)
            return otherwise


def _entry(reader: _Reader, zone: str, root: Path, now: datetime) -> Entry | None:
    """The entry, as far as it can be read; null when not even that."""
    if not NAME.fullmatch(reader.name):
        reader.refuse(
            f"{reader.document.place(*reader.path)}: {reader.name!r} is no name of an entry.",
            "Letters, digits, '_', '.' and '-', at most 100, beginning with a letter or a digit.",
        )
    try:
        settings = _mapping(reader.document, f"settings: {', '.join(_SETTINGS)}", *reader.path)
    except CallerError as error:
        reader.wrong.append(error)
        return None
    unknown = _unknown(reader.document, reader.path, settings, _SETTINGS, "a setting of an entry")
    reader.wrong.extend(unknown)

    def read(setting: str, make: Callable[[Any], Any], otherwise: Any) -> Any:
        written = settings.get(setting)
        return otherwise if written is None else reader.read((setting,), lambda: make(written), otherwise)

    lacking = [setting for setting in ("notebook", "cron") if settings.get(setting) is None]
    for setting in lacking if not unknown else ():  # else it is likely the misspelt one
        reader.refuse(f"{reader.place}: it has no {setting}.")
    notebook = read("notebook", lambda value: find_notebook(text_of(value, "notebook"), root), None)
    zone = read("timezone", zone_of, zone)
    cron = read("cron", lambda value: parse(text_of(value, "cron"), zone), None)
    rest = {
        "deadline_s": read("deadline", lambda value: duration_of(value, "deadline"), DEADLINE_S),
        "catch_up": read("catch_up", catch_up_of, LATEST),
        "grace_s": read("grace", lambda value: duration_of(value, "grace"), GRACE_S),
        "start": read("start", lambda value: instant(text_of(value, "start"), now=now, name="start"), None),
        "retention": read("retention", retention_of, Retention()),
        "retries": read("retries", retries_of, 0),
    }
    if notebook is None:
        return None
    parameters = _parameters(reader, settings, notebook, root, now)
    return None if cron is None else Entry(reader.name, notebook, root, parameters, cron, **rest)


def _parameters(
    reader: _Reader, settings: Mapping[str, Any], notebook: Path, root: Path, now: datetime
) -> dict[str, Any]:
    """The given parameters, checked as ``gpkit run`` checks them, except for credentials: those belong to a moment."""
    given = settings.get("parameters")
    given = {} if given is None else given
    document, path = reader.document, reader.path
    if not isinstance(given, dict):
        reader.refuse(f"{document.place(*path, 'parameters')}, entry {reader.name!r}: parameters are names and values.")
        return {}
    values = {str(name): value for name, value in given.items()}
    environment = settings.get("environment")
    if "environment" in values and environment is not None:
        reader.refuse(
            f"{document.place(*path, 'parameters', 'environment')}, entry {reader.name!r}: environment is given twice."
        )
        return {}
    if environment is not None:
        values["environment"] = environment
    before = len(reader.wrong)
    declared = reader.read(("notebook",), lambda: read_declarations(notebook))
    if declared is None:
        return {}
    checked = partial(check, notebook.stem, declared, folder=root, now=now)
    for name, value in values.items():  # one by one, so that the message names the line
        place = ("environment",) if name == "environment" and environment is not None else ("parameters", name)
        reader.read(place, partial(checked, values={name: value}))
    if len(reader.wrong) > before:
        return {}
    whole = reader.read(("parameters",), partial(checked, values=values), {})
    reader.read(("parameters",), partial(require_log, declared, whole))
    if whole.get("environment"):
        target = reader.read(("environment",), partial(load, whole["environment"]))
        if target is not None and target.is_local and not whole.get("logs"):
            faults = whole.get("faults") or ""
            reader.read(("parameters", "faults"), lambda: scenarios.read(find_faults(faults)))
    times = {name: values[name] for name in ("since", "until") if name in values}  # relative to each slot
    return {name: whole[name] for name in values if name in whole} | times


def _located(document: Document, path: tuple[str, ...], make: Callable[[], Any]) -> Any:
    """What ``make`` returns; what it refuses is refused with the line and the entry."""
    try:
        return make()
    except CallerError as error:
        entry = f", entry {path[1]!r}" if path[0] == ENTRIES else ""
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


def _unknown(
    document: Document, path: tuple[str, ...], settings: Mapping[str, Any], known: tuple[str, ...], what: str
) -> list[ParameterError]:
    about = f", entry {path[1]!r}" if path else ""
    return [
        ParameterError(
            f"{document.place(*path, name)}{about}: {name!r} is not {what}.",
            nearest(name, known),
            f"There are: {', '.join(known)}.",
        )
        for name in map(str, settings)
        if name not in known
    ]
