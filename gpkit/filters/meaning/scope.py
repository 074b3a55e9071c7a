"""Whether a filter chooses a place and a time, or also what happened there."""

from __future__ import annotations

from gpkit.filters.language.syntax import Comparison, Filter, Leaf, Path, leaves

# What wrote an entry, and when: the same for everything that happened to a connection.
_PLACES = ("resource", "timestamp", "receivetimestamp", "receive_timestamp")


def is_scope(filter: Filter) -> bool:
    """True when the filter speaks only of ``resource`` and of time.

    Such a filter leaves every entry of a service, revision or hour. Any other may keep failures and drop successes, so
    that shares of what it left say nothing of the whole.
    """
    return all(_field(leaf).lower() in _PLACES for leaf in leaves(filter))


def _field(leaf: Leaf) -> str:
    """The outermost field of what is compared; empty where it may be any."""
    if isinstance(leaf, Comparison) and isinstance(leaf.left, Path):
        return leaf.left.components[0]
    return ""
