"""Gather the evidence for one question: probe a live target, or read a log, and put it into tables.

Raw evidence is written first, into the run's folder, and analysed from the tables. Nothing is judged here.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit import environments, tables
from gpkit.environments import Environment
from gpkit.errors import OutputError, ParameterError
from gpkit.findings import Finding, headline
from gpkit.investigation.pivot import lines_of
from gpkit.investigation.results import Verdict, facts, record

if TYPE_CHECKING:
    import pandas as pd

RUN_FOLDER, RUN_ID = "GPKIT_RUN_FOLDER", "GPKIT_RUN_ID"
"""Set by the supervisor; absent in JupyterLab and under plain papermill."""

FROM_LOG = "log"
"""What stands for the environment when a log is read: the log tells of its own targets."""


@dataclass
class Investigation:
    """The evidence for one question, as tables (docs/tables.md).

    Attributes:
        question: Which notebook asks.
        environment: Name of the target, or ``log``.
        source: ``probe``, or the path of the log.
        attempts: One row per probe attempt, with ``server_*`` columns where the log has its connection.
        messages: Frames of the attempts.
        entries: Log entries.
        connections: Server-side connections.
        instances: Server instances that the log shows starting or ending.
        coverage: What the evidence covers and what is missing from it.
        window: First and last instant, UTC, as text; null when there is nothing.
        folder: Where results and evidence are written.
        findings: Set by :meth:`finish`.
    """

    question: str
    environment: str
    source: str
    attempts: pd.DataFrame
    messages: pd.DataFrame
    entries: pd.DataFrame
    connections: pd.DataFrame
    instances: pd.DataFrame
    coverage: dict[str, Any]
    window: dict[str, str | None]
    folder: Path
    run_id: str
    findings: tuple[Finding, ...] = field(default=())

    @property
    def is_live(self) -> bool:
        """Whether this is a probe, and not a log alone."""
        return self.source == "probe"

    @property
    def cases(self) -> pd.DataFrame:
        """Attempts, or without any the logged upgrades, in one shape (:mod:`gpkit.analysis.cases`)."""
        from gpkit.analysis.cases import cases_of_attempts, cases_of_connections

        return cases_of_attempts(self.attempts) if self.is_live else cases_of_connections(self.connections)

    @property
    def lead(self) -> Finding | None:
        """The finding to lead with; null before :meth:`finish`, or when nothing was judged."""
        return headline(self.findings)

    def describe(self) -> pd.DataFrame:
        """What there is to judge, and what is missing from it: one row per fact."""
        return facts(self)

    def finish(self, *findings: Finding | Sequence[Finding] | None) -> Verdict:
        """Record the findings in ``results.json`` and return the verdict to show. A null finding judges nothing."""
        flat: list[Finding] = []
        for item in findings:
            flat += [item] if isinstance(item, Finding) else [] if item is None else list(item)
        self.findings = tuple(flat)
        return record(self)


_current: Investigation | None = None


def current() -> Investigation:
    """The investigation that was started last.

    Raises:
        ParameterError: None was started.
    """
    if _current is None:
        raise ParameterError("No investigation was started here.", next_step="run = gpkit.start(…) comes first.")
    return _current


def evidence(finding: Finding | str | Iterable[str] | None, limit: int = 20) -> pd.DataFrame:
    """The raw lines and frames behind a finding.

    Args:
        finding: A finding, its id, or ids of attempts, connections or log entries.
        limit: Ids looked up, in the order of the finding: first and worst ones first.

    Returns:
        ``id``, ``kind`` (attempt, frame, entry, missing), ``at_utc``, ``text``, as :func:`lines_of` has them.
    """
    return lines_of(current(), _ids(current(), finding)[:limit])


def _ids(run: Investigation, finding: Finding | str | Iterable[str] | None) -> list[str]:
    if finding is None:
        return []
    if isinstance(finding, Finding):
        return list(finding.evidence)
    if isinstance(finding, str):
        named = [item for item in run.findings if item.id == finding]
        return list(named[0].evidence) if named else [finding]
    return list(finding)


def start(
    question: str,
    *,
    environment: str = environments.LOCAL,
    logs: str = "",
    faults: str = "",
    seed: int = 0,
    since: str = "",
    until: str = "",
    attempts: int = 100,
    rate_per_s: float = 0.0,
    concurrency: int = 0,
    deadline_s: float = 10.0,
    send: str = "after-ready",
    send_delays_ms: Sequence[float] = (0.0,),
    controls: Sequence[str] = (),
    controls_each: int = 1,
    yes_load: bool = False,
) -> Investigation:
    """Gather the evidence: from a log when one is named, else by probing.

    Args:
        question: Name of the notebook.
        environment: Target, a file in ``parameters/environments``.
        logs: Export file, folder or pattern; empty means probe.
        faults: What goes wrong in the local stack: a file, or a name in ``parameters/faults``; empty for a healthy one.
        seed: Of the local stack's faults and of the probe's schedule.
        since: Of the log, first instant; relative times such as ``-1h`` are resolved to absolute UTC.
        until: Of the log, end.
        attempts: Planned attempts with a valid credential.
        rate_per_s: Planned starts a second; 0 for what the environment allows.
        concurrency: Attempts at once; 0 for what the environment allows.
        deadline_s: From the message to the last of its five events.
        send: ``after-ready``, ``after-open`` or ``both``.
        send_delays_ms: Delays between OPEN and an early message.
        controls: Bad credentials that must be refused.
        controls_each: Attempts with each of them.
        yes_load: Allow more than the environment's limits.

    Raises:
        CallerError: An unknown environment, a missing secret, an impossible plan, or a file that is no log export.
    """
    global _current
    target = environments.load(environment)
    folder, run_id = _folder(question)
    if logs:
        _current = _from_logs(question, target, logs, since, until, folder, run_id)
    else:
        plan = {
            "attempts": attempts,
            "rate_per_s": rate_per_s or None,
            "concurrency": concurrency or None,
            "deadline_s": deadline_s,
            "send": send,
            "send_delays_ms": tuple(send_delays_ms),
            "controls": tuple(controls),
            "controls_each": controls_each,
            "seed": seed,
            "yes_load": yes_load,
        }
        _current = _live(question, target, faults, plan, folder, run_id)
    _save(_current)
    return _current


def _from_logs(
    question: str, target: Environment, logs: str, since: str, until: str, folder: Path, run_id: str
) -> Investigation:
    from gpkit import logs as sources
    from gpkit import timeline
    from gpkit.instants import window

    asked = window(since, until)
    source = _resolved(logs)
    read = sources.read(source, since=asked.since, until=asked.until, mask_contacts=target.mask_contacts)
    connections = timeline.connections(read.frame)
    return Investigation(
        question=question,
        environment=FROM_LOG,
        source=_shown(source),
        attempts=_with_server(tables.empty(tables.ATTEMPTS), connections),
        messages=tables.empty(tables.MESSAGES),
        entries=read.frame,
        connections=connections,
        instances=timeline.instances(read.frame),
        coverage=read.coverage.as_dict() | {"notes": read.coverage.sentences()},
        window={"since": _text(read.coverage.since), "until": _text(read.coverage.until)},
        folder=folder,
        run_id=run_id,
    )


def _live(
    question: str, target: Environment, faults: str, plan: Mapping[str, Any], folder: Path, run_id: str
) -> Investigation:
    from gpkit import logs as sources
    from gpkit import probe, stack, timeline

    if not target.is_local:
        environments.require_credentials(target)
        measured = probe.run(target, probe.Plan(**plan), into=folder / "evidence")
        entries, coverage = tables.empty(tables.ENTRIES), _probe_coverage(measured, None)
    else:
        with stack.local_stack(_faults(faults), seed=int(plan["seed"])) as local:
            measured = probe.run(local.environment, probe.Plan(**plan), into=folder / "evidence")
            local.settle()
            read = sources.read(local.log_file)
            entries, coverage = read.frame, _probe_coverage(measured, read.coverage)
    connections = timeline.connections(entries)
    return Investigation(
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
    )


def _with_server(attempts: pd.DataFrame, connections: pd.DataFrame) -> pd.DataFrame:
    """The attempts with what the server's row of the same trace says; null where the log has none."""
    from gpkit import timeline

    return timeline.join(attempts, connections)


