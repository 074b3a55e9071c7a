"""Verdicts on the way in: who gets through the handshake, and in what order?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from gpkit.analysis import statistics
from gpkit.analysis.cases import UNANSWERED
from gpkit.findings.bounds import at_least, bounds
from gpkit.findings.causes import ids_of, name_of, ruled_out_of, sentence
from gpkit.findings.finding import AT_MOST, Finding, of_rate
from gpkit.findings.ordering import one_of_each
from gpkit.findings.wording import of
from gpkit.plural import counted

_PROBE = "gpkit run handshake_race -e TARGET: a probe sees how each connection ends."


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
    aside = ids_of(mechanisms[mechanisms["mechanism"] == "race"]) & early
    stopped = mechanisms[mechanisms["failure"].map(is_handshake).astype(bool)]
    ids = [str(item) for row in stopped["case_ids"] for item in row if item not in aside]
    untold = int((~cases["known"]).sum())
    measured = bounds(len(cases) - untold - len(ids), untold, len(cases))
    told = stopped[stopped["mechanism"] != "race"].to_dict("records")
    causes = "; ".join(sentence(row) for row in told)
    kinds = "; ".join(f"{row['failed']} {row['failure']}: {name_of(row)}" for row in told)
    kinds = f" {kinds}." if kinds else ""
    is_logged = bool((cases["arm"] == "logged").any())
    asked = "logged upgrades" if is_logged else "attempts"
    raced = f" {len(aside)} of those that got through then lost their early message to a race." if aside else ""
    return at_least(
        measured,
        target_ratio,
        id="handshake.through",
        claim=f"{measured.sentence(f'of {asked} got through the handshake')}.{kinds}{raced}",
        cause=causes,
        ruled_out=ruled_out_of(stopped),
        evidence=tuple(one_of_each(cases[cases["case_id"].isin(ids)], ["failure", "client", "reason"])["case_id"]),
        worst="one for each failure, client and reason, the most frequent first",
        limits=_limits(cases, untold, any(_lacks_reason(row) for row in told), measured.more(target_ratio)),
        next_step="gpkit run auth_timing: reasons for refusal by client, and negative controls."
        if ids
        else _PROBE * bool(untold),
    )


def _lacks_reason(row: Mapping[Hashable, Any]) -> bool:
    """Whether of some of these failures the log gives no reason."""
    return not row["reasons"] or "unknown" in str(row["reasons"])


def _limits(cases: pd.DataFrame, untold: int, lacks_reasons: bool, needed: str) -> str:
    parts = []
    let_in = int((~cases["known"] & cases["let_in"]).sum())
    if let_in:
        parts.append(f"Of {counted(let_in, 'upgrade')} that got in no line tells of a welcome, nor of its lack.")
    if untold > let_in:
        bare = counted(untold - let_in, "upgrade")
        parts.append(f"Of {bare} no line of the application is there: it may have refused after 101.")
    if lacks_reasons:
        lacking = "no line of this log gives" if (cases["arm"] == "logged").any() else "only the server's log gives"
        parts.append(f"Of some failures {lacking} a reason: two causes may stand behind one status.")
    return " ".join([*parts, needed]).strip()


def judge_order(violations: pd.DataFrame, cases: pd.DataFrame, *, max_ratio: float = 0.01) -> Finding:
    """Did anything arrive, or happen at the server, before what must come first?

    Args:
        violations: ``rule``, ``case_id``, ``evidence_id``, ``certain`` (:func:`gpkit.analysis.ordering.violations`).
        cases: From :mod:`gpkit.analysis.cases`; those that were upgraded and of which more is told count, and those
            that broke a rule: in the others there was nothing to come in order.
        max_ratio: Cases with a certain violation.
    """
    certain = violations[violations["certain"].astype(bool)]
    broken = set(certain["case_id"].astype(str))
    is_told = cases["upgraded"] & (cases["known"] | cases["let_in"])
    looked_at = set(cases.loc[is_told, "case_id"].astype(str)) | broken
    measured = statistics.rate(len(broken), len(looked_at))
    rules = ", ".join(f"{rule} {count}" for rule, count in certain["rule"].value_counts().items())
    open_questions = int((~violations["certain"].astype(bool)).sum())
    unsure = f" {open_questions} more cannot be ordered." if open_questions else ""
    return of_rate(
        measured,
        id="order.violations",
        claim=f"{of(measured)} of connections broke an ordering rule{': ' + rules if rules else ''}.{unsure}",
        verdict=statistics.judge_at_most(measured, max_ratio),
        target=max_ratio,
        target_is=AT_MOST,
        cause=rules,
        evidence=tuple(dict.fromkeys(certain["evidence_id"].astype(str))),
        limits="Order within one connection and one clock. An order that is always broken is a fault, not a race. "
        "To send before the welcome breaks no rule: race.ratio tells what becomes of such messages.",
        next_step="gpkit.evidence(finding) shows the frames and lines in order." if broken else "",
    )


def is_handshake(failure: str) -> bool:
    """Whether this failure stops a user before anything is answered."""
    return not failure.startswith(("event_missing", "closed_mid_run", "silent_mid_run")) or failure.endswith(UNANSWERED)
