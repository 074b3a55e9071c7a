"""Which entries a filter and resources select, found page by page from where the last one ended.

The bounds that a filter sets on ``timestamp`` narrow the search by bisection, and the rest of the filter is decided by
gpkit's interpreter, once for each entry and filter.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpkit import filters
from gpkit.filters.language.syntax import And, Comparison, Filter, Node, Path, Text
from gpkit.local.cloud_logging.held import decode, instant_ns
from gpkit.local.cloud_logging.refusals import RefusedError, invalid
from gpkit.local.cloud_logging.resources import Resource, admits
from gpkit.local.cloud_logging.store import Key, Store

MOST_CHARACTERS = 20_000  # documented: the length of a filter
_KEPT = 256  # chosen: filters whose decisions are kept
_FIRST_NS, _LAST_NS = -(10**30), 10**30
_UNKNOWN, _YES, _NO = 0, 1, 2


@dataclass(slots=True)
class Compiled:
    """A filter ready to decide: ``since_ns`` ≤ timestamp < ``until_ns``, and a test for the rest; null for no rest."""

    since_ns: int = _FIRST_NS
    until_ns: int = _LAST_NS
    test: Callable[[Mapping[str, Any]], bool] | None = None
    decided: bytearray = field(default_factory=bytearray)

    def selects(self, store: Store, number: int) -> bool:
        """Whether the rest of the filter holds for an entry; its instant is not looked at."""
        if self.test is None:
            return True
        if number >= len(self.decided):
            self.decided.extend(bytes(len(store.raws) - len(self.decided)))
        if self.decided[number] == _UNKNOWN:
            self.decided[number] = _YES if self.test(decode(store.raws[number])) else _NO
        return self.decided[number] == _YES


class Filters:
    """Compiles each filter once."""

    def __init__(self) -> None:
        self._known: dict[str, Compiled] = {}

    def compiled(self, text: str) -> Compiled:
        """The filter of a text.

        Raises:
            RefusedError: It is too long, or wrong, and where.
        """
        if text not in self._known:
            found = _compile(text)
            if len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[text] = found
        return self._known[text]


@dataclass(frozen=True, slots=True)
class Search:
    """What a call asks for, apart from where to begin."""

    resources: tuple[Resource, ...]
    filter: Compiled
    newest_first: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Numbers of entries in order, the key to go on after, and whether nothing is left to look at."""

    numbers: list[int]
    after: Key | None
    is_all: bool


def search(store: Store, wanted: Search, after: Key | None, most: int, look_at: int) -> Found:
    """The next entries that are selected.

    Args:
        store: Where to look.
        wanted: What to look for.
        after: Begin behind this key; null begins at the start.
        most: How many to return at most.
        look_at: How many to look at, at most.
    """
    order, at, end = _range(store, wanted, after)
    admitted: dict[str, bool] = {}
    numbers: list[int] = []
    while at < end and len(numbers) < most and look_at > 0:
        keys = order[at : at + min(end - at, most - len(numbers), look_at)]
        for _, _, number in keys:
            name = store.log_names[number]
            held = admitted.get(name)
            if held is None:
                held = admitted[name] = admits(wanted.resources, name)
            if held and wanted.filter.selects(store, number):
                numbers.append(number)
        at += len(keys)
        look_at -= len(keys)
        after = keys[-1]
    return Found(numbers, after, at >= end)


def _range(store: Store, wanted: Search, after: Key | None) -> tuple[list[Key], int, int]:
    since_ns, until_ns = wanted.filter.since_ns, wanted.filter.until_ns
    # A tuple of one sorts before every key that begins with the same number.
    if wanted.newest_first:
        order, bounds = store.newest_first, ((-until_ns + 1,), (-since_ns + 1,))
    else:
        order, bounds = store.oldest_first, ((since_ns,), (until_ns,))
    start, end = (bisect.bisect_left(order, bound) for bound in bounds)
    if after is not None:
        start = max(start, bisect.bisect_right(order, after))
    return order, start, end


def _compile(text: str) -> Compiled:
    if len(text) > MOST_CHARACTERS:
        raise invalid(f"Filter is too long: the maximum length is {MOST_CHARACTERS} characters.", "filter")
    if not text.strip():
        return Compiled()
    try:
        parsed = filters.parse(text)
        tree = parsed.tree
        parts = list(tree.parts) if isinstance(tree, And) else [] if tree is None else [tree]
        found = Compiled()
        rest = [part for part in parts if not _narrow(found, part)]
        if rest:
            found.test = filters.predicate(Filter(text, And(tuple(rest)) if len(rest) > 1 else rest[0]))
    except filters.FilterError as error:
        raise _unparseable(error) from None
    return found


def _unparseable(error: filters.FilterError) -> RefusedError:
    """The refusal of a wrong filter. It begins as the service's own does; what follows is gpkit's account."""
    problem = error.what.partition(": ")[2]
    expected = f" Expected {', '.join(error.expected)}." if error.expected else ""
    place = f"line {error.line}, column {error.column}"
    return invalid(f"Unparseable filter: {error.kind} error at {place}: {problem}{expected}", "filter")


def _narrow(found: Compiled, part: Node) -> bool:
    """Take a bound on the timestamp into the range; false for anything else."""
    match part:
        case Comparison(Path(("timestamp",)), operator, Text(value)) if operator in ("=", "<", "<=", ">", ">="):
            at_ns = instant_ns(value)
        case _:
            return False
    if at_ns is None:
        return False
    if operator in ("=", ">", ">="):
        found.since_ns = max(found.since_ns, at_ns + (operator == ">"))
    if operator in ("=", "<", "<="):
        found.until_ns = min(found.until_ns, at_ns + (operator != "<"))
    return True
