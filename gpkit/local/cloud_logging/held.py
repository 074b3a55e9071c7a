"""One log entry as it is held: its bytes, and the three facts that it is ordered and told apart by.

Pure. Nanoseconds since 1970.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

# Keys as scripts that use the client's attributes write them, and the API's own.
_RENAMED = {
    "insert_id": "insertId",
    "log_name": "logName",
    "receive_timestamp": "receiveTimestamp",
    "text_payload": "textPayload",
    "json_payload": "jsonPayload",
    "proto_payload": "protoPayload",
    "http_request": "httpRequest",
    "span_id": "spanId",
    "trace_sampled": "traceSampled",
    "source_location": "sourceLocation",
}
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Held:
    """An entry: its JSON exactly as it stood, its instant, insert id and log name (empty where it has none)."""

    raw: bytes
    timestamp_ns: int
    insert_id: str
    log_name: str


class _Head(msgspec.Struct):
    timestamp: Any = None
    receiveTimestamp: Any = None  # noqa: N815 - the API's name
    insertId: Any = None  # noqa: N815 - the API's name
    logName: Any = None  # noqa: N815 - the API's name
    resource: Any = None
    insert_id: Any = None
    log_name: Any = None


_head = msgspec.json.Decoder(_Head)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_any = msgspec.json.Decoder()


def hold(raw: bytes, project: str) -> Held | None:
    """An entry to serve; null for what has no instant, which the service never stores.

    Args:
        raw: The entry's JSON. Top-level keys in snake case are renamed; every value stays as it stood.
        project: Where an entry is taken to be from that has neither log name nor project.
    """
    raw, head = _read(raw)
    if head.insert_id is not None or head.log_name is not None:
        raw, head = _read(_renamed(raw))
    at_ns = instant_ns(head.timestamp)
    if at_ns is None:
        at_ns = instant_ns(head.receiveTimestamp)
    if at_ns is None:
        return None
    log_name = head.logName if isinstance(head.logName, str) else f"projects/{_project(head) or project}/logs/"
    return Held(raw, at_ns, head.insertId if isinstance(head.insertId, str) else "", log_name)


def _project(head: _Head) -> str:
    labels = head.resource.get("labels") if isinstance(head.resource, dict) else None
    found = labels.get("project_id") if isinstance(labels, dict) else None
    return found if isinstance(found, str) else ""


def _read(raw: bytes) -> tuple[bytes, _Head]:
    """An entry's bytes, and what is looked at of them.

    The bytes of what is no JSON are written again so that it spoils no page: those that are no UTF-8 are replaced,
    control characters escaped, and NaN and infinities are texts, as proto3 JSON has them.
    """
    try:
        raw.decode("utf-8")
        return raw, _head.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        # Python's own decoder takes half of a surrogate pair and huge numbers, which are JSON.
        found = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        found = decode(raw)
        raw = json.dumps(found).encode()
    values = found if isinstance(found, dict) else {}
    return raw, _Head(*(values.get(name) for name in _Head.__struct_fields__))


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _finite(number: str) -> float | str:
    return float(number) if math.isfinite(float(number)) else number


def _renamed(raw: bytes) -> bytes:
    try:
        members = _members.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw
    return msgspec.json.encode({_RENAMED.get(key, key): value for key, value in members.items()})


def decode(raw: bytes) -> Mapping[str, Any]:
    """An entry's JSON as values; what is no object is an empty entry."""
    try:
        found = _any.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            text = raw.decode("utf-8", errors="replace")
            found = json.loads(text, strict=False, parse_constant=str, parse_float=_finite)
        except (ValueError, RecursionError):
            return {}
    return found if isinstance(found, dict) else {}


def instant_ns(stamp: object) -> int | None:
    """Nanoseconds of an RFC 3339 text, whatever its digits and offset; null for anything else."""
    found = _STAMP.fullmatch(stamp) if isinstance(stamp, str) else None
    if found is None:
        return None
    whole, fraction, offset = found.groups()
    try:
        at = datetime.fromisoformat(whole.upper() + ("+00:00" if offset in "Zz" else offset))
    except ValueError:
        return None
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def stamp(at_ns: int) -> str:
    """An instant as RFC 3339 with nine digits."""
    seconds, nanos = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"
