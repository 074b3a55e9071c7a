"""Application lines → one group for each connection, as the application alone tells it.

Pure. A line that names its connection belongs to it; for those that name none see :mod:`gpkit.timeline.named` where
others do, and :mod:`gpkit.timeline.nameless` where no line does (generation A). A group is shared when a line that
decides its outcome could as well have belonged to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gpkit.timeline.groups import SLACK_NS, Group, Line
from gpkit.timeline.named import NEIGHBOURS, Finder, named_groups
from gpkit.timeline.nameless import OPENING, place_nameless, still_going_on


def group(lines: Iterable[Line]) -> list[Group]:
    """The connections of one instance, by their first line.

    Args:
        lines: Its application lines in order of time.
    """
    listed = list(lines)
    named = named_groups(listed)
    names = set(named)
    nameless: list[Group] = []
    going_on: list[Group] = []
    finder = Finder(list(named.values()))
    for place, line in enumerate(listed):
        if line.connection in names:
            continue
        going_on = still_going_on(going_on, line.at_ns)
        ends_in_500 = not names and _precedes_rejection(listed[place + 1 : place + 1 + NEIGHBOURS], line)
        if not ends_in_500 and (finder.place(line) or place_nameless(line, going_on)):
            continue
        if line.phase in OPENING:
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
