"""The entries that a filter selects, told from the entries as they stood, before anything is redacted.

DuckDB decides what it can decide exactly (:mod:`gpkit.filters`); the interpreter decides the rest, entry by entry.
"""

# ruff: noqa: S608 - the SQL is put together from constants and a compiled filter, never from what a log holds.
from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpkit import filters
from gpkit.entries.extraction import filterable_sql
from gpkit.filters import push

_KEEP = "selected_by_interpreter"
# Of filterable_sql, in the names of gpkit.filters.engines.columns.
_TYPES = {
    "timestamp_ns": "int64",
    "receive_timestamp_ns": "int64",
    "severity": "string",
    "log_name": "string",
    "insert_id": "string",
    "trace": "string",
    "span_id": "string",
    "resource_type": "string",
    "resource_labels": "string",
    "labels": "string",
    "service": "string",
    "revision": "string",
    "instance_id": "string",
    "http_method": "string",
    "http_url": "string",
    "http_status": "int64",
    "http_latency_ns": "int64",
    "http_request_size": "int64",
    "remote_ip": "string",
    "user_agent": "string",
    "text_payload": "string",
    "json_payload": "string",
    "entry": "string",
    "readable": "string",
    "is_entry": "boolean",
    "is_odd": "boolean",
}


@dataclass(frozen=True)
class Selection:
    """What an extractor needs to keep the selected entries only.

    Attributes:
        select_sql: Makes the SQL of the rows to keep from that of all rows.
        functions: Functions of one entry's JSON text that it uses, by name.
    """

    select_sql: Callable[[str], str]
    functions: tuple[tuple[str, Callable[[str], bool]], ...]


def selection(text: str) -> Selection | None:
    """How to keep what a filter selects; null for a filter that selects every entry.

    Raises:
        FilterError: The filter is wrong, or asks for what cannot be had here.
    """
    if not text.strip():
        return None
    parsed = filters.parse(text)
    matches = filters.predicate(parsed)
    if parsed.tree is None:
        return None
    decided = _decided_sql(parsed)

    def select_sql(source: str) -> str:
        return f"""
            WITH filterable AS ({filterable_sql(source)}), decided AS ({decided})
            SELECT entry, readable FROM decided
            WHERE CASE WHEN surely OR NOT is_entry THEN true ELSE {_KEEP}(entry) END
        """

    return Selection(select_sql, ((_KEEP, lambda entry: matches(json.loads(entry))),))


def selected_by(written_with: Sequence[str], asked: str) -> str:
    """What selected the entries of files that were written with filters, when another filter is asked for too.

    Args:
        written_with: The filter of each such file; an entry is in one of them.
        asked: The filter asked for; empty for all.

    Returns:
        One filter; as they stand side by side when a text among them is none any more, redacted.
    """
    written = list(dict.fromkeys(written_with))
    given = [part for part in (asked, *written) if part]
    if len(given) < 2:
        return "".join(given)
    try:
        alternatives = filters.any_of(*written)
        return (filters.all_of(alternatives, asked) if asked else alternatives).text
    except filters.FilterError:
        either = " OR ".join(f"({one})" for one in written)
        return f"({either}) AND ({asked})" if asked else either


def _decided_sql(parsed: filters.Filter) -> str:
    """SQL: the rows of ``filterable`` that may be selected, with ``surely`` where that is certain."""
    import ibis

    table = ibis.table(_TYPES, name="filterable")
    pushed = push(parsed, table)
    # What is no entry goes on: a file that holds such a thing is to be looked at more closely.
    possible = table.filter(~pushed.never | ~table.is_entry | table.is_odd).select(
        "entry", "readable", "is_entry", (pushed.surely & ~table.is_odd).name("surely")
    )
    return str(ibis.to_sql(possible, dialect="duckdb"))
