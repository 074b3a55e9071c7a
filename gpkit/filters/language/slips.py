"""Why a filter cannot be read, in people's words: the usual slips and how to write them right.

Pure: looks at the text around the place where reading stopped. The order of the table decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lark import Token

from gpkit.filters.language.building import SlipError

_TERM = ("a field", "a search term", "a function", "'('")
_VALUE = ("a value", "a value in double quotes", "a group of values in parentheses")
_OPERATORS = ("an operator (= != < <= > >= : =~ !~)",)
KEYWORDS = ("AND", "OR", "NOT")
_KEYWORDS = {"_AND": "AND", "_OR": "OR", "_NOT": "NOT", "_MINUS": "-"}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_RUN = re.compile(r"[^\s()\"]+")
_QUOTE_IT = "Write it in double quotes: {}."


@dataclass(frozen=True)
class Place:
    """Where reading stopped: the whole text, the offset, what was read before, and the parentheses still open."""

    text: str
    at: int
    tokens: tuple[Token, ...]
    open_at: tuple[int, ...]

    @property
    def rest(self) -> str:
        """The text from here on."""
        return self.text[self.at :]

    @property
    def before(self) -> str:
        """What kind of token was read last; empty at the beginning."""
        return self.tokens[-1].type if self.tokens else ""

    @property
    def wants_value(self) -> bool:
        """Whether an operator was read last, so that a value is due."""
        return self.before == "OPERATOR"


def explain(place: Place) -> SlipError:
    """What is wrong at this place."""
    for look in (_quotes, _operators, _at_the_end, _connectives, _values, _parentheses):
        if found := look(place):
            return found
    shown = _RUN.match(place.rest)
    expected = _VALUE if place.wants_value else _TERM if place.before in ("", *_KEYWORDS, "_OPEN") else ()
    return SlipError(place.at, f"{shown[0] if shown else place.rest[:1]!r} does not belong here.", "", expected)


def misplaced_keyword(keyword: Token, before: Sequence[Token], text: str) -> SlipError | None:
    """A keyword that was read as a word: right as a bare value with no term after it, wrong elsewhere.

    ``severity = NOT`` compares with the word; in ``severity>= AND …`` the value was forgotten.
    """
    if not before or before[-1].type != "OPERATOR":
        return explain(Place(text, keyword.start_pos or 0, tuple(before), ()))
    operator = before[-1]
    following = re.compile(r"(?:[ \t\r\n\f\xa0]|--[^\n]*)*").match(text, keyword.end_pos or 0)
    assert following is not None  # the pattern matches the empty text
    rest = text[following.end() :]
    if not rest or rest[0] == ")" or re.match(r"(?:AND|OR)\b", rest):
        return None
    return SlipError(
        operator.end_pos or 0,
        f"a value is missing between '{operator}' and {keyword}.",
        f'To compare with the word, quote it: "{keyword}". To negate, write NOT before the field.',
        _VALUE,
    )


def _quotes(place: Place) -> SlipError | None:
    at, rest = place.at, place.rest
    opened = at + 1 if rest[:2] == '."' else at
    if place.text[opened : opened + 1] == '"' and not _STRING.match(place.text, opened):
        return SlipError(opened, "the quote that opens here is not closed.", 'A quote inside a value is written \\".')
    if rest[:1] == "'":
        return SlipError(at, "a single quote begins nothing.", 'Texts are quoted with double quotes: "…".')
    if rest[:1] in tuple("“”„‘’"):
        return SlipError(at, f"{rest[0]} is a typographic quote.", 'Texts are quoted with plain double quotes: "…".')
    string = _STRING.match(rest)
    if string and rest[string.end() : string.end() + 1] == '"':
        return SlipError(at + string.end(), "two quoted texts touch.", 'A quote inside a text is written \\".')
    return None


def _operators(place: Place) -> SlipError | None:
    at, rest = place.at, place.rest
    written = (str(place.tokens[-1]) if place.wants_value else "") + (re.match(r"[=~!<>&|]*", rest) or [""])[0]
    right = {
        "==": "Equality is one '='.",
        ":~": "A regular expression match is written =~.",
        "~=": "A regular expression match is written =~.",
        "~": "A regular expression match is written =~.",
        "=>": "At least is written >=.",
        "=<": "At most is written <=.",
        "<>": "Not equal is written !=.",
        "=!": "Not equal is written !=.",
        "!": "Negation is written NOT or -, directly before what it negates.",
        ":=": "Equality is '=', part of a text is ':'.",
        "&&": "Write AND.",
        "||": "Write OR.",
    }.get(written)
    start = (place.tokens[-1].start_pos or 0) if place.wants_value else at
    return SlipError(start, f"'{written}' is no operator.", right) if right else None


def _at_the_end(place: Place) -> SlipError | None:
    if place.rest[:1] not in ("", ")") and not re.match(r"(AND|OR|NOT)\b", place.rest):
        return None
    if place.wants_value:
        return SlipError(place.at, f"a value is missing after '{place.tokens[-1]}'.", "", _VALUE)
    if place.rest[:1] != "" or not place.before:
        return None
    if word := _KEYWORDS.get(place.before):
        return SlipError(place.at, f"{word} has nothing after it.", "", _TERM)
    return None


def _connectives(place: Place) -> SlipError | None:
    at, rest = place.at, place.rest
    if keyword := re.match(r"AND\b|OR\b|NOT\b", rest):
        if place.before in ("", "_OPEN"):
            return SlipError(at, f"{keyword[0]} has nothing before it.", f'To find the word, quote it: "{keyword[0]}".')
        if word := _KEYWORDS.get(place.before):
            return SlipError(at, f"{keyword[0]} directly after {word}.", "", _TERM)
    if rest[:1] == ")" and (word := _KEYWORDS.get(place.before)):
        return SlipError(at, f"{word} has nothing after it.", "", _TERM)
    if rest[:1] == "-" and not place.wants_value:
        if place.before in ("_NOT", "_MINUS"):
            return SlipError(at, "two negations in a row.", "Use one, or parentheses: NOT (NOT …).")
        return SlipError(at, "a minus with nothing directly after it.", "-TERM is NOT TERM; a text is quoted.")
    return None


def _values(place: Place) -> SlipError | None:
    at, rest = place.at, place.rest
    run = _RUN.match(rest)
    if place.wants_value and rest[:1] in tuple("+-.,*~:<>=") and run:
        return SlipError(at, f"a bare value cannot begin with '{rest[0]}'.", _QUOTE_IT.format(f'"{run[0]}"'))
    after_value = len(place.tokens) > 1 and place.before == "MEMBER" and place.tokens[-2].type == "OPERATOR"
    if rest[:1] in tuple(":=<>~!") and after_value and run:
        start = place.tokens[-1].start_pos or 0
        whole = _RUN.match(place.text, start)
        text = whole[0] if whole and place.text[start] != '"' else ""
        hint = _QUOTE_IT.format(f'"{text}"') if text else "Between two comparisons stands a blank, AND or OR."
        return SlipError(at, f"'{rest[0]}' inside a bare value.", hint)
    if rest[:1] == "*":
        return SlipError(
            at, "'*' is no wildcard.", 'Part of a text: FIELD:"part". A pattern: FIELD=~"pattern". Presence: FIELD:*'
        )
    if rest[:1] == ".":
        return SlipError(at, "a dot with no name after it or before it.", "Quote a name or value that holds a dot.")
    if rest[:1] == "\\":
        return SlipError(at, "this backslash escapes nothing.", 'Quote the text, and write a backslash as \\\\: "…".')
    if rest[:1].isspace() or not rest[:1].isprintable():
        return SlipError(at, f"U+{ord(rest[0]):04X} is no plain blank.", "Replace it by a blank, or quote the text.")
    return None


def _parentheses(place: Place) -> SlipError | None:
    at, rest = place.at, place.rest
    if not rest and place.open_at:
        return SlipError(place.open_at[-1], "the parenthesis that opens here is not closed.", "", ("')'",))
    if rest[:1] == ")":
        if not place.open_at:
            return SlipError(at, "this parenthesis closes nothing.")
        return SlipError(at, "nothing stands between the parentheses.", "", _TERM)
    if rest[:1] == ",":
        return SlipError(at, "a comma outside a function.", 'Alternatives are written ("a" OR "b").')
    touching = re.match(r"[^\s()\"]+(?=[(\"])", rest)
    if touching:
        return SlipError(
            at + touching.end(), f"'{rest[touching.end()]}' touches the text before it.", "Put a blank between."
        )
    if rest[:1] == "(":
        return SlipError(at, "a group cannot stand here.", "")
    if rest[:1] in tuple(":=<>!") and not place.tokens:
        return SlipError(at, f"nothing stands before '{rest[0]}'.", "", ("a field",))
    return None
