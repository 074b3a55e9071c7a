"""One past run, as its ``run.json`` tells it. Read with tolerance, and fast: a list may hold 10 000 of them.

A folder may be empty, cut short, of an older or a newer shape. What can be read is used, what cannot is named in
``problems``; nothing here raises for the content of a folder. Status and verdict are only ever what the record says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

import msgspec

from gpkit.history.log_name import log_name

RUN_FILE = "run.json"
RESULTS_FILE = "results.json"
REPORT_FILE = "report.html"
PARTIAL = ".partial"
STATUSES = ("ok", "failed", "timeout", "kernel-died", "interrupted", "missed", "running")
UNKNOWN = "unknown"
RUNNING = "running"
VERDICTS = ("findings", "inconclusive", "no-data", "healthy")
# What a list says of a finding; its evidence, limits and next step stay in results.json.
NUMBERS = ("id", "verdict", "estimate", "unit", "interval", "n", "target", "target_is")


_RUN_ID = re.compile(r"(\d{8}T\d{9})Z-(.+)-[0-9a-f]{6}")


class _Record(msgspec.Struct):
    """The parts of run.json that a list needs, of any type; the others are skipped without being built."""

    run_id: Any = None
    notebook: Any = None
    environment: Any = None
    status: Any = None
    verdict: Any = None
    started_utc: Any = None
    duration_s: Any = None
    headline: Any = None
    findings: Any = None
    parameters: Any = None
    given: Any = None
    window: Any = None
    selection: Any = None
    error: Any = None
    rerun_of: Any = None
    retry_of: Any = None
    attempt: Any = None
    sweep: Any = None
    schedule: Any = None


_decoder = msgspec.json.Decoder(_Record)


@dataclass(frozen=True)
class Past:
    """One run folder.

    Attributes:
        folder: Where it is; its name ends in ``.partial`` while the run is made.
        status: One of ``STATUSES``, or ``unknown`` when nothing says or this gpkit does not know the word.
        verdict: One of ``VERDICTS``, or empty: a run that did not end well has none.
        started_utc: As recorded; empty when nothing says.
        headline: The finding to lead with, without its evidence; null when there is none.
        findings: The numbers of each finding (``NUMBERS``); of an older run the headline's alone.
        selection: The filter that chose the entries of a log, or empty.
        failure: What ended the run, empty when nothing did.
        rerun_of: The run that this one repeats, or empty.
        retry_of: The attempt that failed before this one, or empty.
        attempt: Which attempt at the run this is, from 1.
        sweep: Of a run of a sweep: ``id``, ``number`` ``of`` how many, ``values`` of the swept parameters; else empty.
        entry: Of the schedule that it was made for, by name, or empty.
        slots: How many slots of the schedule a missed run stands for; 1 for every other run.
        problems: One sentence for each thing that could not be read.
    """

    run_id: str
    folder: Path
    notebook: str = ""
    environment: str = ""
    status: str = UNKNOWN
    verdict: str = ""
    started_utc: str = ""
    duration_s: float | None = None
    headline: Mapping[str, Any] | None = None
    findings: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    window: Any = None
    selection: str = ""
    failure: Mapping[str, Any] = field(default_factory=dict)
    rerun_of: str = ""
    retry_of: str = ""
    attempt: int = 1
    sweep: Mapping[str, Any] = field(default_factory=dict)
    entry: str = ""
    slots: int = 1
    problems: tuple[str, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether the run is being made, or was when its maker went away."""
        return self.folder.name.endswith(PARTIAL)

    @property
    def is_of_log(self) -> bool:
        """Whether it read a log instead of probing."""
        return bool(self.parameters.get("logs"))

    @property
    def log(self) -> str:
        """A short name of the log that it read, unescaped; empty for a probe."""
        return log_name(self.parameters.get("logs"))

    @property
    def series(self) -> tuple[str, str, bool]:
        """What it is one of: runs of one notebook on one environment, probes and logs apart."""
        return self.notebook, self.environment, self.is_of_log

    @property
    def report(self) -> Path | None:
        """The page to read; null when there is none."""
        page = self.folder / REPORT_FILE
        return page if page.is_file() else None

    @property
    def at(self) -> datetime | None:
        """When it started, UTC, or else when its id says it was made, as of a missed run; null when nothing tells."""
        return instant(self.started_utc) or instant(stamp_of(self.folder.name)[0])

    def as_dict(self) -> dict[str, Any]:
        """As one row of a list, JSON values: what could not be told is null."""
        report = self.report
        return {
            "run_id": self.run_id,
            "notebook": self.notebook or None,
            "environment": self.environment or None,
            "status": self.status,
            "verdict": self.verdict or None,
            "started_utc": self.started_utc or None,
            "duration_s": self.duration_s,
            "headline": self.headline,
            "error": dict(self.failure) or None,
            "rerun_of": self.rerun_of or None,
            "retry_of": self.retry_of or None,
            "attempt": self.attempt,
            "sweep": dict(self.sweep) or None,
            "folder": str(self.folder),
            "report": str(report) if report else None,
            "problems": list(self.problems),
        }


