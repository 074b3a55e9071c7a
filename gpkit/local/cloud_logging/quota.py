"""Reads per minute. A read that is refused for the quota is not counted.

The minute begins with the first read after the last one ended, and the service's own minutes are not known to be
any other. Monotonic: a wall clock that jumps changes nothing.
"""

from __future__ import annotations

import math

MINUTE_S = 60.0


class Quota:
    """A number of reads for each minute; null for any number."""

    def __init__(self, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._began_s = -math.inf
        self._reads = 0

    def take(self, now_s: float) -> int | None:
        """Count a read; the seconds until there is one again when there is none left."""
        if self.per_minute is None:
            return None
        if now_s - self._began_s >= MINUTE_S:
            self._began_s, self._reads = now_s, 0
        if self._reads >= self.per_minute:
            return math.ceil(self._began_s + MINUTE_S - now_s)
        self._reads += 1
        return None
