"""A finding: a claim with its estimate, interval, n, target, a three-valued verdict, and the evidence behind it.

Pure. The verdict is computed from the interval and the target, never typed. ``docs/tables.md`` lists the fields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpkit.analysis.statistics import Rate

FAILS, UNDECIDED, MEETS = "fails", "undecided", "meets"
FINDINGS, INCONCLUSIVE, NO_DATA, HEALTHY = "findings", "inconclusive", "no-data", "healthy"

AT_LEAST, AT_MOST = "at least", "at most"

MAX_EVIDENCE = 200  # ids; chosen: a report names the first and worst, the tables hold all


@dataclass(frozen=True)
class Finding:
    """One claim about the service.

    Attributes:
        id: Stable across runs, such as ``events.all_five``.
        claim: One sentence with the numbers.
        verdict: ``meets``, ``fails`` or ``undecided``.
        estimate: The number, null when nothing was measured.
        unit: Of estimate, interval and target.
        interval: Two numbers, or null where nothing is estimated. Null inside means unbounded or not resolvable.
        n: How many cases are behind it.
        target: What it is judged against.
        target_is: Which side meets it: ``at least`` or ``at most``; empty where there is no target.
        cause: When one is named.
        ruled_out: What the evidence excludes, and why.
        evidence: Ids of attempts, connections, instances and log entries, worst first; ``results.json`` has 200.
        worst: What is worst in the evidence, in words; empty where none is worse than another.
        limits: What this cannot tell.
        next_step: A command, or the probe that separates what is left.
    """

    id: str
    claim: str
    verdict: str
    estimate: float | None
    unit: str
    interval: tuple[float | None, float | None] | None
    n: int
    target: float | None
    target_is: str = ""
    cause: str = ""
    ruled_out: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    worst: str = ""
    limits: str = ""
    next_step: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As it stands in ``results.json``: infinite numbers become null, which the claim explains."""
        values = dataclasses.asdict(self)
        values["estimate"] = _finite(self.estimate)
        values["interval"] = None if self.interval is None else [_finite(end) for end in self.interval]
        values["ruled_out"] = list(self.ruled_out)
        values["evidence"] = list(self.evidence[:MAX_EVIDENCE])
        return values


def of_rate(measured: Rate, **fields: Any) -> Finding:
    """A finding about a rate: its estimate, unit, interval and n come from it unless given. Of nothing it says so."""
    if measured.n == 0:
        nothing = "Nothing to judge: no case in this window."
        fields |= {"claim": nothing, "verdict": UNDECIDED, "next_step": "", "evidence": (), "worst": ""}
    interval = None if measured.low is None else (measured.low, measured.high)
    usual = {"estimate": measured.estimate, "unit": "ratio", "interval": interval, "n": measured.n}
    return Finding(**(usual | fields))


def run_verdict(findings: Sequence[Finding]) -> str:
    """Any ``fails`` is ``findings``; else any ``undecided`` is ``inconclusive``; nothing to judge is ``no-data``.

    The first finding answers the notebook's question: without a case for it nothing is healthy, whatever else was seen.
    """
    verdicts = {finding.verdict for finding in findings if finding.n > 0}
    if FAILS in verdicts:
        return FINDINGS
    if not verdicts or findings[0].n == 0:
        return NO_DATA
    return INCONCLUSIVE if UNDECIDED in verdicts else HEALTHY


def headline(findings: Sequence[Finding]) -> Finding | None:
    """The finding to lead with: the first that fails, else the first that is undecided, else the first.

    Where the notebook's question has no data, it leads with that: what else was seen is no answer to it.
    """
    if findings and run_verdict(findings) == NO_DATA:
        return findings[0]
    for verdict in (FAILS, UNDECIDED, MEETS):
        for finding in findings:
            if finding.verdict == verdict and finding.n > 0:
                return finding
    return findings[0] if findings else None


def _finite(value: float | None) -> float | None:
    return None if value is None or value != value or value in (float("inf"), float("-inf")) else value
