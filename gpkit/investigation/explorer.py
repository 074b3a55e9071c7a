"""The address of a filter and a window in the Logs Explorer of Google Cloud's console. Pure.

The form is what the console itself writes when a query is shared: matrix parameters behind the path, each value
percent-encoded once, and the project as a query parameter. Google documents the page, not its address; whether the
console shows what was meant, only the console says.
"""

from __future__ import annotations

import urllib.parse

from gpkit.instants import Window, text

CONSOLE = "https://console.cloud.google.com/logs/query"
MAX_LINK_CHARS = 8000  # RFC 9110, section 4.1: what every server should take at least; longer ones may be refused


def link(project: str, window: Window, filter: str) -> str:
    """The address; a window without limits is left to the console.

    Args:
        project: Id of a project of Google Cloud.
        window: ``since`` ≤ t < ``until``.
        filter: Empty for all entries.
    """
    parts = [CONSOLE]
    if filter:
        parts.append(f"query={_encoded(filter)}")
    if window.since or window.until:
        ends = (window.since, window.until)
        parts.append(f"timeRange={_encoded('/'.join(text(end) if end else '' for end in ends))}")
    return f"{';'.join(parts)}?project={_encoded(project)}"


def link_or_note(project: str, window: Window, filter: str) -> tuple[str, str]:
    """The link, and what to know of it: one that would be too long opens the window, and the filter is to be pasted."""
    whole = link(project, window, filter)
    if len(whole) <= MAX_LINK_CHARS:
        return whole, ""
    return link(project, window, ""), (
        f"With the filter the address would have {len(whole):,} characters, more than every server takes "
        f"({MAX_LINK_CHARS:,}): the link opens the window alone, the filter is to be pasted there."
    )


def _encoded(value: str) -> str:
    return urllib.parse.quote(value, safe="")
