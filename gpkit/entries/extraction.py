"""From one entry's JSON text to its columns, in SQL: every spelling of a key, and the text it stands for.

The whole entry stays beside the columns, because typed columns drop what they do not know. Timestamps become exact
nanoseconds: DuckDB's TIMESTAMP_NS ignores an offset and its TIMESTAMPTZ cuts to microseconds, so the whole
microseconds come from the one and the last three digits from the other.
"""

# ruff: noqa: S608 - the SQL is put together from constants and quoted literals, never from what a log holds.
from __future__ import annotations

import json

from gpkit.entries.cleaning import clean_sql, level_sql, literal, same_level_sql
from gpkit.entries.continuation import begins_as_sql, left_open_sql

_REQUEST = {
    "requestMethod": "VARCHAR",
    "request_method": "VARCHAR",
    "method": "VARCHAR",
    "requestUrl": "VARCHAR",
    "request_url": "VARCHAR",
    "url": "VARCHAR",
    "status": "VARCHAR",
    "latency": "VARCHAR",
    "requestSize": "VARCHAR",
    "request_size": "VARCHAR",
    "remoteIp": "VARCHAR",
    "remote_ip": "VARCHAR",
    "userAgent": "VARCHAR",
    "user_agent": "VARCHAR",
}
_REQUESTS = ("httpRequest", "http_request")
_JSON_PAYLOAD = {
    "message": "VARCHAR",
    "msg": "VARCHAR",
    "severity": "VARCHAR",
    "level": "VARCHAR",
    "timestamp": "VARCHAR",
    "@type": "VARCHAR",
    "methodName": "VARCHAR",
    "status": {"message": "VARCHAR"},
}
_STRUCTURE = json.dumps(
    {
        "insertId": "VARCHAR",
        "insert_id": "VARCHAR",
        "logName": "VARCHAR",
        "log_name": "VARCHAR",
        "timestamp": "VARCHAR",
        "receiveTimestamp": "VARCHAR",
        "receive_timestamp": "VARCHAR",
        "severity": "VARCHAR",
        "trace": "VARCHAR",
        "spanId": "VARCHAR",
        "span_id": "VARCHAR",
        "labels": "JSON",
        "resource": "JSON",
        "textPayload": "VARCHAR",
        "text_payload": "VARCHAR",
        "jsonPayload": _JSON_PAYLOAD,
        "json_payload": _JSON_PAYLOAD,
        "protoPayload": _JSON_PAYLOAD,
        "proto_payload": _JSON_PAYLOAD,
        "httpRequest": _REQUEST,
        "http_request": _REQUEST,
    }
)


def instant_ns_sql(text: str) -> str:
    """SQL: an RFC 3339 text as nanoseconds since 1970, whatever its offset and digits; null for anything else."""
    exact = f"epoch_ns(TRY_CAST({text} AS TIMESTAMP_NS))"
    return (
        f"CASE WHEN suffix({text}, 'Z') OR suffix({text}, '+00:00') THEN {exact} "
        f"ELSE epoch_us(TRY_CAST(upper({text}) AS TIMESTAMPTZ)) * 1000 "
        f"+ coalesce(epoch_ns(TRY_CAST(upper({text}) AS TIMESTAMP_NS)) % 1000, 0) END"
    )


def spelled_sql(source: str) -> str:
    """SQL: the fields of each entry under one spelling, as they stood, from rows of ``entry`` and ``readable``.

    Of a key that is there and empty, and of one that is not there, both are null, but for ``labels`` and payloads.
    """
    request = {
        name: f"coalesce({', '.join(f'x.{where}.{field}' for where in _REQUESTS for field in fields)})"
        for name, fields in {
            "http_method": ("requestMethod", "request_method", "method"),
            "http_url": ("requestUrl", "request_url", "url"),
            "http_status": ("status",),
            "latency": ("latency",),
            "http_request_size": ("requestSize", "request_size"),
            "remote_ip": ("remoteIp", "remote_ip"),
            "user_agent": ("userAgent", "user_agent"),
        }.items()
    }
    return f"""
        SELECT entry, readable, parsable,
            {_either("insert_id", "insertId")} AS insert_id,
            {_either("log_name", "logName")} AS log_name,
            nullif(x.timestamp, '') AS stamp,
            {_either("receive_timestamp", "receiveTimestamp")} AS receive_stamp,
            nullif(x.severity, '') AS severity,
            nullif(x.trace, '') AS trace,
            {_either("span_id", "spanId")} AS span_id,
            nullif(x.labels::VARCHAR, 'null') AS labels,
            nullif(x.resource::VARCHAR, 'null') AS resource,
            {", ".join(f"{sql} AS {name}" for name, sql in request.items())},
            coalesce(x.textPayload, x.text_payload) AS text_payload,
            x.jsonPayload IS NOT NULL OR x.json_payload IS NOT NULL AS has_json,
            x.protoPayload IS NOT NULL OR x.proto_payload IS NOT NULL
                OR ends_with(coalesce(x.jsonPayload."@type", x.json_payload."@type"), 'AuditLog') AS has_proto,
            coalesce(x.jsonPayload.message, x.json_payload.message, x.jsonPayload.msg, x.json_payload.msg)
                AS json_message,
            coalesce(x.jsonPayload.severity, x.json_payload.severity, x.jsonPayload.level, x.json_payload.level)
                AS payload_level,
            coalesce(x.jsonPayload.timestamp, x.json_payload.timestamp) AS payload_stamp,
            {_of_audit("methodName")} AS audit_method,
            {_of_audit("status.message")} AS audit_status,
            coalesce(x.insertId, x.insert_id, x.logName, x.log_name, x.receiveTimestamp, x.receive_timestamp,
                x.textPayload, x.text_payload, {request["http_url"]}) IS NOT NULL
                OR has_json OR has_proto AS is_entry
        FROM (
            SELECT entry, readable, parsable, json_transform(parsable, {literal(_STRUCTURE)}) AS x
            FROM (SELECT entry, readable, coalesce(readable, entry) AS parsable FROM ({source}))
        )
    """


