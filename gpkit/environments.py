"""Targets: addresses, where their credentials are, and what is allowed there.

A target is a file ``parameters/environments/NAME.yaml``; names and addresses are configuration, never constants.
Reads that one file and nothing else: no secret is read here.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpkit.errors import TargetError, nearest
from gpkit.redaction import has_secret, redact

LOCAL = "local"
FROM_LOG = "log"
"""What stands for the environment of a log of which nobody said whose it is."""
CARRIERS = ("header", "subprotocol-b64", "subprotocol-raw", "query", "ticket", "none")

# Half of the strictest published limit of the platform: 30 messages a minute, 60 requests a minute.
REMOTE_RATE_PER_S = 0.25
REMOTE_CONCURRENCY = 3  # connections a user may hold at once
REMOTE_ATTEMPTS = 100  # chosen: enough to resolve p95, and a sum that nobody is surprised by

LOGS_ENDPOINT = "https://logging.googleapis.com"  # Google's public address of the Cloud Logging API
LOGS_READS_PER_MINUTE = 60  # what a project may read, unless its owners asked for more
LOGS_LATE_S = (
    600.0  # chosen: entries of the real exports arrived at most seconds late; a region in trouble takes minutes
)


@dataclass(frozen=True)
class Environment:
    """One target.

    Attributes:
        name: As asked for.
        url: ``ws://`` or ``wss://`` address of the golden path; empty for ``local`` until the stack is up, and where
            only a log is read.
        fallback_urls: Further addresses of the same service, in order of preference.
        secret: Reference to the HS256 secret that tokens are minted with.
        token: Reference to a ready token, used instead when it is there.
        issuer: ``iss`` of minted tokens.
        users: Who probes speak for, in turn.
        carrier: How the credential travels, unless a probe says otherwise.
        origin: ``Origin`` header, empty for none.
        user_agent: How the probe names itself.
        headers: Further headers; a value may be a reference (``env:NAME``).
        ca_file: Certificate authority to trust beside the system's.
        max_rate_per_s: Upper limit of connection attempts a second.
        max_attempts: Upper limit of attempts in one run: each answered one starts an agent run, which costs money.
        max_concurrency: Upper limit of connections at once.
        mask_contacts: Whether client addresses and e-mail addresses are masked in what is written.
        is_local: Whether this is the local stack.
        logs_project: Project whose log is read; empty when the caller names one.
        logs_endpoint: Address of the Cloud Logging API, or of a server that speaks it.
        logs_anonymous: Whether the log is read without credentials.
        logs_credentials: Reference to a credentials file (``file:PATH``); empty for application default credentials.
        logs_impersonate: Service account to act as; empty for none.
        logs_reads_per_minute: Upper limit of calls to the log, of all processes of this host together.
        logs_late_s: Entries may arrive this much later than they happened: what is younger is read again.
    """

    name: str
    url: str = ""
    fallback_urls: tuple[str, ...] = ()
    secret: str = "env:GPKIT_JWT_SECRET"  # noqa: S105 - a reference, not a secret
    token: str = "env:GPKIT_TOKEN"  # noqa: S105 - a reference, not a secret
    issuer: str = "netra-auth-service"
    users: tuple[str, ...] = ("gpkit-probe-001",)
    carrier: str = "header"
    origin: str = ""
    user_agent: str = "gpkit/0.1"
    headers: Mapping[str, str] = field(default_factory=dict)
    ca_file: str | None = None
    max_rate_per_s: float = REMOTE_RATE_PER_S
    max_concurrency: int = REMOTE_CONCURRENCY
    max_attempts: int = REMOTE_ATTEMPTS
    mask_contacts: bool = True
    is_local: bool = False
    logs_project: str = ""
    logs_endpoint: str = LOGS_ENDPOINT
    logs_anonymous: bool = False
    logs_credentials: str = ""
    logs_impersonate: str = ""
    logs_reads_per_minute: int = LOGS_READS_PER_MINUTE
    logs_late_s: float = LOGS_LATE_S


def of_log(name: str) -> str:
    """The environment that a log tells of: the one that was named for it. No log that is read is the local stack's."""
    return FROM_LOG if name in ("", LOCAL) else name


def load(name: str | Path, *, folder: Path | None = None) -> Environment:
    """Read a target by name, or from a YAML file.

    Args:
        name: Name of a file in ``parameters/environments``, or the path of one.
        folder: Where names are looked up; the project's own folder by default.

    Raises:
        TargetError: There is no such environment, or its file is not one.
    """
    folder = folder or project_root() / "parameters" / "environments"
    path = Path(name) if str(name).endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        raise TargetError(
            f"There is no environment '{name}'. {nearest(str(name), known)}".strip(),
            next_step=f"Known: {', '.join(known) or 'none'}. An environment is a file in parameters/environments.",
        )
    return from_mapping(path.stem, _mapping(path))


def _mapping(path: Path) -> dict[str, Any]:
    import yaml

    try:
        read = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TargetError(f"'{path.name}' is not YAML.", next_step="Compare it with local.yaml.") from error
    if not isinstance(read, dict):
        raise TargetError(f"'{path.name}' holds no names and values.", next_step="Compare it with local.yaml.")
    return read


