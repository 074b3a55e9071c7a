"""Text to tree: :func:`parse` reads a filter, or says where it goes wrong.

The grammar is ``grammar.lark``, read by lark's LALR parser with its contextual lexer: after an operator, words mean
something else than before one. Pure: reads no file but the grammar, once.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

from gpkit.filters.language.errors import filter_error
from gpkit.filters.language.syntax import Filter, Node

if TYPE_CHECKING:
    from lark import Lark

MAX_CHARS = 20_000  # documented: a query cannot be longer, comments included
MAX_DEPTH = 50  # chosen, not measured: parentheses inside one another; far beyond what people write


def parse(text: str) -> Filter:
    """The filter that a text says; one of blanks and comments only selects everything.

    Raises:
        FilterError: The text is no filter; ``position``, ``line``, ``column`` and ``expected`` say where and why.
    """
    from gpkit.filters.language.building import SlipError

    if len(text) > MAX_CHARS:
        problem = f"it has {len(text)} characters; Cloud Logging takes at most {MAX_CHARS}, comments included."
        raise filter_error(text, MAX_CHARS, problem)
    for at, char in enumerate(text):
        if "\ud800" <= char <= "\udfff":
            raise filter_error(text, at, "half of a surrogate pair is no character.")
    try:
        return Filter(text, _tree(text))
    except SlipError as slip:
        raise filter_error(text, slip.at, slip.problem, hint=slip.hint, expected=slip.expected) from None


def _tree(text: str) -> Node | None:
    """The tree, token by token: what was read so far explains what goes wrong."""
    from lark import Token, UnexpectedInput

    from gpkit.filters.language.building import SlipError
    from gpkit.filters.language.slips import KEYWORDS, Place, explain, misplaced_keyword

    reading = _grammar().parse_interactive(text)
    tokens: list[Token] = []
    open_at: list[int] = []
    try:
        for token in reading.iter_parse():
            at = token.start_pos or 0
            if token.type == "_OPEN":
                open_at.append(at)
                if len(open_at) > MAX_DEPTH:
                    raise SlipError(at, f"parentheses are nested deeper than {MAX_DEPTH}.")
            elif token.type == "_CLOSE" and open_at:
                open_at.pop()
            elif token.type == "MEMBER" and token in KEYWORDS and (slip := misplaced_keyword(token, tokens, text)):
                raise slip
            tokens.append(token)
        tree: Node | None = reading.feed_eof()  # type: ignore[no-untyped-call]  # lark does not type it
    except UnexpectedInput as error:
        at = len(text) if getattr(error, "token", None) == "" else error.pos_in_stream or 0
        read = [token for token in tokens if (token.end_pos or 0) <= at]
        raise explain(Place(text, at, tuple(read), tuple(open_at))) from None
    return tree


@functools.cache
def _grammar() -> Lark:
    from lark import Lark

    from gpkit.filters.language.building import Builder

    source = resources.files("gpkit.filters.language").joinpath("grammar.lark").read_text("utf-8")
    return Lark(source, parser="lalr", lexer="contextual", transformer=Builder(), maybe_placeholders=False)
