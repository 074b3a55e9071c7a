"""Entries on a Spark cluster as Ibis tables: Parquet that gpkit wrote, or a sink's files of one entry a line.

The cluster reads the files, so their addresses must mean the same to all its workers. Only functions of Spark 4 are
used, in ANSI mode and out of it. Results come back through :mod:`gpkit.logs.warehouse.engines`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpkit.entries.cleaning import ANSI, COLOUR_TAG
from gpkit.errors import SourceError, TargetError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.pyspark import Backend


def connect(session: Any = None) -> Backend:
    """Ibis on a Spark session; null for the one that is there, or a new one as the machine is configured.

    Raises:
        TargetError: Spark is not installed.
    """
    try:
        import ibis

        return ibis.pyspark.connect(session) if session is not None else ibis.pyspark.connect()
    except ImportError:
        raise TargetError("Spark is not installed.", next_step="Install it: pip install 'gpkit[spark]'") from None


def in_parquet(backend: Backend, address: str) -> ir.Table:
    """The table ENTRIES in Parquet: a file, a folder or a pattern that the cluster can read.

    Raises:
        SourceError: Nothing is there, or Spark cannot read it.
    """
    try:
        return backend.read_parquet(address)
    except Exception as error:  # pyspark has several trees of errors, one for each way to reach a cluster
        raise _unreadable(address, error) from error


def in_sink(backend: Backend, address: str) -> ir.Table:
    """The entries of a sink's files, one JSON object a line, plain or gzip.

    Texts are as they were logged, neither redacted nor masked, but for ``message``, which is cleaned as a file's is.
    Lines that continue others are not linked: ``continues`` is null.

    Raises:
        SourceError: Nothing is there, or Spark cannot read it.
    """
    import ibis

    try:
        name = ibis.util.gen_name("gpkit_sink")
        backend._session.read.schema(_SCHEMA).json(address).createOrReplaceTempView(name)
        lines = backend.table(name)
    except Exception as error:
        raise _unreadable(address, error) from error
    return _entries(lines.filter(lines.timestamp.notnull()))


# Objects that are read as text are kept as they stand in the file.
_SCHEMA = """
    insertId STRING, logName STRING, timestamp STRING, receiveTimestamp STRING, severity STRING, trace STRING,
    spanId STRING, labels STRING, resource STRING, textPayload STRING, jsonPayload STRING, protoPayload STRING,
    httpRequest STRUCT<requestMethod: STRING, requestUrl: STRING, status: STRING, latency: STRING,
        requestSize: STRING, remoteIp: STRING, userAgent: STRING>
"""


def _entries(lines: ir.Table) -> ir.Table:
    import ibis

    nothing = ibis.null(str)
    request, payload, text = lines.httpRequest, lines.jsonPayload, lines.textPayload
    said = ibis.coalesce(_value(payload, "$.message"), _value(payload, "$.msg"), payload)
    kind = ibis.cases(
        (text.notnull(), "text"),
        (lines.protoPayload.notnull(), "proto"),
        (payload.notnull() & (payload != "{}"), "json"),
        else_=nothing,
    )
    raw = ibis.cases(
        (kind == "text", text),
        (kind == "proto", _value(lines.protoPayload, "$.methodName")),
        (kind == "json", said),
        else_=nothing,
    )
    return lines.select(
        timestamp_ns=instant_ns(lines.timestamp),
        receive_timestamp_ns=instant_ns(lines.receiveTimestamp),
        severity=lines.severity.nullif(""),
        log_name=lines.logName.nullif(""),
        insert_id=lines.insertId.nullif(""),
        trace=lines.trace.nullif(""),
        span_id=lines.spanId.nullif(""),
        resource_type=_value(lines.resource, "$.type"),
        labels=lines.labels,
        service=_value(lines.resource, "$.labels.service_name"),
        revision=_value(lines.resource, "$.labels.revision_name"),
        instance_id=_value(lines.labels, "$.instanceId"),
        http_method=request.requestMethod,
        http_url=request.requestUrl,
        http_status=request.status.try_cast("int64"),
        http_latency_s=request.latency.re_replace("s$", "").try_cast("float64"),
        http_request_size=request.requestSize.try_cast("int64"),
        remote_ip=request.remoteIp,
        user_agent=request.userAgent,
        text_payload=text,
        json_payload=payload,
        payload_kind=kind,
        payload_timestamp_ns=instant_ns(_value(payload, "$.timestamp")),
        message=raw.re_replace(f"{ANSI}|{COLOUR_TAG}", ""),
        continues=nothing,
    )


def instant_ns(stamp: ir.StringValue) -> ir.IntegerValue:
    """An RFC 3339 text as nanoseconds since 1970, all digits; null for anything else."""
    seconds = stamp.re_replace(r"\.[0-9]+", "").try_cast("timestamp").epoch_seconds().cast("int64")
    digits = stamp.re_extract(r"\.([0-9]{1,9})", 1)
    fraction = (digits.fill_null("") + "000000000").substr(0, 9).cast("int64")
    return seconds * 1_000_000_000 + fraction


def _value(text: ir.StringValue, path: str) -> Any:
    """What stands at a path of a JSON text, as text; objects and arrays as JSON."""
    import ibis

    def at(value: Any, path: Any) -> Any: ...

    signature = (("string", "string"), "string")
    return ibis.udf.scalar.builtin(at, name="get_json_object", signature=signature)(text, path)


def _unreadable(address: str, error: Exception) -> SourceError:
    return SourceError(f"Spark cannot read '{address}'.", str(error).splitlines()[0][:200])
