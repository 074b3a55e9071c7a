"""Words in any field of an entry: search terms, and the tokens of ``SEARCH``.

Documented: a search term alone is compared by ``:`` with every field. ``SEARCH`` splits its query, and each text, as
BigQuery's LOG_ANALYZER does; it finds whole tokens in any case and order, without a field even in several fields; text
in backticks stands in one field as it is, in any case. It looks at texts only.
Inferred: only values are searched, no names; only fields that stand in the entry, so that no default is found; fields
that LogEntry does not define are searched by their JSON type; text in backticks must begin and end at a delimiter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from gpkit.filters.language.syntax import Text
from gpkit.filters.meaning.comparing import Test, test
from gpkit.filters.meaning.fields import MESSAGES, snake
from gpkit.filters.meaning.reaching import Entry
from gpkit.filters.meaning.values import leaves

_SPELLED = {
    message: {spelling: kind for name, kind in fields.items() for spelling in (name, snake(name))}
    for message, fields in MESSAGES.items()
}
_SCALARS = ("string", "enum", "bool", "int32", "int64", "timestamp", "duration", "label", "struct")
# The delimiters of LOG_ANALYZER: https://cloud.google.com/bigquery/docs/reference/standard-sql/text-analysis
_ENCODED = "%(?:2526|2520|21|26|3[Bb]|7[Cc]|20|2[Bb]|3[Dd]|5[Dd]|5[Bb]|3[Aa]|0[Aa]|2[Cc]|28|29)"
_DELIMITER = re.compile(rf"(?:{_ENCODED}|[\[\]<>(){{}}|!;,'\"*&?+/:=@.\-$%\\_\s])+", re.ASCII)
_PHRASE = re.compile(r"`([^`]*)`")
# Documented for the analyzer: only letters of ASCII lose their case.
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def anywhere(right: Text) -> Callable[[Entry], bool]:
    """Whether any field of an entry holds the text."""
    tests = {kind: test(kind, ":", Text(right.value, True)) for kind in _SCALARS}

    def found(entry: Entry) -> bool:
        return any(tests[kind](value) for kind, value in scalars(dict(entry), "LogEntry"))

    return found


def beneath(kind: str, right: Text) -> Test:
    """Whether any field inside a value of this type, a message or map, holds the text."""
    tests = {each: test(each, ":", Text(right.value, True)) for each in _SCALARS}
    return lambda value: any(tests[each](held) for each, held in scalars(value, kind))


def scalars(value: Any, kind: str) -> Iterator[tuple[str, Any]]:
    """The scalars in a value of this type, each with its own type; members of payloads are ``struct``."""
    known = _SPELLED.get(kind)
    if known is not None and type(value) is dict:
        for name, held in value.items():
            if held is not None:
                yield from scalars(held, known.get(name, "struct"))
    elif known is not None and type(value) is list:
        for each in value:
            yield from scalars(each, kind)
    elif kind in ("map", "struct", "any") or known is not None:
        for leaf in leaves(value):
            yield "label" if kind == "map" else "struct", leaf
    else:
        yield kind, value


def tokens(text: str) -> set[str]:
    """The tokens of a text, in lower case."""
    return {token for token in _DELIMITER.split(text.translate(_LOWER)) if token}


def query(text: str) -> tuple[set[str], tuple[str, ...]]:
    """What a query of ``SEARCH`` looks for: tokens, and texts in backticks, all in lower case."""
    phrases = tuple(found.translate(_LOWER) for found in _PHRASE.findall(text) if found)
    return tokens(_PHRASE.sub(" ", text)), phrases


def search(wanted: str, texts: Callable[[Entry], Iterator[str]]) -> Callable[[Entry], bool]:
    """Whether the texts of an entry hold every token and phrase of the query."""
    words, phrases = query(wanted)

    def found(entry: Entry) -> bool:
        missing, absent = set(words), list(phrases)
        for text in texts(entry):
            missing -= tokens(text)
            absent = [phrase for phrase in absent if not _holds(text.translate(_LOWER), phrase)]
            if not missing and not absent:
                return True
        return False

    return found


def texts_of_entry(entry: Entry) -> Iterator[str]:
    """Every text of an entry that is a text by type; not severities, instants, durations or numbers."""
    for kind, value in scalars(dict(entry), "LogEntry"):
        if kind in ("string", "label", "struct") and isinstance(value, str):
            yield value


def _holds(text: str, phrase: str) -> bool:
    """The phrase stands in the text, with a delimiter or an end of the text on both sides."""
    at = text.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        if (at == 0 or _ends(text[:at])) and (end == len(text) or _DELIMITER.match(text, end)):
            return True
        at = text.find(phrase, at + 1)
    return False


def _ends(before: str) -> bool:
    """Whether a text ends with a delimiter; the longest is five characters."""
    tail = before[-5:]
    return any((match := _DELIMITER.match(tail, start)) and match.end() == len(tail) for start in range(len(tail)))
