"""When a failed call is tried again, and when it is given up.

Pure: the number of attempts, the time they took and a random number are arguments. Seconds of a monotonic clock, so
that a wall clock that jumps changes nothing.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# Worth another attempt: the service's own words for "later" (429, 503), and faults of what stands before it.
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_S = 1.0  # chosen: a reset connection or a restarted front end is back by then
_LONGEST_S = 60.0  # the read quota counts by the minute: waiting longer for it brings nothing


@dataclass(frozen=True)
class Limits:
    """How much is put up with before a read is declared incomplete.

    Attributes:
        max_attempts: Calls for one page.
        max_unreachable: The same, before anything ever answered at the address.
        max_s: From the first failure of a page to giving up; waiting for the own quota does not count.
        max_empty_pages: Pages in a row without an entry. They are normal where a search takes long.
        max_idle_s: Time without an entry, while pages go on arriving.
        max_restarts: Restarts in a row at the same instant, each because a page token was refused.
        call_s: Limit of one call, body included.
        max_page_bytes: Of one answer, unpacked.
    """

    max_attempts: int = 10  # chosen: with max_s, whichever comes first
    max_unreachable: int = 4  # chosen: seven seconds show that an address is wrong as well as minutes do
    max_s: float = 300.0  # chosen: five quota minutes; beyond that somebody else holds the quota
    max_empty_pages: int = 1000  # chosen: a quarter of an hour at the quota
    max_idle_s: float = 3600.0  # chosen
    max_restarts: int = 5  # chosen: tokens live for 24 hours, so that two refusals in a row are odd already
    call_s: float = 120.0  # chosen: twice what the service takes before it answers 504
    max_page_bytes: int = 256 * 1024 * 1024  # 1000 entries of 256 KiB, the largest that the service takes


@dataclass(frozen=True)
class Pace:
    """The clock, the sleep and the dice of a read; a test passes its own."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random  # of [0, 1): spreads retries, protects nothing


def wait_s(
    *, attempt: int, max_attempts: int, elapsed_s: float, max_s: float, retry_after_s: float | None, random: float
) -> float | None:
    """How long to wait before the next attempt; null to give up.

    Doubling from one second to a minute, of which a random half is taken off, so that parallel readers part. Never
    shorter than the service asked for; a wait that would pass the limit is not begun.

    Args:
        attempt: Attempts made, from 1.
        max_attempts: Made at most.
        elapsed_s: Since the first of them began.
        max_s: After which no further one begins.
        retry_after_s: What the service asked for; null when it did not.
        random: Of [0, 1).
    """
    if attempt >= max_attempts:
        return None
    longest_s = min(_LONGEST_S, _FIRST_S * 2.0 ** min(attempt - 1, 30))
    chosen_s = max(longest_s * (1 + random) / 2, retry_after_s or 0.0)
    return chosen_s if elapsed_s + chosen_s <= max_s else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """What ``Retry-After`` asks for; null when it is missing or says nothing.

    A date counts from the answer's own ``Date``, not from this host's clock.
    """
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    try:
        until = email.utils.parsedate_to_datetime(asked)
        return max(0.0, (until - email.utils.parsedate_to_datetime(headers.get("Date", ""))).total_seconds())
    except (TypeError, ValueError):
        return None


def served_ns(headers: Mapping[str, str]) -> int | None:
    """When an answer was made, by the service's clock, in nanoseconds since 1970; null when it does not say."""
    try:
        return int(email.utils.parsedate_to_datetime(headers.get("Date", "")).timestamp()) * 1_000_000_000
    except (TypeError, ValueError):
        return None
