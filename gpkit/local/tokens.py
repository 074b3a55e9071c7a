"""How the service finds a token in the upgrade request, and what it thinks of it.

Pure apart from the time that the verifier takes for "now". The order of carriers differs by generation: A reads the
Authorization header first, B and C the subprotocols. A ticket holds the token itself: there is no ticket store.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jwt

AUDIENCES = frozenset(("netra-platform", "netra-services", "netra-admin", "netra-backend", "netra-auth"))
PREFIXES = ("jwt.", "jwt-auth.", "bearer.", "staging-auth.")
QUERY_NAMES = ("token", "jwt", "auth_token", "access_token")
TICKET_NAMES = ("ticket", "auth_ticket", "ticket_id")


@dataclass(frozen=True, slots=True)
class Presented:
    """What the request carries: the token as the service reads it, and the carrier it came in."""

    token: str | None
    carrier: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the service thinks of a token.

    Attributes:
        user: Whom it names; null when refused.
        reason: Why it is refused, of the closed list; null when it is valid.
        message: The verifier's own words.
    """

    user: str | None
    reason: str | None = None
    message: str = ""


def find(
    headers: Mapping[str, str], offered: Sequence[str], query: str, generation: str, *, decode_base64url: bool = True
) -> Presented:
    """The token of a request.

    Args:
        headers: Names in lower case.
        offered: Offered subprotocols.
        query: Query string without the question mark.
        generation: ``A``, ``B`` or ``C``.
        decode_base64url: Whether ``jwt.<base64url>`` is decoded; without it the encoded text is taken for a token.
    """
    authorization = headers.get("authorization", "")
    by_header = Presented(authorization[7:].strip(), "header") if authorization.startswith("Bearer ") else None
    by_offer = _from_subprotocols(offered, decode_base64url)
    order = (by_header, by_offer) if generation == "A" else (by_offer, by_header)
    for presented in order:
        if presented is not None and presented.token:
            return presented
    values = urllib.parse.parse_qs(query, keep_blank_values=True)
    for carrier, names in (("query", QUERY_NAMES), ("ticket", TICKET_NAMES)):
        for name in names:
            if values.get(name, [""])[0]:
                return Presented(values[name][0], carrier)
    return Presented(None, "none")


def _from_subprotocols(offered: Sequence[str], decode_base64url: bool) -> Presented | None:
    for item in offered:
        rest = next((item[len(prefix) :] for prefix in PREFIXES if item.startswith(prefix)), "")
        if len(rest) < 10:
            continue
        if rest.count(".") == 2:
            return Presented(rest, "subprotocol-raw")
        decoded = _decoded(rest)
        if not decode_base64url or decoded is None:
            return Presented(rest, "subprotocol-b64")
        return Presented(decoded, "subprotocol-b64")
    return None


def _decoded(text: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def verify(token: str | None, secret: str, *, pass_audience: bool = True) -> Verdict:
    """The verdict on a token: signature first, then times, then audience.

    Args:
        token: Null when none was found.
        secret: HS256 secret.
        pass_audience: Without it the verifier refuses every token that has an audience.
    """
    if token is None:
        return Verdict(None, "no_token", "No JWT token provided")
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            options={"require": ["exp", "iat", "sub"], "verify_aud": not pass_audience},
        )
        audience = claims.get("aud")
        named = {audience} if isinstance(audience, str) else set(audience or ())
        if named and not named & AUDIENCES:
            raise jwt.InvalidAudienceError("Invalid audience")
    except jwt.ExpiredSignatureError:
        return Verdict(None, "expired", "JWT token has expired")
    except jwt.InvalidAudienceError:
        return Verdict(None, "audience", "Invalid JWT token: Invalid audience")
    except jwt.InvalidSignatureError:
        return Verdict(
            None, "signature", "JWT signature verification failed - likely JWT secret mismatch between services"
        )
    except jwt.DecodeError as error:
        return Verdict(None, "segments", f"Invalid JWT token: {error}")
    except (jwt.InvalidTokenError, TypeError, ValueError) as error:
        return Verdict(None, "unknown", f"Invalid JWT token: {error}")
    return Verdict(str(claims["sub"]))


def named_user(token: str | None) -> str | None:
    """Whom a token claims to be for, unverified: enough to decide whom a fault concerns."""
    parts = (token or "").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    return str(claims["sub"]) if isinstance(claims, dict) and "sub" in claims else None


def other_secret(secret: str) -> str:
    """The secret that a misconfigured service verifies with."""
    return hashlib.sha256(f"rotated {secret}".encode()).hexdigest()


def answer(offered: Sequence[str], generation: str) -> tuple[str | None, bool]:
    """The subprotocol a generation chooses, and whether it goes on at all.

    A and B answer ``jwt-auth`` if exactly that was offered. C echoes the exact offered text, the one with the token
    first, and closes when it knows none of those offered.
    """
    if generation != "C":
        return ("jwt-auth" if "jwt-auth" in offered else None), True
    if not offered:
        return None, True
    with_token = [item for item in offered if item.startswith(PREFIXES) and len(item.split(".", 1)[1]) >= 10]
    plain = [item for item in offered if item in ("jwt-auth", "jwt", "bearer", "e2e-testing", "staging-auth")]
    known = [*with_token, *plain]
    return (known[0], True) if known else (None, False)


def token_bearing(offered: Sequence[str]) -> str | None:
    """The offered subprotocol that holds a token."""
    return next((item for item in offered if item.startswith(PREFIXES) and len(item) > 14), None)
