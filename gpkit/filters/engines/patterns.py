r"""Regular expressions that mean the same to RE2 and to Java, on ASCII text.

The language's expressions are RE2's; DuckDB and BigQuery run RE2, Spark runs Java's. What differs is written out:
``.`` (Java stops at ``\r`` too), ``$`` (Java's also stands before a last line end), ``\d \w \s`` (their classes).
What cannot be written so that both agree, or would make Java's backtracking slow or deep, has no portable form:
POSIX and Unicode classes, nested classes, named groups, flags but a leading ``(?i)``, text beyond ASCII,
and repeated groups.
"""

from __future__ import annotations

import re
import string

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_CONTROLS = {"t", "n", "r", "f"}
_META = set("\\.+*?()|[]{}^$")
_PUNCTUATION = set(string.punctuation)
_UNBOUNDED = 4  # chosen, not measured: Java's work grows with the text's length to this power
_LENGTH = 1000  # chosen, not measured
_REPEAT = re.compile(r"(?:[*+?]|\{(\d{1,3})(?:(,)(\d{1,3})?)?\})\??(?![*+?{])")


def portable(pattern: str, *, quoted: bool = False) -> str | None:
    """The pattern in the words that both kinds of engine read alike; null when there is none.

    Args:
        pattern: An expression of the language, which is searched in a text.
        quoted: Write it as the rest of an expression that stands behind a text's opening quotation mark, where the
            text holds neither quotation marks nor line ends: it then matches inside that text.
    """
    if not pattern or len(pattern) > _LENGTH or not pattern.isascii() or "\x00" in pattern:
        return None
    if quoted and '"' in pattern:
        return None
    try:
        return _Reader(pattern, quoted).whole()
    except _NotPortableError:
        return None


def caseless(text: str) -> str:
    """A pattern of exactly this ASCII text, its letters in any case."""
    return "".join(f"[{one.lower()}{one.upper()}]" if one.isalpha() else _plain(one) for one in text)


class _NotPortableError(Exception):
    """The pattern leaves the common ground."""


class _Reader:
    """One pass over a pattern, from left to right."""

    def __init__(self, pattern: str, quoted: bool) -> None:
        self.caseless = pattern.startswith("(?i)")
        self.quoted = quoted
        self.depth = 0
        self.pattern = pattern
        self.at = 4 if self.caseless else 0
        self.unbounded = 0

    def whole(self) -> str:
        written = self.alternatives()
        if self.at != len(self.pattern):
            raise _NotPortableError
        if self.quoted:
            return f"(?{'i' if self.caseless else ''}:{written})"
        return ("(?i)" if self.caseless else "") + written

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        taken = self.peek()
        if not taken:
            raise _NotPortableError
        self.at += 1
        return taken

    def alternatives(self) -> str:
        written = [self.sequence()]
        while self.peek() == "|":
            self.take()
            written.append(self.sequence())
        return "|".join(written)

    def sequence(self) -> str:
        """What stands between two bars. Inside a quoted text it begins anywhere, unless it says where."""
        begin = ""
        if self.quoted and self.depth == 0:
            if self.peek() == "^":
                self.take()
            else:
                begin = '[^"]*'
        written = []
        while (here := self.peek()) and here not in "|)":
            written.append(self.repeated())
        return begin + "".join(written)

    def repeated(self) -> str:
        """One atom with what repeats it. A group may be optional, no more; a position is not repeated."""
        first, start = self.peek(), self.at
        atom = self.atom()
        found = _REPEAT.match(self.pattern, self.at)
        if not found:
            return atom
        position = first in "^$" or self.pattern.startswith("\\b", start)
        if position or (first == "(" and found[0][0] != "?"):
            raise _NotPortableError
        if found[3] and int(found[1]) > int(found[3]):
            raise _NotPortableError
        if found[0][0] in "*+" or (found[2] and not found[3]):
            self.unbounded += 1
            if self.unbounded > _UNBOUNDED:
                raise _NotPortableError
        self.at = found.end()
        return atom + found[0]

    def atom(self) -> str:
        here = self.take()
        if here == "(":
            return self.group()
        if here == "[":
            return self.character_class()
        if here == "\\":
            return self.escape()
        if here in "*+?{})]|":
            raise _NotPortableError
        if here in "^$" and self.quoted:
            return self.quoted_end(here)
        return {".": f"[^\\n{self.mark()}]", "^": "^", "$": r"\z"}.get(here) or _plain(here)

    def mark(self) -> str:
        """What a negated class must not match either: in a quoted text, its end."""
        return '"' if self.quoted else ""

    def quoted_end(self, here: str) -> str:
        if here == "^" or self.depth or self.peek() not in ("", "|"):
            raise _NotPortableError
        return '"'

    def group(self) -> str:
        if self.peek() == "?":
            self.take()
            if self.take() != ":":
                raise _NotPortableError
        self.depth += 1
        inner = self.alternatives()
        self.depth -= 1
        if self.take() != ")":
            raise _NotPortableError
        return f"(?:{inner})"

    def escape(self) -> str:
        here = self.take()
        if here.lower() in _CLASSES:
            within = _CLASSES[here.lower()]
            return f"[^{within}{self.mark()}]" if here.isupper() else f"[{within}]"
        if here == "b" or here in _CONTROLS:
            return "\\" + here
        if here in _PUNCTUATION:
            return _plain(here)
        raise _NotPortableError

    def character_class(self) -> str:
        negated = self.peek() == "^"
        if negated:
            self.take()
            if self.caseless:  # what a class holds without regard to case, both agree on; what it then leaves, no
                raise _NotPortableError
        items: list[str] = []
        while (here := self.take()) != "]":
            items.append(self.class_item(here))
        if not items:
            raise _NotPortableError
        return f"[^{''.join(items)}{self.mark()}]" if negated else f"[{''.join(items)}]"

    def class_item(self, here: str) -> str:
        low = self.class_character(here)
        if len(low) > 2 or self.peek() != "-" or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            return low
        self.take()
        high = self.class_character(self.take())
        if not (len(low) == len(high) == 1 and low.isalnum() and high.isalnum() and low <= high):
            raise _NotPortableError
        return f"{low}-{high}"

    def class_character(self, here: str) -> str:
        if here == "[":
            raise _NotPortableError
        if here != "\\":
            return _in_class(here)
        escaped = self.take()
        if escaped in _CLASSES:
            return _CLASSES[escaped]
        if escaped in _CONTROLS:
            return "\\" + escaped
        if escaped in _PUNCTUATION:
            return _in_class(escaped)
        raise _NotPortableError


def _plain(character: str) -> str:
    if character in _META:
        return "\\" + character
    return character if character.isprintable() else f"\\x{ord(character):02x}"


def _in_class(character: str) -> str:
    if character.isalnum() or character in "_ ":
        return character
    return "\\" + character if character in _PUNCTUATION else f"\\x{ord(character):02x}"
