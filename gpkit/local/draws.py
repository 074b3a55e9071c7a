"""Which faults meet which connection: draws that depend on nothing but seed, trace and position.

Pure. Two connections that swap places get the same draws, so concurrency changes nothing. Milliseconds.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpkit.protocol.scenarios import Planted, Scenario, Schedule

# Faults of which several may meet one connection: each entry of the file acts on its own event.
STACKABLE = frozenset(
    (
        "event_lost",
        "event_late",
        "event_duplicated",
        "events_out_of_order",
        "event_to_another_user",
        "malformed_frame",
        "oversized_frame",
        "slow_auth",
        "slow_ready",
        "slow_front",
        "log_lines_missing",
    )
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """What is known of a connection when its faults are drawn."""

    trace: str
    index: int
    elapsed_s: float
    user: str | None
    user_agent: str
    revision: str


@dataclass(slots=True)
class Drawn:
    """One fault on one connection: parameters with delays drawn, and whether it took effect."""

    fault: str
    position: int
    parameters: dict[str, Any]
    applied: bool = False


def unit(seed: int, trace: str, position: int, salt: str = "") -> float:
    """A number in [0, 1) that depends on the arguments only."""
    digest = hashlib.blake2b(f"{seed}|{trace}|{position}|{salt}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def delay_ms(distribution: Mapping[str, Any], first: float, second: float) -> float:
    """One delay from a distribution and two uniform numbers in [0, 1)."""
    ((name, given),) = distribution.items()
    if name == "constant":
        return float(given)
    if name == "uniform":
        return float(given[0] + first * (given[1] - given[0]))
    if name == "exponential":
        return float(-given["mean"] * math.log1p(-first))
    # Box-Muller: two uniform numbers make one normal one.
    normal = math.sqrt(-2.0 * math.log1p(-first)) * math.cos(2.0 * math.pi * second)
    return float(given["median"] * math.exp(given["sigma"] * normal))


def concerns(schedule: Schedule, visitor: Visitor) -> bool:
    """Whether every condition of a schedule holds."""
    if schedule.first is not None and visitor.index >= schedule.first:
        return False
    if schedule.every is not None:
        past = visitor.index - schedule.offset
        if past < 0 or past % schedule.every:
            return False
    if visitor.elapsed_s < schedule.from_s:
        return False
    if schedule.until_s is not None and visitor.elapsed_s >= schedule.until_s:
        return False
    if schedule.traces and visitor.trace not in schedule.traces:
        return False
    if schedule.users and visitor.user not in schedule.users:
        return False
    if schedule.clients and not any(text in visitor.user_agent for text in schedule.clients):
        return False
    return not schedule.revisions or visitor.revision in schedule.revisions


def draw(scenario: Scenario, seed: int, visitor: Visitor) -> list[Drawn]:
    """The faults that meet a connection, in the order of the file.

    Where a fault is listed twice and both entries are drawn, the first one acts, unless it is one that stacks.
    """
    met: list[Drawn] = []
    for planted in scenario.faults:
        if not concerns(planted.schedule, visitor) or not _hit(planted, seed, visitor.trace):
            continue
        if planted.fault not in STACKABLE and any(d.fault == planted.fault for d in met):
            continue
        met.append(Drawn(planted.fault, planted.position, _parameters(planted, seed, visitor.trace)))
    return met


def _hit(planted: Planted, seed: int, trace: str) -> bool:
    return unit(seed, trace, planted.position, "hit") < planted.probability


def _parameters(planted: Planted, seed: int, trace: str) -> dict[str, Any]:
    def drawn(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        first, second = (unit(seed, trace, planted.position, salt) for salt in ("delay", "delay-2"))
        return round(delay_ms(value, first, second), 6)

    return {name: drawn(value) for name, value in planted.parameters.items()}


def is_lost(parameters: Mapping[str, Any], after_accept_ms: float, luck: float) -> bool:
    """Whether a message that came before the service was ready is lost.

    Args:
        parameters: Of ``message_before_ready_lost``.
        after_accept_ms: Measured: from accept to the message's arrival.
        luck: A uniform number in [0, 1).
    """
    middle, width = parameters["window_ms"], parameters["width_ms"]
    if middle is None:
        return True
    if width <= 0:
        return after_accept_ms < float(middle)
    lost = 1.0 / (1.0 + math.exp(min(700.0, (after_accept_ms - middle) / width)))
    return luck < lost
