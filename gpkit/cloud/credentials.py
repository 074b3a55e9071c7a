"""Who reads: Google's own credentials, in the ways that its users know.

Application default credentials (``gcloud auth application-default login``, GOOGLE_APPLICATION_CREDENTIALS, the account
of the machine), a credentials file, or either of them acting as a service account. Nothing is asked for here: a token
is fetched with the first call. No error holds what a credential or its issuer says, only the account's name.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpkit.cloud.targets import Target
from gpkit.environments import is_loopback
from gpkit.errors import TargetError

if TYPE_CHECKING:
    import requests
    from google.auth.credentials import Credentials

SCOPE = "https://www.googleapis.com/auth/logging.read"
# What the own credentials need to act as a service account.
_ACTING_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LIFETIME_S = 3600  # of a token for a service account: the longest that is granted without a policy
INSTEAD = "or run on an export: gpkit logs export.json"


@dataclass(frozen=True)
class Caller:
    """A session that signs its requests.

    Attributes:
        session: To be closed by whoever opened it.
        account: Whom it speaks for, when that is known; empty when not.
    """

    session: requests.Session
    account: str


def caller(target: Target) -> Caller:
    """Open a session for a target.

    Raises:
        TargetError: There are no credentials, or their file is none.
    """
    import requests
    from google.auth.transport.requests import AuthorizedSession

    account = ""
    if target.anonymous:
        session = requests.Session()
    else:
        credentials = _credentials(target)
        account = _account(credentials)
        session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    # Our own signature, if any, stands: a .netrc entry for the host would take its place otherwise.
    session.auth = _unchanged
    if is_loopback(target.endpoint):
        session.trust_env = False  # a proxy cannot reach this machine's loopback
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    return Caller(session, account)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _credentials(target: Target) -> Credentials:
    scope = _ACTING_SCOPE if target.impersonate else SCOPE
    source = _from_file(target.credentials_file, scope) if target.credentials_file else _default(target, scope)
    if not target.impersonate:
        return source
    from google.auth import impersonated_credentials

    acting: Credentials = impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=source,
        target_principal=target.impersonate,
        target_scopes=[SCOPE],
        lifetime=_LIFETIME_S,
    )
    return acting


def _default(target: Target, scope: str) -> Credentials:
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # no quota project: said when the service refuses for it
            credentials, _ = google.auth.default(scopes=[scope])
    except (GoogleAuthError, OSError, ValueError):
        raise TargetError(
            f"There are no Google credentials to read the log of project '{target.project}' with.",
            "GOOGLE_APPLICATION_CREDENTIALS names no usable file, and nobody is logged in.",
            "Run gcloud auth application-default login, or name an environment (-e NAME, a file in "
            "parameters/environments) with logs_credentials: file:KEY.json, or for a server that asks for none "
            "logs_endpoint and logs_anonymous: true, " + INSTEAD,
        ) from None
    return credentials


def _from_file(path: str, scope: str) -> Credentials:
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        with warnings.catch_warnings():
            # It warns of files from strangers, which could name a token address of their own; this one the user named.
            warnings.simplefilter("ignore", DeprecationWarning)
            loaded: tuple[Credentials, str | None] = google.auth.load_credentials_from_file(  # type: ignore[no-untyped-call]
                path, scopes=[scope]
            )
    except (GoogleAuthError, OSError, ValueError, KeyError, TypeError, AttributeError):
        raise TargetError(
            f"'{path}' is no credentials file.",
            "It is missing, cannot be read, or is not what Google's tools write.",
            "Name the key file of a service account, " + INSTEAD,
        ) from None
    return loaded[0]


def _account(credentials: Any) -> str:
    """The account's name where the credentials know it; a user's own do not before they are asked."""
    for name in ("service_account_email", "signer_email", "account"):
        value = getattr(credentials, name, None)
        if isinstance(value, str) and "@" in value:
            return value
    return ""
