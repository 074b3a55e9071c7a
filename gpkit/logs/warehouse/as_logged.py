"""A row of Log Analytics → the entry as the API writes it, so that one extraction reads both.

Pure. Names of LogEntry's own fields become camel case; what users named (labels, payloads) stays. Empty fields, which
the API leaves out, go. Instants keep all digits where the row has them.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from gpkit.logs.warehouse.log_analytics import NANOS

# int64 of the API's JSON is text.
_AS_TEXT = frozenset(["request_size", "response_size", "cache_fill_bytes"])
_EMPTY: tuple[object, ...] = (None, "", {}, [])


def as_logged(row: str) -> str:
    """The JSON text of an entry, from the JSON text of its row."""
    given: dict[str, Any] = json.loads(row)
    entry: dict[str, Any] = {}
    for name, value in given.items():
        if value is None or name in NANOS.values() or (name in ("trace", "span_id", "severity") and value == ""):
            continue
        if name == "http_request":
            value = _request(value)
        elif name == "proto_payload":
            value = _proto(value)
        if name == "severity" and value == "DEFAULT":
            continue
        if value not in _EMPTY or name in ("text_payload", "json_payload"):
            entry[camel(name)] = value
    for name, nanos in NANOS.items():
        if given.get(nanos) is not None:
            entry[camel(name)] = instant(int(given[nanos]))
    return json.dumps(entry, ensure_ascii=False)


def camel(name: str) -> str:
    """``insert_id`` → ``insertId``."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def instant(ns: int) -> str:
    """An instant as RFC 3339, nine digits."""
    at = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ns % 1_000_000_000:09d}Z"


def _request(given: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in given.items():
        if name == "latency" and isinstance(value, dict):
            value = f"{int(value.get('seconds') or 0)}.{int(value.get('nanos') or 0):09d}s"
        if value not in _EMPTY and value is not False:
            made[camel(name)] = str(value) if name in _AS_TEXT else value
    return made


def _proto(given: dict[str, Any]) -> dict[str, Any]:
    """The audit log at the top of the payload, as the API has it."""
    inside = given.get("audit_log") or given.get("request_log") or {}
    kind = given.get("type")
    return ({"@type": kind} if kind else {}) | {camel(name): value for name, value in inside.items()}
