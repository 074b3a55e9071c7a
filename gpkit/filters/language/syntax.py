"""The syntax tree of a filter: what the language can say, after its shorthands are written out.

Juxtaposition is :class:`And`. A group on the right side (``f=("a" OR NOT "b")``) is distributed: the tree holds only
comparisons of one left side with one value. ``-x`` is :class:`Not`. Positions are offsets in the text, from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Path:
    """A field: its components with quotes and escapes resolved, and which of them were quoted."""

    components: tuple[str, ...]
    quoted: tuple[bool, ...]
    at: int = 0


@dataclass(frozen=True)
class Text:
    """A value, with quotes and escapes resolved. Numbers, instants and names of severities are texts too."""

    value: str
    quoted: bool
    at: int = 0


@dataclass(frozen=True)
class Present:
    """``*`` on the right side of ``:``."""

    at: int = 0


@dataclass(frozen=True)
class Call:
    """A function with its arguments; ``name`` as written, compared without case."""

    name: str
    arguments: tuple[Argument, ...]
    at: int = 0


@dataclass(frozen=True)
class Comparison:
    """``left operator right``; the operator is one of ``= != < <= > >= : =~ !~``."""

    left: Path | Call
    operator: str
    right: Text | Present
    at: int = 0


@dataclass(frozen=True)
class Anywhere:
    """A value alone: any field of the entry holds it."""

    text: Text
    at: int = 0


@dataclass(frozen=True)
class Not:
    """Negation."""

    part: Node


@dataclass(frozen=True)
class And:
    """Conjunction of at least two parts, in order."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """Disjunction of at least two parts, in order."""

    parts: tuple[Node, ...]


Argument: TypeAlias = Path | Text | Call
Leaf: TypeAlias = Comparison | Anywhere | Call
Node: TypeAlias = And | Or | Not | Leaf


@dataclass(frozen=True)
class Filter:
    """A parsed filter: its text, and its tree; null when it says nothing and selects every entry."""

    text: str
    tree: Node | None


def leaves(filter: Filter) -> Iterator[Leaf]:
    """What a filter says of entries, without how it is joined; from left to right."""
    waiting: list[Node] = [] if filter.tree is None else [filter.tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, And | Or):
            waiting.extend(reversed(node.parts))
        elif isinstance(node, Not):
            waiting.append(node.part)
        else:
            yield node
