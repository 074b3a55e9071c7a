"""What a file holds, told from its bytes: entries in some wrapping, or something else and what.

Entries come as a JSON array, as one object a line (NDJSON), as objects one after another, as a single object, or
wrapped by scripts: ``{"raw_logs": [...]}``, ``{"entries": [...]}``, ``{"logs_by_severity": {"ERROR": [...]}}``. The
table ENTRIES is read back by its column ``entry``: Parquet, or one row a line.
Parquet, arrays and lines are DuckDB's to read; everything else is for :mod:`gpkit.logs.cutting`. Pure: bytes in.
"""

from __future__ import annotations

import codecs
import json

from gpkit.errors import SourceError

ARRAY, LINES, ROWS, PARQUET, OTHER = "array", "lines", "rows", "parquet", "other"
"""The ways to read a file: DuckDB's array reader, its line reader (entries, or rows of ENTRIES), its Parquet reader, or
:func:`gpkit.logs.cutting.cut_entries`."""

_ENTRY_KEYS = frozenset(
    [
        "insertId",
        "insert_id",
        "logName",
        "log_name",
        "timestamp",
        "receiveTimestamp",
        "receive_timestamp",
        "textPayload",
        "text_payload",
        "jsonPayload",
        "json_payload",
        "protoPayload",
        "proto_payload",
        "httpRequest",
        "http_request",
    ]
)
_ROW_KEYS = frozenset(["timestamp_ns", "payload_kind", "entry"])
_PARQUET_MAGIC = b"PAR1"
_OTHER_MAGIC = {
    b"PK\x03\x04": "a zip archive",
    b"SQLite format": "an SQLite database",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"<?xml": "an XML document, perhaps a JUnit report",
    b"<!DOCTYPE": "an HTML page",
    b"<html": "an HTML page",
}
EXPORT_INSTEAD = "Export entries instead: gcloud logging read FILTER --format=json > entries.json"


def encoding_of(head: bytes) -> str:
    """The encoding that the byte order mark tells; UTF-8 without one."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    return "utf-8"


def compression_of(head: bytes) -> str | None:
    """How the file is compressed, by its first bytes whatever its name says; null for plain."""
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bz2"), (b"\xfd7zXZ", "xz")):
        if head.startswith(magic):
            return name
    return None


def way_to_read(head: bytes, name: str) -> str:
    """The way to read a file, from the first bytes after decompression.

    Raises:
        SourceError: The file is empty, binary, or a document of another kind.
    """
    if head.startswith(_PARQUET_MAGIC):
        return PARQUET
    for magic, kind in _OTHER_MAGIC.items():
        if head.lstrip().startswith(magic):
            raise refusal(name, f"it is {kind}")
    encoding = encoding_of(head)
    if encoding == "utf-8" and b"\x00" in head:
        raise refusal(name, "it is binary")
    text = head.decode(encoding, errors="ignore")
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        raise SourceError(f"{name} is empty.", next_step=EXPORT_INSTEAD)
    if encoding == "utf-16" or start[0] not in "[{":
        return OTHER
    if start[0] == "[":
        return ARRAY if encoding == "utf-8" else OTHER
    first_line = start.split("\n", 1)[0]
    try:
        record = json.loads(first_line)
    except (ValueError, RecursionError):  # the latter for what is nested too deeply
        return OTHER
    if encoding != "utf-8":
        return OTHER
    return ROWS if is_row(record) else LINES if is_entry(record) else OTHER


def is_entry(record: object) -> bool:
    """Whether this is a log entry: a timestamp or an insert id, and nothing of a report's shape."""
    if not isinstance(record, dict):
        return False
    known = _ENTRY_KEYS & record.keys()
    return bool(known) and known != {"timestamp"}


def is_row(record: object) -> bool:
    """Whether this is a row of the table ENTRIES, which holds the entry as text."""
    return isinstance(record, dict) and record.keys() >= _ROW_KEYS


def refusal(name: str, why: str, cause: str = "") -> SourceError:
    """The error for a file that is no export: why, and what to export instead."""
    return SourceError(f"{name} is not a log export: {why}.", cause, EXPORT_INSTEAD)
