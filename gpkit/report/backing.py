"""What stands behind a finding, ready for the page and for Markdown: cases, lines, and the ways to the rest.

Pure. Everything that came from a log is made visible here and cut where it is too long for a page; the filter, the
command and the address are never cut, since half of one is wrong: one that is too long is left to ``results.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpkit.report.account import Claim
from gpkit.report.prose import anchor, own_place
from gpkit.report.provenance import window_text
from gpkit.report.visible import MAX_LINE_CHARS, one_line, shown
from gpkit.report.wording import counted

MAX_IDS = 20  # chosen: enough to recognise; results.json has them all
MAX_LINES = 60  # chosen: six cases of eight lines, and room for more
MAX_WAY_CHARS = 60_000  # chosen: three times the longest filter that Cloud Logging takes
_LINK_START = "https://console.cloud.google.com/"


@dataclass(frozen=True)
class ShownLine:
    """One line: its id and instant, its place on the page, its text."""

    id: str
    place: str
    at: str
    text: str


@dataclass(frozen=True)
class Case:
    """One case of a finding: why it is shown, what it is called elsewhere, its lines, how many are not shown."""

    id: str
    place: str
    why: str
    names: tuple[tuple[str, str], ...]
    lines: tuple[ShownLine, ...]
    more: int


@dataclass(frozen=True)
class Backing:
    """The evidence of one finding.

    Attributes:
        said: How much there is, and how much of it is shown; empty when there is none.
        total, listed: How many cases there are, and how many of them the record names.
        worst: What is worst here, in words.
        window, filter, explorer, command, rest, notes: As in ``results.json``; empty where there is none.
    """

    said: str
    worst: str
    cases: tuple[Case, ...]
    more_lines: int
    ids: tuple[str, ...]
    total: int
    listed: int
    window: str
    filter: str
    explorer: str
    command: str
    rest: str
    notes: tuple[str, ...]

    def more(self, shown: int) -> str:
        """What is said behind so many ids: how many more there are, and where; empty when there are none."""
        left = self.total - shown
        where = "in results.json" if self.total <= self.listed else f"({self.listed:,} of all are in results.json)"
        return f"and {left:,} more {where}" if left > 0 else ""


def backing(claim: Claim, place: str, taken: dict[str, int], window: Any = None) -> Backing:
    """What stands behind a claim.

    Args:
        claim: The finding.
        place: Its own place on the page; the places of its cases and lines begin with it.
        taken: Places that are in use; those made here are added.
        window: Of the run, for a finding whose evidence names no other.
    """
    trail = claim.trail
    cases = _cases(claim, place, taken)
    told = trail.get("notes")
    notes = [one_line(note, 600) for note in told if note] if isinstance(told, list) else []
    if trail.get("command") and not _whole(trail["command"]):
        notes.append("The command stands in results.json: it holds characters that a page cannot show.")
    total = _number(trail.get("cases"), len(claim.evidence))
    explorer = _whole(trail.get("explorer"))
    return Backing(
        said=_said(claim, cases),
        worst=one_line(trail.get("worst")),
        cases=cases,
        more_lines=max(0, len(claim.lines) - MAX_LINES),
        ids=tuple(one_line(one) for one in claim.evidence[:MAX_IDS]),
        total=total,
        listed=len(claim.evidence),
        window=_window(trail.get("window"), window) if trail.get("filter") else "",
        filter=_whole(trail.get("filter")),
        explorer=explorer if explorer.startswith(_LINK_START) else "",
        command=_whole(trail.get("command")),
        rest=_whole(trail.get("rest")),
        notes=tuple(notes),
    )


def _cases(claim: Claim, place: str, taken: dict[str, int]) -> tuple[Case, ...]:
    """The lines by case, in the order in which they were recorded."""
    told = claim.trail.get("shown")
    about = {str(one.get("id")): one for one in told if isinstance(one, Mapping)} if isinstance(told, list) else {}
    by_case: dict[str, list[Mapping[str, Any]]] = {}
    for line in claim.lines[:MAX_LINES]:
        by_case.setdefault(str(line.get("case") or ""), []).append(line)
    return tuple(_case(one, about.get(one, {}), lines, place, taken) for one, lines in by_case.items())


def _case(
    one: str, about: Mapping[str, Any], lines: list[Mapping[str, Any]], place: str, taken: dict[str, int]
) -> Case:
    names = about.get("ids")
    own = own_place(f"{place}--{anchor(one)}", taken) if one else ""
    return Case(
        id=one_line(one),
        place=own,
        why=one_line(about.get("why")),
        names=tuple((one_line(name), one_line(value)) for name, value in names.items())
        if isinstance(names, Mapping)
        else (),
        lines=tuple(_line(line, place, taken) for line in lines),
        more=max(0, _number(about.get("of"), 0) - len(lines)),
    )


def _line(line: Mapping[str, Any], place: str, taken: dict[str, int]) -> ShownLine:
    own = own_place(f"{place}--{anchor(str(line.get('id')))}", taken) if line.get("kind", "entry") == "entry" else ""
    text = shown(line.get("text"), MAX_LINE_CHARS)
    return ShownLine(one_line(line.get("id")), own, one_line(line.get("at")), text)


def _said(claim: Claim, cases: tuple[Case, ...]) -> str:
    """``52 cases, 354 log entries; 3 cases shown``."""
    if not claim.evidence and not claim.lines:
        return ""
    trail, parts = claim.trail, []
    if claim.evidence:
        parts.append(counted(_number(trail.get("cases"), len(claim.evidence)), "case" if trail else "id"))
    if entries := _number(trail.get("entries"), 0):
        parts.append(counted(entries, "log entry", "log entries"))
    named = sum(1 for case in cases if case.id)
    lines = counted(min(len(claim.lines), MAX_LINES), "line")
    shown_part = f"{lines} of {counted(named, 'case')} shown" if named else f"{lines} as recorded"
    return ", ".join(parts) + (("; " if parts else "") + shown_part if claim.lines else "")


def _window(asked: Any, window: Any) -> str:
    """The window that was asked for, and where none was, that of the evidence."""
    has_ends = isinstance(asked, Mapping) and any(asked.get(end) for end in ("since", "until"))
    return window_text(asked if has_ends else window, missing="no limit")


def _whole(text: Any) -> str:
    """A filter, a command or an address as it was written; empty for one that cannot be shown so."""
    if not isinstance(text, str) or len(text) > MAX_WAY_CHARS:
        return ""
    return text if shown(text, MAX_WAY_CHARS) == text else ""


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else otherwise
