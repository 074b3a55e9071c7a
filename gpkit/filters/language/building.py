"""From what the parser recognised to the tree. Pure; works bottom-up, so that depth costs no recursion.

Groups on the right side are written out here: ``f:("a" AND "b")`` becomes ``f:"a" AND f:"b"``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lark import Token, Transformer

from gpkit.filters.language.escapes import BadEscapeError, unescape, unescape_pattern
from gpkit.filters.language.signatures import Parameter, parameters
from gpkit.filters.language.syntax import And, Anywhere, Argument, Call, Comparison, Node, Not, Or, Path, Present, Text

_PARTS = re.compile(r'("(?:[^"\\]|\\.)*")|((?:[^."\\]|\\.)+)', re.DOTALL)
_NUMBER = re.compile(r"-?\d")


class SlipError(Exception):
    """Something that is wrong at a place; :func:`gpkit.filters.language.parsing.parse` turns it into a FilterError."""

    def __init__(self, at: int, problem: str, hint: str = "", expected: tuple[str, ...] = ()) -> None:
        super().__init__(problem)
        self.at = at
        self.problem = problem
        self.hint = hint
        self.expected = expected


class Builder(Transformer[Token, Any]):
    """What each rule of the grammar becomes. Called by the parser while it reads: methods bear the rules' names."""

    def start(self, parts: list[Node]) -> Node | None:  # noqa: D102
        return parts[0] if parts else None

    def expression(self, parts: list[Node]) -> Node:  # noqa: D102
        return both(parts)

    sequence = expression

    def factor(self, parts: list[Node]) -> Node:  # noqa: D102
        return either(parts)

    def negation(self, parts: list[Node]) -> Node:  # noqa: D102
        return Not(parts[0])

    def word(self, parts: list[Token]) -> Node:  # noqa: D102
        return Anywhere(_value(parts[0]), parts[0].start_pos or 0)

    def path(self, parts: list[Token]) -> Path:  # noqa: D102
        return _path(parts[0])

    def call(self, parts: list[Any]) -> Call:  # noqa: D102
        name: Token = parts[0]
        wanted = parameters(str(name), len(parts) - 1)
        given = [_argument(part, want) for part, want in zip(parts[1:], wanted, strict=True)]
        return Call(str(name), tuple(given), name.start_pos or 0)

    def comparison(self, parts: list[Any]) -> Node:  # noqa: D102
        left, operator, right = parts
        if not isinstance(right, tuple):
            right = ("value", right)
        return _distributed(left, operator, right)

    # A group on the right side is kept as ("and" | "or" | "not", parts…) until its comparison is known.
    def values(self, parts: list[Any]) -> Any:  # noqa: D102
        return parts[0] if len(parts) == 1 else ("and", *parts)

    value_sequence = values

    def value_factor(self, parts: list[Any]) -> Any:  # noqa: D102
        return parts[0] if len(parts) == 1 else ("or", *parts)

    def value_negation(self, parts: list[Any]) -> Any:  # noqa: D102
        return ("not", parts[0])


def both(parts: list[Node]) -> Node:
    """The conjunction of the parts; conjunctions among them are taken in."""
    flat = [part for each in parts for part in (each.parts if isinstance(each, And) else (each,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def either(parts: list[Node]) -> Node:
    """The disjunction of the parts; disjunctions among them are taken in."""
    flat = [part for each in parts for part in (each.parts if isinstance(each, Or) else (each,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def _distributed(left: Path | Call, operator: Token, right: Any) -> Node:
    """Each value of the group compared with the same left side. As deep as parentheses, which is bounded."""
    if isinstance(right, tuple) and right[0] != "value":
        parts = [_distributed(left, operator, part) for part in right[1:]]
        join: Callable[[list[Node]], Node] = {"and": both, "or": either, "not": lambda one: Not(one[0])}[right[0]]
        return join(parts)
    value = right[1] if isinstance(right, tuple) else right
    return Comparison(left, str(operator), _right(operator, value), left.at)


def _right(operator: Token, value: Any) -> Text | Present:
    if isinstance(value, Call):
        raise SlipError(
            value.at,
            f"{value.name}(…) stands on the right of '{operator}'.",
            "A function can stand alone or on the left; on the right stand values.",
        )
    token: Token = value
    at = token.start_pos or 0
    if token.type == "STAR":
        if operator != ":":
            raise SlipError(at, f"'*' after '{operator}'.", "Presence is written FIELD:* and nothing else takes '*'.")
        return Present(at)
    if operator in ("=~", "!~"):
        return _pattern(token)
    return _value(token)


def _pattern(token: Token) -> Text:
    at = token.start_pos or 0
    if not _is_one_string(token):
        raise SlipError(
            at, "a regular expression is not quoted.", f'Write it in double quotes: "{token}".', ("a quoted pattern",)
        )
    return Text(unescape_pattern(token[1:-1]), True, at)


def _value(token: Token) -> Text:
    at = token.start_pos or 0
    if _is_one_string(token):
        return Text(_unescaped(token[1:-1], at + 1), True, at)
    if quoted := next((part for part in _PARTS.finditer(token) if part[1]), None):
        raise SlipError(at + quoted.start(), "a value is partly quoted.", "Put the whole value in double quotes.")
    return Text(_unescaped(str(token), at), False, at)


def _path(token: Token) -> Path:
    at = token.start_pos or 0
    components: list[str] = []
    quoted: list[bool] = []
    for part in _PARTS.finditer(token):
        is_string = part[1] is not None
        if is_string:
            name = _unescaped(part[1][1:-1], at + part.start() + 1)
        else:
            # The name of a field of LogEntry is read as it stands: an escape in it names no field.
            name = _unescaped(part[2], at + part.start()) if components else part[2]
        components.append(name)
        quoted.append(is_string)
    return Path(tuple(components), tuple(quoted), at)


def _argument(part: Any, wanted: Parameter) -> Argument:
    if isinstance(part, Call):
        return part
    if wanted == "path":
        return _path(part)
    if wanted == "pattern":
        return _pattern(part) if _is_one_string(part) else _value(part)
    if wanted == "text" or _is_one_string(part) or _NUMBER.match(part):
        return _value(part)
    return _path(part)


def _is_one_string(token: Token) -> bool:
    match = _PARTS.match(token)
    return match is not None and match[1] is not None and match.end() == len(token)


def _unescaped(text: str, at: int) -> str:
    try:
        return unescape(text)
    except BadEscapeError as bad:
        raise SlipError(
            at + bad.at,
            f"'{bad.escape}' is no escape of the language.",
            "A backslash itself is written \\\\.",
        ) from None
