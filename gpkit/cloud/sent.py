"""The filter that is sent: the caller's, inside an explicit window.

Pure.
"""

from __future__ import annotations

from gpkit.cloud.stamps import text
from gpkit.errors import ParameterError

MAX_FILTER_CHARS = 20_000  # documented


def sent_filter(user: str, since_ns: int, until_ns: int) -> str:
    """The caller's filter and the window ``since_ns`` ≤ timestamp < ``until_ns``, whatever the filter says.

    It stands in parentheses that close on a line of their own: a comment at its end, an OR in it or a mention of
    timestamp changes nothing about the window.

    Raises:
        ParameterError: It is longer than the service takes.
    """
    window = f'timestamp>="{text(since_ns)}" AND timestamp<"{text(until_ns)}"'
    whole = f"({user}\n) AND {window}" if user.strip() else window
    if len(whole) > MAX_FILTER_CHARS:
        raise ParameterError(
            f"The filter has {len(user)} characters; with its window the service takes {MAX_FILTER_CHARS}.",
            next_step="Ask for less, or filter what was read: gpkit logs export.json --filter …",
        )
    return whole
