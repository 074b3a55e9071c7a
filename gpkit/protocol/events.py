"""The five agent events: their order, their deadlines, and what became of them in one run.

Pure. Times are seconds since the message was sent. A run is complete when all five came; how well they came is
counts: late, duplicate, reordered, foreign, context lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EVENTS = ("agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed")
"""In the order in which they must first arrive. Thinking and tool pairs may repeat."""

EVENT_DEADLINES_S = (2.0, 5.0, 10.0, 30.0, 45.0)
"""From the message sent to each event's first arrival; the last one is the deadline of the run."""

EVENT_ALIASES = {
    "agent_start": "agent_started",
    "agent_complete": "agent_completed",
    "tool_execute": "tool_executing",
    "tool_complete": "tool_completed",
}
"""Other spellings that servers use."""

PLACEHOLDERS = frozenset({"unknown_user", "unknown_thread", "unknown_run"})
"""What a server fills in when it lost the context of a run."""

_RANK = {name: rank for rank, name in enumerate(EVENTS)}


@dataclass(frozen=True)
class Arrival:
    """One event as it arrived.

    Attributes:
        event: Canonical name.
        at_s: Since the message was sent; negative when it came before.
        identity: What tells it from another of the same name: run id, tool, the server's stamp.
        is_foreign: It names another user.
        lost_context: Its user, thread or run is a placeholder.
    """

    event: str
    at_s: float
    identity: tuple[object, ...] = ()
    is_foreign: bool = False
    lost_context: bool = False


@dataclass(frozen=True)
class Judgement:
    """What became of the events of one run.

    Attributes:
        events: Names in order of arrival, duplicates included, those for other users left out.
        first_s: First arrival of each event that came.
        missing: Events that never came, in path order.
        late: Events whose first arrival was after their own deadline.
        duplicate: Arrivals with the identity of an earlier one.
        reordered: The least number of events one would have to move to restore the order.
        foreign: Arrivals for another user.
        context_lost: Arrivals with a placeholder for user, thread or run.
    """

    events: tuple[str, ...]
    first_s: dict[str, float]
    missing: tuple[str, ...]
    late: int
    duplicate: int
    reordered: int
    foreign: int
    context_lost: int

    @property
    def is_complete(self) -> bool:
        """All five came, in whatever order."""
        return not self.missing

    @property
    def is_in_order(self) -> bool:
        """Started came first, completed came last, and nothing overtook."""
        return self.reordered == 0


def judge_events(arrivals: Iterable[Arrival], deadlines_s: Sequence[float] = EVENT_DEADLINES_S) -> Judgement:
    """Count what became of the events of one run.

    Args:
        arrivals: In order of arrival.
        deadlines_s: One for each of :data:`EVENTS`.

    An event for another user is counted and otherwise ignored: it does not stand in for ours.
    """
    everything = list(arrivals)
    ours = [arrival for arrival in everything if not arrival.is_foreign]
    first_s: dict[str, float] = {}
    seen: set[tuple[object, ...]] = set()
    after_completed = duplicate = 0
    for arrival in ours:
        key = (arrival.event, *arrival.identity)
        if key in seen:
            duplicate += 1
            continue
        seen.add(key)
        if arrival.event not in first_s:
            first_s[arrival.event] = arrival.at_s
        elif "agent_completed" in first_s:
            after_completed += 1
    limits = dict(zip(EVENTS, deadlines_s, strict=True))
    return Judgement(
        events=tuple(arrival.event for arrival in ours),
        first_s=first_s,
        missing=tuple(name for name in EVENTS if name not in first_s),
        late=sum(at_s > limits[name] for name, at_s in first_s.items()),
        duplicate=duplicate,
        reordered=moves_to_restore([_RANK[name] for name in first_s]) + after_completed,
        foreign=len(everything) - len(ours),
        context_lost=sum(arrival.lost_context for arrival in ours),
    )


def moves_to_restore(ranks: Sequence[int]) -> int:
    """The least number of items to move so that the sequence ascends: its length less its longest ascending part."""
    longest: list[int] = []
    for index, rank in enumerate(ranks):
        before = [longest[earlier] for earlier in range(index) if ranks[earlier] < rank]
        longest.append(1 + max(before, default=0))
    return len(ranks) - max(longest, default=0)
