"""The platform's own limits, which hold only when the faults file names them: they would disturb a probe of faults."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping

MESSAGE_BYTES = 8192
MINUTE_S = 60.0


class Limits:
    """Messages a minute and connections a user, counted over the whole service.

    Args:
        given: ``message_bytes``, ``messages_per_minute``, ``connections_per_user``; those that are missing do not
            hold, apart from the first.
    """

    def __init__(self, given: Mapping[str, int]) -> None:
        self.message_bytes = given.get("message_bytes", MESSAGE_BYTES)
        self._per_minute = given.get("messages_per_minute")
        self._per_user = given.get("connections_per_user")
        self._connections: Counter[str] = Counter()

    def enter(self, user: str) -> bool:
        """Count a connection of a user; false when that is one too many."""
        if self._per_user is not None and self._connections[user] >= self._per_user:
            return False
        self._connections[user] += 1
        return True

    def leave(self, user: str) -> None:
        """A connection that entered is gone."""
        self._connections[user] -= 1

    def allows(self, earlier: deque[float]) -> bool:
        """Whether one more message is allowed after those at the ``earlier`` monotonic instants; notes it if so."""
        if self._per_minute is None:
            return True
        now_s = time.monotonic()
        while earlier and now_s - earlier[0] >= MINUTE_S:
            earlier.popleft()
        if len(earlier) >= self._per_minute:
            return False
        earlier.append(now_s)
        return True
