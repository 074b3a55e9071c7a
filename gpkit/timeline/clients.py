"""Who asked: the family of a user agent."""

from __future__ import annotations


def client_family(user_agent: str | None) -> str | None:
    """The family of a user agent: a browser's name, a library's, or its own first word."""
    if not user_agent:
        return None
    for token, family in (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Firefox/", "Firefox"),
        ("Safari/", "Safari"),
        ("websockets/", "Python websockets"),
        ("aiohttp/", "Python aiohttp"),
        ("httpx/", "Python httpx"),
    ):
        if token in user_agent:
            return family
    if "AppleWebKit/" in user_agent:
        return "Chrome"  # a user agent cut before the browser's own name; WebKit's frozen version is Chromium's
    return user_agent.split("/", 1)[0].split(" ", 1)[0]
