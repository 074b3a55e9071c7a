"""Comparisons of instants, durations, integers and severities on an engine: integers all.

The right side is converted as the interpreter converts it; one that is no such value satisfies nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpkit.filters.engines.texts import ORDERS
from gpkit.filters.engines.verdicts import Verdict, always, settled, undecided
from gpkit.filters.meaning import values

if TYPE_CHECKING:
    import ibis.expr.types as ir

_INT64 = 2**63
_EXACT_S = 9e5  # a double holds nanoseconds up to 2**53, nine million seconds: a tenth of that is far from rounding


def compare_instant(column: ir.IntegerValue, sign: str, written: str) -> Verdict:
    """An instant in nanoseconds. A row without one is undecided: it may be missing, or no instant."""
    return _compare(column, sign, values.instant_ns(written))


def compare_integer(column: ir.IntegerValue, sign: str, written: str, kind: str) -> Verdict:
    """An integer; a missing one is 0."""
    return _compare(column.fill_null(0), sign, values.integer(written, kind))


def compare_duration(column: ir.NumericValue, sign: str, written: str) -> Verdict:
    """A duration in nanoseconds, or in float seconds; a missing one is 0."""
    import ibis

    wanted = values.duration_ns(written)
    if not column.type().is_floating():
        return _compare(column.fill_null(0), sign, wanted)
    seconds = column.fill_null(0.0)
    near = ibis.cases((seconds.abs() < _EXACT_S, seconds))
    return _compare((near * 1e9).round().cast("int64"), sign, wanted)


def compare_severity(column: ir.StringValue, sign: str, written: str) -> Verdict:
    """A severity by its rank; a missing one is DEFAULT, a text that is no name in capitals is undecided."""
    rank = values.severity_number(written)
    if rank is None:
        return always(False)
    named = column.fill_null("DEFAULT")
    holds = [name for name, other in values.SEVERITIES.items() if ORDERS[sign](other, rank)]
    fails = [name for name in values.SEVERITIES if name not in holds]
    return Verdict(named.isin(holds), named.isin(fails))


def _compare(column: Any, sign: str, wanted: int | None) -> Verdict:
    if wanted is None:
        return always(False)
    if not -_INT64 <= wanted < _INT64:
        return undecided()
    return settled(ORDERS[sign](column, wanted))
