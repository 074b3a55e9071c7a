"""Comparisons of text on an engine: exact on ASCII, undecided beyond.

The language compares texts NFKC-normalised and case-folded, which no engine does. On ASCII text that is ``lower()``;
a value with any other character (the Kelvin sign folds to ``k``) is left to the interpreter.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpkit.filters.engines.patterns import portable
from gpkit.filters.engines.verdicts import Verdict, settled, undecided
from gpkit.filters.language.syntax import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

BEYOND_ASCII = r"[^\x00-\x7F]"
ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    ":": operator.eq,
}
"""``:`` is equality for all types but texts."""


def is_ascii(value: ir.StringValue) -> ir.BooleanValue:
    """Whether the text has no character beyond ASCII; null for a null."""
    return ~value.re_search(BEYOND_ASCII)


def compare(value: ir.StringValue, sign: str, right: Text, folded: str) -> Verdict:
    """The comparison of a text with a value; a null text is undecided.

    Args:
        value: The text, as it stood in the log.
        sign: The operator.
        right: The value as written, a regular expression for ``=~`` and ``!~``.
        folded: The value normalised and case-folded, as texts are compared.
    """
    if sign in ("=~", "!~"):
        return _match(value, sign, right.value)
    if "\x00" in folded:  # no engine's SQL text can hold it
        return undecided()
    known = is_ascii(value)
    if not folded.isascii():
        return _beyond(sign, known)
    if sign == ":" and not folded:
        return settled(value.notnull(), where=value.notnull())
    if sign == ":":
        return settled(value.lower().contains(folded), where=known)
    return settled(ORDERS[sign](value.lower(), folded), where=known)


def _beyond(sign: str, known: ir.BooleanValue) -> Verdict:
    """An ASCII text against a value that folds to something else: never equal, never a part, of another order."""
    import ibis

    if sign not in ("=", "!=", ":"):
        return undecided()
    return settled(ibis.literal(sign == "!="), where=known)


def _match(value: ir.StringValue, sign: str, pattern: str) -> Verdict:
    """Whether an expression is found in a text, with letter case, not normalised."""
    written = portable(pattern)
    if written is None:
        return undecided()
    found = value.re_search(written)
    return settled(found if sign == "=~" else ~found, where=is_ascii(value))
