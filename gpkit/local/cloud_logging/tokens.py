"""Page tokens: opaque to the caller, signed, and good for one query only.

A token holds the key to go on after, when it was given, and a digest of the query. It outlives no server: each signs
with a key of its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from gpkit.local.cloud_logging.refusals import invalid
from gpkit.local.cloud_logging.store import Key

LIFETIME_S = 24 * 3600  # documented: of API page tokens
_SIGNATURE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters that must not change between pages. The service compares them all; so is the page size here."""

    resource_names: tuple[str, ...]
    filter: str
    order_by: str
    page_size: int

    def digest(self) -> str:
        """A short text that differs when any parameter does."""
        text = json.dumps([list(self.resource_names), self.filter, self.order_by, self.page_size])
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


class Tokens:
    """Makes and reads page tokens."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(16)

    def make(self, query: Query, after: Key | None, now_s: float) -> str:
        """A token that leads on behind a key; behind nothing for null."""
        body = json.dumps([query.digest(), int(now_s), after], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(body) + body).decode()

    def read(self, token: str, query: Query, now_s: float) -> Key | None:
        """The key to go on after.

        Raises:
            RefusedError: The token is none of ours, has expired, or belongs to another query.
        """
        try:
            signed = base64.urlsafe_b64decode(token.encode())
        except (binascii.Error, ValueError):
            signed = b""
        signature, body = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body)):
            # The words are inferred; INVALID_ARGUMENT is what the service answers.
            raise invalid("page_token is invalid", "page_token")
        digest, given_s, after = json.loads(body)
        if digest != query.digest():
            # The service's own words, as its users report them.
            raise invalid("page_token doesn't match arguments from the request", "page_token")
        if now_s - given_s > LIFETIME_S:
            raise expired()
        return None if after is None else (after[0], after[1], after[2])

    def _sign(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, key=self._secret, digest_size=_SIGNATURE_BYTES).digest()


def expired() -> Exception:
    """The refusal of a token that is too old. The words are inferred."""
    return invalid("page_token has expired", "page_token")
