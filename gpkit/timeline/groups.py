"""Application lines → one group for each connection, as the application alone tells it.

Pure. Instants are nanoseconds of the entries' own stamps.

A line that names its connection belongs to it. A line that names none belongs to a named connection that is going on:
to the one whose next line follows it where lines announce what comes (a verdict before the clean-up), to the one
whose last line stands before it where they report what was. Where no line names a connection (generation A), the
lines of a handshake belong to the group that lacks such a line and whose own last line is nearest.
A group is shared when a line that decides its outcome could as well have belonged to another.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

HANDSHAKE_NS = 300_000_000  # chosen: the lines of one refusal lie within 3 ms, in a burst within 10
AFTERMATH_NS = 50_000_000  # chosen: a line that follows the clean-up of a connection
SLACK_NS = 5_000_000  # chosen: lines of one connection come out of order by less than 1 ms
SAME_CALL_NS = 50_000  # chosen: two lines of one call, each stamped by itself
NAMELESS = 64  # chosen: groups without a name that are looked at; above it nothing is certain anyway
NEIGHBOURS = 12  # chosen: named lines looked at on either side

_ONCE = frozenset(
    ["access_refused", "accepted", "opened", "server_rejected", "rejected", "cleanup", "closed", "auth_failed"]
)
_OPENING = _ONCE - {"cleanup", "closed"} | {"auth_ok", "error", "bypass"}
_HANDSHAKE = _OPENING - {"error"}
_DECIDING = frozenset(["auth_failed", "rejected", "error", "access_refused", "disconnect"])
_ANNOUNCING = frozenset(
    ["auth_failed", "rejected", "accepted", "opened", "auth_ok", "bypass", "error", "access_refused"]
)
_OF_A_SESSION = frozenset(["event", "event_failed", "message", "routed"])
_ONCE_AND_OK = _ONCE | {"auth_ok"}
_OF_A_HANDSHAKE_OR_END = _ONCE | {"auth_ok", "error", "bypass", "negotiated", "traceback", "context"}
_REFUSAL = frozenset(["access_refused", "server_rejected"])
_ACCEPTANCE = frozenset(["accepted", "opened", "established", "auth_started"])
_END = frozenset(["closed", "cleanup"])
_HAS_SPOKEN = frozenset(["access_refused", "server_rejected", "auth_failed", "rejected", "error", "accepted", "opened"])
# What usually stands before a line in the same group; one that lacks it is a worse choice.
_BEFORE: dict[str, tuple[str, ...]] = {
    "auth_failed": ("access_refused",),
    "rejected": ("access_refused",),
    "server_rejected": ("access_refused", "error"),
    "accepted": ("auth_ok",),
    "opened": ("accepted",),
    "cleanup": ("rejected", "opened", "auth_failed"),
    "closed": ("server_rejected", "cleanup"),
}
_AFTER: dict[str, tuple[str, ...]] = {
    "auth_failed": ("rejected",),
    "auth_ok": ("accepted",),
    "accepted": ("opened",),
    "error": ("server_rejected", "cleanup"),
}


class Line(NamedTuple):
    """One application line: its entry's stamp, its own stamp where it has one, and what the grammar says of it."""

    # A tuple: there is one for each line, and a frozen dataclass takes three times as long to make.

    at_ns: int
    own_ns: int | None
    phase: str
    rule: str
    reason: str | None
    insert_id: str
    message: str
    connection: str | None = None
    generation: str = "ABC"


