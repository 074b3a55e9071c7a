"""Log entries as Cloud Run writes them, one JSON line each, and the truth beside them.

Instants are nanoseconds since 1970; an entry's own stamp has microseconds. A requests entry is stamped at the
request's start and written at its end. Application lines carry no trace. A severity of null is left out, as the
platform does for plain text.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = "gpkit-local"
SERVICE = "golden-path"
LOCATION = "us-central1"
CRASHED = (
    "The request failed because either the HTTP response was malformed or connection to the instance had an error. "
    "Additional troubleshooting documentation can be found at: "
    "https://cloud.google.com/run/docs/troubleshooting#malformed-response-or-connection-error"
)
NOT_STARTED = (
    "The request failed because the instance could not start successfully. "
    "Additional troubleshooting documentation can be found at: "
    "https://cloud.google.com/run/docs/troubleshooting#container-failed-to-start"
)


@dataclass(frozen=True, slots=True)
class Instance:
    """One running container: the revision it serves and its id."""

    revision: str
    instance_id: str


def instance(seed: int, revision: str, number: int | str) -> Instance:
    """An instance with an id in the platform's shape, the same for the same arguments."""
    digest = hashlib.blake2b(f"{seed}|{revision}|{number}".encode(), digest_size=64).hexdigest()
    return Instance(revision, "0069c7a988" + (digest + digest)[:118])


def stamp(at_ns: int) -> str:
    """RFC 3339 in UTC with microseconds; three digits where those suffice, none where there are none."""
    seconds, micros = divmod(at_ns // 1000, 1_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    if micros == 0:
        return text + "Z"
    return f"{text}.{micros // 1000:03d}Z" if micros % 1000 == 0 else f"{text}.{micros:06d}Z"


def stamp_ns(at_ns: int) -> str:
    """RFC 3339 in UTC with nine digits."""
    seconds, nanos = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"


class Journal:
    """Where entries and truth are written: appended, whole lines, at once.

    Args:
        folder: Gets ``entries.jsonl`` and ``truth.jsonl``.
    """

    def __init__(self, folder: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.log_file = folder / "entries.jsonl"
        self.truth_file = folder / "truth.jsonl"
        self._log = os.open(self.log_file, flags, 0o600)
        self._truth = os.open(self.truth_file, flags, 0o600)
        self._numbers = itertools.count(1)

    def entry(
        self,
        source: Instance,
        log: str,
        at_ns: int,
        received_ns: int,
        *,
        severity: str | None = None,
        text: str | None = None,
        json_payload: dict[str, Any] | None = None,
        http: dict[str, Any] | None = None,
        trace: str | None = None,
        span_id: str | None = None,
        labels: dict[str, str] | None = None,
    ) -> str:
        """Write one entry and return its insert id.

        Args:
            source: The instance that it comes from.
            log: ``requests``, ``stdout``, ``stderr`` or ``varlog/system``.
            at_ns: Its ``timestamp``.
            received_ns: Its ``receiveTimestamp``.
            severity: Left out when null.
            text: ``textPayload``.
            json_payload: ``jsonPayload``.
            http: ``httpRequest``.
            trace: 32 hexadecimal digits.
            span_id: 16 hexadecimal digits.
            labels: Further labels beside the instance's id.
        """
        seconds, micros = divmod(at_ns // 1000, 1_000_000)
        entry: dict[str, Any] = {
            "insertId": f"{seconds & 0xFFFFFFFF:08x}{micros:08x}{next(self._numbers):08x}",
            "labels": {"instanceId": source.instance_id, **(labels or {})},
            "logName": f"projects/{PROJECT}/logs/run.googleapis.com%2F{log.replace('/', '%2F')}",
            "receiveTimestamp": stamp_ns(received_ns),
            "resource": {
                "labels": {
                    "configuration_name": SERVICE,
                    "location": LOCATION,
                    "project_id": PROJECT,
                    "revision_name": source.revision,
                    "service_name": SERVICE,
                },
                "type": "cloud_run_revision",
            },
            "timestamp": stamp(at_ns),
        }
        optional = {
            "severity": severity,
            "textPayload": text,
            "jsonPayload": json_payload,
            "httpRequest": http,
            "trace": f"projects/{PROJECT}/traces/{trace}" if trace else None,
            "spanId": span_id,
        }
        entry |= {key: value for key, value in optional.items() if value is not None}
        _append(self._log, entry)
        return str(entry["insertId"])

    def truth(self, line: dict[str, Any]) -> None:
        """Write what was really done to one connection."""
        _append(self._truth, line)

    def close(self) -> None:
        """Close both files."""
        os.close(self._log)
        os.close(self._truth)


def _append(descriptor: int, value: dict[str, Any]) -> None:
    data = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    while data:
        data = data[os.write(descriptor, data) :]