def extraction_sql(source: str) -> str:
    """SQL: the columns of ENTRIES, and what the steps after need, from rows of ``entry`` and ``readable``.

    ``readable`` is what DuckDB can parse of an entry that it cannot parse, null for all others.
    In layers: the typed structure, one spelling of each key, the text, then what follows from the text.
    """
    spelled = spelled_sql(source)
    kinds = """
        SELECT *,
            CASE
                WHEN text_payload IS NOT NULL THEN 'text'
                WHEN has_proto THEN 'proto'
                WHEN json_message IS NOT NULL THEN 'json'
                WHEN has_json AND NOT regexp_matches(entry, '"json_?[Pp]ayload"\\s*:\\s*\\{\\s*\\}') THEN 'json'
            END AS payload_kind
    """
    texts = """
        SELECT *,
            CASE payload_kind
                WHEN 'text' THEN text_payload
                WHEN 'proto' THEN concat_ws(': ', audit_method, audit_status)
                WHEN 'json' THEN coalesce(json_message,
                    json_extract(parsable, '$.jsonPayload')::VARCHAR, json_extract(parsable, '$.json_payload')::VARCHAR)
            END AS raw_text
    """
    cleaned = f"SELECT *, {clean_sql('raw_text')} AS message"
    levels = f"""
        SELECT *,
            upper(CASE WHEN severity IS NOT NULL AND upper(severity) NOT IN ('DEFAULT', '0') THEN severity
                ELSE coalesce({level_sql("message")}, payload_level) END) AS level
    """
    return f"""
        SELECT
            {instant_ns_sql("stamp")} AS timestamp_ns,
            {instant_ns_sql("receive_stamp")} AS receive_timestamp_ns,
            severity,
            coalesce({same_level_sql("level")}, 'DEFAULT') AS effective_severity,
            log_name, resource, labels,
            nullif(json_extract_string(resource, '$.labels.service_name'), '') AS service,
            nullif(json_extract_string(resource, '$.labels.revision_name'), '') AS revision,
            nullif(json_extract_string(labels, '$.instanceId'), '') AS instance_id,
            trace, span_id, insert_id, http_method, http_url,
            TRY_CAST(http_status AS INTEGER) AS http_status,
            TRY_CAST(rtrim(latency, 's') AS DOUBLE) AS http_latency_s,
            TRY_CAST(http_request_size AS BIGINT) AS http_request_size,
            remote_ip, user_agent, payload_kind,
            {instant_ns_sql("payload_stamp")} AS payload_timestamp_ns,
            message,
            CASE WHEN payload_kind = 'text' THEN {begins_as_sql("message", "raw_text")} END AS begins_as,
            payload_kind = 'text' AND {left_open_sql("raw_text")} AS left_open,
            is_entry, entry
        FROM ({levels} FROM ({cleaned} FROM ({texts} FROM ({kinds} FROM ({spelled})))))
    """


def _of_audit(field: str) -> str:
    where = ("protoPayload", "proto_payload", "jsonPayload", "json_payload")
    return f"coalesce({', '.join(f'x.{payload}.{field}' for payload in where)})"


def _either(snake: str, camel: str) -> str:
    return f"nullif(coalesce(x.{camel}, x.{snake}), '')"


# A number that SQL and the interpreter read alike; of others SQL reads some that are none, and not all that are.
_PLAIN_NUMBERS = {
    "latency": "[0-9]{1,9}([.][0-9]{0,9})?s",
    "http_status": "[0-9]{1,9}",
    "http_request_size": "[0-9]{1,18}",
}


def filterable_sql(source: str) -> str:
    """SQL: what a filter can be decided by, as it stood in each entry, from rows of ``entry`` and ``readable``.

    ``is_odd`` says of a row that SQL may read it in another way than the interpreter, which then has the word.
    """

    def of(where: str, path: str) -> str:
        return f"json_extract_string({where}, '{path}')"

    odd = " OR ".join(
        f"NOT coalesce(regexp_full_match({name}, '{plain}'), true)" for name, plain in _PLAIN_NUMBERS.items()
    )
    latency_ns = "TRY_CAST(TRY_CAST(rtrim(latency, 's') AS DECIMAL(28, 9)) * 1000000000 AS BIGINT)"
    return f"""
        SELECT
            {instant_ns_sql("stamp")} AS timestamp_ns,
            {instant_ns_sql("receive_stamp")} AS receive_timestamp_ns,
            severity, log_name, insert_id, trace, span_id,
            {of("resource", "$.type")} AS resource_type,
            json_extract(resource, '$.labels')::VARCHAR AS resource_labels,
            labels,
            {of("resource", "$.labels.service_name")} AS service,
            {of("resource", "$.labels.revision_name")} AS revision,
            {of("labels", "$.instanceId")} AS instance_id,
            http_method, http_url,
            TRY_CAST(http_status AS BIGINT) AS http_status,
            {latency_ns} AS http_latency_ns,
            TRY_CAST(http_request_size AS BIGINT) AS http_request_size,
            remote_ip, user_agent, text_payload,
            coalesce(json_extract(parsable, '$.jsonPayload'), json_extract(parsable, '$.json_payload'))::VARCHAR
                AS json_payload,
            {odd} AS is_odd,
            entry, readable, is_entry
        FROM ({spelled_sql(source)})
    """
