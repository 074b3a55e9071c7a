"""All notebooks and targets at a glance: the last verdict of each, since when, its trend, and what did not run. Pure.

A pair of notebook and environment has one entry, or two when its log was read as well as the service probed. Of logs
that nobody said whose they are each has its own: they have nothing in common but that. Verdict, since when and trend
are those of the question that was asked last; what was asked with other parameters and failed is said beside it, so
that no answer hides another. Runs of a sweep, and of a selection of a log, are trials: they give a pair its entry
only when there are no others. A run that did not end well changes no verdict: it is said beside it. An attempt that
failed and was tried again is counted apart: the attempt that followed it says how the run ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gpkit.environments import FROM_LOG
from gpkit.errors import ParameterError, SourceError, TargetError
from gpkit.history.against import AMOUNTS, MAX_EARLIER, is_same_question, trend
from gpkit.history.past import Past
from gpkit.history.sweeps import said
from gpkit.report.account import claim_of
from gpkit.report.measures import measure
from gpkit.report.place import place
from gpkit.report.trend import Trend, trend_of
from gpkit.report.visible import one_line
from gpkit.report.wording import NO_VERDICT, Word, answer

MAX_ENTRIES = 200  # chosen: more pairs are not taken in at a glance; the list has them all
_LAST = 30  # chosen: runs among which failed and missed ones are counted
_RECENT = 100  # chosen: runs among which other questions are looked for
_OTHERS = 3  # chosen: other questions that are named
_NOT_ENDED = ("failed", "timeout", "kernel-died", "interrupted", "unknown")
# What the caller asked could not be had: gpkit.errors, exit code 4.
_REFUSALS = frozenset(error.__name__ for error in (ParameterError, SourceError, TargetError))
_ORDER = ("fails", "broken", "others", "undecided", "none", "plain", "meets")


@dataclass(frozen=True)
class Other:
    """Another question to the same environment, whose last answer was a failure.

    Attributes:
        asked: The parameters that differ, with their values.
    """

    asked: str
    numbers: str
    at: str
    last: Past


@dataclass(frozen=True)
class Entry:
    """One notebook on one environment, or on one log.

    Attributes:
        word: The verdict of the last run that ended well, or how the last one ended when none did.
        since: Since when it is so, or empty; ``runs`` how many runs of the question that spans.
        latest: The newest run, whatever became of it.
        ended: How the newest run ended, null when it is the one that gave the verdict.
        failed, refused, missed: How many of the last ``of`` runs; a record of several missed slots counts as that many.
            What was refused for what the caller asked did not break.
        retried: How many failed attempts at the shown runs were followed by another.
        total: How many runs there are.
        others: Other questions that failed when they were asked last, newest first; ``more_others`` beyond those.
    """

    notebook: str
    environment: str
    word: Word
    claim: str
    numbers: str
    at: str
    since: str
    runs: int
    trend: Trend | None
    latest: Past
    decided: Past | None
    ended: Word | None
    failed: int
    refused: int
    missed: int
    retried: int
    of: int
    total: int
    others: tuple[Other, ...]
    more_others: int

    @property
    def tone(self) -> str:
        """Of the verdict; a newest run that did not end well never looks like an answer."""
        return "broken" if self.ended is not None and self.ended.tone == "broken" else self.word.tone

    @property
    def rank(self) -> int:
        """Where it stands: a good or empty last answer beside a failure to another question needs attention first."""
        return _ORDER.index("others" if self.others and self.tone not in ("fails", "broken") else self.tone)


def overview(pasts: Sequence[Past]) -> list[Entry]:
    """One entry for each notebook and environment, or log, worst first; ``pasts`` come newest first."""
    pairs: dict[tuple[Any, ...], list[Past]] = {}
    for past in pasts:
        if past.notebook:
            whose = str(past.parameters.get("logs")) if _is_anybodys(past) else ""
            pairs.setdefault((*past.series, whose), []).append(past)
    entries = _told_apart([_entry(runs) for runs in pairs.values()])
    return sorted(entries, key=lambda entry: (entry.rank, entry.notebook, entry.environment))


def _told_apart(entries: Sequence[Entry]) -> list[Entry]:
    """The entries; logs of one name get their folder's name, or else nobody could say which is which."""
    names = Counter((entry.notebook, entry.environment) for entry in entries)
    return [
        replace(entry, environment=place(entry.decided or entry.latest, folders=1))
        if names[entry.notebook, entry.environment] > 1 and _is_anybodys(entry.latest)
        else entry
        for entry in entries
    ]


