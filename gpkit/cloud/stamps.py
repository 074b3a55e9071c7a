"""Instants of the API: whole nanoseconds since 1970, and RFC 3339 text with up to nine digits.

Pure. Never a float and never a ``datetime``: both are coarser than the log.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta

from gpkit.errors import ParameterError

NS_PER_S = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-]\d\d):?(\d\d))", re.ASCII
)  # digits beyond the ninth do not occur in the API and are cut


def nanoseconds(text: str) -> int | None:
    """The instant that RFC 3339 text names; null when it names none."""
    digits = text[20:-1]
    if text[19:20] == "." and text[-1] == "Z" and 1 <= len(digits) <= 9 and digits.isdecimal() and text.isascii():
        second_ns = _second_ns(text[:19])
        return None if second_ns is None else second_ns + int(digits.ljust(9, "0"))
    return _any_nanoseconds(text)


@functools.lru_cache(maxsize=4096)
def _second_ns(text: str) -> int | None:
    """The instant of a whole second: entries of a page share few of them."""
    return _any_nanoseconds(f"{text}Z")


def _any_nanoseconds(text: str) -> int | None:
    match = _STAMP.fullmatch(text)
    if match is None:
        return None
    day, time, digits, offset_h, offset_min = match.groups()
    try:
        whole = datetime.fromisoformat(f"{day}T{time}+00:00")
    except ValueError:
        return None
    seconds = (whole - _EPOCH) // timedelta(seconds=1)
    if offset_h:
        seconds -= int(offset_h) * 3600 + (int(offset_min) * 60 if offset_h[0] == "+" else -int(offset_min) * 60)
    return seconds * NS_PER_S + int((digits or "0").ljust(9, "0"))


def text(at_ns: int) -> str:
    """An instant as RFC 3339 in UTC with all nine digits."""
    seconds, below = divmod(at_ns, NS_PER_S)
    whole = _EPOCH + timedelta(seconds=seconds)
    return f"{whole.isoformat()[:19]}.{below:09d}Z"


def instant_ns(at: datetime | int, name: str) -> int:
    """An instant given as whole nanoseconds or as a ``datetime`` that knows its offset.

    Raises:
        ParameterError: It does not know its offset, is no instant, or lies outside the years 1 to 9999.
    """
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise ParameterError(
                f"{name} = {at.isoformat()} does not say its offset from UTC.", next_step="Add tzinfo=datetime.UTC."
            )
        return (at - _EPOCH) // timedelta(microseconds=1) * 1000
    if isinstance(at, bool) or not isinstance(at, int):
        raise ParameterError(f"{name} is no instant.", next_step="Give a datetime with tzinfo, or whole nanoseconds.")
    try:
        _EPOCH + timedelta(seconds=at // NS_PER_S)
    except OverflowError:
        raise ParameterError(f"{name} = {at} ns lies outside the years 1 to 9999.") from None
    return at