@dataclass
class Group:
    """The lines of one connection on one instance."""

    connection: str | None = None
    lines: list[Line] = field(default_factory=list)
    is_shared: bool = False
    was_accepted: bool | None = field(default=None, init=False)
    """Whether the upgrade was accepted; null when no line tells."""
    is_over: bool = field(default=False, init=False)
    """Whether both its clean-up and its end were told."""
    last_own_ns: int | None = field(default=None, init=False)
    """The last line's own stamp, of the lines that have one."""

    start_ns: int = field(default=0, init=False)
    """The first line's stamp."""
    last_ns: int = field(default=0, init=False)
    """The last line's stamp."""
    phases: set[str] = field(default_factory=set, init=False)
    """Of its lines."""

    # What is asked for each line and each group near it is kept with every line, and not found again each time.

    def __post_init__(self) -> None:
        given, self.lines = self.lines, []
        for line in given:
            self.add(line)

    def add(self, line: Line) -> None:
        """Add a line."""
        if not self.lines:
            self.start_ns = line.at_ns
        self.last_ns = line.at_ns
        self.lines.append(line)
        self.phases.add(line.phase)
        if line.phase in _REFUSAL:
            self.was_accepted = False
        elif line.phase in _ACCEPTANCE and self.was_accepted is None:
            self.was_accepted = True
        elif line.phase in _END:
            self.is_over = self.phases >= _END
        if line.own_ns is not None:
            self.last_own_ns = line.own_ns

    def put_in_order(self) -> None:
        """Sort the lines by their stamps."""
        self.lines.sort(key=lambda line: line.at_ns)
        self.start_ns, self.last_ns = self.lines[0].at_ns, self.lines[-1].at_ns

    def has(self, *phases: str) -> bool:
        """Whether a line of one of these phases is there."""
        return not self.phases.isdisjoint(phases)

    def first(self, *phases: str) -> Line | None:
        """The first line of one of these phases."""
        if not self.has(*phases):
            return None
        return next((line for line in self.lines if line.phase in phases), None)


def group(lines: Iterable[Line]) -> list[Group]:
    """The connections of one instance, by their first line.

    Args:
        lines: Its application lines in order of time.
    """
    listed = list(lines)
    named = _named_groups(listed)
    names = set(named)
    nameless: list[Group] = []
    going_on: list[Group] = []
    finder = _Finder(list(named.values()))
    for place, line in enumerate(listed):
        if line.connection in names:
            continue
        going_on = _still_going_on(going_on, line.at_ns)
        ends_in_500 = not names and _precedes_rejection(listed[place + 1 : place + 1 + NEIGHBOURS], line)
        if not ends_in_500 and (finder.place(line) or _place_nameless(line, going_on)):
            continue
        if line.phase in _OPENING:
            going_on.append(Group(line.connection, [line]))
            nameless.append(going_on[-1])
    groups = [*named.values(), *nameless]
    for one in groups:
        one.put_in_order()
    return sorted(groups, key=lambda one: one.start_ns)


def _precedes_rejection(following: Sequence[Line], line: Line) -> bool:
    """Whether an error ended in HTTP 500 right after it: then it is that of an upgrade, and not of a session."""
    if line.phase != "error":
        return False
    near = [other for other in following if other.at_ns - line.at_ns < SLACK_NS]
    return any(other.phase == "server_rejected" and "(500" in other.message for other in near) and not any(
        other.phase == "error" and other.rule == line.rule for other in near
    )


def _named_groups(lines: Sequence[Line]) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for line in lines:
        if line.connection is not None:
            if line.connection not in groups:
                groups[line.connection] = Group(line.connection)
            groups[line.connection].add(line)
    # A name that stands in one refusal only does not carry a connection: generation A writes such.
    return {name: one for name, one in groups.items() if len(one.lines) > 1 or one.has("initiated")}


class _Finder:
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
        if line.phase in _OF_A_SESSION and self._going_on(line.at_ns) > 1:
            return True  # nobody can tell whose line it is
        at = bisect.bisect_left(self._stamps, line.at_ns)
        following = self._around(line, range(at, min(at + NEIGHBOURS, len(self._owners))))
        preceding = self._around(line, range(at - 1, max(at - 1 - NEIGHBOURS, -1), -1))
        found = [*following, *preceding] if line.phase in _ANNOUNCING else [*preceding, *following]
        if not found:
            return False
        # One that begins just after the line can have written it only out of order: any that has begun goes first.
        found.sort(key=lambda number: self._spans[number][0] > line.at_ns)
        chosen = self._groups[found[0]]
        if line.phase in _DECIDING and len(set(found)) > 1:
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

    def _around(self, line: Line, places: range) -> list[int]:
        """Connections that are going on and may take the line, nearest named line first."""
        fitting: list[int] = []
        for place in places:
            number = self._owners[place]
            start_ns, last_ns = self._spans[number]
            is_going_on = start_ns - SLACK_NS <= line.at_ns <= last_ns + SLACK_NS
            if is_going_on and number not in fitting and _may_take(self._groups[number], line):
                fitting.append(number)
        return fitting


