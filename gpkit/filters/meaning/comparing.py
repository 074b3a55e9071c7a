"""One comparison: does a value, as it stands in an entry, satisfy an operator and the right side?

:func:`test` converts the right side to the type of the field once, and returns a function of the value. Documented: a
conversion that fails makes the comparison false, whatever the operator; a list satisfies what any member satisfies;
``:`` is part of a text, and equality for other types; regular expressions match texts only.
Inferred: NaN equals NaN, so that the documented literal can find something; ``:`` on an object looks at all values in
it; in ``protoPayload``, whose types only the service knows, what is an instant or a duration on both sides compares so.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from gpkit.filters.language.syntax import Text
from gpkit.filters.meaning import values
from gpkit.filters.meaning.regexes import searcher

Test = Callable[[Any], bool]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    ":": operator.eq,
}
NULL = "NULL_VALUE"
_EXACT = ("=", "!=", "<", "<=", ">", ">=")

# For each type: the right side as a value, and the field's JSON as a value; null where it is none.
_CONVERSIONS: dict[str, tuple[Callable[[str], Any], Callable[[Any], Any]]] = {
    "enum": (values.severity_number, values.as_severity),
    "bool": (values.boolean, values.as_boolean),
    "int32": (lambda text: values.integer(text, "int32"), values.as_integer),
    "int64": (values.integer, values.as_integer),
    "timestamp": (values.instant_ns, values.as_instant),
    "duration": (values.duration_ns, values.as_duration),
    "double": (values.number, lambda value: value),
    "instant": (values.instant_ns, lambda value: value),
    "span": (values.duration_ns, lambda value: value),
}
"""``instant`` and ``span`` are what ``cast`` gives: nanoseconds already."""


def never(_value: Any) -> bool:
    """The comparison that nothing satisfies."""
    return False


def test(kind: str, sign: str, right: Text) -> Test:
    """What decides whether a value of this type satisfies the operator and the right side.

    Raises:
        BadPatternError: The right side of ``=~`` or ``!~`` is no regular expression.
    """
    if kind in ("struct", "any"):
        return _any_json(kind, sign, right)
    if right.value == NULL and not right.quoted:
        return never
    if kind in ("string", "label"):
        return _members(_of_text(sign, right.value))
    if sign in ("=~", "!~"):
        return never
    return _members(_converted(kind, sign, right.value))


def _members(single: Test) -> Test:
    """The same for a list: any member."""

    return lambda value: any(map(single, values.members(value))) if type(value) is list else single(value)


def _of_text(sign: str, right: str) -> Test:
    fold, as_text = values.fold, values.as_text
    if sign in ("=~", "!~"):
        found, wanted = searcher(right), sign == "=~"
        return lambda value: (text := as_text(value)) is not None and found(text) is wanted
    folded = fold(right)
    if sign == ":":
        return lambda value: (text := as_text(value)) is not None and folded in fold(text)
    order = _ORDERS[sign]
    return lambda value: (text := as_text(value)) is not None and order(fold(text), folded)


def _converted(kind: str, sign: str, right: str) -> Test:
    to_value, from_json = _CONVERSIONS[kind]
    wanted = to_value(right)
    if wanted is None:
        return never
    if isinstance(wanted, float) and math.isnan(wanted):
        return _nan(sign)
    order = _ORDERS[sign]
    return lambda value: (held := from_json(value)) is not None and order(held, wanted)


def _nan(sign: str) -> Test:
    """NaN equals itself and is ordered with nothing."""
    wanted = {"=": True, ":": True, "!=": False}.get(sign)
    return lambda value: wanted is not None and (isinstance(value, float) and math.isnan(value)) is wanted


def _any_json(kind: str, sign: str, right: Text) -> Test:
    """For a member of a payload: its type is that of its JSON."""
    if right.value == NULL and not right.quoted:
        return _members({"=": lambda value: value is None, "!=": lambda value: value is not None}.get(sign, never))
    is_pattern = sign in ("=~", "!~")
    of_text = _of_text(sign, right.value)
    if kind == "any" and sign in _EXACT:
        of_text = _of_message_text(sign, right.value, of_text)
    of_bool = never if is_pattern else _converted("bool", sign, right.value)
    of_number = never if is_pattern else _converted("double", sign, right.value)
    tests: dict[type, Test] = {str: of_text, bool: of_bool, int: of_number, float: of_number}

    def scalar(value: Any) -> bool:
        single = tests.get(type(value))
        return single is not None and single(value)

    def decided(value: Any) -> bool:
        single = tests.get(type(value))
        if single is not None:
            return single(value)
        if sign == ":":
            return any(map(scalar, values.leaves(value)))
        return type(value) is list and any(map(scalar, values.members(value)))

    return decided


def _of_message_text(sign: str, right: str, of_text: Test) -> Test:
    """Protocol buffers write instants, durations and 64-bit integers as texts: compared so where both sides are."""
    readings = [values.instant_ns, values.duration_ns, *([] if sign in ("=", "!=") else [values.integer])]
    wanted = [(read, found) for read in readings if (found := read(right)) is not None]
    order = _ORDERS[sign]
    if not wanted:
        return of_text

    def decided(value: str) -> bool:
        for read, found in wanted:
            if (held := read(value)) is not None:
                return order(held, found)
        return of_text(value)

    return decided
