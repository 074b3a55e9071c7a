"""Entries planted for tests of filters, and what a filter finds among them."""

from collections.abc import Iterable, Mapping
from typing import Any

from gpkit.filters import Filter, predicate

Entry = Mapping[str, Any]

RUN_LOG = "projects/shop-test/logs/run.googleapis.com%2Fstderr"

# A small log of one of each: told apart by insertId.
LOG: tuple[dict[str, Any], ...] = (
    {
        "insertId": "refused",
        "logName": "projects/shop-test/logs/run.googleapis.com%2Frequests",
        "timestamp": "2026-03-01T10:00:00.000000001Z",
        "severity": "WARNING",
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "chat", "revision_name": "chat-00007"}},
        "httpRequest": {
            "requestMethod": "GET",
            "requestUrl": "https://chat.example/ws",
            "status": 403,
            "requestSize": "1234",
            "latency": "0.250s",
            "remoteIp": "10.1.2.77",
            "userAgent": "Mozilla/5.0",
        },
        "trace": "projects/shop-test/traces/aaa",
        "labels": {"instanceId": "i-1", "k8s-pod/app": "web"},
    },
    {
        "insertId": "line",
        "logName": RUN_LOG,
        "timestamp": "2026-03-01T10:00:01Z",
        "severity": "ERROR",
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "chat"}},
        "textPayload": "Handshake refused: token has no audience",
    },
    {
        "insertId": "structured",
        "logName": RUN_LOG,
        "timestamp": "2026-03-01T10:00:02.5Z",
        "severity": "INFO",
        "resource": {"type": "cloud_run_job", "labels": {"job_name": "sweep"}},
        "jsonPayload": {
            "message": "swept the floor",
            "count": 9,
            "ratio": 0.5,
            "done": True,
            "nothing": None,
            "sizes": [8.5, 9, 6],
            "user": {"name": "Ada", "id": "9007199254740993"},
            "steps": [{"name": "open", "ms": 3}, {"name": "close", "ms": 40}],
        },
        "operation": {"id": "op-1", "first": True},
        "sourceLocation": {"file": "sweep.py", "line": "12", "function": "run"},
    },
    {
        "insertId": "audit",
        "logName": "folders/42/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": "2026-03-01T12:00:03+02:00",
        "severity": "NOTICE",
        "resource": {"type": "gce_instance"},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "methodName": "v1.compute.instances.delete",
            "authenticationInfo": {"principalEmail": "ops@example.com"},
            "requestTime": "2026-03-01T09:59:59.5Z",
            "responseSize": "1000",
            "status": {"details": [{"@type": "x/Any", "value": {"reason": "quota"}}]},
        },
    },
    {"insertId": "bare", "logName": RUN_LOG, "timestamp": "2026-03-01T10:00:04Z"},
)


def found(filter: Filter | str, log: Iterable[Entry] = LOG) -> list[str]:
    """The insertIds that a filter selects, in the log's order."""
    return [entry["insertId"] for entry in filter_entries(filter, log)]


def filter_entries(filter: Filter | str, log: Iterable[Entry]) -> list[Entry]:
    """The entries that a filter selects."""
    return list(filter_with(predicate(filter), log))


def filter_with(decide: Any, log: Iterable[Entry]) -> Iterable[Entry]:
    """The entries that a predicate selects."""
    return filter(decide, log)
