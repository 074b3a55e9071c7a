"""What a client presents at the upgrade: which credential, and how it travels.

Pure: the secret and the time are arguments. Tokens are HS256 JSON Web Tokens with the claims of a test client;
``valid`` carries no audience, because a verifier that passes no audience refuses every token that has one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CARRIERS = ("header", "subprotocol-b64", "subprotocol-raw", "query", "ticket", "none")
"""How a credential travels."""

CREDENTIALS = (
    "valid",
    "none",
    "garbage",
    "wrong-secret",
    "expired",
    "not-yet-valid",
    "with-aud",
    "without-aud",
    "wrong-aud",
    "other-user",
)
"""What is presented."""

MUST_BE_REFUSED = ("none", "garbage", "wrong-secret", "expired", "not-yet-valid", "wrong-aud")
"""Negative controls: a service that lets one of these in has a bypass."""

AUDIENCE = "netra-platform"
ISSUER = "netra-auth-service"
LIFETIME_S = 900  # what the platform's own access tokens live: 15 minutes
_CLOCK_MARGIN_S = 3600  # chosen: far beyond any leeway for clocks that differ
_SUBPROTOCOL = "jwt-auth"


@dataclass(frozen=True)
class Handshake:
    """What the carrier adds to the upgrade request. Each part may hold the token: redact before writing it."""

    headers: Mapping[str, str] = field(default_factory=dict)
    subprotocols: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)


def speaks_for(user: str, credential: str) -> str | None:
    """The user whom a credential names; null when it names nobody."""
    if credential in ("none", "garbage"):
        return None
    return f"other-{user}" if credential == "other-user" else user


def is_negative_control(credential: str, carrier: str) -> bool:
    """Whether refusal is right: a bad credential, or none that travels."""
    return credential in MUST_BE_REFUSED or carrier == "none"


def mint(secret: str, user: str, credential: str, now_s: int, *, issuer: str = ISSUER) -> str | None:
    """A token of the wanted kind; null for ``none``.

    Args:
        secret: HS256 secret of the service; unused for ``none`` and ``garbage``.
        user: Whom the token speaks for.
        credential: One of :data:`CREDENTIALS`.
        now_s: Seconds since 1970.
        issuer: The ``iss`` claim.

    Raises:
        ValueError: There is no such credential.
    """
    if credential not in CREDENTIALS:
        raise ValueError(f"{credential!r} is no credential")
    if credential == "none":
        return None
    if credential == "garbage":
        return "garbage-that-is-no-token"
    claims = _claims(user, credential, now_s, issuer)
    import jwt  # here: a refused parameter is told before it is loaded

    return jwt.encode(claims, _key(secret, credential), algorithm="HS256")


def _claims(user: str, credential: str, now_s: int, issuer: str) -> dict[str, Any]:
    subject = speaks_for(user, credential)
    issued_s, expires_s = now_s, now_s + LIFETIME_S
    if credential == "expired":
        issued_s, expires_s = now_s - _CLOCK_MARGIN_S - LIFETIME_S, now_s - _CLOCK_MARGIN_S
    claims: dict[str, Any] = {
        "sub": subject,
        "email": f"{subject}@example.com",
        "permissions": ["read", "write", "execute", "basic_chat", "agent_access"],
        "iat": issued_s,
        "exp": expires_s,
        "type": "access",
        "iss": issuer,
        "jti": f"gpkit-{now_s}-{subject}",
    }
    if credential == "not-yet-valid":
        claims["nbf"] = now_s + _CLOCK_MARGIN_S
        claims["exp"] = claims["nbf"] + LIFETIME_S
    if credential == "with-aud":
        claims["aud"] = AUDIENCE
    if credential == "wrong-aud":
        claims["aud"] = "some-other-audience"
    return claims


def _key(secret: str, credential: str) -> bytes:
    # Derived, so that it is certainly another one.
    chosen = hashlib.sha256(f"not {secret}".encode()).digest() if credential == "wrong-secret" else secret.encode()
    # HMAC pads a short key with zeros itself: the same signature, without PyJWT's warning about its length.
    return chosen.ljust(32, b"\0")


def handshake(carrier: str, token: str | None) -> Handshake:
    """What the carrier adds to the upgrade request for this token.

    Args:
        carrier: One of :data:`CARRIERS`. ``ticket`` sends the value as a ticket: only a service that issued it
            accepts it.
        token: The token; null adds nothing.

    Raises:
        ValueError: There is no such carrier.
    """
    if carrier not in CARRIERS:
        raise ValueError(f"{carrier!r} is no carrier")
    if token is None or carrier == "none":
        return Handshake()
    if carrier == "header":
        return Handshake(headers={"Authorization": f"Bearer {token}"})
    if carrier == "subprotocol-b64":
        encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
        return Handshake(subprotocols=(_SUBPROTOCOL, f"jwt.{encoded}"))
    if carrier == "subprotocol-raw":
        return Handshake(subprotocols=(_SUBPROTOCOL, f"{_SUBPROTOCOL}.{token}"))
    return Handshake(query={"ticket" if carrier == "ticket" else "token": token})


def browser_would_fail(offered: tuple[str, ...], selected: str | None) -> bool:
    """Whether a browser refuses this 101: it offered and nothing of it was echoed, or got what it did not offer.

    This client accepts a missing echo, so a probe can be green while every browser fails.
    """
    return selected not in offered if offered or selected is not None else False