def day(past: Past) -> str:
    """When a run was made, to the minute, UTC."""
    return f"{past.at:%Y-%m-%d %H:%M}" if past.at else ""


def _entry(every: Sequence[Past]) -> Entry:
    runs = [past for past in every if not past.sweep and not past.selection] or every
    followed = {past.retry_of for past in runs if past.retry_of}
    settled = [past for past in runs if past.run_id not in followed] or list(runs)
    complete = [past for past in settled if not (past.is_partial and past.status == "running")]
    decided = next((past for past in complete if past.status == "ok"), None)
    latest, last = settled[0], complete[:_LAST]
    word = answer(decided) if decided else answer(latest)
    stretch = _stretch(complete, decided) if decided else []
    headline = claim_of(decided.headline) if decided and decided.headline else None
    others = _others(complete, decided) if decided else []
    return Entry(
        notebook=one_line(latest.notebook),
        environment=place(decided or latest, ", its log" if latest.is_of_log and not _is_anybodys(latest) else ""),
        word=word,
        claim=one_line(headline.claim, 200) if headline else "",
        numbers=measure(headline).sentence if headline else "",
        at=day(decided or latest),
        since=day(stretch[-1]) if len(stretch) > 1 else "",
        runs=len(stretch),
        trend=_trend(complete, decided) if decided else None,
        latest=latest,
        decided=decided,
        ended=answer(latest) if latest is not decided and latest.status != "ok" else None,
        failed=sum(1 for past in last if past.status in _NOT_ENDED and not _is_refused(past)),
        refused=sum(1 for past in last if _is_refused(past)),
        missed=sum(past.slots for past in last if past.status == "missed"),
        retried=sum(max(0, past.attempt - 1) for past in last),
        of=sum(past.slots for past in last),
        total=sum(past.slots for past in every),
        others=tuple(others[:_OTHERS]),
        more_others=max(0, len(others) - _OTHERS),
    )


def _is_anybodys(past: Past) -> bool:
    """Whether it read a log of which nobody said whose it is."""
    return past.is_of_log and past.environment == FROM_LOG


def _is_refused(past: Past) -> bool:
    return past.status == "failed" and past.failure.get("kind") in _REFUSALS


def _others(runs: Sequence[Past], decided: Past) -> list[Other]:
    """What else was asked lately and failed when it was asked last, newest first."""
    questions = [decided]
    found = []
    for past in runs[:_RECENT]:
        if past.status != "ok" or any(is_same_question(past, asked) for asked in questions):
            continue
        questions.append(past)
        if past.verdict == "findings":
            headline = claim_of(past.headline) if past.headline else None
            found.append(Other(_asked(past, decided), measure(headline).sentence if headline else "", day(past), past))
    return found


def _asked(past: Past, decided: Past) -> str:
    """The parameters that set one question apart from another."""
    mine, other = past.parameters, decided.parameters
    differing = {name: mine[name] for name in mine if name not in AMOUNTS and mine[name] != other.get(name)}
    if "logs" in differing:
        differing["logs"] = past.log or "none"
    return one_line(said(differing) or "other parameters", 120)


def _stretch(runs: Sequence[Past], decided: Past) -> list[Past]:
    """The unbroken runs of the same question and verdict up to the last one, newest first."""
    found = []
    for past in runs:
        if past.status == "ok" and is_same_question(past, decided):
            if past.verdict != decided.verdict:
                break
            found.append(past)
    return found


def _trend(runs: Sequence[Past], decided: Past) -> Trend | None:
    if not decided.headline:
        return None
    same = []
    for past in runs:
        if is_same_question(past, decided):
            same.append(past)
        if len(same) > MAX_EARLIER:
            break
    return trend_of(trend(str(decided.headline.get("id")), same[::-1]), small=True)


def no_verdict(past: Past) -> Word | None:
    """What stands in the column of verdicts: null for a run that did not end well."""
    if past.verdict:
        return answer(past)
    return NO_VERDICT if past.status == "ok" else None
