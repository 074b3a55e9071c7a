"""Verdicts on the handshake: is anything overtaken, and what are the failures that are no race?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from gpkit.analysis import statistics
from gpkit.analysis.cases import UNANSWERED
from gpkit.analysis.mechanisms import failed_boots
from gpkit.analysis.statistics import Rate
from gpkit.findings.finding import AT_LEAST, AT_MOST, Finding, of_rate
from gpkit.findings.ordering import one_of_each
from gpkit.findings.wording import more, of, percent
from gpkit.plural import counted, plural
from gpkit.timeline.instances import LOOPS

NAMES = {
    "deterministic": "a deterministic refusal",
    "start_up": "a start-up",
    "outage": "an outage for a stretch of time",
    "overload": "an overload",
    "crash_loop": "a crash loop",
    "intermittent": "an intermittent failure of unknown cause",
    "too few": "too few failures to name",
    "race": "a race",
}
_UNKNOWN = ("intermittent", "too few")


def judge_races(
    cases: pd.DataFrame, mechanisms: pd.DataFrame, order: pd.DataFrame, *, max_race_ratio: float = 0.01
) -> Finding:
    """Does a first message ever overtake what must come first?

    The ratio is of early messages that were sent: those that waited for the welcome cannot overtake it. A failure of a
    kind that depends on timing counts for certain when the whole clock interval puts its message before the server's
    readiness, perhaps when the clocks do not settle the order, and not at all when it was sent after. The interval runs
    from the lower end of the certain ratio to the upper end of the certain and possible one. With none that is certain,
    no race is claimed. A log alone shows no early message, so it leaves the question open.

    Args:
        cases: From :mod:`gpkit.analysis.cases`.
        mechanisms: From :func:`gpkit.analysis.mechanisms.mechanisms`.
        order: Per early message, ``attempt_id`` and ``order`` of message and readiness: before, after, undecided
            (:func:`gpkit.analysis.ordering.message_order`).
        max_race_ratio: The target.
    """
    early = cases[(cases["arm"] == "after-open") & cases["sent"]]
    if early.empty:
        return _no_early_message(cases, mechanisms, max_race_ratio)
    races = mechanisms[mechanisms["mechanism"] == "race"]
    lost = _ids(races) & set(early["case_id"])
    placed = dict(zip(order["attempt_id"], order["order"], strict=True))
    certain = {item for item in lost if placed.get(item) == "before"}
    possible = {item for item in lost if placed.get(item) in ("before", "undecided")}
    unknown = _ids(mechanisms[mechanisms["mechanism"].isin(_UNKNOWN)]) & set(early["case_id"])
    low = statistics.rate(len(certain), len(early))
    high = statistics.rate(len(possible), len(early))
    worst = statistics.rate(len(possible | unknown), len(early))
    verdict = statistics.judge_at_most(low, max_race_ratio)
    if verdict != "fails" and statistics.judge_at_most(worst, max_race_ratio) != verdict:
        verdict = "undecided"
    needed = (
        statistics.n_to_decide(low, max_race_ratio) if verdict == "undecided" and not (unknown or possible) else None
    )
    return Finding(
        id="race.ratio",
        claim=_lost(low, high) + _because(races, len(certain), len(possible), len(lost)),
        verdict=verdict,
        estimate=high.estimate,
        unit="ratio",
        interval=None if low.low is None else (low.low, high.high),
        n=high.n,
        target=max_race_ratio,
        target_is=AT_MOST,
        cause="the first message overtakes readiness" if certain else "",
        ruled_out=_ruled_out(mechanisms),
        evidence=(*sorted(certain), *sorted(possible - certain)),
        worst="certainly sent before the server was ready",
        limits=_limits(len(unknown), more(needed, high.n)),
        next_step="Hold the first message until the welcome, then run again." if certain else "",
    )


def _no_early_message(cases: pd.DataFrame, mechanisms: pd.DataFrame, target: float) -> Finding:
    """Without a message sent early the question stays open, whatever else is known."""
    return Finding(
        id="race.ratio",
        claim="No early message was sent, so whether one would be lost to a race is not known."
        if len(cases)
        else "Nothing to judge: no case in this window.",
        verdict="undecided",
        estimate=None,
        unit="ratio",
        interval=None,
        n=len(cases),
        target=target,
        target_is=AT_MOST,
        ruled_out=_ruled_out(mechanisms),
        limits="A log alone shows no early message; only probing with both arms does."
        if (cases["arm"] == "logged").any()
        else "Every early attempt ended before its message was due, or none was planned.",
        next_step="gpkit run handshake_race -e TARGET" if len(cases) else "",
    )


def judge_failures(cases: pd.DataFrame, mechanisms: pd.DataFrame, *, target_ratio: float = 0.99) -> Finding:
    """Do valid users get through the handshake, and what stops those who do not?

    Only failures before an answer count: refusals, closes and silence before any event. Early messages that a race
    lost do not: sending them early was the experiment's doing, and ``race.ratio`` judges it.

    Args:
        cases: From :mod:`gpkit.analysis.cases`.
        mechanisms: From :func:`gpkit.analysis.mechanisms.mechanisms`.
        target_ratio: Cases that get through, of all. Chosen: one in a hundred is felt by users.
    """
    early = set(cases.loc[(cases["arm"] == "after-open") & cases["sent"], "case_id"])
    aside = _ids(mechanisms[mechanisms["mechanism"] == "race"]) & early
    stopped = mechanisms[mechanisms["failure"].map(is_handshake).astype(bool)]
    ids = [str(item) for row in stopped["case_ids"] for item in row if item not in aside]
    measured = statistics.rate(len(cases) - len(ids), len(cases))
    verdict = statistics.judge_at_least(measured, target_ratio)
    told = stopped[stopped["mechanism"] != "race"].to_dict("records")
    causes = "; ".join(_sentence(row) for row in told)
    kinds = "; ".join(f"{row['failed']} {row['failure']}: {_named(row)}" for row in told)
    needed = statistics.n_to_decide(measured, target_ratio) if verdict == "undecided" else None
    asked = "attempts" if (cases["arm"] != "logged").any() else "logged upgrades"
    raced = f" {len(aside)} of those that got through then lost their early message to a race." if aside else ""
    return of_rate(
        measured,
        id="handshake.through",
        claim=f"{of(measured)} of {asked} got through the handshake.{' ' + kinds + '.' if kinds else ''}{raced}",
        verdict=verdict,
        target=target_ratio,
        target_is=AT_LEAST,
        cause=causes,
        ruled_out=_ruled_out(stopped),
        evidence=tuple(one_of_each(cases[cases["case_id"].isin(ids)], ["failure", "client", "reason"])["case_id"]),
        worst="one for each failure, client and reason, the most frequent first",
        limits="Which of two causes behind one status it is, only the server's log says. " + more(needed, measured.n),
        next_step="gpkit run auth_timing: reasons for refusal by client, and negative controls." if ids else "",
    )


def judge_order(violations: pd.DataFrame, n: int, *, max_ratio: float = 0.01) -> Finding:
    """Did anything arrive, or happen at the server, before what must come first?

    Args:
        violations: ``rule``, ``case_id``, ``evidence_id``, ``certain`` (:func:`gpkit.analysis.ordering.violations`).
        n: Cases looked at.
        max_ratio: Cases with a certain violation.
    """
    certain = violations[violations["certain"].astype(bool)]
    cases = certain["case_id"].nunique()
    measured = statistics.rate(min(cases, n), n)
    rules = ", ".join(f"{rule} {count}" for rule, count in certain["rule"].value_counts().items())
    open_questions = int((~violations["certain"].astype(bool)).sum())
    unsure = f" {open_questions} more cannot be ordered." if open_questions else ""
    return of_rate(
        measured,
        id="order.violations",
        claim=f"{of(measured)} of cases broke an ordering rule{': ' + rules if rules else ''}.{unsure}",
        verdict=statistics.judge_at_most(measured, max_ratio),
        target=max_ratio,
        target_is=AT_MOST,
        cause=rules,
        evidence=tuple(dict.fromkeys(certain["evidence_id"].astype(str))),
        limits="Order within one connection and one clock. An order that is always broken is a fault, not a race.",
        next_step="gpkit.evidence(finding) shows the frames and lines in order." if cases else "",
    )


def judge_boots(instances: pd.DataFrame) -> Finding | None:
    """Is the service caught in a crash loop? Null when the log shows no instance starting or failing to.

    Args:
        instances: From :func:`gpkit.timeline.instances`; those of which too little was exported are left out.
    """
    instances = instances[instances["outcome"] != "unknown"]
    if instances.empty:
        return None
    failed = instances[instances["outcome"] == "failed"]
    looping = failed_boots(instances) >= LOOPS
    reasons = failed["boot_failure"].dropna().value_counts()
    why = f" Most often: {str(reasons.index[0])[:160]}" if len(reasons) else ""
    measured = statistics.rate(len(failed), len(instances))
    return of_rate(
        measured,
        id="instances.boot",
        claim=f"{measured.k} of {counted(measured.n, 'instance')} ended before they could serve"
        f"{': a boot loop' if looping else ''}.{why}",
        verdict="fails" if looping else "undecided" if len(failed) else "meets",
        target=0.0,
        target_is=AT_MOST,
        cause="crash_loop" if looping else "",
        ruled_out=("race: no instance lived to serve a request that could race",)
        if len(failed) == len(instances)
        else (),
        evidence=tuple(failed["instance_id"].astype(str)),
        limits="Instances whose lines fall outside the window are not seen.",
        next_step="Fix the start of the container; until then every other number is about a server that is not there."
        if looping
        else "",
    )


def is_handshake(failure: str) -> bool:
    """Whether this failure stops a user before anything is answered."""
    return not failure.startswith(("event_missing", "closed_mid_run", "silent_mid_run")) or failure.endswith(UNANSWERED)


def _named(row: Mapping[Hashable, Any]) -> str:
    """The kind in words; a server that breaks does not refuse."""
    name = NAMES[str(row["mechanism"])]
    is_refusal = "refused" in str(row["failure"]) or str(row["failure"]).startswith("upgrade_status_4")
    return name if is_refusal else name.replace("refusal", "failure")


def _sentence(row: Mapping[Hashable, Any]) -> str:
    reasons = f" ({row['reasons']})" if row["reasons"] else ""
    return f"{row['failure']} {row['failed']}{reasons}: {_named(row)}, {row['because']}"


def _ids(mechanisms: pd.DataFrame) -> set[str]:
    return {str(item) for ids in mechanisms["case_ids"] for item in ids}


def _because(races: pd.DataFrame, certain: int, possible: int, lost: int) -> str:
    if races.empty:
        return ""
    why = str(races.iloc[0]["because"])
    perhaps = f", {possible - certain} perhaps" if possible > certain else ""
    clocks = f"By the clocks {certain} were certainly{perhaps} sent before the server was ready"
    after = f"; {lost - possible} were sent after it and are not counted" if lost > possible else ""
    return f" {why[0].upper()}{why[1:]}. {clocks}{after}."


def _ruled_out(mechanisms: pd.DataFrame) -> tuple[str, ...]:
    return tuple(
        f"race for {row['failure']}: {row['because']}"
        for row in mechanisms.to_dict("records")
        if row["mechanism"] not in ("race", *_UNKNOWN)
    )


def _lost(certain: Rate, possible: Rate) -> str:
    """How many were lost to a race; with the interval that the finding has."""
    of_what = "of the early messages that were sent"
    if certain.k == possible.k:
        return f"{of(possible)} {of_what} were lost to a race."
    ends = f"{percent(certain.low).removesuffix(' %')}–{percent(possible.high)}"
    counts = f"{certain.k} for certain and {possible.k - certain.k} perhaps" if certain.k else f"perhaps {possible.k}"
    messages = f"{possible.n} early {plural(possible.n, 'message')}"
    return f"Of {messages} that were sent, {counts} were lost to a race (95 %: {ends})."


def _limits(unknown: int, needed: str) -> str:
    parts = []
    if unknown:
        parts.append(
            f"{counted(unknown, 'failure')} of early messages {plural(unknown, 'has', 'have')} no named cause "
            "and may be races of the server with itself."
        )
    return " ".join([*parts, needed]).strip()
