"""One call of ``entries:list``: a request, and one clear outcome, whatever comes back.

An outcome is a page's content, a failure worth another attempt, or a page token that is not taken any more. All else is
an error that another attempt would not change, and is raised.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from gpkit.cloud.credentials import Caller
from gpkit.cloud.page import Content, Malformed, content
from gpkit.cloud.refusals import expired, problem, refusal
from gpkit.cloud.retries import TRANSIENT, Limits, retry_after_s, served_ns
from gpkit.cloud.targets import Target
from gpkit.errors import FarSideError, TargetError

if TYPE_CHECKING:
    import requests

_CONNECT_S = 10.0  # chosen
_READ_S = 90.0  # chosen: longest silence; the service ends a search that takes longer with an empty page
_CHUNK_BYTES = 256 * 1024
_ERROR_BYTES = 256 * 1024  # of an error answer, the most that is looked at
# The service packs answers only for clients that say gzip in both places.
_HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "gzip", "User-Agent": "gpkit/0.1 (gzip)"}


@dataclass(frozen=True)
class Failed:
    """Worth another attempt.

    Attributes:
        reason: In words fit to be shown.
        retry_after_s: What the service asked for.
        unreachable: No connection came about at all.
    """

    reason: str
    retry_after_s: float | None = None
    unreachable: bool = False


@dataclass(frozen=True)
class TokenRefused:
    """The page token is not taken any more: expired, or not of this query."""

    reason: str


Outcome: TypeAlias = Content | Failed | TokenRefused


class _Slow(Exception):  # noqa: N818
    """A body that went on for too long."""


def call(
    caller: Caller,
    target: Target,
    request: Mapping[str, Any],
    *,
    user_filter: str,
    limits: Limits,
    clock: Callable[[], float],
) -> Outcome:
    """Ask once.

    Args:
        caller: Signs the request.
        target: Where.
        request: The body.
        user_filter: The caller's part of the filter, for the words of a refusal.
        limits: Of time and size.
        clock: Monotonic, in seconds.

    Raises:
        TargetError, ParameterError: Refused for good: no access, no such project, a filter with an error.
        FarSideError: The answer is not one of this API.
    """
    import requests
    from google.auth.exceptions import GoogleAuthError
    from msgspec import json as msgspec_json

    until_s = clock() + limits.call_s
    try:
        with caller.session.post(
            f"{target.endpoint}/v2/entries:list",
            data=msgspec_json.encode(request),
            headers=_HEADERS,
            timeout=(_CONNECT_S, _READ_S),
            allow_redirects=False,
            stream=True,
        ) as response:
            cap = limits.max_page_bytes if response.status_code == 200 else _ERROR_BYTES
            body = _body(response, cap, lambda: clock() > until_s)
            return _outcome(response, body, caller, target, bool(request.get("pageToken")), user_filter)
    except GoogleAuthError as error:
        return _without_token(error, caller, target)
    except (_Slow, requests.exceptions.RequestException) as error:
        return _unanswered(error, target)


def _without_token(error: Exception, caller: Caller, target: Target) -> Failed:
    from google.auth.exceptions import TransportError

    if isinstance(error, TransportError):
        return Failed("the issuer of tokens could not be reached", unreachable=True)
    if getattr(error, "retryable", False):
        return Failed("the issuer of tokens had no answer for now")
    raise expired(target, caller.account) from None


def _unanswered(error: Exception, target: Target) -> Failed:
    """What an exception of the HTTP library means; the order matters, since some are kinds of others."""
    from requests import exceptions

    if isinstance(error, exceptions.SSLError):
        return _without_tls(error, target)
    if isinstance(error, exceptions.ProxyError):
        return Failed(f"no connection to {target.endpoint} through the proxy", unreachable=True)
    if isinstance(error, exceptions.ConnectTimeout):
        return Failed(f"no connection to {target.endpoint} within {_CONNECT_S:g} s", unreachable=True)
    if isinstance(error, (_Slow, exceptions.Timeout)):
        return Failed("the answer took too long")
    if isinstance(error, exceptions.ChunkedEncodingError):
        return Failed("the connection was cut in the middle of an answer")
    if isinstance(error, exceptions.ContentDecodingError):
        return Failed("the answer was packed, and the packing is damaged")
    if isinstance(error, exceptions.ConnectionError):
        return _unconnected(error, target)
    raise FarSideError(f"{target.endpoint} could not be asked ({type(error).__name__}).") from None


def _without_tls(error: Exception, target: Target) -> Failed:
    if "CERTIFICATE_VERIFY_FAILED" not in str(error):
        return Failed(f"no TLS connection to {target.endpoint}", unreachable=True)
    raise TargetError(
        f"{target.endpoint} does not show a certificate that is trusted here.",
        "A proxy may stand between, with an authority of its own.",
        "Name its certificate file in REQUESTS_CA_BUNDLE.",
    ) from None


def _unconnected(error: Exception, target: Target) -> Failed:
    """A connection that never was, or one that broke; the library has one exception for both."""
    from urllib3.exceptions import NewConnectionError

    cause = error.args[0] if error.args else None
    if isinstance(getattr(cause, "reason", None), NewConnectionError):
        return Failed(f"no connection to {target.endpoint}", unreachable=True)
    return Failed("the connection was cut")


def _body(response: requests.Response, cap: int, is_late: Callable[[], bool]) -> bytes:
    """The answer, unpacked.

    Raises:
        FarSideError: It is larger than ``cap``.
        _Slow: It goes on after its time.
    """
    parts, size = [], 0
    for part in response.iter_content(_CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if size > cap:
            if response.status_code != 200:
                break
            raise FarSideError(
                f"One page of the log is larger than {cap} bytes.", next_step="Read with a smaller page_size."
            )
        if is_late():
            raise _Slow
    return b"".join(parts)


def _outcome(
    response: requests.Response, body: bytes, caller: Caller, target: Target, had_token: bool, user_filter: str
) -> Outcome:
    status = response.status_code
    if status == 200:
        return _content(response, body, target)
    if 300 <= status < 400:
        raise TargetError(
            f"{target.endpoint} answered {status}: it points elsewhere.",
            "A redirect is not followed, since the credentials are for this address alone.",
            "Use the address of the API itself.",
        )
    said = problem(body)
    if status in TRANSIENT:
        name = f" {said.status}" if said.status else ""
        return Failed(f"{target.endpoint} answered {status}{name}", retry_after_s(response.headers))
    if status == 400 and had_token:
        return TokenRefused(said.message or "the page token was refused")
    raise refusal(status, said, target=target, account=caller.account, filter=user_filter)


def _content(response: requests.Response, body: bytes, target: Target) -> Outcome:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", ""):
        raise FarSideError(
            f"{target.endpoint} answered with {kind[:60]!r}, not with JSON.",
            "It is not the API, or a proxy or a login page stands between.",
            "Check the address and the proxy.",
        )
    try:
        return dataclasses.replace(content(body), served_ns=served_ns(response.headers))
    except Malformed as malformed:
        if malformed.is_cut:
            return Failed(f"the answer could not be read: {malformed.reason}")
        raise FarSideError(
            f"{target.endpoint} answered, but not as the Cloud Logging API does: {malformed.reason}."
        ) from None
