"""Lines that name their connection, and the named connection that a nameless line belongs to.

A line that names none belongs to a named connection that is going on: to the one whose next line follows it where
lines announce what comes (a verdict before the clean-up), to the one whose last line stands before it where they
report what was. Pure.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from gpkit.timeline.groups import DECIDING, ONCE, SLACK_NS, Group, Line

NEIGHBOURS = 12  # chosen: named lines looked at on either side

_ANNOUNCING = frozenset(
    ["auth_failed", "rejected", "accepted", "opened", "auth_ok", "bypass", "error", "access_refused"]
)
_OF_A_SESSION = frozenset(["event", "event_failed", "message", "routed"])


def named_groups(lines: Sequence[Line]) -> dict[str, Group]:
    """The connections that lines name, by their names."""
    groups: dict[str, Group] = {}
    for line in lines:
        if line.connection is not None:
            if line.connection not in groups:
                groups[line.connection] = Group(line.connection)
            groups[line.connection].add(line)
    # A name that stands in one refusal only does not carry a connection: generation A writes such.
    return {name: one for name, one in groups.items() if len(one.lines) > 1 or one.has("initiated")}


class Finder:
    """Finds the named connection that a nameless line belongs to."""

    def __init__(self, groups: list[Group]) -> None:
        self._groups = groups
        pairs = sorted(
            ((line.at_ns, number) for number, one in enumerate(groups) for line in one.lines), key=lambda pair: pair[0]
        )
        self._stamps = [at_ns for at_ns, _ in pairs]
        self._owners = [number for _, number in pairs]
        self._spans = [(one.start_ns, one.last_ns) for one in groups]
        self._starts = sorted(start_ns for start_ns, _ in self._spans)
        self._ends = sorted(last_ns for _, last_ns in self._spans)

    def place(self, line: Line) -> bool:
        """Add the line to its connection; false when there is none for it."""
        if not self._owners:
            return False
        if line.phase in _OF_A_SESSION and self._going_on(line.at_ns) > 1:
            return True  # nobody can tell whose line it is
        at = bisect.bisect_left(self._stamps, line.at_ns)
        following = self._around(line, self._owners[at : at + NEIGHBOURS])
        preceding = self._around(line, self._owners[max(at - NEIGHBOURS, 0) : at][::-1])
        found = [*following, *preceding] if line.phase in _ANNOUNCING else [*preceding, *following]
        if not found:
            return False
        # One that begins just after the line can have written it only out of order: any that has begun goes first.
        found.sort(key=lambda number: self._spans[number][0] > line.at_ns)
        chosen = self._groups[found[0]]
        if line.phase in DECIDING and len(set(found)) > 1:
            for number in found:
                self._groups[number].is_shared = True
        chosen.add(line)
        start_ns, last_ns = self._spans[found[0]]
        self._spans[found[0]] = (start_ns, max(last_ns, line.at_ns))
        return True

    def _going_on(self, at_ns: int) -> int:
        """How many connections were going on."""
        begun = bisect.bisect_right(self._starts, at_ns + SLACK_NS)
        return begun - bisect.bisect_left(self._ends, at_ns - SLACK_NS)

    def _around(self, line: Line, owners: Sequence[int]) -> list[int]:
        """Connections that are going on and may take the line, nearest named line first."""
        fitting: list[int] = []
        for number in dict.fromkeys(owners):
            start_ns, last_ns = self._spans[number]
            is_going_on = start_ns - SLACK_NS <= line.at_ns <= last_ns + SLACK_NS
            if is_going_on and _may_take(self._groups[number], line):
                fitting.append(number)
        return fitting


def _may_take(one: Group, line: Line) -> bool:
    if line.phase in ONCE - {"auth_failed", "error"} and one.has(line.phase):
        return False
    if line.phase in ("auth_failed", "rejected"):
        return not one.has("established", "bypass")
    if line.phase in ("access_refused", "server_rejected"):
        return not one.has("accepted", "opened", "auth_started", "auth_ok")
    if line.phase in ("accepted", "opened"):
        return not one.has("access_refused", "server_rejected")
    if line.phase in ("auth_ok", "bypass", "event", "event_failed", "message"):
        rejected = one.has("rejected")
        return not (rejected and any(each.phase == "rejected" and each.at_ns < line.at_ns for each in one.lines))
    return True
