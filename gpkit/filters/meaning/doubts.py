"""What a filter says that its writer can hardly have meant: allowed, and never what somebody wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gpkit.filters.language.syntax import Anywhere, Comparison, Filter, Leaf, Path, Text, leaves
from gpkit.filters.meaning import values
from gpkit.filters.meaning.comparing import NULL
from gpkit.filters.meaning.fields import UndefinedFieldError, resolve

_OPERATORS = ("and", "or", "not")
_OTHERS = ("IN", "LIKE", "IS", "BETWEEN")
"""Operators of SQL, which the language does not have."""
_WANTED: dict[str, tuple[str, Callable[[str], object]]] = {
    "enum": ("severity", values.severity_number),
    "timestamp": ("instant", values.instant_ns),
    "duration": ("duration, such as 100ms or 1.5h", values.duration_ns),
    "int32": ("whole number in its range", lambda text: values.integer(text, "int32")),
    "int64": ("whole number in its range", values.integer),
    "bool": ("truth value (true, false)", values.boolean),
}
"""For each type what a value must be, and what reads it: null for what is none, which satisfies nothing."""


def doubts(filter: Filter) -> tuple[str, ...]:
    """One sentence for each: an operator in lower case or of SQL, a value that its field can never have."""
    return tuple(dict.fromkeys(sentence for leaf in leaves(filter) for sentence in _of(leaf)))


def _of(node: Leaf) -> Iterator[str]:
    if isinstance(node, Anywhere):
        if not node.text.quoted and node.text.value in _OPERATORS:
            yield f"In the filter '{node.text.value}' is a word to search for: operators are written in capitals."
        if not node.text.quoted and node.text.value in _OTHERS:
            yield f"In the filter '{node.text.value}' is a word to search for: the language has no such operator."
    elif isinstance(node, Comparison) and isinstance(node.left, Path) and isinstance(node.right, Text):
        yield from _of_value(node.left, node.right)


def _of_value(path: Path, right: Text) -> Iterator[str]:
    try:
        kind = resolve(path).kind
    except UndefinedFieldError:
        return
    if kind not in _WANTED or (right.value == NULL and not right.quoted):
        return
    wanted, read = _WANTED[kind]
    if read(right.value) is None:
        name = ".".join(path.components)
        yield f"In the filter '{right.value}' is no {wanted}: a comparison of {name} with it is never true."
