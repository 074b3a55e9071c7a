"""Whether a filter chooses a place and a time, or also what happened there."""

from __future__ import annotations

from collections.abc import Iterator

from gpkit.filters.language.syntax import And, Anywhere, Call, Comparison, Filter, Node, Not, Or, Path

# What wrote an entry, and when: the same for everything that happened to a connection.
_PLACES = ("resource", "timestamp", "receivetimestamp", "receive_timestamp")


def is_scope(filter: Filter) -> bool:
    """True when the filter speaks only of ``resource`` and of time.

    Such a filter leaves every entry of a service, revision or hour. Any other may keep failures and drop successes, so
    that shares of what it left say nothing of the whole.
    """
    return filter.tree is None or all(name.lower() in _PLACES for name in _fields(filter.tree))


def _fields(node: Node) -> Iterator[str]:
    """The outermost field of everything that is compared; empty text where any field is."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _fields(part)
    elif isinstance(node, Not):
        yield from _fields(node.part)
    elif isinstance(node, Comparison) and isinstance(node.left, Path):
        yield node.left.components[0]
    elif isinstance(node, Comparison | Anywhere | Call):
        yield ""
