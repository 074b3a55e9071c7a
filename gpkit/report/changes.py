"""What became of each finding since earlier runs, as words. Pure: read with tolerance from the results of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpkit.history.change import KINDS
from gpkit.plural import counted
from gpkit.report.account import Account, Claim, claim_of
from gpkit.report.measures import measure
from gpkit.report.trend import Trend, trend_of
from gpkit.report.visible import one_line
from gpkit.report.wording import Word, instant, verdict_word

_WORDS = {
    "worse": Word("WORSE", "▼", "fails"),
    "recovered": Word("RECOVERED", "▲", "meets"),
    "better": Word("BETTER", "▲", "meets"),
    "new": Word("NEW", "+", "none"),
    "gone": Word("GONE", "−", "none"),
    "not comparable": Word("NOT COMPARABLE", "≠", "none"),
    "same": Word("SAME", "=", "none"),
}


@dataclass(frozen=True)
class Changed:
    """One finding against earlier runs: a word, by what it is told, what it was, and since when it is as it is."""

    id: str
    word: Word
    why: str
    was: str
    since: str


@dataclass(frozen=True)
class Against:
    """A run against earlier ones.

    Attributes:
        runs: How many of them.
        previous: When the last one was.
        by_id: What became of each finding of this run.
        gone: Findings that this run does not have.
        trend: The headline number over them, or null.
        of: The finding that the trend is about.
        rule: How changes are told.
    """

    runs: int
    previous: str
    by_id: Mapping[str, Changed]
    gone: tuple[Changed, ...]
    trend: Trend | None
    of: str
    rule: str


def against_of(account: Account) -> Against | None:
    """What a run's record says of earlier runs; null when it says nothing, or the run did not end well."""
    told = account.results.get("against")
    if account.status != "ok" or not isinstance(told, Mapping):
        return None
    claims = {claim.id: claim for claim in account.findings}
    listed = told.get("findings")
    found = [
        _changed(item, claims) for item in (listed if isinstance(listed, list) else []) if isinstance(item, Mapping)
    ]
    trend, previous, runs = told.get("trend"), told.get("previous"), told.get("runs")
    return Against(
        runs=runs if isinstance(runs, int) else 0,
        previous=instant(str(previous.get("at") or "")) if isinstance(previous, Mapping) else "",
        by_id={one.id: one for one in found if one.id in claims},
        gone=tuple(one for one in found if one.id not in claims),
        trend=trend_of(trend),
        of=one_line(trend.get("id")) if isinstance(trend, Mapping) else "",
        rule=one_line(told.get("rule"), 600),
    )


def _changed(item: Mapping[str, Any], claims: Mapping[str, Claim]) -> Changed:
    name, kind = str(item.get("id") or ""), item.get("change")
    claim = claims.get(name) or Claim(name)
    return Changed(
        id=name,
        word=_WORDS[kind] if kind in KINDS else _WORDS["not comparable"],
        why=one_line(item.get("why"), 300),
        was=_was(item.get("before"), claim),
        since=_since(item.get("since"), claim),
    )


def _was(before: Any, claim: Claim) -> str:
    """``FAILS 71 % (95 % interval 64–77 %, n = 200) on 2026-11-20 10:00:00 UTC``."""
    if not isinstance(before, Mapping):
        return ""
    old = claim_of({**before, "id": claim.id, "unit": claim.unit})
    said = " ".join(part for part in (verdict_word(old).word, measure(old).sentence) if part)
    return f"{said} on {instant(str(before.get('at') or 'an unknown day'))}"


def _since(since: Any, claim: Claim) -> str:
    """``FAILS since 2026-11-18 10:00:00 UTC (4 runs)``; empty when the verdict begins with this run."""
    if not isinstance(since, Mapping) or not since.get("at"):
        return ""
    runs = since.get("runs")
    count = runs + 1 if isinstance(runs, int) else 2  # this one too
    least = "at least " if since.get("at_least") else ""
    return f"{verdict_word(claim).word} since {least}{instant(str(since['at']))} ({least}{counted(count, 'run')})"
