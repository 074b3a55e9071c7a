"""Marks on one clock become phases that partition planned start to end.

Pure. Integer nanoseconds of one monotonic clock (``time.perf_counter_ns``). Each phase ends where the next begins,
so the phases sum to the total exactly, whatever the attempt ended in. A phase that did not occur is null, never 0,
and takes no time: the phase before it and the phase after it touch.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpkit.tables import PHASES

FLOOR_S = 0.010
"""What the probe and a local service may add to a planted delay, at the median (benchmarks/results.md)."""


def phases(marks: Mapping[str, int], *, planned_ns: int, end_ns: int, ended_in: str) -> dict[str, int | None]:
    """The time in each phase, in nanoseconds.

    Args:
        marks: When each completed phase ended. A phase without a mark did not occur.
        planned_ns: Planned start.
        end_ns: End of the attempt: the phase in progress is charged up to it.
        ended_in: The phase in progress at the end. Later phases are null, whatever their marks say.

    Raises:
        ValueError: There is no such phase, or time runs backwards in the marks.
    """
    found: dict[str, int | None] = dict.fromkeys(PHASES)
    reached = planned_ns
    for phase in PHASES[: PHASES.index(ended_in)]:
        if (mark := marks.get(phase)) is not None:
            found[phase] = _elapsed(phase, reached, mark)
            reached = mark
    found[ended_in] = _elapsed(ended_in, reached, end_ns)
    return found


def _elapsed(phase: str, since_ns: int, until_ns: int) -> int:
    if until_ns < since_ns:
        raise ValueError(f"{phase} would end {since_ns - until_ns} ns before it began")
    return until_ns - since_ns
