"""Quotes and escapes of the filter language, both ways.

Documented: a quotation mark inside a value is escaped with a backslash, and so is whatever must not be special. The
list of escapes is that of the grammar that Google's ops agent publishes for the same language; any other is refused.

A regular expression is read so that both ways of writing it that are in use work: ``\\\\d`` (as in Google's pages) and
``\\d`` are the same pattern; only ``\\\\``, ``\\"`` and ``\\uXXXX`` are resolved, and RE2 reads the rest. Inferred.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-3][0-7]{2}|[0-7]{1,2})|(.))", re.DOTALL)
_IN_PATTERN = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\])|.)', re.DOTALL)
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")
_NAMED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NAMED |= {char: char for char in ',:=<>+~"\\.*'}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class BadEscapeError(ValueError):
    """An escape that the language does not have; ``at`` is its offset in the text given."""

    def __init__(self, escape: str, at: int) -> None:
        super().__init__(escape)
        self.escape = escape
        self.at = at


def unescape(text: str) -> str:
    """A text with its escapes resolved.

    Raises:
        BadEscapeError: The language has no such escape.
    """
    if "\\" not in text:
        return text

    def resolved(match: re.Match[str]) -> str:
        point, byte, octal, char = match.groups()
        if char is not None:
            if char not in _NAMED:
                raise BadEscapeError(match[0], match.start())
            return _NAMED[char]
        return chr(int(octal, 8) if octal else int(point or byte, 16))

    return _joined(_ESCAPE.sub(resolved, text))


def unescape_pattern(text: str) -> str:
    """A regular expression with ``\\\\``, ``\\"`` and ``\\uXXXX`` resolved, and every other escape left to RE2."""

    def resolved(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else match[2] or match[0]

    return _joined(_IN_PATTERN.sub(resolved, text)) if "\\" in text else text


def quote(value: str) -> str:
    """A value as a quoted text that reads back as exactly that value."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_CONTROL.sub(_control, escaped)}"'


def quote_pattern(pattern: str) -> str:
    """A regular expression as a quoted text that reads back as exactly that pattern."""
    return '"' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"'


def legible(filter: str) -> str:
    """A filter in normal form with every character that cannot be seen as an escape, so that it can be copied.

    In normal form such characters stand inside quotes only, where ``\\uXXXX`` means the same.
    """
    return filter if filter.isprintable() else "".join(map(_seen, filter))


def _seen(char: str) -> str:
    if char.isprintable():
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def _control(match: re.Match[str]) -> str:
    return _SHORT.get(match[0], f"\\x{ord(match[0]):02x}")


def _joined(text: str) -> str:
    """Two escapes that are one character in UTF-16 become that character; half of one becomes U+FFFD."""
    return _SURROGATES.sub(
        lambda match: match[0].encode("utf-16", "surrogatepass").decode("utf-16") if len(match[0]) == 2 else "�", text
    )
