"""WebSocket close codes: their names, who is to blame, and when a close is a refusal.

Pure. 1005, 1006 and 1015 never stand on the wire: they say that no close frame, or none with a code, came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NORMAL, CLIENT, SERVER, INFRASTRUCTURE, UNKNOWN = "normal", "client", "server", "infrastructure", "unknown"

ABNORMAL = 1006


@dataclass(frozen=True)
class CloseCode:
    """One close code: its name, its category, and whether it can stand in a close frame."""

    code: int
    name: str
    category: str
    on_the_wire: bool = True


CLOSE_CODES: dict[int, CloseCode] = {
    row.code: row
    for row in (
        CloseCode(1000, "normal closure", NORMAL),
        CloseCode(1001, "going away", NORMAL),
        CloseCode(1002, "protocol error", CLIENT),
        CloseCode(1003, "unsupported data", CLIENT),
        CloseCode(1005, "no code in the close frame", UNKNOWN, on_the_wire=False),
        CloseCode(1006, "no close frame", INFRASTRUCTURE, on_the_wire=False),
        CloseCode(1007, "invalid data", CLIENT),
        CloseCode(1008, "policy violation", CLIENT),
        CloseCode(1009, "message too big", CLIENT),
        CloseCode(1010, "extension missing", CLIENT),
        CloseCode(1011, "internal error", SERVER),
        CloseCode(1012, "service restart", SERVER),
        CloseCode(1013, "try again later", SERVER),
        CloseCode(1014, "bad gateway", SERVER),
        CloseCode(1015, "TLS failure", INFRASTRUCTURE, on_the_wire=False),
    )
}
"""Every code with a meaning of its own; 3000–3999 belong to frameworks, 4000–4999 to applications."""

POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011

# Words of a refusal in a 1011's reason: the alternative close policy maps authentication errors to 1011.
_AUTH_REASON = re.compile(r"(?i)auth|\btoken|\bjwt|credential|signature|\bexpired|audience")
# "Service not ready: auth_validation" names a service that starts, not a credential.
_NOT_READY = re.compile(r"(?i)not ready")


def category(code: int | None) -> str:
    """Who a close code blames: normal, client, server, infrastructure or unknown."""
    if code is None:
        return INFRASTRUCTURE
    known = CLOSE_CODES.get(code)
    return known.category if known else UNKNOWN


def is_auth_refusal(code: int | None, reason: str | None, *, hinted: bool = False) -> bool:
    """Whether a close before the welcome refuses the credential.

    Args:
        code: As received; null when no close frame came.
        reason: As received.
        hinted: A frame before it said that authentication failed.

    1008 always does. 1011 does when its reason, or a frame before it, speaks of authentication: 1011 alone is a
    crash.
    """
    if code == POLICY_VIOLATION:
        return True
    said = reason or ""
    in_reason = bool(_AUTH_REASON.search(said)) and not _NOT_READY.search(said)
    return code == INTERNAL_ERROR and (hinted or in_reason)
