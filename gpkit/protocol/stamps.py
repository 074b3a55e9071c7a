"""A server's own stamp of an instant, in nanoseconds, with the resolution its digits allow.

Pure, and never raises. Servers write ISO 8601 with or without an offset, seconds since 1970 as an integer or a
float, and milliseconds in places. A stamp is taken as truncated: the instant lies in [stamp, stamp + resolution).
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

SECOND_NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"[.,](\d+)")
_MILLISECONDS_FROM = 100_000_000_000  # as seconds that is the year 5138
_LATEST_NS = 4_102_444_800 * SECOND_NS  # 2100: beyond it a number is no stamp


def read_stamp(value: object) -> tuple[int | None, int | None]:
    """Nanoseconds since 1970 and their resolution; nulls when the value is no stamp."""
    if isinstance(value, str):
        found = _read_text(value)
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        return None, None
    else:
        found = _read_number(value)
    if found is None or not 0 < found[0] < _LATEST_NS:
        return None, None
    return found


def _read_text(text: str) -> tuple[int, int] | None:
    if len(text) > 40:  # the longest ISO 8601 instant is shorter
        return None
    try:
        instant = datetime.fromisoformat(text)
        # Servers that write no offset mean UTC: they call utcnow().
        aware = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
        since = aware - _EPOCH
    except (ValueError, OverflowError):
        return None
    whole_ns = (since.days * 86_400 + since.seconds) * SECOND_NS
    fraction = _FRACTION.search(text)
    if fraction is None:
        return whole_ns, SECOND_NS
    digits = fraction[1][:9]
    return whole_ns + int(digits.ljust(9, "0")), 10 ** (9 - len(digits))


def _read_number(number: float) -> tuple[int, int] | None:
    if not abs(number) < 1e15:  # NaN, infinity, or beyond any calendar
        return None
    scale = SECOND_NS // 1000 if abs(number) >= _MILLISECONDS_FROM else SECOND_NS
    if isinstance(number, int):
        return number * scale, scale
    whole = math.floor(number)
    text = repr(number)
    # A double of this size holds about 0.2 µs: digits beyond the sixth say nothing.
    digits = min(6, len(text.partition(".")[2])) if "e" not in text else 0
    part = round((number - whole) * 10**digits)
    step = scale // 10**digits
    return whole * scale + part * step, step
