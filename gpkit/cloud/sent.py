"""The filter that is sent: the caller's, inside an explicit window.

Pure.
"""

from __future__ import annotations

import functools


@functools.lru_cache(maxsize=16)  # every page of a query sends the same
def sent_filter(user: str, since_ns: int, until_ns: int) -> str:
    """The caller's filter and the window ``since_ns`` ≤ timestamp < ``until_ns``, whatever the filter says.

    It is read as a whole first, and written anew: a comment at its end, an OR in it, a parenthesis too many or a
    mention of timestamp changes nothing about the window.

    Raises:
        FilterError: The caller's filter is none, or is longer with its window than the service takes.
    """
    from gpkit.filters import all_of, at_or_after, before

    return all_of(user, at_or_after(since_ns), before(until_ns)).text
