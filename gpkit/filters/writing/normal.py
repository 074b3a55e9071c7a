"""The one way of writing a filter: equal for filters that differ in form only.

Blanks, comments, needless quotes and parentheses, the letter case of severities, functions and types, and the spelling
of fields of LogEntry make no difference. The text reads back as the same tree, so caches and the API are given it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from gpkit.filters.language.escapes import quote, quote_pattern
from gpkit.filters.language.signatures import SIGNATURES
from gpkit.filters.language.syntax import (
    And,
    Anywhere,
    Argument,
    Call,
    Comparison,
    Filter,
    Node,
    Not,
    Or,
    Path,
    Present,
    Text,
)
from gpkit.filters.meaning.comparing import NULL
from gpkit.filters.meaning.fields import Field, UndefinedFieldError, resolve
from gpkit.filters.meaning.operands import TYPES
from gpkit.filters.meaning.values import SEVERITIES

_BARE = re.compile(r"@?[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# What the documentation writes without quotes, and does not say may have them.
_DOCUMENTED_BARE = {"sample": re.compile(r"[0-9]+(?:\.[0-9]+)?"), "source": re.compile(r"[A-Za-z]+/[A-Za-z0-9_\-]+")}
_KEYWORDS = ("AND", "OR", "NOT")


def normal(filter: Filter) -> str:
    """The filter in its one way of writing; empty for one that selects everything."""
    return "" if filter.tree is None else _written(canonical(filter.tree))


def canonical(node: Node) -> Node:
    """The tree that all filters of the same form share: no positions, values quoted, names as documented."""
    if isinstance(node, And | Or):
        # As the parser does it: a conjunction inside a conjunction is one.
        nested = ((part.parts if type(part) is type(node) else (part,)) for part in map(canonical, node.parts))
        return type(node)(tuple(part for parts in nested for part in parts))
    if isinstance(node, Not):
        return Not(canonical(node.part))
    if isinstance(node, Anywhere):
        return Anywhere(_plain(node.text))
    if isinstance(node, Call):
        return _call(node)
    return _comparison(node)


def _comparison(node: Comparison) -> Comparison:
    left = _path(node.left) if isinstance(node.left, Path) else _call(node.left)
    if isinstance(node.right, Present):
        return Comparison(left, node.operator, Present())
    right = node.right
    if right.value == NULL and not right.quoted:
        return Comparison(left, node.operator, Text(NULL, False))
    field = _field(node.left) if isinstance(node.left, Path) else None
    if field is not None and field.kind == "enum" and right.value.upper() in SEVERITIES:
        right = replace(right, value=right.value.upper())
    return Comparison(left, node.operator, _plain(right))


def _call(call: Call) -> Call:
    signature = SIGNATURES.get(call.name.lower())
    name = signature.name if signature else call.name
    return Call(name, tuple(_argument(name, argument) for argument in call.arguments))


def _argument(function: str, argument: Argument) -> Argument:
    if isinstance(argument, Path):
        return _path(argument)
    if isinstance(argument, Call):
        return _call(argument)
    if function == "cast" and argument.value.upper() in TYPES:
        return Text(argument.value.upper(), False)
    bare = _DOCUMENTED_BARE.get(function)
    return Text(argument.value, bare is None or not bare.fullmatch(argument.value))


def _plain(text: Text) -> Text:
    return Text(text.value, True)


def _field(path: Path) -> Field | None:
    try:
        return resolve(path)
    except UndefinedFieldError:
        return None


def _path(path: Path) -> Path:
    field = _field(path)
    names = path.components if field is None else (*field.steps, *field.keys)
    quoted = tuple(name in _KEYWORDS or not _BARE.fullmatch(name) for name in names)
    return Path(names, quoted)


def _written(node: Node) -> str:
    if isinstance(node, And):
        return " AND ".join(_within(part, And) for part in node.parts)
    if isinstance(node, Or):
        return " OR ".join(_within(part, Or) for part in node.parts)
    if isinstance(node, Not):
        return f"NOT {_within(node.part, Not)}"
    if isinstance(node, Anywhere):
        return quote(node.text.value)
    if isinstance(node, Call):
        return _written_call(node)
    left = _written_path(node.left) if isinstance(node.left, Path) else _written_call(node.left)
    return f"{left}{node.operator}{_written_right(node)}"


def _within(part: Node, outer: type) -> str:
    """The part inside a NOT, an OR or an AND: in parentheses where it binds less closely, or would be misread."""
    text = _written(part)
    return f"({text})" if isinstance(part, And | Or) or (outer is Not and isinstance(part, Not)) else text


def _written_right(node: Comparison) -> str:
    if isinstance(node.right, Present):
        return "*"
    if not node.right.quoted:
        return node.right.value
    return quote_pattern(node.right.value) if node.operator in ("=~", "!~") else quote(node.right.value)


def _written_path(path: Path) -> str:
    return ".".join(
        quote(name) if is_quoted else name for name, is_quoted in zip(path.components, path.quoted, strict=True)
    )


def _written_call(call: Call) -> str:
    arguments = []
    for index, argument in enumerate(call.arguments):
        if isinstance(argument, Path):
            arguments.append(_written_path(argument))
        elif isinstance(argument, Call):
            arguments.append(_written_call(argument))
        elif not argument.quoted:
            arguments.append(argument.value)
        else:
            is_pattern = call.name.lower() == "regexp_extract" and index == 1
            arguments.append(quote_pattern(argument.value) if is_pattern else quote(argument.value))
    return f"{call.name}({', '.join(arguments)})"
