"""The entries that a connection's story is made of, in one Ibis expression.

This is the heavy stage: everything after it works on a few lines for each connection. The expression runs where the
entries are: DuckDB in this process, BigQuery, Spark. It uses regular expressions, comparisons and casts only, each in
a form that all three read alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpkit.entries.arrow import to_frame
from gpkit.errors import TableError
from gpkit.logs.grammar import CONNECTION, classified, grammar

if TYPE_CHECKING:
    from collections.abc import Collection

    import ibis.expr.types as ir
    import pandas as pd

STORY = frozenset(
    [
        "upgrade",
        "access_refused",
        "accepted",
        "opened",
        "server_rejected",
        "closed",
        "initiated",
        "ready_checked",
        "negotiated",
        "auth_started",
        "auth_ok",
        "auth_failed",
        "bypass",
        "rejected",
        "context",
        "handshake",
        "setup",
        "established",
        "message",
        "routed",
        "event",
        "event_failed",
        "contamination",
        "disconnect",
        "client_disconnect",
        "cleanup",
        "error",
        "traceback",
    ]
)
"""Phases of the grammar that tell of a connection."""

_KINDS = {
    "timestamp_ns": "int64",
    "payload_timestamp_ns": "int64",
    "service": "string",
    "revision": "string",
    "instance_id": "string",
    "insert_id": "string",
    "continues": "string",
    "trace": "string",
    "user_agent": "string",
    "http_status": "int64",
    "http_latency_s": "float64",
    "http_request_size": "int64",
    "message": "string",
}
COLUMNS = tuple(_KINDS)
LABELS = ("service", "revision", "instance_id")
NEEDED = {**_KINDS, "payload_kind": "string", "http_url": "string"}
"""The columns of ENTRIES that a story is made of. ``payload_timestamp_ns`` may be missing: then no line has its own."""

REQUIRED = tuple(name for name in NEEDED if name != "payload_timestamp_ns")
"""Those of them that must be there."""

BOOT_FAILED = r"Worker failed to boot|Application startup failed\. Exiting|Container called exit\([1-9]"
"""What an instance that failed to boot writes; one that had started or served may exit with an error too."""
BOOTED = "Application startup complete"


def narrow(entries: ir.Table) -> ir.Table:
    """The columns of ``NEEDED`` and no other, each of its own kind.

    Raises:
        TableError: A column is missing.
    """
    import ibis

    missing = [name for name in REQUIRED if name not in entries.columns]
    if missing:
        raise TableError(f"The table lacks {', '.join(missing)}.", next_step="docs/tables.md lists the columns.")
    columns = {
        name: (entries[name] if name in entries.columns else ibis.null(kind)).cast(kind)
        for name, kind in NEEDED.items()
    }
    # A label that is there and empty says as little as one that is not.
    return entries.select(**columns | {name: columns[name].nullif("") for name in LABELS})


def story(entries: ir.Table) -> ir.Table:
    """The lines of connections, with ``rule`` and the connection id that stands in them as ``connection``.

    One row for each entry that the grammar knows and that tells of a connection, in no order.
    ``connection`` is null where the line names none.
    """
    table = classified(narrow(entries), phases=STORY)
    table = table.filter(table.rule.notnull())
    # BigQuery has the first group of a pattern by way of replacing the rest, which ends at a newline.
    line = table.message.replace("\n", " ")
    named = line.re_search(CONNECTION)
    connection = named.ifelse(line.re_extract(CONNECTION, 1), None)
    return table.select(*COLUMNS, "rule", connection=connection)


def boots(entries: ir.Table) -> ir.Table:
    """``revision``, ``instance_id`` and ``timestamp_ns`` of each line that a failed boot leaves, in no order.

    An instance that had started and then exits with an error leaves one of them as well: :func:`lived`.
    """
    known = entries.revision.notnull() & entries.timestamp_ns.notnull()
    told = entries.filter(entries.message.re_search(BOOT_FAILED) & known)
    return told.select("revision", "instance_id", "timestamp_ns")


def lived(entries: ir.Table, instances: Collection[str]) -> ir.Table:
    """Those of these instances, as ``instance_id``, that say that they started, or that answered a request."""
    said = entries.message.contains(BOOTED) | (entries.http_status < 500)
    return entries.filter(entries.instance_id.isin(list(instances)) & said).select("instance_id").distinct()


def lines_of(entries: pd.DataFrame) -> pd.DataFrame:
    """:func:`story` of a frame, with ``phase`` and ``reason``, ordered by instant and insert id.

    Raises:
        TableError: A column of ENTRIES is missing.
    """
    found = to_frame(story(from_frame(entries)).order_by("timestamp_ns", "insert_id").to_pyarrow())
    by_id = {rule.id: rule for rule in grammar()}
    found["phase"] = [by_id[rule].phase for rule in found["rule"]]
    found["reason"] = [by_id[rule].reason for rule in found["rule"]]
    return found


def from_frame(entries: pd.DataFrame) -> ir.Table:
    """What a story needs of a frame, as an Ibis table.

    Raises:
        TableError: A column of ENTRIES is missing.
    """
    from gpkit.logs.grammar import in_ibis

    present = [name for name in NEEDED if name in entries.columns]
    frame = entries[present].reset_index(drop=True)
    if "payload_timestamp_ns" in present:
        frame["payload_timestamp_ns"] = frame["payload_timestamp_ns"].astype("Int64")
    return narrow(in_ibis(frame))
