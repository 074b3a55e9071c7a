"""Gather the evidence for one question: probe a live target, or read a log, and put it into tables.

Raw evidence is written first, into the run's folder, and analysed from the tables. Nothing is judged here.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit import environments, redaction, tables
from gpkit.environments import Environment
from gpkit.errors import OutputError
from gpkit.instants import Window
from gpkit.investigation import origin
from gpkit.investigation.gathered import Gathered
from gpkit.logs.sources import is_address
from gpkit.plural import counted

if TYPE_CHECKING:
    import pandas as pd

RUN_FOLDER, RUN_ID = "GPKIT_RUN_FOLDER", "GPKIT_RUN_ID"
"""Set by the supervisor; absent in JupyterLab and under plain papermill."""


@dataclass(frozen=True)
class Asked:
    """What was asked of a log.

    Attributes:
        source: As :func:`gpkit.logs.read` takes it.
        window: First and last instant, UTC; null for no limit.
        filter: Which entries; empty for all.
        offline: Whether only the cache is read.
    """

    source: str
    window: Window
    filter: str = ""
    offline: bool = False


def from_logs(question: str, target: Environment, asked: Asked) -> Gathered:
    """The evidence of a log alone: files, a project, a warehouse.

    Raises:
        SourceError: It is no log export.
        CallerError: The filter or the window is impossible there, or the credentials are missing.
        FarSideError: A far side refused, or was not to be reached.
    """
    from gpkit import logs as sources
    from gpkit import timeline

    source = _resolved(asked.source)
    read = sources.read(
        source,
        since=asked.window.since,
        until=asked.window.until,
        filter=asked.filter,
        environment=target,
        offline=asked.offline,
    )
    folder, run_id = _folder(question)  # only now: what is refused leaves nothing behind
    connections = timeline.connections(read.frame)
    gathered = Gathered(
        question=question,
        environment=environments.of_log(target.name),
        source=_shown(source),
        attempts=_with_server(tables.empty(tables.ATTEMPTS), connections),
        messages=tables.empty(tables.MESSAGES),
        entries=read.frame,
        connections=connections,
        instances=timeline.instances(read.frame),
        coverage=_log_coverage(read.coverage, asked),
        window={"since": _text(read.coverage.since), "until": _text(read.coverage.until)},
        folder=folder,
        run_id=run_id,
        origin=origin.of_log(source, asked.window, asked.filter, target),
    )
    _save(gathered)
    return gathered


def _log_coverage(coverage: Any, asked: Asked) -> dict[str, Any]:
    """What the log covers, beside what was asked of it."""
    said = {"window": asked.window.as_dict(), "filter": coverage.filter}
    covered: dict[str, Any] = coverage.as_dict()
    return {"asked": said, **covered, "notes": coverage.sentences()}


def live(question: str, target: Environment, faults: str, plan: Mapping[str, Any]) -> Gathered:
    """The evidence of a probe, beside the log of the local stack when that is the target.

    Args:
        question: Name of the notebook.
        target: What is probed.
        faults: Of the local stack: a file, or a name in ``parameters/faults``.
        plan: Of the probe.

    Raises:
        CallerError: A missing secret, an impossible plan, or unknown faults.
    """
    from gpkit import logs as sources
    from gpkit import probe, stack, timeline

    environments.require_credentials(target)
    planted = stack.find_faults(faults) if target.is_local else None
    folder, run_id = _folder(question)
    if not target.is_local:
        measured = probe.run(target, probe.Plan(**plan), into=folder / "evidence")
        entries, coverage = tables.empty(tables.ENTRIES), _probe_coverage(measured, None)
    else:
        with stack.local_stack(planted, seed=int(plan["seed"])) as local:
            measured = probe.run(local.environment, probe.Plan(**plan), into=folder / "evidence")
            local.settle()
            read = sources.read(local.log_file)
            entries, coverage = read.frame, _probe_coverage(measured, read.coverage)
    connections = timeline.connections(entries)
    gathered = Gathered(
        question=question,
        environment=target.name,
        source="probe",
        attempts=_with_server(measured.attempts, connections),
        messages=measured.messages,
        entries=entries,
        connections=connections,
        instances=timeline.instances(entries),
        coverage=coverage,
        window=_window(measured.attempts),
        folder=folder,
        run_id=run_id,
        origin=origin.of_run(folder) if len(entries) else origin.NOWHERE,
    )
    _save(gathered)
    return gathered


def _with_server(attempts: pd.DataFrame, connections: pd.DataFrame) -> pd.DataFrame:
    """The attempts with what the server's row of the same trace says; null where the log has none."""
    from gpkit import timeline

    return timeline.join(attempts, connections)


def _probe_coverage(measured: Any, log: Any) -> dict[str, Any]:
    """What of the plan was measured, and what the target's own log covers."""
    counts = {"planned": measured.planned, "measured": len(measured.attempts), "interrupted": measured.interrupted}
    left = counted(measured.planned - len(measured.attempts), "planned attempt was", "planned attempts were")
    notes = [f"{left} not made."] if counts["interrupted"] else []
    covered: dict[str, Any] = {"probe": counts, "log": None if log is None else log.as_dict(), "notes": notes}
    if log is None:
        covered["notes"] = [*notes, "The target's log was not read: reasons are what the client saw."]
    return covered


def _resolved(path: str) -> str:
    """Relative paths are taken from the project's root: the kernel's own folder differs between ways to run."""
    if is_address(path):
        return path
    given = Path(path).expanduser()
    return str(given if given.is_absolute() else environments.project_root() / given)


def _shown(path: str) -> str:
    """A path as it may be written into a report: from the project's root, or the file's own name."""
    if is_address(path):
        return redaction.redact(path)
    root = environments.project_root()
    given = Path(path)
    return str(given.relative_to(root)) if given.is_relative_to(root) else given.name


def _folder(question: str) -> tuple[Path, str]:
    """The run's folder: the supervisor's, or a new one for work by hand."""
    given = os.environ.get(RUN_FOLDER)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    run_id = os.environ.get(RUN_ID) or f"{stamp}-{question}-{secrets.token_hex(3)}"
    folder = Path(given) if given else environments.project_root() / "outputs" / "interactive" / run_id
    try:
        (folder / "evidence").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"'{folder.name}' cannot be made under outputs/: {error.strerror}.",
            next_step="Free the disk, or mend its rights.",
        ) from error
    return folder, run_id


def _save(run: Gathered) -> None:
    for name in ("attempts", "messages", "entries", "connections"):
        frame = getattr(run, name)
        if len(frame):
            filter = run.coverage.get("asked", {}).get("filter", "") if name == "entries" else ""
            tables.write(frame, run.folder / "evidence" / f"{name}.parquet", filter=filter)


def _window(attempts: pd.DataFrame) -> dict[str, str | None]:
    if attempts.empty:
        return {"since": None, "until": None}
    return {"since": _text(attempts["started_utc"].min()), "until": _text(attempts["started_utc"].max())}


def _text(instant: Any) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")
