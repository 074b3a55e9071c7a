"""The facts about one attempt, while it is made and after.

What is known only to one part is kept there: the bytes in the :class:`~gpkit.probe.wire.Wire`, what was said in the
:class:`~gpkit.probe.journal.Journal`. All instants are nanoseconds of one monotonic clock, but for the wall clock's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from time import perf_counter_ns

from gpkit.probe.connect import Address
from gpkit.probe.journal import Journal
from gpkit.probe.plan import Plan
from gpkit.probe.schedule import Planned
from gpkit.probe.target import Target
from gpkit.probe.wire import Wire


@dataclass(eq=False)
class Attempt:
    """One attempt.

    Attributes:
        target, planned, plan: What was to be done.
        planned_ns, started_ns: When it was due, and when it began.
        end_ns: When it was over; null before.
        started_wall_ns: The client's wall clock at ``started_ns``.
        clock_step_ns: How much the wall clock moved against the monotonic one meanwhile.
        phase: The phase in progress; at the end, the one the attempt ended in.
        marks: When each completed phase ended.
        failure: What stopped it: a key of :data:`gpkit.protocol.outcomes.FAILURES`, ``status``, ``timeout`` or
            ``interrupted``; null for none of these.
        error_type: A finer name of the failure.
        offered: Subprotocols.
        address: The resolved address that took the connection.
        failed_addresses: Those that did not.
        local_port: Of the client's socket.
        wire: The connection, once there is one.
        journal: What was said on it.
        sent_ns: The chat message was about to be written.
        pinged_ns: The last ping.
    """

    target: Target
    planned: Planned
    plan: Plan
    planned_ns: int
    started_ns: int = 0
    end_ns: int | None = None
    started_wall_ns: int = 0
    clock_step_ns: int = 0
    phase: str = "queue"
    marks: dict[str, int] = field(default_factory=dict)
    failure: str | None = None
    error_type: str | None = None
    offered: tuple[str, ...] = ()
    address: Address | None = None
    failed_addresses: list[str] = field(default_factory=list)
    local_port: int | None = None
    wire: Wire | None = None
    journal: Journal = field(init=False)
    sent_ns: int | None = None
    pinged_ns: int | None = None

    def __post_init__(self) -> None:
        self.journal = Journal(self.target.speaks_for(self.planned))

    @property
    def is_over(self) -> bool:
        """Whether it has ended; the connection may still be closing."""
        return self.end_ns is not None

    @property
    def is_alive(self) -> bool | None:
        """Whether the server answered the last ping, or spoke after it; null when none was sent."""
        if self.pinged_ns is None or self.wire is None:
            return None
        return max(self.wire.ponged_ns or 0, self.journal.last_heard_ns) >= self.pinged_ns

    def begin(self) -> None:
        """It starts now."""
        self.started_ns = max(perf_counter_ns(), self.planned_ns)
        self.started_wall_ns = time.time_ns()
        self.marks["queue"] = self.started_ns

    def stop(self, failure: str, error_type: str | None = None) -> None:
        """Something stopped it; unless it was over, and only its leave-taking was cut short."""
        if not self.is_over:
            self.failure, self.error_type = failure, error_type
            self.end()

    def end(self) -> None:
        """It is over since now, or since the other side's act that ended it; idempotent."""
        if self.is_over:
            return
        wire, acts = self.wire, list[int | None]()
        if wire is not None:
            acts = {
                "upgrade_wait": [wire.answered_ns, wire.lost_ns],
                "close": [wire.lost_ns],
            }.get(self.phase, [wire.close_received_ns, wire.lost_ns])
        self.end_ns = min((at_ns for at_ns in acts if at_ns is not None), default=perf_counter_ns())

    def compare_clocks(self) -> None:
        """Notice a step of the wall clock since the start."""
        wall_ns, now_ns = time.time_ns(), perf_counter_ns()
        self.clock_step_ns = (wall_ns - self.started_wall_ns) - (now_ns - self.started_ns)
