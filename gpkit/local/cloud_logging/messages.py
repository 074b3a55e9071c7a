"""Entries and pages as protobuf, for gRPC.

What protobuf cannot carry is lost, as it is in the service: fields that LogEntry does not have (``errorGroups``), and
integers of a JSON payload above 2⁵³, because a Struct holds doubles. An audit entry travels as an Any of AuditLog. An
Any of a type that is not known here travels as its type alone: without the type there are no bytes to send. A value
that does not fit its field costs that field.
"""

from __future__ import annotations

from typing import Any

# Registers the type, so that audit entries can be packed.
from google.cloud.audit import audit_log_pb2  # type: ignore[import-untyped]  # noqa: F401
from google.cloud.logging_v2.types import LogEntry, TailLogEntriesResponse
from google.protobuf import json_format  # type: ignore[import-untyped]

from gpkit.local.cloud_logging.held import decode, instant_ns, stamp
from gpkit.local.cloud_logging.store import Store

LARGEST_PAGE_BYTES = 4_000_000  # a client receives 4 MiB unless told otherwise: grpc.max_receive_message_length
_RATE_LIMIT, _NOT_CONSUMED = 1, 2


class Encoder:
    """Entries of a store as serialized LogEntry messages, each encoded once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._encoded: dict[int, bytes] = {}

    def entry(self, number: int) -> bytes:
        """An entry as an element of the field ``entries``, which both responses give the number 1."""
        if number not in self._encoded:
            self._encoded[number] = _field(1, log_entry(self._store.raws[number]))
        return self._encoded[number]

    def size(self, number: int) -> int:
        """The bytes that an entry takes in a response."""
        return len(self.entry(number))

    def parts(self, numbers: list[int]) -> list[list[int]]:
        """Entries in as many responses as their bytes need; one empty response for none."""
        parts: list[list[int]] = [[]]
        filled = 0
        for number in numbers:
            filled += self.size(number)
            if parts[-1] and filled > LARGEST_PAGE_BYTES:
                parts.append([])
                filled = self.size(number)
            parts[-1].append(number)
        return parts

    def page(self, numbers: list[int], next_token: str) -> bytes:
        """A ListLogEntriesResponse."""
        token = _field(2, next_token.encode()) if next_token else b""
        return b"".join([self.entry(number) for number in numbers]) + token

    def tailed(self, numbers: list[int], over_rate: int, not_consumed: int) -> bytes:
        """A TailLogEntriesResponse with the counts of what was left out."""
        counts = TailLogEntriesResponse.pb()()
        for reason, count in ((_RATE_LIMIT, over_rate), (_NOT_CONSUMED, not_consumed)):
            if count:
                counts.suppression_info.add(reason=reason, suppressed_count=count)
        return b"".join([self.entry(number) for number in numbers]) + bytes(counts.SerializeToString())


def log_entry(raw: bytes) -> bytes:
    """A serialized LogEntry from an entry's JSON."""
    values = dict(decode(raw))
    for name in ("timestamp", "receiveTimestamp"):
        # A Timestamp's JSON has at most nine digits and a T; exports have been seen with others.
        at_ns = instant_ns(values.get(name))
        if at_ns is not None:
            values[name] = stamp(at_ns)
    message = LogEntry.pb()()
    try:
        json_format.ParseDict(values, message, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, OverflowError):
        message = LogEntry.pb()()
        for name, value in values.items():
            _put(message, name, value)
    return bytes(message.SerializeToString())


def _put(message: Any, name: str, value: Any) -> None:
    whole = LogEntry.pb()()
    try:
        json_format.ParseDict({name: value}, whole, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, OverflowError):
        kind = value.get("@type") if isinstance(value, dict) else None
        if name == "protoPayload" and isinstance(kind, str):
            message.proto_payload.type_url = kind
    else:
        message.MergeFrom(whole)


def _field(number: int, value: bytes) -> bytes:
    """A length-delimited field: https://protobuf.dev/programming-guides/encoding/"""
    length, head = len(value), bytearray([number << 3 | 2])
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + value
