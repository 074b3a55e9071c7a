"""A group: the lines of one connection on one instance, as the application tells it.

Pure. Instants are nanoseconds of the entries' own stamps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

SLACK_NS = 5_000_000  # chosen: lines of one connection come out of order by less than 1 ms

DECIDING = frozenset(["auth_failed", "rejected", "error", "access_refused", "disconnect"])
"""Phases that decide the outcome of a connection."""
ONCE = frozenset(
    ["access_refused", "accepted", "opened", "server_rejected", "rejected", "cleanup", "closed", "auth_failed"]
)
"""Phases that a connection has once at most."""
END = frozenset(["closed", "cleanup"])
"""Phases that end it."""
_REFUSAL = frozenset(["access_refused", "server_rejected"])
_ACCEPTANCE = frozenset(["accepted", "opened", "established", "auth_started"])


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
        elif line.phase in END:
            self.is_over = self.phases >= END
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
