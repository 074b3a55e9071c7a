"""One investigation, as a notebook tells it: start, look, judge, finish, go back to the raw lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gpkit import environments
from gpkit.errors import ParameterError
from gpkit.findings import Finding, headline
from gpkit.instants import window
from gpkit.investigation import gathering
from gpkit.investigation.gathered import Gathered
from gpkit.investigation.pivot import lines_of
from gpkit.investigation.results import Verdict, facts, record
from gpkit.plural import counted, plural

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Investigation(Gathered):
    """What was gathered, and what was found in it.

    Attributes:
        findings: Set by :meth:`finish`.
    """

    findings: tuple[Finding, ...] = field(default=())

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
        """Record the findings in ``results.json`` and return the verdict to show. A null finding judges nothing.

        A finding on a log of which a part was not read, or was left out by a filter, says so in its limits. Whether
        a target is met in what was not read is not known: such a finding is undecided.
        """
        flat: list[Finding] = []
        for item in findings:
            flat += [item] if isinstance(item, Finding) else [] if item is None else list(item)
        self.findings = tuple(_limited(finding, self) for finding in flat)
        return record(self, self.findings)


def _limited(finding: Finding, run: Investigation) -> Finding:
    told = []
    missing = ""
    if chosen := run.coverage.get("asked", {}).get("filter"):
        told.append(f"{_only(run.coverage)} log entries that this filter selects were looked at: {chosen}.")
        missing = "no case among the entries that the filter selects"
        if not _is_scope(chosen):
            told.append("It may keep failures and drop successes, or the reverse: nothing is judged by shares of them.")
            claim = f"Of what the filter left: {finding.claim}"
            finding = dataclasses.replace(finding, claim=claim, verdict="undecided", cause="", ruled_out=())
    unread = run.gaps[run.gaps["kind"] == "not read"]
    if len(unread):
        seconds = (unread["until_utc"] - unread["since_utc"]).dt.total_seconds().sum()
        told.append(f"{seconds:.0f} s of the window were not read.")
        missing = f"no case in what was read, and {seconds:.0f} s of the window were not read"
        if finding.verdict == "meets":
            finding = dataclasses.replace(finding, verdict="undecided")
    probed = run.coverage.get("probe") or {}
    if (left := probed.get("planned", 0) - probed.get("measured", 0)) > 0:
        planned = counted(probed["planned"], "planned attempt")
        missing = f"no case in what was measured, and {left} of {planned} {plural(left, 'was', 'were')} not made"
    if finding.n == 0 and missing:
        finding = dataclasses.replace(finding, claim=f"Nothing to judge: {missing}.")
    return dataclasses.replace(finding, limits=" ".join([finding.limits, *told]).strip())


def _only(coverage: Mapping[str, Any]) -> str:
    """Of which files the filter is: of all, or of some that were written with it, beside others that are whole."""
    written = [one["file"] for one in coverage.get("written_with", ())]
    whole = len(coverage.get("files", ())) > len(written)
    return f"Of {', '.join(dict.fromkeys(written))} only" if written and whole else "Only"


def _is_scope(filter: str) -> bool:
    """Whether a filter chooses only a place and a time; one that cannot be read any more, redacted, does not."""
    from gpkit import filters

    try:
        return filters.is_scope(filters.parse(filter))
    except filters.FilterError:
        return False


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
        limit: Ids looked up, in the order of the finding: worst first.

    Returns:
        ``case``, ``id``, ``kind`` (attempt, frame, entry, missing), ``at_utc``, ``text`` (:func:`lines_of`).
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
    logs_filter: str = "",
    since: str = "",
    until: str = "",
    offline: bool = False,
    faults: str = "",
    seed: int = 0,
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
        logs: What :func:`gpkit.logs.read` takes: an export, ``api:PROJECT``, ``bigquery:PROJECT.DATASET``,
            ``gs://…``; empty means probe.
        logs_filter: Which of its entries, in Cloud Logging's filter language; empty for all.
        since: Of the log, first instant; relative times such as ``-1h`` are resolved to absolute UTC.
        until: Of the log, end.
        offline: Read a project's log from the cache alone.
        faults: What goes wrong in the local stack: a file, or a name in ``parameters/faults``; empty for a healthy one.
        seed: Of the local stack's faults and of the probe's schedule.
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
    if logs:
        asked = gathering.Asked(logs, window(since, until), logs_filter, offline)
        gathered = gathering.from_logs(question, target, asked)
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
        gathered = gathering.live(question, target, faults, plan)
    _current = Investigation(**vars(gathered))
    return _current
