"""What was run, read from the run folders, and the record of what was missed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpkit.errors import OutputError
from gpkit.instants import text
from gpkit.plural import counted
from gpkit.runs.making.supervised import Run
from gpkit.runs.recording import folder as folders
from gpkit.runs.recording import plain_report, record, status
from gpkit.schedule.entry import Entry
from gpkit.schedule.slots import Missed

_MARK = b'"slot_utc"'


@dataclass(frozen=True)
class Held:
    """What one run folder holds of the schedule.

    Args:
        name: Of the entry.
        slot: Its instant, UTC.
        folder: Name of the run folder.
        status: What became of the slot.
    """

    name: str
    slot: datetime
    folder: str
    status: str


def held(outputs: Path) -> Iterator[Held]:
    """The slots that run folders hold, complete or partial, in no order. A folder that cannot be read holds none."""
    for folder in (outputs / "runs").glob("[!.]*"):
        content = _content(folder)
        if _MARK not in content:  # most runs are no scheduled ones: not worth parsing
            continue
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            run = json.loads(content)
            of = run["schedule"]
            yield Held(str(of["name"]), _instant(of["slot_utc"]), folder.name, str(run.get("status")))


def taken(outputs: Path) -> dict[str, set[datetime]]:
    """The slots that are done with, by the name of their entry: those in run folders, whatever became of them."""
    found: dict[str, set[datetime]] = {}
    for one in held(outputs):
        found.setdefault(one.name, set()).add(one.slot)
    return found


def record_missed(entry: Entry, missed: Missed, outputs: Path) -> Run:
    """Write the run folder of slots that passed without a run. It is there whole, or not at all.

    Raises:
        OutputError: The folder cannot be written.
    """
    plan = entry.plan(text(missed.last), outputs)
    run_id = folders.new_run_id(plan.name, missed.last)  # it stands where the run would have been
    final = outputs / "runs" / run_id
    folder = final.with_name(f".{run_id}")
    several = {"first_slot_utc": text(missed.first), "slots": missed.count} if missed.count > 1 else {}
    facts: dict[str, Any] = {
        **record.first(plan, run_id),
        "schedule": {"name": entry.name, "slot_utc": text(missed.last), **several},
        "parameters": dict(plan.parameters),
        "given": list(plan.given),
        "deadline_s": plan.deadline_s,
        "started_utc": None,
    }
    try:
        (folder / "evidence").mkdir(parents=True)
        record.begin(folder, facts)
        ended = record.finish(folder, record.Outcome(status.MISSED, _error(entry, missed)))
        _report(folder, outputs)
        folder.rename(final)
    except OSError as error:
        raise OutputError(f"{outputs} cannot be written.", f"{error.strerror or error}.") from None
    return Run(final, ended)


def _report(folder: Path, outputs: Path) -> None:
    from gpkit.report import render

    try:
        render(folder, root=outputs)
    except Exception:  # whatever keeps the full report from being made, there is one
        plain_report.write(folder)


def _error(entry: Entry, missed: Missed) -> dict[str, Any]:
    what = f"The slot of {text(missed.last)}"
    if missed.count > 1:
        what = f"{counted(missed.count, 'slot')} from {text(missed.first)} to {text(missed.last)}"
    policy = "they are too many to be run late" if entry.catch_up == "all" else f"catch_up is {entry.catch_up}"
    return {
        "kind": status.MISSED,
        "message": f"{what} of schedule entry {entry.name!r} passed without a run, and {policy}.",
        "stage": "schedule",
        "cell": None,
    }


def _content(folder: Path) -> bytes:
    # A partial folder may be completed, and so renamed, while the list is read.
    for place in (folder, folder.with_name(folder.name.removesuffix(folders.PARTIAL))):
        with contextlib.suppress(OSError):
            return (place / record.RUN_FILE).read_bytes()
    return b""


def _instant(written: str) -> datetime:
    at = datetime.fromisoformat(written)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
