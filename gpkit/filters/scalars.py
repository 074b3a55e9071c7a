"""Comparisons of instants, durations, integers and severities on an engine: integers all.

The right side is read here only in its ordinary spellings; any other is undecided, and the interpreter says what it
means.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gpkit.filters.texts import ORDERS
from gpkit.filters.verdicts import Verdict, settled, undecided

if TYPE_CHECKING:
    import ibis.expr.types as ir

# google.logging.type.LogSeverity
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
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)", re.ASCII | re.IGNORECASE)
_DURATION = re.compile(r"(-?)(\d{1,9})(?:\.(\d{1,9}))?(ns|us|ms|s|m|h)", re.ASCII)
_UNIT_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = 2**63


def instant_ns(written: str) -> int | None:
    """Nanoseconds since 1970 of an RFC 3339 text; null for any other text, or one that int64 cannot hold."""
    found = _INSTANT.fullmatch(written)
    if not found:
        return None
    date, time, fraction, zone = found.groups()
    try:
        at = datetime.fromisoformat(f"{date}T{time}{zone.upper()}")
    except ValueError:
        return None
    ns = (at - _EPOCH) // timedelta(seconds=1) * 10**9 + int((fraction or "").ljust(9, "0"))
    return ns if -_INT64 <= ns < _INT64 else None


def duration_ns(written: str) -> int | None:
    """Nanoseconds of a number with a unit; null for any other text, or a part of a nanosecond."""
    found = _DURATION.fullmatch(written)
    if not found:
        return None
    sign, whole, fraction, unit = found.groups()
    digits = fraction or ""
    scaled, rest = divmod(int(whole + digits) * _UNIT_NS[unit], int(10 ** len(digits)))
    if rest or scaled >= _INT64:
        return None
    return -scaled if sign else scaled


def compare_instant(column: ir.IntegerValue, sign: str, written: str) -> Verdict:
    """An instant; a row without one is undecided."""
    ns = instant_ns(written)
    return undecided() if ns is None or sign not in ORDERS else settled(ORDERS[sign](column, ns))


def compare_duration(column: ir.NumericValue, sign: str, written: str) -> Verdict:
    """A duration in nanoseconds, or in float seconds; a missing one is 0."""
    ns = duration_ns(written)
    if ns is None or sign not in ORDERS:
        return undecided()
    if not column.type().is_floating():
        return settled(ORDERS[sign](column.fill_null(0), ns))
    seconds = column.fill_null(0.0)
    # A double holds nanoseconds exactly up to 2**53 ns, about 104 days: a tenth of that is far from any rounding.
    exact = seconds.abs() < 9e5
    return settled(ORDERS[sign]((ibis_where(exact, seconds) * 1e9).round().cast("int64"), ns), where=exact)


def ibis_where(condition: ir.BooleanValue, value: ir.NumericValue) -> ir.NumericValue:
    """The value where the condition holds, else null."""
    import ibis

    return ibis.cases((condition, value))


def compare_integer(column: ir.IntegerValue, sign: str, written: str) -> Verdict:
    """An integer; a missing one is 0."""
    if sign not in ORDERS or not _INTEGER.fullmatch(written):
        return undecided()
    return settled(ORDERS[sign](column.fill_null(0), int(written)))


def compare_severity(column: ir.StringValue, sign: str, written: str) -> Verdict:
    """A severity by its rank; a missing one is DEFAULT, a text that is no name in capitals is undecided."""
    rank = SEVERITIES.get(written.upper()) if written.isascii() else None
    if rank is None or sign not in ORDERS:
        return undecided()
    named = column.fill_null("DEFAULT")
    holds = [name for name, other in SEVERITIES.items() if ORDERS[sign](other, rank)]
    fails = [name for name in SEVERITIES if name not in holds]
    return Verdict(named.isin(holds), named.isin(fails))
