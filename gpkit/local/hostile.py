"""Texts that an attacker would place where an analyst reads them. Pure; made at run time, so that none stands here.

The token among them has the shape of one and verifies nowhere.
"""

from __future__ import annotations

import base64
import json

LONG_BYTES = 100_000


def text(kind: str, trace: str) -> str:
    """One hostile text.

    Args:
        kind: ``script``, ``ansi``, ``nul``, ``bidi``, ``token`` or ``long``.
        trace: Makes the token differ between connections.
    """
    if kind == "script":
        return (
            '<script>window.gpkitPlanted=1</script><img src=x onerror="window.gpkitPlanted=1">[x](javascript:alert(1))'
        )
    if kind == "ansi":
        return "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J"
    if kind == "nul":
        return "before\x00after"
    if kind == "bidi":
        return "user\u202egnp.exe\u202c\u2066\u200b\u2069"
    if kind == "token":
        return f"Authorization: Bearer {fake_token(trace)}"
    return "A" * LONG_BYTES


def fake_token(trace: str) -> str:
    """A text with a token's three parts."""
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "planted", "jti": trace})
    )
    return f"{head}.{body}.{base64.urlsafe_b64encode(trace.encode()).decode().rstrip('=')}"


def short(kinds: list[str], trace: str) -> str:
    """The texts that fit into a message, joined."""
    return " ".join(text(kind, trace) for kind in kinds if kind != "long")
