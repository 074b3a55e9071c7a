"""What an engine can say of each row: surely, surely not, or neither.

The rule: both expressions are never null, and never both true. Neither means that the interpreter must decide.
Strong three-valued logic (Kleene): a conjunction fails with any part and holds with all, whatever is undecided.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Verdict:
    """Two Boolean columns: the rows on which a condition holds, and those on which it does not.

    ``exact`` is false when some part of the condition has no translation; only unusual values (a text beyond ASCII,
    a severity that is no name) leave rows of an exact verdict undecided.
    """

    yes: ir.BooleanValue
    no: ir.BooleanValue
    exact: bool = True


def always(holds: bool) -> Verdict:
    """The same on every row."""
    import ibis

    return Verdict(ibis.literal(holds), ibis.literal(not holds))


def undecided() -> Verdict:
    """Nothing is said of any row."""
    import ibis

    return Verdict(ibis.literal(False), ibis.literal(False), exact=False)


def settled(condition: ir.BooleanValue, *, where: ir.BooleanValue | None = None) -> Verdict:
    """The condition, on the rows where it may be trusted; a null of either leaves the row undecided."""
    if where is None:
        return Verdict(condition.fill_null(False), (~condition).fill_null(False))
    return Verdict((where & condition).fill_null(False), (where & ~condition).fill_null(False))


def refuted(rows: ir.BooleanValue) -> Verdict:
    """Surely not on these rows, nothing is said of the others; ``rows`` is never null."""
    import ibis

    return Verdict(ibis.literal(False), rows, exact=False)


def fails_also(verdict: Verdict, rows: ir.BooleanValue) -> Verdict:
    """The verdict, and surely not on these rows, which it does not hold on; ``rows`` is never null."""
    return Verdict(verdict.yes, verdict.no | rows, verdict.exact)


def opposite(verdict: Verdict) -> Verdict:
    """Negation."""
    return Verdict(verdict.no, verdict.yes, verdict.exact)


def every(verdicts: Iterable[Verdict]) -> Verdict:
    """Conjunction."""
    parts = tuple(verdicts)
    return Verdict(
        functools.reduce(operator.and_, (part.yes for part in parts)),
        functools.reduce(operator.or_, (part.no for part in parts)),
        all(part.exact for part in parts),
    )


def some(verdicts: Iterable[Verdict]) -> Verdict:
    """Disjunction."""
    return opposite(every(opposite(verdict) for verdict in verdicts))