def read(folder: Path) -> Past:
    """The run in a folder, whatever state the folder is in."""
    run_id = folder.name.removesuffix(PARTIAL)
    try:
        with open(folder / RUN_FILE, "rb") as file:
            record = _decoder.decode(file.read())
    except FileNotFoundError:
        return Past(run_id, folder, problems=(f"{RUN_FILE} is missing.",))
    except msgspec.ValidationError:
        return Past(run_id, folder, problems=(f"{RUN_FILE} holds no object.",))
    except (OSError, ValueError, RecursionError) as error:
        return Past(run_id, folder, problems=(f"{RUN_FILE} cannot be read: {type(error).__name__}.",))
    past = _past(folder, run_id, record)
    # How it ended stands in the record before its report is made, and may still change.
    return replace(past, status=RUNNING, verdict="") if past.is_partial and past.status != UNKNOWN else past


def of_record(folder: Path, run: Mapping[str, Any]) -> Past:
    """The run whose run.json is already at hand."""
    return _past(folder, folder.name.removesuffix(PARTIAL), msgspec.convert(run, _Record))


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when there is none."""
    try:
        content = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def numbers(finding: Mapping[str, Any]) -> dict[str, Any]:
    """What a list says of one finding."""
    return {name: finding.get(name) for name in NUMBERS}


def stamp_of(name: str) -> tuple[str, str]:
    """The instant and the notebook that a folder's name tells; both empty when it is no run id."""
    found = _RUN_ID.fullmatch(name.removesuffix(PARTIAL))
    return (found[1], found[2]) if found else ("", "")


def instant(text: str) -> datetime | None:
    """A recorded instant in UTC; null when it is none."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # the first day of all days, in an eastern zone
        return None


def _past(folder: Path, run_id: str, record: _Record) -> Past:
    problems = []
    status = record.status if record.status in STATUSES else UNKNOWN
    if record.status is not None and status == UNKNOWN:
        problems.append(f"Its status {_text(record.status)[:40]!r} is not known to this version of gpkit.")
    verdict = record.verdict if record.verdict in VERDICTS else ""
    if record.verdict is not None and not verdict:
        problems.append(f"Its verdict {_text(record.verdict)[:40]!r} is not known to this version of gpkit.")
    headline = record.headline if isinstance(record.headline, dict) else None
    listed = record.findings if isinstance(record.findings, list) else [headline]
    schedule = record.schedule if isinstance(record.schedule, dict) else {}
    error = record.error if isinstance(record.error, dict) else {"message": _text(record.error)} if record.error else {}
    return Past(
        run_id=_text(record.run_id) or run_id,
        folder=folder,
        notebook=PurePath(_text(record.notebook)).stem,
        environment=_text(record.environment),
        status=status,
        verdict=verdict if status == "ok" else "",
        started_utc=_text(record.started_utc),
        duration_s=finite(record.duration_s),
        headline=headline,
        findings=tuple(finding for finding in listed if isinstance(finding, dict)),
        parameters=record.parameters if isinstance(record.parameters, dict) else {},
        given=tuple(map(_text, record.given)) if isinstance(record.given, list) else (),
        window=record.window,
        selection=_text(record.selection),
        failure=error,
        rerun_of=_text(record.rerun_of),
        retry_of=_text(record.retry_of),
        attempt=int(finite(record.attempt) or 1),
        sweep=record.sweep if isinstance(record.sweep, dict) else {},
        entry=_text(schedule.get("name")),
        slots=max(1, int(finite(schedule.get("slots")) or 1)) if status == "missed" else 1,
        problems=tuple(problems),
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def finite(value: Any) -> float | None:
    """A recorded number; null when it is none, or none that can be worked with."""
    try:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return float(value) if is_number else None
