"""How late the probe's own event loop was: a probe that was slow must say so.

A task asks to be woken every few milliseconds and notes how much later it was. What overlaps an attempt is recorded
with it: under lag its durations are upper bounds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter_ns

SAMPLE_EVERY_S = 0.01  # chosen: shorter than the delays worth telling apart, 0.2 % of a core
UNDER_LOAD_S = 0.02  # chosen: more than twice what an idle loop shows (benchmarks/results.md)


class LagMonitor:
    """The lag of one event loop, sampled while :meth:`watch` runs."""

    def __init__(self) -> None:
        # End of the interval and lag, both in ns; 1000 s of them at most, far longer than an attempt.
        self._samples: deque[tuple[int, int]] = deque(maxlen=100_000)
        self._due_ns: int | None = None
        self.largest_ns = 0

    async def watch(self) -> None:
        """Sample until cancelled."""
        step_ns = round(SAMPLE_EVERY_S * 1e9)
        while True:
            self._due_ns = perf_counter_ns() + step_ns
            await asyncio.sleep(SAMPLE_EVERY_S)
            now_ns = perf_counter_ns()
            lag_ns = now_ns - self._due_ns
            self.largest_ns = max(self.largest_ns, lag_ns)
            if lag_ns > step_ns // 10:  # an idle loop adds nothing, so that a long run stays small
                self._samples.append((now_ns, lag_ns))

    def largest_since(self, start_ns: int) -> int | None:
        """The largest lag at any time since an instant, in nanoseconds; null while nothing was sampled.

        Below a tenth of the sampling step it is 0: that is the loop's own resolution.
        """
        if self._due_ns is None:
            return None
        pending_ns = max(0, perf_counter_ns() - self._due_ns)
        largest_ns = pending_ns
        for at_ns, lag_ns in reversed(self._samples):
            if at_ns < start_ns:
                break
            largest_ns = max(largest_ns, lag_ns)
        return largest_ns
