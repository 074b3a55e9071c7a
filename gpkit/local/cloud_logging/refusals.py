"""How a call is refused: one error, told alike over REST and gRPC.

The names and their HTTP codes are those of google.rpc.Code, as published in google/rpc/code.proto.
"""

from __future__ import annotations

from typing import Any

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""HTTP code → canonical name. A gateway's 502 has no name of its own."""


class RefusedError(Exception):
    """A call that is answered with an error.

    Args:
        code: HTTP code, one of STATUSES.
        message: What the caller is told.
        details: Objects with ``@type``, as google.rpc.Status carries them.
        retry_after_s: Seconds to wait before another try; null says nothing of it.
    """

    def __init__(
        self, code: int, message: str, details: tuple[dict[str, Any], ...] = (), retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = STATUSES[code]
        self.message = message
        self.details = details
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, Any]:
        """The error as REST answers it."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "status": self.status}
        if details := self.all_details():
            error["details"] = details
        return {"error": error}

    def all_details(self) -> list[dict[str, Any]]:
        """The details, with the wait among them: gRPC has no ``Retry-After`` but google.rpc.RetryInfo."""
        found = list(self.details)
        if self.retry_after_s is not None:
            found.append({"@type": f"{_RPC}.RetryInfo", "retryDelay": f"{self.retry_after_s}s"})
        return found


_RPC = "type.googleapis.com/google.rpc"


def invalid(message: str, field: str = "") -> RefusedError:
    """INVALID_ARGUMENT, with the field at fault where there is one."""
    if not field:
        return RefusedError(400, message)
    violation = {"field": field, "description": message}
    return RefusedError(400, message, ({"@type": f"{_RPC}.BadRequest", "fieldViolations": [violation]},))


def denied(resource: str) -> RefusedError:
    """PERMISSION_DENIED for a resource that is not served. The service does not tell absent from forbidden either."""
    message = "Permission 'logging.views.access' denied on resource (or it may not exist)."
    detail = {
        "@type": f"{_RPC}.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "iam.googleapis.com",
        "metadata": {"permission": "logging.views.access", "resource": resource},
    }
    return RefusedError(403, message, (detail,))


def over_quota(project: str, per_minute: int, retry_after_s: int) -> RefusedError:
    """RESOURCE_EXHAUSTED in the words and details that users of the service report.

    The wait is inferred: the service is not known to say one for this quota, which is counted by the minute.
    """
    message = (
        "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service "
        f"'logging.googleapis.com' for consumer 'projects/{project}'."
    )
    information = {
        "@type": f"{_RPC}.ErrorInfo",
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {
            "consumer": f"projects/{project}",
            "quota_limit": "ReadRequestsPerMinutePerProject",
            "quota_limit_value": str(per_minute),
            "quota_location": "global",
            "quota_metric": "logging.googleapis.com/read_requests",
            "service": "logging.googleapis.com",
        },
    }
    return RefusedError(429, message, (information,), retry_after_s)
