"""Verdicts on the five events: the joint rate, the first event's time, what else was wrong, claims without frames."""

from __future__ import annotations

import dataclasses

import pandas as pd

from gpkit.analysis import statistics
from gpkit.analysis.durations import seconds, span_quantile, wording
from gpkit.analysis.events import claimed_runs, event_funnel, succeeded
from gpkit.analysis.sample import judged
from gpkit.findings.finding import AT_LEAST, AT_MOST, Finding, of_rate
from gpkit.findings.wording import more, of, percent
from gpkit.plural import counted, plural
from gpkit.tables import EVENT_COLUMNS

_STOPPED = "gpkit run handshake_race on the same log: what stopped them."
FAULTY = ("duplicate", "reordered", "malformed", "context_lost")


def judge_events(
    attempts: pd.DataFrame,
    claims: pd.DataFrame | None = None,
    *,
    target_ratio: float = 0.80,
    first_event_s: float = 5.0,
    max_faulty_ratio: float = 0.01,
) -> list[Finding]:
    """Do users get all five agent events?

    Args:
        attempts: One row per attempt; controls are left out.
        claims: Of the server's log, matched with frames (``analysis.events.match_claims``); null without a log.
        target_ratio: All five, of planned attempts.
        first_event_s: For the first event, at p95.
        max_faulty_ratio: Attempts with duplicate, reordered or malformed events.

    Returns:
        Findings ``events.all_five``, ``events.first_event``, ``events.faulty``, ``events.foreign``, and with a log
        ``events.unreceived``.
    """
    valid = judged(attempts)
    findings = [
        _all_five(valid, target_ratio, is_matched=claims is not None),
        _first_event(valid, first_event_s),
        _faulty(valid, max_faulty_ratio),
        _foreign(valid),
    ]
    if claims is not None:
        findings.append(_unreceived(claims))
    return findings


def _all_five(valid: pd.DataFrame, target: float, *, is_matched: bool) -> Finding:
    ok = succeeded(valid)
    measured = statistics.rate(int(ok.sum()), len(valid))
    sent = statistics.rate(int(ok.sum()), int((valid["messages_sent"].fillna(0) > 0).sum()))
    funnel = event_funnel(valid)
    worst = funnel.sort_values("lost", ascending=False, kind="stable").iloc[0] if funnel["lost"].max() > 0 else None
    verdict = statistics.judge_at_least(measured, target)
    lost, is_most = "", False
    if worst is not None:
        is_most = worst["lost"] > (len(valid) - ok.sum()) / 2
        lost = f" {'Most are lost' if is_most else 'The largest loss is'} at {worst['step']} ({int(worst['lost'])})."
    needed = statistics.n_to_decide(measured, target) if verdict == "undecided" else None
    failed = valid.loc[~ok].sort_values(["events_count", "started_ns"], kind="stable")
    return of_rate(
        measured,
        id="events.all_five",
        claim=f"{of(measured)} of planned attempts got all five events; of messages sent, {of(sent)}.{lost}",
        verdict=verdict,
        target=target,
        target_is=AT_LEAST,
        cause=f"lost at {worst['step']}" if worst is not None and is_most else "",
        evidence=tuple(failed["attempt_id"].astype(str)),
        worst="the fewest events received",
        limits=f"Whether a lost event was ever sent, {'events.unreceived' if is_matched else 'the server log'} tells. "
        f"The interval is about this window only. {more(needed, measured.n)}".rstrip(),
        next_step="gpkit run handshake_race for the same target, when attempts are lost before agent_started.",
    )


def _first_event(valid: pd.DataFrame, target_s: float) -> Finding:
    sent = valid[valid["messages_sent"].fillna(0) > 0]
    measured = span_quantile(sent, "agent_started_s", 0.95)
    slow = sent.sort_values("agent_started_s", ascending=False, na_position="first", kind="stable")
    late = slow[slow["agent_started_s"].isna() | (slow["agent_started_s"] > target_s)]
    return Finding(
        id="events.first_event",
        claim=f"Message to first event, p95: {wording(measured)}; limit {seconds(target_s)}.",
        verdict=statistics.judge_quantile(measured, target_s),
        estimate=measured.estimate,
        unit="s",
        interval=None if measured.kind == "not resolvable" else (measured.low, measured.high),
        n=measured.n,
        target=target_s,
        target_is=AT_MOST,
        evidence=tuple(late["attempt_id"].astype(str)),
        worst="without any event, or the slowest",
        limits="A message without any event counts as infinitely late when its connection ended, and as later than "
        "the time it was waited for when it was still open.",
        next_step="gpkit run auth_timing, when the time goes before the message.",
    )


def _faulty(valid: pd.DataFrame, target: float) -> Finding:
    counts = valid[list(FAULTY)].fillna(0).astype(int)
    wrong = counts.sum(axis=1).sort_values(ascending=False, kind="stable")
    is_faulty = counts.sum(axis=1) > 0
    measured = statistics.rate(int(is_faulty.sum()), len(valid))
    kinds = ", ".join(f"{name} {int(counts[name].sum())}" for name in FAULTY if counts[name].sum())
    late = int((valid["late"].fillna(0) > 0).sum())
    return of_rate(
        measured,
        id="events.faulty",
        claim=f"{of(measured)} of attempts had events that were wrong{_named(kinds)}; "
        f"{late} had events after their own deadline.",
        verdict=statistics.judge_at_most(measured, target),
        target=target,
        target_is=AT_MOST,
        cause=kinds,
        evidence=tuple(valid.loc[wrong[wrong > 0].index, "attempt_id"].astype(str)),
        worst="the most wrong events",
        limits="Events carry no id of their own: two equal events within one clock tick of the server count as one.",
        next_step="gpkit.evidence(finding) shows the frames.",
    )


