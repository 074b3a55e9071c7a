"""The entries that a connection's story is made of, in one Ibis expression.

This is the heavy stage: everything after it works on a few lines for each connection. The expression runs where the
entries are: DuckDB in this process, BigQuery, Spark. It uses regular expressions, comparisons and casts only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpkit.errors import TableError
from gpkit.entries.arrow import to_frame
from gpkit.logs.grammar import CONNECTION, classified, grammar

if TYPE_CHECKING:
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

COLUMNS = (
    "timestamp_ns",
    "payload_timestamp_ns",
    "service",
    "revision",
    "instance_id",
    "insert_id",
    "continues",
    "trace",
    "user_agent",
    "http_status",
    "http_latency_s",
    "http_request_size",
    "message",
)


def story(entries: ir.Table) -> ir.Table:
    """The lines of connections, with ``rule`` and the connection id that stands in them as ``connection``.

    One row for each entry that the grammar knows and that tells of a connection; ordered by instant.
    ``connection`` is null where the line names none.
    """
    rules = [rule.id for rule in grammar() if rule.phase in STORY]
    table = classified(entries)
    table = table.filter(table.rule.isin(rules))
    named = table.message.re_search(CONNECTION)
    connection = named.ifelse(table.message.re_extract(CONNECTION, 1), None)
    return table.select(*COLUMNS, "rule", connection=connection).order_by("timestamp_ns", "insert_id")


def lines_of(entries: pd.DataFrame) -> pd.DataFrame:
    """:func:`story` of a frame, with ``phase`` and ``reason``, the entries' own order kept among equal instants.

    Raises:
        TableError: A column of ENTRIES is missing.
    """
    from gpkit.logs.grammar import in_ibis

    wanted = [*COLUMNS, "payload_kind", "http_url"]
    missing = [name for name in wanted if name not in entries.columns and name != "payload_timestamp_ns"]
    if missing:
        raise TableError(f"The table lacks {', '.join(missing)}.", next_step="docs/tables.md lists the columns.")
    narrow = entries.reindex(columns=wanted).reset_index(drop=True)
    narrow["payload_timestamp_ns"] = narrow["payload_timestamp_ns"].astype("Int64")
    found = to_frame(story(in_ibis(narrow)).to_pyarrow())
    by_id = {rule.id: rule for rule in grammar()}
    found["phase"] = [by_id[rule].phase for rule in found["rule"]]
    found["reason"] = [by_id[rule].reason for rule in found["rule"]]
    return found
