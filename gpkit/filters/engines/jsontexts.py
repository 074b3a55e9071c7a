r"""What the text of a JSON object says on every engine, without reading it as JSON.

DuckDB, BigQuery and Spark read JSON in ways that Ibis does not write alike, so members are found by their text.
That is exact on *plain* texts: ASCII, no backslash, no array, one object without objects inside. There a quotation
mark is always the begin or the end of a text, and ``"key":`` is always a member's name. On other texts only what is
certain is said: a key or a word of ASCII that does not stand in the text, nor could stand there as ``\u0041``,
is not in the object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gpkit.filters.engines.patterns import caseless, portable
from gpkit.filters.engines.verdicts import Verdict, settled, undecided
from gpkit.filters.language.syntax import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Keys that stand in JSON only as they are (a slash may also be \/, which no plain text has), and whose first and last
# characters cannot stand beside a text's closing mark.
_KEY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.:/@ -]*[A-Za-z0-9])?")
_NOT_PLAIN = r"[^\x00-\x7F]|[\\\[]|[\x00-\x7F]\{"
_UNSURE = r"[^\x00-\x7F]|\\u"  # texts that may hold ASCII words without showing them
_BLANK = r"[ \t\n\r]*"
_AS_WRITTEN = re.compile(r"[ !#-.0-\[\]-~]+")  # printable ASCII without the quotation mark, slash and backslash
_ESCAPED = re.compile(r'["\\\x00-\x1f]')  # what JSON never holds as it is
_NUMBERLIKE = re.compile(r"[0-9.e+-]+|i?n?f?i?n?i?t?y?|n?a?n?")
# A number that readers may write otherwise than it stands: a fraction, an exponent, more digits than a double holds,
# and ``Infinity``, which is not JSON but is written by some.
_REWRITTEN = rf"[:\[,]{_BLANK}-?(?:[0-9]+[.eE]|[0-9]{{16}}|I)"


def compare_member(text: ir.StringValue, key: str, sign: str, right: Text, folded: str) -> Verdict:
    """A member that is a text, compared as texts are; undecided where it is no text, or the object is not plain.

    Args:
        text: The object; null has no members.
        key: The member's name.
        sign: The operator.
        right: The value as written, a regular expression for ``=~`` and ``!~``.
        folded: The value normalised and case-folded.
    """
    value = _value_pattern(sign, right.value, folded)
    if value is None or not _KEY.fullmatch(key):
        return undecided()
    found = text.re_search(_opened(key) + value)
    return settled(~found if sign in ("!=", "!~") else found, where=_has_text(text, key))


def has_member(text: ir.StringValue, key: str) -> Verdict:
    """Whether the object has the member; undecided where it is no text, or the object is not plain."""
    if not _KEY.fullmatch(key):
        return undecided()
    return Verdict(_has_text(text, key).fill_null(False), lacks_key(text, key))


def _value_pattern(sign: str, written: str, folded: str) -> str | None:
    """What follows a text's opening mark where the comparison, or its opposite, holds."""
    if sign in ("=~", "!~"):
        return portable(written, quoted=True)
    if sign not in ("=", "!=", ":"):
        return None
    if not folded.isascii() or _ESCAPED.search(folded):  # no plain text holds it: the end can follow no end
        return r'[^"]*"[^\x00-\x7F]'
    return f'[^"]*{caseless(folded)}' if sign == ":" else f'{caseless(folded)}"'


def _has_text(text: ir.StringValue, key: str) -> ir.BooleanValue:
    """Whether the object is plain and has the key once, with a text."""
    twice = rf"{_name(key)}[\x00-\x7F]*{_name(key)}"
    return text.startswith("{") & text.re_search(_opened(key)) & ~text.re_search(f"{_NOT_PLAIN}|{twice}")


def lacks_key(text: ir.StringValue, key: str) -> ir.BooleanValue:
    """Whether no object in the text has the key, at any depth; a null text has none. Never null; false if unsure."""
    import ibis

    if not _KEY.fullmatch(key):
        return ibis.literal(False)
    escapes = r"\\[u/]" if "/" in key else r"\\u"
    return (~text.re_search(f"{_name(key)}|{escapes}")).fill_null(True)


def lacks(text: ir.StringValue, folded: str, *, number: bool) -> ir.BooleanValue:
    """Whether no text, name or number in the JSON holds the case-folded words; never null, false if unsure.

    ``number`` says that they are a number, which may stand in the JSON otherwise.
    """
    import ibis

    if not folded.isascii():
        return (~text.re_search(_UNSURE)).fill_null(False)
    as_written = max(_AS_WRITTEN.findall(folded), key=len, default="")
    if not as_written:
        return ibis.literal(False)
    unsure = f"{_UNSURE}|{_REWRITTEN}" if number or _NUMBERLIKE.fullmatch(folded) else _UNSURE
    return (~text.re_search(unsure) & ~text.lower().contains(as_written)).fill_null(False)


def _opened(key: str) -> str:
    return f'{_name(key)}{_BLANK}"'


def _name(key: str) -> str:
    escaped = re.sub(r"[.]", r"\\.", key)
    return f'"{escaped}"{_BLANK}:'
