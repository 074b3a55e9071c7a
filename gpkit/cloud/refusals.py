"""What a refusal of the service means, and what to do about it.

Pure. The service's own words are data: one line of them is shown, redacted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gpkit.cloud.credentials import INSTEAD
from gpkit.cloud.targets import Target, resources
from gpkit.errors import FarSideError, GpkitError, ParameterError, TargetError
from gpkit.redaction import redact

PERMISSION = "logging.logEntries.list"
ROLE = "roles/logging.viewer"
PRIVATE_ROLE = "roles/logging.privateLogViewer"  # for Data Access audit logs
_SHOWN_CHARS = 300


@dataclass(frozen=True)
class Problem:
    """What an error answer says: the status's name, a message fit to be shown, and the finer reason, or empty."""

    status: str = ""
    message: str = ""
    reason: str = ""


def problem(body: bytes) -> Problem:
    """What an error answer says; empty where it is not of the API's form."""
    try:
        error = json.loads(body)["error"]
        details = error.get("details") or []
        reasons = [item.get("reason") for item in details if isinstance(item, dict)]
        named = next((reason for reason in reasons if isinstance(reason, str)), "")
        return Problem(_line(error.get("status")), _line(error.get("message")), _line(named))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Problem()


def _line(said: Any) -> str:
    """Text of the far side, fit to be shown: one line, redacted, of bounded length."""
    if not isinstance(said, str):
        return ""
    shown = redact(" ".join("".join(c if c.isprintable() else " " for c in said[: 8 * _SHOWN_CHARS]).split()))
    return shown if len(shown) <= _SHOWN_CHARS else shown[: _SHOWN_CHARS - 1] + "…"


def refusal(status: int, problem: Problem, *, target: Target, account: str, filter: str) -> GpkitError:
    """The error that says what a final answer means.

    Args:
        status: Of HTTP.
        problem: What its body says.
        target: Which was asked.
        account: Whom the request spoke for; empty when not known.
        filter: As the caller gave it.
    """
    who = f" Account: {account}." if account else " Without credentials." if target.anonymous else ""
    said = f"It said: {problem.message}" if problem.message else ""
    if status == 400:
        return ParameterError("Cloud Logging does not understand the request.", said, "Look at the filter.")
    if status == 401:
        return _unknown_caller(target, who)
    if status == 403:
        return _forbidden(problem, target, who, filter)
    if status == 404:
        return TargetError(
            f"Cloud Logging knows no {' or '.join(resources(target))[:200]} at {target.endpoint}.{who}",
            said,
            "Check the project's id.",
        )
    return FarSideError(f"{target.endpoint} answered {status} {problem.status}".rstrip() + ".", said)


def _unknown_caller(target: Target, who: str) -> TargetError:
    if target.anonymous:
        return TargetError(
            f"{target.endpoint} does not answer without credentials.", next_step=f"Leave out --anonymous, {INSTEAD}"
        )
    return TargetError(
        f"Cloud Logging did not accept the credentials for project '{target.project}'.{who}",
        "They are expired, revoked, or for another service.",
        f"Run gcloud auth application-default login, {INSTEAD}",
    )


def _forbidden(problem: Problem, target: Target, who: str, filter: str) -> TargetError:
    said = f"It said: {problem.message}" if problem.message else ""
    if problem.reason == "SERVICE_DISABLED":
        return TargetError(
            f"The Cloud Logging API is not enabled in project '{target.project}'.{who}",
            said,
            f"Ask for it: gcloud services enable logging.googleapis.com --project {target.project}",
        )
    if problem.reason == "USER_PROJECT_DENIED":
        return TargetError(
            f"Cloud Logging refused to count the query on project '{target.project}' to the credentials' project.{who}",
            said,
            f"Run gcloud auth application-default set-quota-project {target.project}",
        )
    private = f" ({PRIVATE_ROLE} for Data Access logs)" if "data_access" in filter.lower() else ""
    return TargetError(
        f"Cloud Logging refused the query on project '{target.project}' ({PERMISSION}).{who}",
        said,
        f"Ask for {ROLE}{private}, {INSTEAD}",
    )


def expired(target: Target, account: str) -> TargetError:
    """No token was to be had for the credentials."""
    if target.impersonate:
        return TargetError(
            f"No token was given to act as {target.impersonate} on project '{target.project}'.",
            "The own credentials are expired, or may not act as it.",
            f"Ask for roles/iam.serviceAccountTokenCreator on it, {INSTEAD}",
        )
    who = f" of {account}" if account else ""
    return TargetError(
        f"The Google credentials{who} for project '{target.project}' give no token any more.",
        "They are expired, revoked, or the key was deleted.",
        f"Run gcloud auth application-default login, or name another file (logs_credentials), {INSTEAD}",
    )
