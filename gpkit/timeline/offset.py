"""Two clocks, and what can be said about order across them: an interval, never a point.

Pure. Nanoseconds. ``theta`` is the server's clock minus the client's. Each exchange in which the client sent at a,
the server stamped s and the client received at b says s - b ≤ theta ≤ s - a, widened by the resolution of s.
All exchanges together: the intersection (Marzullo, when some may lie; a line, when the clocks drift apart).

Sources: Cristian 1989; Marzullo 1984; NTP, RFC 5905; the linear programme of Moon, Skelly and Towsley 1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpkit.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

Interval = tuple[int, int]
"""Lowest and highest value, both possible."""


@dataclass(frozen=True)
class Drift:
    """theta as a line: at ``at_ns`` within ``interval``, growing by between ``low`` and ``high`` parts per million."""

    at_ns: int
    interval: Interval
    low_ppm: float
    high_ppm: float


def exchanges(attempts: pd.DataFrame) -> list[tuple[int, Interval]]:
    """What each attempt says about theta: the client's instant in the middle, and the interval.

    Attempts without a stamped welcome say nothing. A clock step of the client widens the interval by its size.

    Raises:
        TableError: A column is missing.
    """
    wanted = ["requested_ns", "welcome_received_ns", "server_stamp_ns", "server_stamp_resolution_ns"]
    missing = [name for name in wanted if name not in attempts.columns]
    if missing:
        raise TableError(f"The table lacks {', '.join(missing)}.", next_step="docs/tables.md lists the columns.")
    told = attempts.dropna(subset=["requested_ns", "welcome_received_ns", "server_stamp_ns"])
    steps = told["clock_step_ns"].fillna(0).abs() if "clock_step_ns" in told.columns else [0] * len(told)
    found = []
    rows = zip(*(told[name].fillna(0).tolist() for name in wanted), steps, strict=True)
    for sent_ns, received_ns, stamp_ns, resolution_ns, step_ns in rows:
        # A stamp is cut, not rounded: the instant lies up to one unit after it.
        low = int(stamp_ns) - int(received_ns) - int(step_ns)
        high = int(stamp_ns) + int(resolution_ns) - int(sent_ns) + int(step_ns)
        found.append(((int(sent_ns) + int(received_ns)) // 2, (low, high)))
    return found


def answers(messages: pd.DataFrame) -> list[tuple[int, Interval]]:
    """What each first answer to a message says about theta: a message sent, an event stamped, an event received.

    Shorter exchanges than the handshake's, so they narrow its interval. Only ``agent_started`` counts, and only the
    first of each attempt that sent one message: what caused it is known.
    """
    wanted = ["attempt_id", "direction", "kind", "event", "at_ns", "server_stamp_ns", "server_stamp_resolution_ns"]
    missing = [name for name in wanted if name not in messages.columns]
    if missing:
        raise TableError(f"The table lacks {', '.join(missing)}.", next_step="docs/tables.md lists the columns.")
    chats = messages[(messages["direction"] == "sent") & (messages["kind"] == "chat")]
    sent = chats[~chats["attempt_id"].duplicated(keep=False)].set_index("attempt_id")["at_ns"]
    started = messages[(messages["direction"] == "received") & (messages["event"] == "agent_started")]
    first = started.drop_duplicates("attempt_id").dropna(subset=["server_stamp_ns", "server_stamp_resolution_ns"])
    found = []
    for row in first[first["attempt_id"].isin(sent.index)].to_dict("records"):
        sent_ns, received_ns, stamp_ns = int(sent[row["attempt_id"]]), int(row["at_ns"]), int(row["server_stamp_ns"])
        high = stamp_ns + int(row["server_stamp_resolution_ns"]) - sent_ns
        found.append(((sent_ns + received_ns) // 2, (stamp_ns - received_ns, high)))
    return found


def clock_offset(attempts: pd.DataFrame, messages: pd.DataFrame | None = None) -> Interval | None:
    """Server minus client clock over all attempts, as the interval in which it must lie.

    Args:
        attempts: The table ATTEMPTS: each stamped welcome is an exchange.
        messages: The table MESSAGES: each first answer is a shorter one.

    Returns:
        Lowest and highest possible value in nanoseconds; null when no attempt tells, or when they contradict each
        other: then the clocks drift or were stepped, and :func:`clock_drift` or a shorter window may tell more.

    Raises:
        TableError: A column is missing.
    """
    told = [*exchanges(attempts), *(answers(messages) if messages is not None else [])]
    return intersect([interval for _, interval in told])


def clock_drift(attempts: pd.DataFrame) -> Drift | None:
    """Server minus client clock as a line over the attempts; null when no line fits them all.

    Raises:
        TableError: A column is missing.
    """
    return fit_line(exchanges(attempts))


def intersect(intervals: Sequence[Interval]) -> Interval | None:
    """The values that all intervals share; null when there are none, or no intervals."""
    if not intervals:
        return None
    low = max(low for low, _ in intervals)
    high = min(high for _, high in intervals)
    return (low, high) if low <= high else None


def marzullo(intervals: Sequence[Interval]) -> tuple[int, list[Interval]]:
    """The most intervals that agree, and every stretch on which so many do. Several stretches are a tie."""
    edges = sorted([(low, -1) for low, _ in intervals] + [(high, 1) for _, high in intervals])
    best, count = 0, 0
    found: list[Interval] = []
    for place, (at, kind) in enumerate(edges):
        count -= kind
        if kind < 0 and count >= best:
            if count > best:
                found.clear()
            best = count
            found.append((at, edges[place + 1][0]))
    return best, found


def fit_line(told: Sequence[tuple[int, Interval]], at_ns: int | None = None) -> Drift | None:
    """All lines theta(t) that pass through every interval: their values at one instant, and their slopes.

    Args:
        told: Instants with intervals.
        at_ns: Where the value is wanted; the middle of the instants by default.

    Returns:
        Null when no line passes through all, or there are fewer than two instants.
    """
    import numpy as np
    from scipy.optimize import linprog

    if len({at for at, _ in told}) < 2:
        return None
    first = min(at for at, _ in told)
    last = max(at for at, _ in told)
    middle = (first + last) // 2 if at_ns is None else at_ns
    base = min(low for _, (low, _) in told)
    # Centred and in seconds, so that 64-bit floats hold nanoseconds.
    times = np.array([(at - middle) / 1e9 for at, _ in told])
    low = np.array([(low - base) / 1e9 for _, (low, _) in told])
    high = np.array([(high - base) / 1e9 for _, (_, high) in told])
    ones = np.ones(len(told))
    constraints = np.concatenate([np.column_stack([ones, times]), np.column_stack([-ones, -times])])
    limits = np.concatenate([high, -low])
    ends = []
    for goal in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        answer = linprog(goal, A_ub=constraints, b_ub=limits, bounds=[(None, None)] * 2, method="highs")
        if answer.status != 0 or answer.x is None:
            return None
        ends.append(answer.x)
    value = (base + round(float(ends[0][0]) * 1e9), base + round(float(ends[1][0]) * 1e9))
    return Drift(middle, value, float(ends[2][1]) * 1e6, float(ends[3][1]) * 1e6)


def order(client_ns: int, server_ns: int, offset: Interval | None) -> str:
    """Whether an instant of the client's clock lies before one of the server's.

    Args:
        client_ns: On the client's clock.
        server_ns: On the server's clock.
        offset: Server minus client clock.

    Returns:
        ``before`` or ``after`` only when the whole interval says so, else ``undecided``.
    """
    if offset is None:
        return "undecided"
    low, high = offset
    if client_ns + high < server_ns:
        return "before"
    return "after" if client_ns + low > server_ns else "undecided"
