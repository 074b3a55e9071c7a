"""Log Analytics' view ``_AllLogs`` as a table of entries: one Ibis expression, compiled for BigQuery.

Rows follow LogEntry with the names in snake case (docs.cloud.google.com/logging/docs/analyze/query-and-view, "the
schema corresponds to that of the LogEntry data structure"; sample queries: …/logging/docs/analyze/examples). Records
are read by way of their JSON text, so that it does not matter whether a field is a record, JSON or text: of
``http_request.latency`` descriptions differ.

Functions used beyond those of Ibis: TO_JSON_STRING, JSON_VALUE, JSON_QUERY, UNIX_MICROS
(docs.cloud.google.com/bigquery/docs/reference/standard-sql/json_functions and …/timestamp_functions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpkit.entries.cleaning import ANSI, COLOUR_TAG

if TYPE_CHECKING:
    import ibis.expr.types as ir

_REQUEST = (
    "struct<request_method: string, request_url: string, request_size: int64, status: int64, response_size: int64, "
    "user_agent: string, remote_ip: string, server_ip: string, referer: string, latency: string, protocol: string>"
)
SCHEMA = {
    "log_name": "string",
    "resource": "struct<type: string, labels: json>",
    "timestamp": "timestamp",
    "receive_timestamp": "timestamp",
    "severity": "string",
    "insert_id": "string",
    "http_request": _REQUEST,
    "labels": "json",
    "trace": "string",
    "span_id": "string",
    "text_payload": "string",
    "json_payload": "json",
    "proto_payload": "struct<type: string, audit_log: json>",
}
"""The columns that are read, as they are described; a table's own kinds are taken where it is connected."""

NANOS = {"timestamp": "timestamp_unix_nanos", "receive_timestamp": "receive_timestamp_unix_nanos"}
"""Columns that hold all digits, where a table has them: a TIMESTAMP of BigQuery ends at microseconds."""


def table(name: str = "_AllLogs") -> ir.Table:
    """The table as described, not connected: for compiling only."""
    import ibis

    return ibis.table(SCHEMA, name)


def entries(logs: ir.Table, *, with_row: bool = False) -> ir.Table:
    """The columns of ENTRIES that the heavy stage needs, and those that a filter can be pushed down to.

    Texts are as they were logged, neither redacted nor masked, but for ``message``, which is cleaned as a file's is.
    ``payload_timestamp_ns`` and ``continues`` are not told: they are found when entries are extracted.

    Args:
        logs: The view.
        with_row: Also ``row``, the JSON text of what an entry is made of.
    """
    import ibis

    request, proto = _json(logs.http_request), _json(logs.proto_payload)
    resource, labels, payload = _json(logs.resource), _json(logs.labels), _json(logs.json_payload)
    nothing = ibis.null(str)
    said = ibis.coalesce(_value(payload, "$.message"), _value(payload, "$.msg"), payload)
    audited = ibis.coalesce(
        _value(proto, "$.audit_log.method_name"), _value(proto, "$.audit_log.methodName"), _value(proto, "$.methodName")
    )
    kind = ibis.cases(
        (logs.text_payload.notnull(), "text"),
        (proto.notnull(), "proto"),
        (payload.notnull() & (payload != "{}"), "json"),
        else_=nothing,
    )
    raw = ibis.cases(
        (kind == "text", logs.text_payload), (kind == "proto", audited), (kind == "json", said), else_=nothing
    )
    return logs.select(
        timestamp_ns=_instant_ns(logs, "timestamp"),
        receive_timestamp_ns=_instant_ns(logs, "receive_timestamp"),
        severity=logs.severity.nullif("DEFAULT"),
        log_name=logs.log_name,
        insert_id=logs.insert_id,
        trace=logs.trace.nullif(""),
        span_id=logs.span_id.nullif(""),
        resource_type=_value(resource, "$.type"),
        resource_labels=_json_part(resource, "$.labels"),
        labels=labels,
        service=_value(resource, "$.labels.service_name"),
        revision=_value(resource, "$.labels.revision_name"),
        instance_id=_value(labels, "$.instanceId"),
        http_method=_value(request, "$.request_method").nullif(""),
        http_url=_value(request, "$.request_url").nullif(""),
        http_status=_value(request, "$.status").try_cast("int64"),
        http_latency_s=_latency_s(request),
        http_request_size=_value(request, "$.request_size").try_cast("int64"),
        remote_ip=_value(request, "$.remote_ip").nullif(""),
        user_agent=_value(request, "$.user_agent").nullif(""),
        text_payload=logs.text_payload,
        json_payload=payload,
        payload_kind=kind,
        message=raw.re_replace(f"{ANSI}|{COLOUR_TAG}", ""),
        continues=nothing,
        **({"row": _row(logs)} if with_row else {}),
    )


def _row(logs: ir.Table) -> Any:
    """The columns that an entry is made of, as the JSON text of one object."""
    import ibis

    names = [name for name in (*SCHEMA, *NANOS.values()) if name in logs.columns]
    return _text(ibis.struct({name: logs[name] for name in names}))


def _instant_ns(logs: ir.Table, name: str) -> ir.IntegerValue:
    if NANOS[name] in logs.columns:
        return logs[NANOS[name]].cast("int64")
    return _function("UNIX_MICROS", "int64", logs[name]) * 1000


def _latency_s(request: ir.StringValue) -> ir.FloatingValue:
    """A latency that stands as text, ``0.115s``, or as a record of seconds and nanoseconds."""
    import ibis

    said = _value(request, "$.latency").re_replace("s$", "").try_cast("float64")
    seconds = _value(request, "$.latency.seconds").try_cast("float64")
    nanos = _value(request, "$.latency.nanos").try_cast("float64")
    parts = (seconds.notnull() | nanos.notnull()).ifelse(
        seconds.fill_null(0.0) + nanos.fill_null(0.0) / 1e9, ibis.null("float64")
    )
    return ibis.coalesce(said, parts)


def _json(value: ir.Value) -> ir.StringValue:
    """The JSON text of a value; null for none."""
    return _text(value).nullif("null")


def _text(value: ir.Value) -> Any:
    return _function("TO_JSON_STRING", "string", value)


def _value(text: ir.StringValue, path: str) -> Any:
    return _function("JSON_VALUE", "string", text, path)


def _json_part(text: ir.StringValue, path: str) -> Any:
    return _function("JSON_QUERY", "string", text, path)


def _function(name: str, kind: str, value: ir.Value, *path: str) -> Any:
    """A function of BigQuery that Ibis has no name for, of a value of any kind."""
    import ibis

    def of(value: Any) -> Any: ...

    def of_path(value: Any, path: Any) -> Any: ...

    arguments = (value.type(), *("string" for _ in path))
    chosen = of_path if path else of
    return ibis.udf.scalar.builtin(chosen, name=name, signature=(arguments, kind))(value, *path)
