"""Words that stand nowhere in an entry, told from its JSON text.

A search term is compared with every field by ``:``, which is a part of a text, but equality for other types: ``500``
finds the severity ERROR, ``1000ms`` the latency ``1s``. So a word that is a number, an instant or a duration can be
held without standing in the text; where that may be, nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpkit.filters.engines import jsontexts
from gpkit.filters.meaning import values

if TYPE_CHECKING:
    import ibis.expr.types as ir


def held_nowhere(entry: ir.StringValue, written: str, severity: ir.StringValue | None) -> ir.BooleanValue:
    """Whether surely no field of the entry holds the words; never null, false if unsure.

    Args:
        entry: The entry's JSON text.
        written: The words, as written in the filter.
        severity: The entry's severity, if there is such a column.
    """
    import ibis

    unsure = ibis.literal(False)
    if not values.fold(written) or _has_other_spellings(written):
        return unsure
    nowhere = jsontexts.lacks(entry, values.fold(written), number=values.number(written) is not None)
    rank = values.severity_number(written)
    if rank is None:
        return nowhere
    if severity is None or rank == 0:  # whatever is no severity counts as DEFAULT, 0
        return unsure
    others = [name for name, other in values.SEVERITIES.items() if other != rank]
    return nowhere & severity.fill_null("DEFAULT").isin(others)


def _has_other_spellings(written: str) -> bool:
    """Whether a value that equals the words may be written in other ASCII words; fractions are told by the caller."""
    if values.instant_ns(written) is not None or values.duration_ns(written) is not None:
        return True
    number = values.number(written)
    if isinstance(number, float):
        return number.is_integer()
    return number is not None and str(number) != written
