"""Filters from parts, so that no one puts quotes together by hand.

Each function gives a :class:`~gpkit.filters.Filter` whose ``text`` is in normal form: comments and newlines of the
parts cannot swallow what follows them, and a value never becomes syntax. Where a filter is taken, so is its text. A
path is written as in the language (``jsonPayload."a.b"``), or given as its components, which may hold any character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from gpkit.errors import ParameterError
from gpkit.filters.language.escapes import quote
from gpkit.filters.language.parsing import parse
from gpkit.filters.language.syntax import And, Comparison, Filter, Node, Not, Or, Path, Present, Text
from gpkit.filters.meaning.comparing import NULL
from gpkit.filters.meaning.values import instant_text
from gpkit.filters.writing.normal import normal

__all__ = [
    "all_of",
    "any_of",
    "at_or_after",
    "before",
    "equals",
    "has",
    "matches",
    "none_of",
    "one_of",
    "present",
    "quote",
]

Steps = str | tuple[str, ...]
Value = str | int | float | bool | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def all_of(*filters: Filter | str) -> Filter:
    """Entries that every filter selects; without any filter, all entries."""
    trees = [tree for tree in map(_tree, filters) if tree is not None]
    return _filter(None if not trees else trees[0] if len(trees) == 1 else And(tuple(trees)))


def any_of(*filters: Filter | str) -> Filter:
    """Entries that at least one filter selects.

    Raises:
        ParameterError: No filter is given: the language has no filter that selects nothing.
    """
    _some(filters, "any_of")
    trees = [_tree(each) for each in filters]
    held = tuple(tree for tree in trees if tree is not None)
    return _filter(None if len(held) < len(trees) else held[0] if len(held) == 1 else Or(held))


def none_of(*filters: Filter | str) -> Filter:
    """Entries that no filter selects.

    Raises:
        ParameterError: A filter selects everything: the language has no filter that selects nothing.
    """
    trees = [_tree(each) for each in filters]
    held = tuple(Not(tree) for tree in trees if tree is not None)
    if len(held) < len(trees):
        raise ParameterError("none_of is given a filter that selects every entry.", "It would select none.")
    return _filter(None if not held else held[0] if len(held) == 1 else And(held))


def equals(path: Steps, value: Value) -> Filter:
    """Entries whose field has this value; texts compare without case. Null is the null of a payload."""
    return _filter(_compared(path, "=", _text(value)))


def one_of(path: Steps, values: Iterable[Value]) -> Filter:
    """Entries whose field has one of these values.

    Raises:
        ParameterError: No value is given.
    """
    texts = [_text(value) for value in values]
    _some(texts, "one_of")
    parts = tuple(_compared(path, "=", text) for text in texts)
    return _filter(parts[0] if len(parts) == 1 else Or(parts))


def has(path: Steps, text: str) -> Filter:
    """Entries whose field holds this text as a part, in any case."""
    return _filter(_compared(path, ":", Text(text, True)))


def present(path: Steps) -> Filter:
    """Entries in which the field stands."""
    return _filter(_compared(path, ":", Present()))


def matches(path: Steps, pattern: str) -> Filter:
    """Entries whose field holds a match of an RE2 pattern, case-sensitive."""
    return _filter(_compared(path, "=~", Text(pattern, True)))


def at_or_after(instant: datetime | int, field: Steps = "timestamp") -> Filter:
    """Entries from this instant on: a datetime with a zone, or nanoseconds since 1970."""
    return _filter(_compared(field, ">=", Text(_instant(instant), True)))


def before(instant: datetime | int, field: Steps = "timestamp") -> Filter:
    """Entries before this instant: a datetime with a zone, or nanoseconds since 1970."""
    return _filter(_compared(field, "<", Text(_instant(instant), True)))


def _filter(tree: Node | None) -> Filter:
    """The tree as if read from its own text, so that positions in errors are right."""
    return parse(normal(Filter("", tree)))


def _tree(filter: Filter | str) -> Node | None:
    return (parse(filter) if isinstance(filter, str) else filter).tree


def _some(given: tuple[Filter | str, ...] | list[Text], name: str) -> None:
    if not given:
        raise ParameterError(f"{name} is given nothing.", "It would select no entry, which no filter can say.")


def _compared(path: Steps, sign: str, right: Text | Present) -> Comparison:
    return Comparison(_path(path), sign, right)


def _path(path: Steps) -> Path:
    if not isinstance(path, str):
        return Path(path, (True,) * len(path))
    tree = None if re.search(r"\s*--", path) else parse(f"{path}:*").tree
    if isinstance(tree, Comparison) and isinstance(tree.left, Path) and isinstance(tree.right, Present):
        return tree.left
    raise ParameterError(f"{path!r} is no path of a field.", next_step="Give its components, as a tuple of texts.")


def _text(value: Value) -> Text:
    if value is None:
        return Text(NULL, False)
    return Text(str(value).lower() if isinstance(value, bool) else str(value), True)


def _instant(instant: datetime | int) -> str:
    if isinstance(instant, datetime):
        if instant.utcoffset() is None:
            raise ParameterError(
                f"{instant.isoformat()} has no time zone.", next_step="Use a datetime with tzinfo=UTC."
            )
        instant = (instant - _EPOCH) // timedelta(microseconds=1) * 1000
    try:
        return instant_text(instant)
    except OverflowError:
        raise ParameterError(f"{instant} ns since 1970 is outside the years 1 to 9999.") from None
