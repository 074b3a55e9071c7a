"""Verdicts on the handshake: is anything overtaken, and what are the failures that are no race?"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from gpkit.analysis import statistics
from gpkit.analysis.mechanisms import failed_boots
from gpkit.findings.finding import Finding, of_rate
from gpkit.findings.wording import more, of
from gpkit.timeline.instances import LOOPS

NAMES = {
    "deterministic": "a deterministic refusal",
    "start_up": "a start-up",
    "outage": "an outage from an instant on",
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

    The ratio is of early messages: those that waited for the welcome cannot overtake it. A failure of a kind that
    depends on timing counts for certain when the whole clock interval puts its message before the server's readiness,
    perhaps when the clocks do not settle the order, and not at all when it was sent after. The interval runs from the
    lower end of the certain ratio to the upper end of the certain and possible one. With none that is certain, no race
    is claimed.

    Args:
        cases: From :mod:`gpkit.analysis.cases`.
        mechanisms: From :func:`gpkit.analysis.mechanisms.mechanisms`.
        order: Per early attempt, ``attempt_id`` and ``order`` of message and readiness: before, after, undecided
            (:func:`gpkit.analysis.ordering.message_order`).
        max_race_ratio: The target.
    """
    early = cases[cases["arm"] == "after-open"]
    pool = early if len(early) else cases
    races = mechanisms[mechanisms["mechanism"] == "race"]
    lost = _ids(races) & set(early["case_id"])
    placed = dict(zip(order["attempt_id"], order["order"], strict=True))
    certain = {item for item in lost if placed.get(item) == "before"}
    possible = {item for item in lost if placed.get(item) != "after"}
    unknown = _ids(mechanisms[mechanisms["mechanism"].isin(_UNKNOWN)]) & set(pool["case_id"])
    low = statistics.rate(len(certain), len(pool))
    high = statistics.rate(len(possible), len(pool))
    worst = statistics.rate(len(possible | unknown), len(pool))
    verdict = statistics.judge_at_most(low, max_race_ratio)
    if statistics.judge_at_most(worst, max_race_ratio) != verdict and verdict != "fails":
        verdict = "undecided"
    needed = (
        statistics.n_to_decide(low, max_race_ratio) if verdict == "undecided" and not (unknown or possible) else None
    )
    what = "early messages were lost to a race" if len(early) else "logged upgrades were lost to a race"
    return Finding(
        id="race.ratio",
        claim=f"{of(high)} {what}.{_because(races, len(certain), len(possible), len(lost))}",
        verdict=verdict,
        estimate=high.estimate,
        unit="ratio",
        interval=None if low.low is None else (low.low, high.high),
        n=high.n,
        target=max_race_ratio,
        cause="the first message overtakes readiness" if certain else "",
        ruled_out=_ruled_out(mechanisms),
        evidence=(*sorted(certain), *sorted(possible - certain)),
        limits=_limits(len(unknown), early, more(needed, high.n)),
        next_step="Hold the first message until the welcome, then run again." if certain else "",
    )


def judge_failures(cases: pd.DataFrame, mechanisms: pd.DataFrame, *, target_ratio: float = 0.99) -> Finding:
    """Do valid users get through the handshake, and what stops those who do not?

    Only failures before an answer count: refusals, closes, silence, and a first event that never came.

    Args:
        cases: From :mod:`gpkit.analysis.cases`.
        mechanisms: From :func:`gpkit.analysis.mechanisms.mechanisms`.
        target_ratio: Cases that get through, of all. Chosen: one in a hundred is felt by users.
    """
    stopped = mechanisms[mechanisms["failure"].map(is_handshake) & (mechanisms["mechanism"] != "race")]
    ids = [item for row in stopped["case_ids"] for item in row]
    measured = statistics.rate(len(cases) - len(ids), len(cases))
    verdict = statistics.judge_at_least(measured, target_ratio)
    causes = "; ".join(_sentence(row) for row in stopped.to_dict("records"))
    kinds = "; ".join(
        f"{row['failed']} {row['failure']}: {NAMES[row['mechanism']]}" for row in stopped.to_dict("records")
    )
    needed = statistics.n_to_decide(measured, target_ratio) if verdict == "undecided" else None
    asked = "attempts" if (cases["arm"] != "logged").any() else "logged upgrades"
    return of_rate(
        measured,
        id="handshake.through",
        claim=f"{of(measured)} of {asked} got through the handshake.{' ' + kinds + '.' if kinds else ''}",
        verdict=verdict,
        target=target_ratio,
        cause=causes,
        ruled_out=_ruled_out(stopped),
        evidence=tuple(str(item) for item in ids),
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
        claim=f"{measured.k} of {measured.n} instances ended before they could serve"
        f"{': a boot loop' if looping else ''}.{why}",
        verdict="fails" if looping else "undecided" if len(failed) else "meets",
        target=0.0,
        cause="crash_loop" if looping else "",
        ruled_out=("race: no request reached a server that could race",) if looping else (),
        evidence=tuple(failed["instance_id"].astype(str)),
        limits="Instances whose lines fall outside the window are not seen.",
        next_step="Fix the start of the container; until then every other number is about a server that is not there."
        if looping
        else "",
    )


def is_handshake(failure: str) -> bool:
    """Whether this failure stops a user before the message can be answered."""
    return not failure.startswith(("event_missing", "closed_mid_run", "silent_mid_run")) or failure.endswith(
        ":agent_started"
    )


def _sentence(row: dict[Hashable, Any]) -> str:
    reasons = f" ({row['reasons']})" if row["reasons"] else ""
    mechanism = str(row["mechanism"])
    return f"{row['failure']} {row['failed']}{reasons}: {NAMES[mechanism]}, {row['because']}"


def _ids(mechanisms: pd.DataFrame) -> set[str]:
    return {str(item) for ids in mechanisms["case_ids"] for item in ids}


def _because(races: pd.DataFrame, certain: int, possible: int, lost: int) -> str:
    if races.empty:
        return ""
    why = str(races.iloc[0]["because"])
    clocks = f"{certain} were sent before the server was ready for certain, {possible - certain} perhaps"
    after = f"; {lost - possible} were sent after it and are not counted" if lost > possible else ""
    return f" {why[0].upper()}{why[1:]}. {clocks}{after}."


def _ruled_out(mechanisms: pd.DataFrame) -> tuple[str, ...]:
    return tuple(
        f"race for {row['failure']}: {row['because']}"
        for row in mechanisms.to_dict("records")
        if row["mechanism"] not in ("race", *_UNKNOWN)
    )


def _limits(unknown: int, early: pd.DataFrame, needed: str) -> str:
    parts = []
    if early.empty:
        parts.append("A log alone shows no early message; only probing with both arms does.")
    if unknown:
        parts.append(f"{unknown} failures have no named cause and may be races of the server with itself.")
    return " ".join([*parts, needed]).strip()
