"""A run against the earlier ones that asked the same question: what became of each finding, since when, and the trend.

The same question is the same notebook on the same environment with the same parameters, but for those that say how
much is measured and when (``AMOUNTS``), unless they are what a sweep changes. A parameter that one of the runs did not
have must have its default in the other. Runs of a live target stand where they started, runs of a log where their
window begins: a log read once more is not a later one, and counts once. An attempt that failed and was tried again is
no point of its own: the attempt that followed it stands for it. Only ``run.json`` is read, of a bounded number of
folders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpkit.history.change import GONE, NEW, RECOVERED, RULE, Change, change
from gpkit.history.listing import newest
from gpkit.history.past import Past, instant, numbers
from gpkit.history.sweeps import values_of

AMOUNTS = frozenset(
    {"attempts", "rate_per_s", "concurrency", "controls_each", "seed", "since", "until", "offline"}
)  # fmt: skip
MAX_EARLIER = 30  # chosen: runs in a trend; a month of daily ones
MAX_READ = 300  # chosen: folders opened to find them; 10 ms

Point = dict[str, Any]


def against(runs: Path, present: Past) -> dict[str, Any]:
    """What ``results.json`` says of a run against earlier ones, as JSON values (docs/results.schema.json)."""
    asked = earlier(runs, present)
    before = [past for past in asked if past.status == "ok"]
    found = [_compared(finding, before, is_whole=len(asked) < MAX_EARLIER) for finding in present.findings]
    found += [
        _gone(finding, before[0]) for finding in (before[0].findings if before else ()) if _is_gone(finding, present)
    ]
    lead = present.headline.get("id") if present.headline else None
    return {
        "runs": len(before),
        "previous": _place(before[0]) if before else None,
        "rule": RULE,
        "findings": found if before else [],
        "trend": trend(str(lead), [*reversed(asked), present]) if lead and asked else None,
    }


def earlier(runs: Path, present: Past) -> list[Past]:
    """The complete runs that asked the same question earlier, latest first, at most ``MAX_EARLIER``."""
    found: list[Past] = []
    told = {present.run_id, present.retry_of}
    for number, past in enumerate(newest(runs, notebook=present.notebook)):
        if number >= MAX_READ or len(found) == MAX_EARLIER:
            break
        told.add(past.retry_of)  # older, so that it is not met before
        is_other = past.run_id not in told and not past.is_partial
        if is_other and is_same_question(past, present) and when(past) < when(present):
            found.append(past)
    return sorted(_each_window_once(found) if present.is_of_log else found, key=when, reverse=True)


def _each_window_once(pasts: Sequence[Past]) -> list[Past]:
    """Of runs that read the same stretch of a log the one that was made last: read again it is no further evidence."""
    return list({when(past): past for past in reversed(pasts)}.values())


def is_same_question(a: Past, b: Past) -> bool:
    """Whether two runs asked the same of the same."""
    if (a.notebook, a.environment, a.selection) != (b.notebook, b.environment, b.selection) or not a.notebook:
        return False
    names = (a.parameters.keys() | b.parameters.keys()) - (AMOUNTS - values_of(a).keys() - values_of(b).keys())
    for name in names:
        if name in a.parameters and name in b.parameters:
            if a.parameters[name] != b.parameters[name]:
                return False
        elif name in (*a.given, *b.given):
            return False
    return True


def when(past: Past) -> datetime:
    """Where a run stands in time: its start, or for a log the beginning of its window; far back when nothing tells."""
    window = past.window if past.is_of_log else None
    begun = instant(str(window.get("since") or "")) if isinstance(window, Mapping) else None
    return begun or past.at or datetime.min.replace(tzinfo=UTC)


def trend(finding_id: str, pasts: Sequence[Past]) -> dict[str, Any]:
    """One finding's number over runs, oldest first. A run without it is a point without a number: a gap, said so."""
    points: list[dict[str, Any]] = []
    judged: dict[str, Any] = {"unit": None, "target": None, "target_is": None}
    for past in pasts:
        finding = _finding(past, finding_id) if past.status == "ok" else None
        points.append({**_place(past), "status": past.status, **_number_of(finding)})
        if finding is not None:
            judged = {name: finding.get(name) for name in judged}
    return {"id": finding_id, **judged, "points": points}


def since(finding: Mapping[str, Any], before: Sequence[Past], *, is_whole: bool = True) -> dict[str, Any] | None:
    """The earliest run of the unbroken stretch with this verdict up to now; null when it begins now.

    Runs that judged no case of it neither continue nor break a stretch. ``at_least`` says that it may reach further
    back than what was read.
    """
    first, runs, is_broken = None, 0, False
    for past in before:
        found = _finding(past, str(finding.get("id")))
        if found is None or not found.get("n"):
            continue
        if found.get("verdict") != finding.get("verdict"):
            is_broken = True
            break
        first, runs = past, runs + 1
    return None if first is None else {**_place(first), "runs": runs, "at_least": not (is_broken or is_whole)}


def _compared(finding: Mapping[str, Any], before: Sequence[Past], *, is_whole: bool) -> dict[str, Any]:
    name = str(finding.get("id"))
    judged = [(past, found) for past in before if (found := _finding(past, name)) is not None and found.get("n")]
    if not judged:
        told = change(None, finding)
        return _told(Change(name, NEW, "No earlier run has judged it.", None, finding) if before else told, None, None)
    past, found = judged[0]
    told = change(found, finding)
    decided = next((one for _, one in judged if one.get("verdict") in ("meets", "fails")), {})
    if finding.get("verdict") == "meets" and found.get("verdict") == "undecided" and decided.get("verdict") == "fails":
        told = Change(name, RECOVERED, "It failed when it was last decided, and meets now.", found, finding)
    return _told(told, past, since(finding, before, is_whole=is_whole))


def _told(told: Change, past: Past | None, stretch: dict[str, Any] | None) -> dict[str, Any]:
    base = {**_place(past), **_number_of(told.before)} if past is not None else None
    return {"id": told.id, "change": told.kind, "why": told.why, "before": base, "since": stretch}


def _is_gone(finding: Mapping[str, Any], present: Past) -> bool:
    return _finding(present, str(finding.get("id"))) is None


def _gone(finding: Mapping[str, Any], past: Past) -> dict[str, Any]:
    name = str(finding.get("id"))
    return _told(Change(name, GONE, "The last run had it, this one does not.", finding, None), past, None)


def _finding(past: Past, name: str) -> Mapping[str, Any] | None:
    return next((finding for finding in past.findings if str(finding.get("id")) == name), None)


def _place(past: Past) -> dict[str, Any]:
    at = when(past)
    return {"run_id": past.run_id, "at": None if at.year == 1 else at.isoformat().replace("+00:00", "Z")}


def _number_of(finding: Mapping[str, Any] | None) -> Point:
    kept = numbers(finding or {})
    return {name: kept[name] for name in ("verdict", "estimate", "interval", "n")}