def _may_take(one: Group, line: Line) -> bool:
    if line.phase in _ONCE - {"auth_failed", "error"} and one.has(line.phase):
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


def _still_going_on(groups: list[Group], now_ns: int) -> list[Group]:
    """Nameless groups that a line of now may belong to: young ones, and the last sessions."""
    young_ns = now_ns - HANDSHAKE_NS - AFTERMATH_NS
    if not groups or (groups[0].start_ns >= young_ns and len(groups) <= NAMELESS):
        return groups
    sessions_too = (one for one in groups if one.start_ns >= young_ns or (one.was_accepted and not one.is_over))
    return list(sessions_too)[-NAMELESS:]


def _place_nameless(line: Line, groups: list[Group]) -> bool:
    """Add the line to the group that lacks one like it and is nearest; false when none fits."""
    fitting: list[tuple[tuple[int, int, int, int], Group]] = []
    of_a_handshake = line.phase in _HANDSHAKE
    before, after = _BEFORE.get(line.phase, ()), _AFTER.get(line.phase, ())
    for one in reversed(groups):
        if of_a_handshake and line.at_ns - one.start_ns > HANDSHAKE_NS:
            break
        if one.is_over or not _fits(one, line):
            continue
        if line.at_ns - one.last_ns > AFTERMATH_NS and not one.phases.isdisjoint(_END):
            continue
        lacks = int(bool(before) and one.phases.isdisjoint(before))
        late = int(not one.phases.isdisjoint(after))
        distance_ns, same_call = _distance_ns(one, line)
        fitting.append(((int(not same_call), late, lacks, distance_ns), one))
    is_session = [one for _, one in fitting if one.was_accepted]
    if line.phase not in _OF_A_HANDSHAKE_OR_END:
        # Among several sessions without a name nobody can tell whose line it is.
        if len(is_session) != 1:
            return bool(is_session)
        is_session[0].add(line)
        return True
    if not fitting:
        return line.phase not in _OPENING
    if line.phase in ("cleanup", "closed", "error") and len(is_session) > 1:
        # A refusal that waits for this line takes it; else nobody can tell which session ended.
        fitting = [pair for pair in fitting if not pair[1].was_accepted or pair[1].has("cleanup")]
        if not fitting:
            return True
    fitting.sort(key=lambda pair: pair[0])
    if line.phase in _DECIDING and len(fitting) > 1:
        for _, one in fitting:
            one.is_shared = True
    fitting[0][1].add(line)
    return True


def _fits(one: Group, line: Line) -> bool:
    phase, accepted = line.phase, one.was_accepted
    if phase in _ONCE_AND_OK and phase in one.phases:
        return False
    if phase in _END:
        return not one.phases.isdisjoint(_HAS_SPOKEN)
    if phase == "error" and not accepted:
        # The same complaint again is that of another upgrade.
        is_new = all(line.rule != other.rule for other in one.lines)
        return is_new and line.at_ns - one.start_ns < HANDSHAKE_NS
    if phase == "access_refused":
        return accepted is None and not one.has("auth_ok", "bypass", "closed", "error")
    if phase == "server_rejected":
        return accepted is not True and not one.has("auth_ok", "bypass")
    if phase in ("accepted", "opened", "auth_ok", "bypass"):
        return accepted is not False and not one.has("cleanup", "rejected", "auth_failed")
    if phase in ("rejected", "auth_failed") and one.has("error") and not one.has("access_refused"):
        return False
    if phase == "rejected" and accepted:
        return one.has("auth_failed")
    if phase == "auth_failed" and accepted:
        return line.rule == "reason-bare"
    return True


def _distance_ns(one: Group, line: Line) -> tuple[int, bool]:
    """Rank of the group for the line, and whether one call wrote both.

    On the application's clock the nearest group ranks first. Without its stamps nearness means little, and the group
    that has waited longest ranks first, as in a queue.
    """
    if line.own_ns is not None and one.last_own_ns is not None:
        distance_ns = abs(line.own_ns - one.last_own_ns)
        return distance_ns, distance_ns <= SAME_CALL_NS
    return one.start_ns, False
