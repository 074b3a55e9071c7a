"""The columns that a filter can be pushed down to: each a field of an entry as it stood in the log.

Raw: before redaction, masking and cleaning, because a filter speaks of what was logged. Null is a field that the
entry does not have. A table may lack any of them: what speaks of it is then undecided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["instant", "severity", "text", "payload", "label", "integer", "duration"]

FILTERABLE: dict[str, str] = {
    "timestamp_ns": "timestamp, int64 nanoseconds since 1970",
    "receive_timestamp_ns": "receiveTimestamp, int64 nanoseconds since 1970",
    "severity": "severity, text",
    "log_name": "logName, text",
    "insert_id": "insertId, text",
    "trace": "trace, text",
    "span_id": "spanId, text",
    "resource_type": "resource.type, text",
    "resource_labels": "resource.labels, JSON text of one object",
    "labels": "labels, JSON text of one object",
    "service": "resource.labels.service_name, text",
    "revision": "resource.labels.revision_name, text",
    "instance_id": "labels.instanceId, text",
    "http_method": "httpRequest.requestMethod, text",
    "http_url": "httpRequest.requestUrl, text",
    "http_status": "httpRequest.status, integer",
    "http_latency_ns": "httpRequest.latency, int64 nanoseconds",
    "http_latency_s": "httpRequest.latency, float64 seconds; used where http_latency_ns is not there",
    "http_request_size": "httpRequest.requestSize, bytes, integer",
    "remote_ip": "httpRequest.remoteIp, text",
    "user_agent": "httpRequest.userAgent, text",
    "text_payload": "textPayload, text",
    "json_payload": "jsonPayload, JSON text of one object",
    "entry": "the whole entry, JSON text",
}


@dataclass(frozen=True)
class Field:
    """Where a field stands, and how it is compared."""

    column: str
    kind: Kind


# By names without case and underscores, as field names of LogEntry are compared.
_FIELDS: dict[tuple[str, ...], Field] = {
    ("timestamp",): Field("timestamp_ns", "instant"),
    ("receivetimestamp",): Field("receive_timestamp_ns", "instant"),
    ("severity",): Field("severity", "severity"),
    ("logname",): Field("log_name", "text"),
    ("insertid",): Field("insert_id", "text"),
    ("trace",): Field("trace", "text"),
    ("spanid",): Field("span_id", "text"),
    ("resource", "type"): Field("resource_type", "text"),
    ("httprequest", "requestmethod"): Field("http_method", "text"),
    ("httprequest", "requesturl"): Field("http_url", "text"),
    ("httprequest", "status"): Field("http_status", "integer"),
    ("httprequest", "latency"): Field("http_latency_ns", "duration"),
    ("httprequest", "requestsize"): Field("http_request_size", "integer"),
    ("httprequest", "remoteip"): Field("remote_ip", "text"),
    ("httprequest", "useragent"): Field("user_agent", "text"),
    ("textpayload",): Field("text_payload", "payload"),
}
# Labels with a column of their own; their names keep letter case.
_LABELS: dict[tuple[str, str], Field] = {
    ("resource_labels", "service_name"): Field("service", "label"),
    ("resource_labels", "revision_name"): Field("revision", "label"),
    ("labels", "instanceId"): Field("instance_id", "label"),
}


def field(components: tuple[str, ...]) -> Field | None:
    """The field that a path names; null when it has no column of its own."""
    if own := label(components):
        return _LABELS.get(own)
    return _FIELDS.get(tuple(_plain(component) for component in components))


def label(components: tuple[str, ...]) -> tuple[str, str] | None:
    """The column of labels and the key that a path names; null when it names no label."""
    if len(components) == 2 and _plain(components[0]) == "labels":
        return "labels", components[1]
    if len(components) == 3 and tuple(map(_plain, components[:2])) == ("resource", "labels"):
        return "resource_labels", components[2]
    return None


def payload_keys(components: tuple[str, ...]) -> tuple[str, ...]:
    """The keys below ``jsonPayload`` that a path names; empty when it names none."""
    return components[1:] if _plain(components[0]) == "jsonpayload" else ()


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
