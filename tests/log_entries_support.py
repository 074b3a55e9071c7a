"""Log entries as text, so that a person can check a test by eye."""

from __future__ import annotations

import json
from pathlib import Path

INSTANCE = "0069c7a988" + "ab" * 30
PROJECT = "projects/shop/logs/run.googleapis.com%2F"


def entry(at: str, text: str | None = None, **more: object) -> dict[str, object]:
    """One application line of one instance; ``more`` replaces or adds keys, and a null removes one."""
    made: dict[str, object] = {
        "insertId": f"id-{at}",
        "labels": {"instanceId": INSTANCE},
        "logName": PROJECT + "stderr",
        "receiveTimestamp": "2025-09-07T13:59:59.123456789Z",
        "resource": {
            "labels": {"service_name": "shop-backend", "revision_name": "shop-backend-00042-abc"},
            "type": "cloud_run_revision",
        },
        "timestamp": f"2025-09-07T{at}Z",
    }
    if text is not None:
        made["textPayload"] = text
    made |= more
    return {key: value for key, value in made.items() if value is not None}


def request(at: str, status: int = 403, **more: object) -> dict[str, object]:
    """One requests entry of an upgrade."""
    http = {
        "requestMethod": "GET",
        "requestUrl": "https://api.example.test/ws",
        "status": status,
        "latency": "0.002852s",
        "requestSize": "1016",
        "remoteIp": "203.0.113.77",
        "serverIp": "198.51.100.5",
        "userAgent": "Netra-E2E-Tests/1.0",
        "protocol": "HTTP/1.1",
    }
    known = {key: more.pop(key) for key in list(more) if key in http}
    return entry(
        at,
        insertId=f"req-{at}",
        logName=PROJECT + "requests",
        severity="WARNING",
        trace=f"projects/shop/traces/{abs(hash(at)):032x}"[:53],
        httpRequest=http | known,
        **more,
    )


def snake(original: dict[str, object]) -> dict[str, object]:
    """The entry as scripts rewrite it: snake case, no log name, microseconds."""
    stamp = str(original["timestamp"]).removesuffix("Z")
    whole, _, fraction = stamp.partition(".")
    rewritten: dict[str, object] = {
        "timestamp": f"{whole}.{fraction[:6].ljust(6, '0')}+00:00",
        "severity": original.get("severity"),
        "insert_id": original["insertId"],
        "resource": original["resource"],
        "labels": original["labels"],
        "trace": original.get("trace"),
        "span_id": None,
    }
    for key, renamed in (("textPayload", "text_payload"), ("jsonPayload", "json_payload")):
        if key in original:
            rewritten[renamed] = original[key]
    return rewritten


def write_array(path: Path, entries: list[dict[str, object]]) -> Path:
    """As ``gcloud logging read --format=json`` writes them."""
    path.write_text(json.dumps(entries, indent=2), "utf-8")
    return path


def write_lines(path: Path, entries: list[dict[str, object]]) -> Path:
    """One entry a line."""
    path.write_text("".join(json.dumps(each) + "\n" for each in entries), "utf-8")
    return path
