"""Attempts written as text, one a line, so that a person can check an expectation by eye.

``a  open ready sent agent_started … `` reaches these steps, an event each 0.1 s; ``name=value`` sets a column.
``refused`` ends with HTTP 403 before accept, ``closed`` with 1011 before ready, ``silent`` waits for the deadline.
"""

from __future__ import annotations

import pandas as pd

from gpkit.tables import ATTEMPTS, EVENT_COLUMNS, PHASES, from_rows

START_NS = 1_760_000_000_000_000_000
MS = 1_000_000


def attempts_of(text: str) -> pd.DataFrame:
    lines = [line.split() for line in text.strip().splitlines() if line.strip()]
    return from_rows([_row(index, name, words) for index, (name, *words) in enumerate(lines)], ATTEMPTS)


def _row(index: int, name: str, words: list[str]) -> dict[str, object]:
    started = START_NS + index * 100 * MS
    steps = [word for word in words if "=" not in word]
    events = [step for step in steps if step in EVENT_COLUMNS]
    row: dict[str, object] = {
        **dict.fromkeys(("late", "duplicate", "reordered", "malformed", "foreign", "context_lost"), 0),
        "attempt_id": name,
        "attempt_index": index,
        "environment": "text",
        "url": "ws://127.0.0.1/ws",
        "started_utc": pd.Timestamp(started, unit="ns", tz="UTC"),
        "started_ns": started,
        "requested_ns": started + MS,
        "planned_start_ns": index * 100 * MS,
        "trace": f"{index:032x}",
        "user": "u1",
        "carrier": "header",
        "credential": "valid",
        "control": False,
        "offered_subprotocols": [],
        "send": "after-ready",
        "deadline_s": 10.0,
        "events": events,
        "events_count": len(events),
        "run_ids": [],
        "messages_sent": int("sent" in steps or bool(events)),
        "loop_lag_s": 0.0,
        "under_load": False,
        "clock_step_ns": 0,
        "browser_would_fail": False,
        **{f"{phase}_ns": 0 if phase == "queue" else MS for phase in PHASES},
        **{f"{phase}_s": 0.0 if phase == "queue" else 0.001 for phase in PHASES},
        "total_ns": 8 * MS,
        "total_s": 0.008,
        "ended_in": "close",
        "outcome": _outcome(steps, events),
    }
    if "open" in steps:
        row |= {"open_s": 0.002, "auth_s": 0.003}
    if "ready" in steps:
        row |= {
            "welcome_received_ns": started + 3 * MS,
            "welcome_received_utc": pd.Timestamp(started, unit="ns", tz="UTC"),
        }
    if "refused" in steps:
        row |= {"decided_at": "before-accept", "http_status": 403, "auth_s": 0.002}
    row |= {f"{event}_s": 0.1 * (position + 1) for position, event in enumerate(events)}
    for word in words:
        if "=" in word:
            column, _, value = word.partition("=")
            row[column] = _value(value)
    return row


def _outcome(steps: list[str], events: list[str]) -> str:
    if "refused" in steps:
        return "upgrade_status_403"
    if "closed" in steps:
        return "closed_before_ready:1011"
    if "silent" in steps:
        return "ready_timeout"
    missing = [event for event in EVENT_COLUMNS if event not in events]
    return f"event_missing:{missing[0]}" if missing else "ok"


def _value(text: str) -> object:
    if text in ("True", "False"):
        return text == "True"
    if text == "null":
        return None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
