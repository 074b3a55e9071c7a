"""The target of a run, made ready once: address, trust, headers and tokens.

Reads secrets through their references, and remembers them for redaction before anything can be written.
"""

from __future__ import annotations

import dataclasses
import ssl
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

import jwt
from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from gpkit.environments import Environment, check_url, require_credentials
from gpkit.errors import TargetError
from gpkit.probe.connect import Address, numeric, trust
from gpkit.probe.schedule import Planned
from gpkit.protocol.credentials import Handshake, handshake, mint, speaks_for
from gpkit.redaction import has_secret, read_secret, redact

_MINT_AGAIN_S = 300  # a third of a token's life: one in use never expires under way


@dataclass(frozen=True)
class Target:
    """A target made ready.

    Attributes:
        name: Of the environment.
        url: The address as it may be shown.
        uri: The address, parsed.
        address: When the host is numeric: there is no lookup then.
        context: TLS, for ``wss``.
        headers: Sent with every upgrade.
        origin: ``Origin`` header, empty for none.
        mask_contacts: Whether addresses of people and clients are masked in what is written.
        token: The token to present for a user and a credential.
        token_user: Whom a ready token speaks for; null when tokens are minted, empty when it does not say.
    """

    name: str
    url: str
    uri: WebSocketURI
    address: Address | None
    context: ssl.SSLContext | None
    headers: dict[str, str]
    origin: str
    mask_contacts: bool
    token: Callable[[str, str], str | None]
    token_user: str | None = None

    def speaks_for(self, planned: Planned) -> str | None:
        """Whose events an attempt should get; null when its credential names nobody."""
        if planned.credential == "valid" and self.token_user is not None:
            return self.token_user or None
        return speaks_for(planned.user, planned.credential)

    def presented(self, planned: Planned) -> tuple[WebSocketURI, Handshake]:
        """Where to connect and what to present there: a query carrier puts the token into the address."""
        added = handshake(planned.carrier, self.token(planned.user, planned.credential))
        if not added.query:
            return self.uri, added
        query = "&".join(part for part in (self.uri.query, urllib.parse.urlencode(added.query)) if part)
        return dataclasses.replace(self.uri, query=query), added


def make_ready(environment: Environment) -> Target:
    """Check the address, read what the references name, and prepare trust and tokens.

    Raises:
        TargetError: The address is malformed, or a credential is missing.
    """
    require_credentials(environment)
    try:
        uri = parse_uri(check_url(environment.url))
    except InvalidURI as error:
        raise TargetError(
            f"'{redact(environment.url)}' is no WebSocket address.", next_step="Use wss://HOST[:PORT]/PATH."
        ) from error
    headers = {name: _value(value) for name, value in environment.headers.items()}
    return Target(
        name=environment.name,
        url=redact(environment.url),
        uri=uri,
        address=numeric(uri.host, uri.port),
        context=trust(environment.ca_file) if uri.secure else None,
        headers={"User-Agent": environment.user_agent, **headers},
        origin=environment.origin,
        mask_contacts=environment.mask_contacts,
        token=_tokens(environment),
        token_user=_subject(read_secret(environment.token)) if has_secret(environment.token) else None,
    )


def _subject(token: str) -> str:
    """The ``sub`` of a token that somebody else made; empty when there is none to be read."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False, "verify_aud": False})
    except jwt.InvalidTokenError:
        return ""
    subject = claims.get("sub")
    return subject if isinstance(subject, str) else ""


def _value(value: str) -> str:
    return read_secret(value) if value.startswith(("env:", "file:")) else value


def _tokens(environment: Environment) -> Callable[[str, str], str | None]:
    """Tokens by user and credential, minted again before they grow old."""
    ready = read_secret(environment.token) if has_secret(environment.token) else None
    minted: dict[tuple[str, str], tuple[float, str | None]] = {}

    def token(user: str, credential: str) -> str | None:
        if credential == "valid" and ready is not None:
            return ready
        at_s, known = minted.get((user, credential), (float("-inf"), None))
        if time.monotonic() - at_s > _MINT_AGAIN_S:
            secret = "" if credential in ("none", "garbage") else read_secret(environment.secret)
            known = mint(secret, user, credential, int(time.time()), issuer=environment.issuer)
            minted[user, credential] = (time.monotonic(), known)
        return known

    return token