def _foreign(valid: pd.DataFrame) -> Finding:
    foreign = valid["foreign"].fillna(0).astype(int).sort_values(ascending=False, kind="stable")
    is_foreign = foreign > 0
    measured = statistics.rate(int(is_foreign.sum()), len(valid))
    verdict = "fails" if measured.k else "meets" if measured.n else "undecided"
    return of_rate(
        measured,
        id="events.foreign",
        claim=f"{measured.k} of {counted(measured.n, 'attempt')} received an event that names another user "
        f"(at most {percent(measured.high)} of all, 95 %).",
        verdict=verdict,
        target=0.0,
        target_is=AT_MOST,
        cause="cross-user delivery" if measured.k else "",
        evidence=tuple(valid.loc[foreign[is_foreign].index, "attempt_id"].astype(str)),
        worst="the most events of another user",
        limits="One event for another user is one too many, so any fails; none seen bounds the share, no more.",
        next_step="gpkit.evidence(finding) shows the frames." if measured.k else "",
    )


def _unreceived(claims: pd.DataFrame) -> Finding:
    known = claims[claims["received"].notna()]
    lost = known[~known["received"].astype(bool)]
    measured = statistics.rate(len(lost), len(known))
    named = ", ".join(f"{event} {count}" for event, count in lost["event"].value_counts().items())
    unmatched = len(claims) - len(known)
    unsure = f" {unmatched} more cannot be matched: frames carry no run id." if unmatched else ""
    verdict = statistics.judge_at_most(measured, 0.01)
    return of_rate(
        measured,
        id="events.unreceived",
        claim=f"{of(measured)} of the events that the server's log claims reached no client{_named(named)}.{unsure}",
        verdict="undecided" if unmatched and verdict == "meets" else verdict,
        target=0.01,
        target_is=AT_MOST,
        cause="sent and lost on the way" if measured.k else "",
        evidence=tuple(lost["insert_id"].astype(str)),
        limits="Events of one connection are lost together, so this interval is too narrow. A claim that came after "
        "the client had gone counts too.",
        next_step="Compare the claim's connection with the frames: gpkit.evidence(finding)." if measured.k else "",
    )


def judge_claims(claims: pd.DataFrame, cases: pd.DataFrame, *, target_ratio: float = 0.80) -> Finding:
    """Does the server claim to send all five events? For a log alone: a claim is no receipt.

    A connection that was stopped before it could begin a run is no run, but its user got no event either: the verdict
    must hold with each of them counted as a run without events.

    Args:
        claims: From :func:`gpkit.timeline.server_events`.
        cases: The logged upgrades (:mod:`gpkit.analysis.cases`).
        target_ratio: Runs with all five claimed, of the runs that the log shows beginning.
    """
    joint = claimed_runs(claims).set_index("event")
    begun, k = (int(str(joint["runs"][name])) for name in ("agent_started", "all five"))
    stopped, untold = int(cases["failed"].sum()), int((~cases["known"]).sum())
    measured, with_stopped = statistics.rate(k, begun), statistics.rate(k, begun + stopped)
    verdict = statistics.judge_at_least(measured, target_ratio)
    if stopped and verdict != statistics.judge_at_least(with_stopped, target_ratio):
        verdict = "undecided"
    limits = [
        "The server's own account: whether a claimed event arrived, only a client knows.",
        "A run cut by the end of the window counts as incomplete.",
        *([f"Counted with the upgrades that were stopped before a run it is {of(with_stopped)}."] if stopped else []),
        *([f"Of {counted(untold, 'upgrade')} nothing tells whether a run could begin."] if untold else []),
    ]
    apart = f" {counted(stopped, 'upgrade')} {plural(stopped, 'was', 'were')} stopped before a run." if stopped else ""
    found = of_rate(
        measured,
        id="events.claimed",
        claim=f"The log claims all five events for {of(measured)} of the runs that it shows beginning.{apart}",
        verdict=verdict,
        target=target_ratio,
        target_is=AT_LEAST,
        evidence=tuple(_incomplete(claims)),
        worst="of the run with the fewest events",
        limits=" ".join(limits),
        next_step=_STOPPED if stopped else "gpkit run event_success_rates -e TARGET: a probe counts what arrives.",
    )
    if begun or not stopped:
        return found
    return dataclasses.replace(found, claim=f"No run begins in this log.{apart}", n=stopped, next_step=_STOPPED)


def _incomplete(claims: pd.DataFrame) -> list[str]:
    """The claims of runs that lack an event, by insert id."""
    if claims.empty:
        return []
    sizes = claims.groupby("run_id")["event"].transform("nunique").sort_values(kind="stable")
    return list(claims.loc[sizes[sizes < len(EVENT_COLUMNS)].index, "insert_id"].astype(str))


def _named(text: str) -> str:
    return f": {text}" if text else ""
