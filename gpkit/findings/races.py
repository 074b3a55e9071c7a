"""Verdict on the race: does a first message ever overtake what must come first?"""

from __future__ import annotations

import pandas as pd

from gpkit.analysis import statistics
from gpkit.analysis.statistics import Rate
from gpkit.findings.causes import UNKNOWN, ids_of, ruled_out_of
from gpkit.findings.finding import AT_MOST, Finding
from gpkit.findings.wording import more, of, percent
from gpkit.plural import counted, plural


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
    lost = ids_of(races) & set(early["case_id"])
    placed = dict(zip(order["attempt_id"], order["order"], strict=True))
    certain = {item for item in lost if placed.get(item) == "before"}
    possible = {item for item in lost if placed.get(item) in ("before", "undecided")}
    unknown = ids_of(mechanisms[mechanisms["mechanism"].isin(UNKNOWN)]) & set(early["case_id"])
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
        ruled_out=ruled_out_of(mechanisms),
        evidence=(*sorted(certain), *sorted(possible - certain)),
        worst="certainly sent before the server was ready",
        limits=_limits(len(unknown), _aside(early, lost | unknown, possible), more(needed, high.n)),
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
        ruled_out=ruled_out_of(mechanisms),
        limits=""
        if cases.empty
        else "A log alone shows no early message; only probing with both arms does."
        if (cases["arm"] == "logged").any()
        else "Every early attempt ended before its message was due, or none was planned.",
        next_step="gpkit run handshake_race -e TARGET" if len(cases) else "",
    )


def _because(races: pd.DataFrame, certain: int, possible: int, lost: int) -> str:
    if races.empty:
        return ""
    why = str(races.iloc[0]["because"])
    perhaps = f", {possible - certain} perhaps" if possible > certain else ""
    clocks = f"By the clocks {certain} were certainly{perhaps} sent before the server was ready"
    after = f"; {lost - possible} were sent after it and are not counted" if lost > possible else ""
    return f" {why[0].upper()}{why[1:]}. {clocks}{after}."


def _lost(certain: Rate, possible: Rate) -> str:
    """How many were lost to a race; with the interval that the finding has."""
    of_what = "of the early messages that were sent"
    if certain.k == possible.k:
        return f"{of(possible)} {of_what} were lost to a race."
    ends = f"{percent(certain.low).removesuffix(' %')}–{percent(possible.high)}"
    counts = f"{certain.k} for certain and {possible.k - certain.k} perhaps" if certain.k else f"perhaps {possible.k}"
    messages = f"{possible.n} early {plural(possible.n, 'message')}"
    return f"Of {messages} that were sent, {counts} were lost to a race (95 %: {ends})."


def _aside(early: pd.DataFrame, timed: set[str], possible: set[str]) -> str:
    """How many early messages had no chance, since their attempts failed of something else."""
    elsewhere = int((early["failed"] & ~early["case_id"].isin(timed)).sum())
    left = len(early) - elsewhere
    if not elsewhere or not left:
        return ""
    share = percent(len(possible) / left)
    return (
        f"{elsewhere} of the {len(early)} were of attempts that failed for a cause apart from timing; "
        f"of the other {left} it is {share}."
    )


def _limits(unknown: int, aside: str, needed: str) -> str:
    parts = []
    if unknown:
        parts.append(
            f"{counted(unknown, 'failure')} of early messages {plural(unknown, 'has', 'have')} no named cause "
            "and may be races of the server with itself."
        )
    return " ".join([*parts, aside, needed]).strip()
