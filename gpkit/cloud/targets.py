"""Which log is read, where, as whom, and how often.

Pure but for one variable of the environment. No secret is read here: credentials are named, and read at the first call.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from gpkit.environments import LOGS_ENDPOINT, LOGS_READS_PER_MINUTE, Environment, check_api_url
from gpkit.errors import TargetError
from gpkit.redaction import redact

# Ids (also domain:id) and numbers of projects, generously: the service knows better what exists.
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,127}")
_RESOURCE = re.compile(r"(?:projects|organizations|folders|billingAccounts)/[^/\s]+(?:/[^/\s]+)*")
_MAX_RESOURCES = 100  # documented for one request
_ACCOUNT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Target:
    """A log to read.

    Attributes:
        project: Id or number.
        endpoint: ``https://HOST``, or ``http://`` on loopback.
        anonymous: Send no credentials.
        credentials_file: Empty for application default credentials.
        impersonate: Service account to act as; empty for none.
        reads_per_minute: Upper limit of calls, of all processes of this host together.
        resource_names: What to read in place of the whole project, such as a log view.
    """

    project: str
    endpoint: str = LOGS_ENDPOINT
    anonymous: bool = False
    credentials_file: str = field(default="", repr=False)
    impersonate: str = ""
    reads_per_minute: int = LOGS_READS_PER_MINUTE
    resource_names: tuple[str, ...] = ()


def target(environment: Environment, project: str = "", *, endpoint: str = "", anonymous: bool | None = None) -> Target:
    """The log that an environment and a caller name together; the caller goes first.

    Args:
        environment: Its ``logs_…`` settings.
        project: Id or number; else the environment's, else ``GOOGLE_CLOUD_PROJECT``, as Google's tools read it.
        endpoint: In place of the environment's.
        anonymous: In place of the environment's.

    Raises:
        TargetError: There is no project, or something about the target is malformed.
    """
    found = project or environment.logs_project or os.environ.get("GOOGLE_CLOUD_PROJECT", "")
    if not found:
        raise TargetError(
            "Nothing names the project whose log is to be read.",
            next_step="Name one: api:PROJECT, logs_project in the environment, or GOOGLE_CLOUD_PROJECT.",
        )
    unsigned = environment.logs_anonymous if anonymous is None else anonymous
    return checked(
        Target(
            project=found,
            endpoint=(endpoint or environment.logs_endpoint).rstrip("/"),
            anonymous=unsigned,
            credentials_file="" if unsigned else environment.logs_credentials.removeprefix("file:"),
            impersonate="" if unsigned else environment.logs_impersonate,
            reads_per_minute=environment.logs_reads_per_minute,
        )
    )


def from_environment(environment: Environment, project: str = "") -> Target:
    """The log that an environment names.

    Raises:
        TargetError: There is no project, or something about the target is malformed.
    """
    return target(environment, project)


def checked(target: Target) -> Target:
    """The target, when a call can be made to it.

    Raises:
        TargetError: Its address, project, resources, account or rate is malformed.
    """
    check_api_url(target.endpoint)
    if not _PROJECT.fullmatch(target.project):
        raise TargetError(
            f"'{redact(target.project)[:100]}' is no project.",
            next_step="Give its id alone, such as shop-prod: without projects/ before it.",
        )
    if len(target.resource_names) > _MAX_RESOURCES:
        raise TargetError(f"{len(target.resource_names)} resources are more than one request may name (100).")
    for name in target.resource_names:
        if not _RESOURCE.fullmatch(name):
            raise TargetError(
                f"'{redact(name)[:100]}' is no resource to read from.",
                next_step="Use projects/ID, or projects/ID/locations/PLACE/buckets/BUCKET/views/VIEW.",
            )
    if target.impersonate and not _ACCOUNT.fullmatch(target.impersonate):
        raise TargetError(
            f"'{redact(target.impersonate)[:100]}' is no service account.",
            next_step="Use NAME@PROJECT.iam.gserviceaccount.com.",
        )
    if target.reads_per_minute < 1:
        raise TargetError(f"reads_per_minute = {target.reads_per_minute} reads nothing.", next_step="Use 1 or more.")
    return target


def resources(target: Target) -> list[str]:
    """What a request names to read from."""
    return list(target.resource_names) or [f"projects/{target.project}"]
