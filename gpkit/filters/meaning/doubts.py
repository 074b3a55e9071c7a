"""What a filter says that its writer can hardly have meant: allowed, and never what somebody wants."""

from __future__ import annotations

from collections.abc import Iterator

from gpkit.filters.language.syntax import And, Anywhere, Comparison, Filter, Node, Not, Or, Path, Text
from gpkit.filters.meaning.fields import UndefinedFieldError, resolve
from gpkit.filters.meaning.values import SEVERITIES, as_instant

_OPERATORS = ("and", "or", "not")


def doubts(filter: Filter) -> tuple[str, ...]:
    """One sentence for each: an operator in lower case, a severity or an instant that is none."""
    return tuple(dict.fromkeys(_of(filter.tree))) if filter.tree is not None else ()


def _of(node: Node) -> Iterator[str]:
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _of(part)
    elif isinstance(node, Not):
        yield from _of(node.part)
    elif isinstance(node, Anywhere):
        if not node.text.quoted and node.text.value in _OPERATORS:
            yield f"In the filter '{node.text.value}' is a word to search for: operators are written in capitals."
    elif isinstance(node, Comparison) and isinstance(node.left, Path) and isinstance(node.right, Text):
        yield from _of_value(node.left, node.right.value)


def _of_value(path: Path, value: str) -> Iterator[str]:
    try:
        kind = resolve(path).kind
    except UndefinedFieldError:
        return
    name = ".".join(path.components)
    if kind == "enum" and value.upper() not in SEVERITIES and not value.lstrip("-").isdigit():
        yield f"In the filter '{value}' is no severity: a comparison of {name} with it is never true."
    if kind == "timestamp" and as_instant(value) is None:
        yield f"In the filter '{value}' is no instant: a comparison of {name} with it is never true."
