"""The columns that a filter can be pushed down to: each a field of an entry as it stood in the log.

Raw: before redaction, masking and cleaning, because a filter speaks of what was logged. Null is a field that the
entry does not have. A table may lack any of them: what speaks of it is then undecided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ir

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


# Fields by their path in LogEntry, labels by their key.
_COLUMNS: dict[tuple[str, ...], str] = {
    ("timestamp",): "timestamp_ns",
    ("receiveTimestamp",): "receive_timestamp_ns",
    ("severity",): "severity",
    ("logName",): "log_name",
    ("insertId",): "insert_id",
    ("trace",): "trace",
    ("spanId",): "span_id",
    ("resource", "type"): "resource_type",
    ("resource", "labels"): "resource_labels",
    ("resource", "labels", "service_name"): "service",
    ("resource", "labels", "revision_name"): "revision",
    ("labels",): "labels",
    ("labels", "instanceId"): "instance_id",
    ("httpRequest", "requestMethod"): "http_method",
    ("httpRequest", "requestUrl"): "http_url",
    ("httpRequest", "status"): "http_status",
    ("httpRequest", "latency"): "http_latency_ns",
    ("httpRequest", "requestSize"): "http_request_size",
    ("httpRequest", "remoteIp"): "remote_ip",
    ("httpRequest", "userAgent"): "user_agent",
    ("textPayload",): "text_payload",
    ("jsonPayload",): "json_payload",
}


def column_of(table: ir.Table, path: tuple[str, ...]) -> Any:
    """The column of a field, by its path in LogEntry; null when the table has none."""
    return column(table, _COLUMNS.get(path, ""))


def column(table: ir.Table, name: str) -> Any:
    """A column by its name; null when the table has none. Latency may stand in nanoseconds or in seconds."""
    if name == "http_latency_ns" and name not in table.columns:
        name = "http_latency_s"
    return table[name] if name in table.columns else None
