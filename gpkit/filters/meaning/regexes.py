"""Regular expressions with the meaning that they have in Cloud Logging: RE2's, by RE2 itself.

Documented: RE2 syntax, case-sensitive, not anchored, texts not normalised. Google's own binding is used because
Python's ``re`` has another syntax and backtracks: a hostile pattern would hold it for years, RE2 takes linear time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class BadPatternError(ValueError):
    """A text that is no regular expression of RE2; the message says why."""


@functools.lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """The pattern as RE2 compiles it.

    Raises:
        BadPatternError: RE2 refuses it.
    """
    import re2  # type: ignore[import-untyped]  # it ships no types

    options = re2.Options()
    options.log_errors = False  # it would write to standard error
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        raise BadPatternError(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from None


def searcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text holds a match of the pattern, anywhere."""
    search = compiled(pattern).search

    def found(text: str) -> bool:
        try:
            return search(text) is not None
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
            return search(text.encode("utf-8", "replace").decode("utf-8")) is not None

    return found


def extractor(pattern: str) -> Callable[[str], str | None]:
    """The first match's group in a text; null where there is none."""
    search = compiled(pattern).search

    def extracted(text: str) -> str | None:
        match = search(text.encode("utf-8", "replace").decode("utf-8"))
        return None if match is None else match[1]

    return extracted
