"""Texts to values and back: what the right side of a comparison, or a field of an entry, is as a number or a text.

Pure. Instants and durations are integer nanoseconds; integers stay integers, never floats. Null where the text is no
such value. Documented: the units and forms of each type; a date is midnight UTC; texts compare by NFKC_Casefold.
Inferred: an instant without a zone is UTC; digits beyond nanoseconds make no instant; a number stands for an enum.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

SEVERITIES = {
    "DEFAULT": 0,
    "DEBUG": 100,
    "INFO": 200,
    "NOTICE": 300,
    "WARNING": 400,
    "ERROR": 500,
    "CRITICAL": 600,
    "ALERT": 700,
    "EMERGENCY": 800,
}
"""google.logging.type.LogSeverity: severities are ordered by these numbers."""

_SPANS_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_INTEGER = re.compile(r"[+-]?[0-9]{1,25}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL = {"nan": "nan", "infinity": "inf", "+infinity": "inf", "-infinity": "-inf"}
_DURATION = re.compile(r"([+-]?)([0-9]{1,20})(?:\.([0-9]{0,20}))?(ns|us|ms|s|m|h)")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt]([0-9]{2}:[0-9]{2})(?:(:[0-9]{2})(?:\.([0-9]{1,9}))?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
# Default_Ignorable_Code_Point of Unicode, which NFKC_Casefold removes: DerivedCoreProperties.txt.
_IGNORED = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


def fold(text: str) -> str:
    """A text as texts are compared: NFKC_Casefold, so that case and compatible forms make no difference."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFKC", _IGNORED.sub("", folded))


def integer(text: str, kind: str = "int64") -> int | None:
    """The integer that a text is, if the type can hold it."""
    if not _INTEGER.fullmatch(text):
        return None
    low, high = _RANGES[kind]
    number = int(text)
    return number if low <= number <= high else None


def number(text: str) -> int | float | None:
    """The number that a text is: exactly, where it is an integer; ``NaN`` and ``Infinity`` in any case."""
    if _INTEGER.fullmatch(text):
        return int(text)
    special = _SPECIAL.get(text.lower())
    return float(special or text) if special or _NUMBER.fullmatch(text) else None


def boolean(text: str) -> bool | None:
    """``true`` or ``false`` in any case."""
    return {"true": True, "false": False}.get(text.lower())


def severity_number(text: str) -> int | None:
    """The number of a severity, given by its name in any case or as a number."""
    found = SEVERITIES.get(text.upper())
    return integer(text, "int32") if found is None else found


def duration_ns(text: str) -> int | None:
    """Nanoseconds of a signed decimal number with a unit, ``3.2s``; less than a nanosecond is cut off."""
    match = _DURATION.fullmatch(text)
    if not match:
        return None
    sign, whole, part, unit = match.groups()
    scaled: int = int(whole + (part or "")) * _SPANS_NS[unit] // int(10 ** len(part or ""))
    return -scaled if sign == "-" else scaled


@functools.lru_cache(maxsize=4096)  # a log has many entries in each second: the rest of a stamp is read every time
def _second(written: str) -> int | None:
    try:
        return (datetime.fromisoformat(written) - _EPOCH) // _SECOND
    except ValueError:
        return None


def instant_ns(text: str) -> int | None:
    """Nanoseconds since 1970 of an RFC 3339 or ISO 8601 text with up to nine digits of a second."""
    match = _INSTANT.fullmatch(text)
    if not match:
        return None
    date, minute, second, part, zone = match.groups()
    whole = _second(f"{date}T{minute or '00:00'}{second or ':00'}{'+00:00' if zone in (None, 'Z', 'z') else zone}")
    return None if whole is None else whole * 10**9 + int((part or "0").ljust(9, "0"))


def instant_text(ns: int) -> str:
    """An instant as RFC 3339 in UTC, with all nine digits of the second.

    Raises:
        OverflowError: It lies outside the years 1 to 9999.
    """
    second, part = divmod(ns, 10**9)
    return f"{(_EPOCH + second * _SECOND).strftime('%Y-%m-%dT%H:%M:%S').zfill(19)}.{part:09d}Z"


def as_integer(value: Any) -> int | None:
    """An integer field as it stands in JSON: a number, or a text of digits, as 64-bit integers are written."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def as_boolean(value: Any) -> bool | None:
    """A Boolean field as it stands in JSON."""
    return value if isinstance(value, bool) else boolean(value) if isinstance(value, str) else None


def as_severity(value: Any) -> int:
    """A severity as it stands in JSON; what is no severity is DEFAULT."""
    if isinstance(value, str):
        return SEVERITIES.get(value) or severity_number(value) or 0
    return value if isinstance(value, int) else 0


def as_instant(value: Any) -> int | None:
    """An instant as it stands in JSON, in nanoseconds."""
    return instant_ns(value) if isinstance(value, str) else None


def as_duration(value: Any) -> int | None:
    """A duration as it stands in JSON, ``"0.25s"``, in nanoseconds."""
    return duration_ns(value) if isinstance(value, str) else None


def as_text(value: Any) -> str | None:
    """A text field as it stands in JSON; a number or Boolean there is read as its JSON text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else None


def leaves(value: Any) -> Iterator[Any]:
    """The scalars in a JSON value, however deep; itself, if it is one. In no order."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if type(each) is dict:
            waiting.extend(each.values())
        elif type(each) is list:
            waiting.extend(each)
        else:
            yield each


def members(value: list[Any]) -> Iterator[Any]:
    """The members of a list, and of the lists in it, however deep. In no order."""
    waiting = [value]
    while waiting:
        for each in waiting.pop():
            if type(each) is list:
                waiting.append(each)
            else:
                yield each