def _probe_coverage(measured: Any, log: Any) -> dict[str, Any]:
    """What of the plan was measured, and what the target's own log covers."""
    counts = {"planned": measured.planned, "measured": len(measured.attempts), "interrupted": measured.interrupted}
    notes = (
        [f"{measured.planned - len(measured.attempts)} planned attempts were not made."]
        if counts["interrupted"]
        else []
    )
    covered: dict[str, Any] = {"probe": counts, "log": None if log is None else log.as_dict(), "notes": notes}
    if log is None:
        covered["notes"] = [*notes, "The target's log was not read: reasons are what the client saw."]
    return covered


def _faults(name: str) -> Path | None:
    if not name:
        return None
    if name.endswith((".yaml", ".yml")):
        return Path(_resolved(name))
    folder = environments.project_root() / "parameters" / "faults"
    path = folder / f"{name}.yaml"
    if not path.is_file():
        from gpkit.errors import nearest

        known = sorted(file.stem for file in folder.glob("*.yaml"))
        raise ParameterError(
            f"There are no faults named '{name}'. {nearest(name, known)}".strip(),
            next_step=f"Known: {', '.join(known)}; or name a file ending in .yaml.",
        )
    return path


def _resolved(path: str) -> str:
    """Relative paths are taken from the project's root: the kernel's own folder differs between ways to run."""
    given = Path(path).expanduser()
    return str(given if given.is_absolute() else environments.project_root() / given)


def _shown(path: str) -> str:
    """A path as it may be written into a report: from the project's root, or the file's own name."""
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


def _save(run: Investigation) -> None:
    for name in ("attempts", "messages", "entries", "connections"):
        frame = getattr(run, name)
        if len(frame):
            tables.write(frame, run.folder / "evidence" / f"{name}.parquet")


def _window(attempts: pd.DataFrame) -> dict[str, str | None]:
    if attempts.empty:
        return {"since": None, "until": None}
    return {"since": _text(attempts["started_utc"].min()), "until": _text(attempts["started_utc"].max())}


def _text(instant: Any) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")
