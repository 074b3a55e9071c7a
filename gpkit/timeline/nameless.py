"""Lines of a generation that names no connection: each goes to the group that lacks such a line and is nearest.

Pure.
"""

from __future__ import annotations

from gpkit.timeline.groups import DECIDING, END, ONCE, Group, Line

HANDSHAKE_NS = 300_000_000  # chosen: the lines of one refusal lie within 3 ms, in a burst within 10
AFTERMATH_NS = 50_000_000  # chosen: a line that follows the clean-up of a connection
SAME_CALL_NS = 50_000  # chosen: two lines of one call, each stamped by itself
NAMELESS = 64  # chosen: groups without a name that are looked at; above it nothing is certain anyway

OPENING = ONCE - {"cleanup", "closed"} | {"auth_ok", "error", "bypass"}
"""Phases that begin a group of their own where none takes them."""
_HANDSHAKE = OPENING - {"error"}
_ONCE_AND_OK = ONCE | {"auth_ok"}
_OF_A_HANDSHAKE_OR_END = ONCE | {"auth_ok", "error", "bypass", "negotiated", "traceback", "context"}
_OF_ANY_SESSION = frozenset(["cleanup", "closed", "error"])
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


def still_going_on(groups: list[Group], now_ns: int) -> list[Group]:
    """Nameless groups that a line of now may belong to: young ones, and the last sessions."""
    young_ns = now_ns - HANDSHAKE_NS - AFTERMATH_NS
    if not groups or (groups[0].start_ns >= young_ns and len(groups) <= NAMELESS):
        return groups
    sessions_too = (one for one in groups if one.start_ns >= young_ns or (one.was_accepted and not one.is_over))
    return list(sessions_too)[-NAMELESS:]


def place_nameless(line: Line, groups: list[Group]) -> bool:
    """Add the line to the group that lacks one like it and is nearest; false when none fits."""
    if line.phase not in _OF_A_HANDSHAKE_OR_END:
        return _place_in_the_only_session(line, groups)
    fitting: list[tuple[tuple[int, int, int, int], Group]] = []
    of_a_handshake = line.phase in _HANDSHAKE
    before, after = _BEFORE.get(line.phase, ()), _AFTER.get(line.phase, ())
    ends_any = line.phase in _OF_ANY_SESSION
    sessions = 0
    for one in reversed(groups):
        if of_a_handshake and line.at_ns - one.start_ns > HANDSHAKE_NS:
            break
        # Among several sessions nobody can tell which ended; a refusal that waits for this line takes it.
        is_open = ends_any and one.was_accepted and "cleanup" not in one.phases
        if (is_open and sessions > 1) or not _may_take(one, line):
            continue
        sessions += bool(one.was_accepted)
        lacks = int(bool(before) and one.phases.isdisjoint(before))
        late = int(not one.phases.isdisjoint(after))
        distance_ns, same_call = _distance_ns(one, line)
        fitting.append(((int(not same_call), late, lacks, distance_ns), one))
    if not fitting:
        return line.phase not in OPENING
    if ends_any and sessions > 1:
        fitting = [pair for pair in fitting if not pair[1].was_accepted or pair[1].has("cleanup")]
        if not fitting:
            return True
    fitting.sort(key=lambda pair: pair[0])
    if line.phase in DECIDING and len(fitting) > 1:
        for _, one in fitting:
            one.is_shared = True
    fitting[0][1].add(line)
    return True


def _place_in_the_only_session(line: Line, groups: list[Group]) -> bool:
    """Among several sessions without a name nobody can tell whose line it is: then it is taken, and given to none."""
    sessions = (one for one in reversed(groups) if one.was_accepted and _may_take(one, line))
    only = next(sessions, None)
    if only is None:
        return False
    if next(sessions, None) is None:
        only.add(line)
    return True


def _may_take(one: Group, line: Line) -> bool:
    if one.is_over or not _fits(one, line):
        return False
    return line.at_ns - one.last_ns <= AFTERMATH_NS or one.phases.isdisjoint(END)


def _fits(one: Group, line: Line) -> bool:
    phase, accepted = line.phase, one.was_accepted
    if phase in _ONCE_AND_OK and phase in one.phases:
        return False
    if phase in END:
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
