"""Verdicts on authentication: how long, who is refused and why, and whether what must be refused is."""

from __future__ import annotations

import pandas as pd

from gpkit.analysis import statistics
from gpkit.analysis.auth import controls as controls_table
from gpkit.analysis.breakdowns import by_client
from gpkit.analysis.cases import entry
from gpkit.analysis.durations import seconds, span_quantile, wording
from gpkit.analysis.sample import judged
from gpkit.findings.bounds import at_least, bounds
from gpkit.findings.finding import AT_MOST, Finding, of_rate
from gpkit.findings.ordering import one_of_each
from gpkit.findings.wording import percent
from gpkit.plural import counted, plural

LIMITS = {
    "auth_s": "The network's round trip is inside; where the welcome is the verdict, so is the set-up before it.",
    "open_s": "Name look-up, connection and TLS are inside; pooling in a browser would save some of them.",
}


def judge_auth(attempts: pd.DataFrame, *, target_auth_s: float = 2.0, target_open_s: float = 2.0) -> list[Finding]:
    """How long does a valid user wait for the verdict, and is every negative control refused?

    Returns:
        Findings ``auth.verdict_p95``, ``auth.open_p95``, and ``auth.controls`` when any were sent.
    """
    valid = judged(attempts)
    findings = [
        _span(valid, "auth.verdict_p95", "auth_s", "Request to verdict", target_auth_s),
        _span(valid, "auth.open_p95", "open_s", "Start to open connection", target_open_s),
    ]
    table = controls_table(attempts)
    if len(table):
        findings.append(_controls(table))
    return findings


def _span(valid: pd.DataFrame, identity: str, column: str, subject: str, target_s: float) -> Finding:
    measured = span_quantile(valid, column, 0.95)
    ordered = valid.sort_values(column, ascending=False, na_position="first", kind="stable")
    slow = ordered[ordered[column].isna() | (ordered[column] > target_s)]
    return Finding(
        id=identity,
        claim=f"{subject}, p95: {wording(measured)}; limit {seconds(target_s)}.",
        verdict=statistics.judge_quantile(measured, target_s),
        estimate=measured.estimate,
        unit="s",
        interval=None if measured.kind == "not resolvable" else (measured.low, measured.high),
        n=measured.n,
        target=target_s,
        target_is=AT_MOST,
        evidence=tuple((slow if len(slow) else ordered.head(10))["attempt_id"].astype(str)),
        worst="without an answer, or the slowest",
        limits=LIMITS[column] + ("" if measured.n >= 59 else " p95 needs at least 59 attempts."),
        next_step="gpkit run handshake_race, when the verdict is late only on young instances." if len(slow) else "",
    )


def _controls(table: pd.DataFrame) -> Finding:
    n, accepted, unclear = int(table["n"].sum()), int(table["accepted"].sum()), int(table["unclear"].sum())
    measured = statistics.rate(accepted, n)
    let_in = table[table["accepted"] > 0]
    named = ", ".join(f"{row['credential']} {row['accepted']} of {row['n']}" for row in let_in.to_dict("records"))
    verdict = "fails" if accepted else "undecided" if unclear or n == 0 else "meets"
    text = f": {named}" if named else ""
    not_said = f" {unclear} ended without saying." if unclear else ""
    return of_rate(
        measured,
        id="auth.controls",
        claim=f"{accepted} of {counted(n, 'connection')} with a bad credential "
        f"{plural(accepted, 'was', 'were')} let in{text}.{not_said}",
        verdict=verdict,
        target=0.0,
        target_is=AT_MOST,
        cause="authentication is bypassed" if accepted else "",
        evidence=tuple(str(item) for ids in table["attempt_ids"] for item in ids),
        limits="Only the credentials that were tried."
        + (
            ""
            if accepted
            else f" None let in bounds the share below {percent(measured.high)} (95 %), it proves no zero."
        ),
        next_step="Look for a demo or emergency mode: gpkit.evidence(finding)." if accepted else "",
    )


def judge_refusals(cases: pd.DataFrame, *, target_ratio: float = 0.99) -> Finding:
    """Does every client get in, and if not, why is each refused?

    Args:
        cases: From :mod:`gpkit.analysis.cases`; those that failed after getting in count as let in.
        target_ratio: Let in, of those that asked.
    """
    asked = entry(cases)
    refused = one_of_each(asked[asked["failed"]], ["client", "failure", "reason"])
    untold = int((~asked["known"]).sum())
    measured = bounds(len(asked) - len(refused) - untold, untold, len(asked))
    causes = "; ".join(
        f"{row['client']}: {_why(row['reason'], row['failure'])} {row['n']}"
        for row in by_client(refused).to_dict("records")
    )
    is_logged = bool((cases["arm"] == "logged").any())
    limits = "A log does not say which refused credential deserved it. " if is_logged else ""
    advice = "gpkit run auth_timing -e TARGET probes with a credential known to be valid, which a log cannot tell."
    probed = "Compare the secret that signs with the one that verifies; gpkit.evidence(finding) shows the lines."
    if untold:
        limits += "Where no line of the application is there, it may have refused after the upgrade. "
    return at_least(
        measured,
        target_ratio,
        id="auth.let_in",
        claim=f"{measured.sentence('were let in')}.{' Not let in: ' + causes + '.' if causes else ''}",
        cause=causes,
        evidence=tuple(refused["case_id"].astype(str)),
        worst="one for each client and reason, the most frequent first",
        limits=(limits + measured.more(target_ratio)).strip(),
        next_step=(advice if is_logged else probed) if len(refused) or untold else "",
    )


def _why(reason: str, failure: str) -> str:
    """The reason from the log, and without one what the client saw."""
    return failure if reason in ("", "not known") else reason