def from_mapping(name: str, values: Mapping[str, Any]) -> Environment:
    """A target from names and values, each checked.

    Raises:
        TargetError: An unknown name, a value of the wrong type, or a malformed address.
    """
    known = {item.name: item for item in dataclasses.fields(Environment)}
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known or key == "name":
            raise TargetError(
                f"'{key}' is not a setting of an environment. {nearest(key, known)}".strip(),
                next_step=f"Settings: {', '.join(sorted(set(known) - {'name'}))}.",
            )
        kept[key] = _checked(name, key, value)
    environment = Environment(name=name, **kept)
    is_of_a_log = any(key.startswith("logs_") for key in values)
    if not environment.is_local and not (is_of_a_log and not environment.url):
        for url in (environment.url, *environment.fallback_urls):
            check_url(url)
    if environment.carrier not in CARRIERS:
        raise TargetError(
            f"'{environment.carrier}' is no carrier. {nearest(environment.carrier, CARRIERS)}".strip(),
            next_step=f"Carriers: {', '.join(CARRIERS)}.",
        )
    _check_logs(environment)
    return environment


def _check_logs(environment: Environment) -> None:
    check_api_url(environment.logs_endpoint)
    if environment.logs_credentials and not environment.logs_credentials.removeprefix("file:").strip():
        raise TargetError("logs_credentials names no file.", next_step="Use file:PATH, or leave it out.")
    if environment.logs_credentials and not environment.logs_credentials.startswith("file:"):
        raise TargetError(
            "logs_credentials is no reference to a file.",
            "The credentials themselves are never written into an environment.",
            "Use file:PATH, or leave it out for application default credentials.",
        )
    if environment.logs_anonymous and (environment.logs_credentials or environment.logs_impersonate):
        raise TargetError(
            f"Environment '{environment.name}' reads the log without credentials, and names some.",
            next_step="Leave out logs_anonymous, or logs_credentials and logs_impersonate.",
        )


def _checked(name: str, key: str, value: object) -> object:
    default = {item.name: item for item in dataclasses.fields(Environment)}[key]
    kind = str(default.type)
    if kind.startswith("tuple"):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif kind.startswith("Mapping"):
        if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
            return dict(value)
    elif kind == "float":
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            return float(value)
    elif kind == "int":
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    elif kind == "bool":
        if isinstance(value, bool):
            return value
    elif isinstance(value, str):
        return value
    wanted = {
        "tuple": "a list of texts",
        "Mappi": "names and texts",
        "float": "a number above 0",
        "int": "a whole number",
    }
    raise TargetError(
        f"Environment '{name}': {key} must be {wanted.get(kind[:5], 'true or false' if kind == 'bool' else 'a text')}."
    )


def check_url(url: str) -> str:
    """The address, when a WebSocket can be opened to it.

    Raises:
        TargetError: It is malformed. Whether anything answers there is a finding, not an error.
    """
    shown = redact(url)
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetError(f"'{shown}' is no address: {error}.", next_step="Use wss://HOST[:PORT]/PATH.") from error
    host = parts.hostname or ""
    valid = parts.scheme in ("ws", "wss") and host and not any(c.isspace() for c in url) and port != 0
    if not valid or parts.username or parts.fragment or any(len(label) > 63 for label in host.split(".")):
        likely = {
            "http": "It names HTTP; a WebSocket address begins with ws:// or wss://.",
            "https": "It names HTTP; a WebSocket address begins with ws:// or wss://.",
        }.get(parts.scheme, "")
        if parts.username:
            shown, likely = f"{parts.scheme}://…", "Credentials do not belong in an address."
        raise TargetError(f"'{shown}' is no WebSocket address.", likely, "Use wss://HOST[:PORT]/PATH.")
    return url


def check_api_url(url: str) -> str:
    """The address, when the Cloud Logging API can be read there over HTTP.

    Raises:
        TargetError: It is malformed, or would carry entries and credentials in the clear.
    """
    shown, how = redact(url), "Use https://HOST[:PORT]; on this machine also http://127.0.0.1:PORT."
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetError(f"'{shown}' is no address: {error}.", next_step=how) from error
    host = parts.hostname or ""
    if parts.username or parts.password:
        raise TargetError(f"'{parts.scheme}://…' is no API address.", "Credentials do not belong in an address.", how)
    odd = any(c.isspace() or not c.isprintable() for c in url) or port == 0 or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not host or odd or any(len(label) > 63 for label in host.split(".")):
        raise TargetError(f"'{shown}' is no API address.", next_step=how)
    if parts.scheme == "http" and not is_loopback(url):
        raise TargetError(
            f"'{shown}' is not read from over plain HTTP.",
            "Log entries, and the token that opens them, would cross the network in the clear.",
            how,
        )
    return url


def is_loopback(url: str) -> bool:
    """Whether an address names this machine: ``localhost`` or a loopback address."""
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def require_credentials(environment: Environment) -> None:
    """Check, before anything starts, that a remote target's credential is there.

    Raises:
        TargetError: Neither a token nor a secret is to be had.
    """
    if environment.is_local or has_secret(environment.token) or has_secret(environment.secret):
        return
    raise TargetError(
        f"Environment '{environment.name}' needs a credential, and neither {environment.token} nor "
        f"{environment.secret} holds one.",
        next_step="Set GPKIT_JWT_SECRET to the service's HS256 secret, or GPKIT_TOKEN to a token.",
    )


def project_root() -> Path:
    """The folder of ``notebooks/`` and ``parameters/``: the nearest above the working folder, else the checkout."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "parameters" / "environments").is_dir() and (folder / "notebooks").is_dir():
            return folder
    return Path(__file__).resolve().parent.parent
