"""A finished attempt as rows of the tables, redacted here: nothing that holds a credential gets further.

Pure: facts in, dictionaries out. An attempt is one row of ``attempts``, each of its messages one row of ``messages``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gpkit.probe.attempt import Attempt
from gpkit.probe.journal import KEPT_CHARS, Message
from gpkit.probe.lag import UNDER_LOAD_S
from gpkit.probe.opening import selected_subprotocol
from gpkit.probe.phases import phases
from gpkit.probe.plan import AFTER_OPEN
from gpkit.protocol.credentials import browser_would_fail
from gpkit.protocol.events import EVENTS, Arrival, Judgement, judge_events
from gpkit.protocol.outcomes import Ending, Verdict, classify
from gpkit.redaction import mask_contacts, redact

TEXT_CHARS = 4096  # of a message's text; what is beyond is cut, with a note
Row = dict[str, Any]


def attempt_row(attempt: Attempt, *, run_started_ns: int, lag_ns: int | None) -> Row:
    """The row of ``attempts`` for a finished attempt."""
    planned, wire = attempt.planned, attempt.wire
    safe = _cleaner(attempt.target.mask_contacts)
    judged = _judge(attempt)
    verdict = classify(_ending(attempt, judged))
    closed = None if wire is None else wire.close_received
    selected = None if wire is None else selected_subprotocol(wire)
    opened_ns = None if wire is None else wire.opened_ns
    is_answered = wire is not None and wire.response is not None and wire.response.status_code == 101
    welcome = attempt.journal.welcome
    end_ns = attempt.end_ns or attempt.started_ns
    total_ns = end_ns - attempt.planned_ns
    durations = phases(attempt.marks, planned_ns=attempt.planned_ns, end_ns=end_ns, ended_in=attempt.phase)
    lag_s = None if lag_ns is None else lag_ns / 1e9
    return {
        "attempt_id": attempt_id(attempt),
        "attempt_index": planned.index,
        "environment": attempt.target.name,
        "url": attempt.target.url,
        **_instant("started", attempt, attempt.started_ns),
        "planned_start_ns": attempt.planned_ns - run_started_ns,
        "trace": planned.trace,
        "user": attempt.journal.user,
        "carrier": planned.carrier,
        "credential": planned.credential,
        "control": planned.is_control,
        "generation": None if welcome is None else welcome.generation,
        "event_path": next((m.frame.event_path for m in attempt.journal.messages if m.frame and m.frame.event), None),
        "connection_id": None if welcome is None or welcome.connection_id is None else safe(welcome.connection_id),
        "offered_subprotocols": [redact(name) for name in attempt.offered],
        "selected_subprotocol": None if selected is None else safe(selected),
        "send": planned.send,
        "send_delay_planned_s": planned.delay_s if planned.send == AFTER_OPEN else None,
        "send_after_open_s": _seconds(opened_ns, attempt.sent_ns),
        "deadline_s": attempt.plan.deadline_s,
        "outcome": verdict.outcome,
        "error_type": None if verdict.error_type is None else safe(verdict.error_type),
        "decided_at": verdict.decided_at,
        "http_status": None if wire is None else wire.status,
        "close_code_received": None if closed is None else closed[0],
        "close_reason_received": None if closed is None else safe(closed[1]),
        "close_code_sent": None if wire is None else wire.close_sent,
        "closed_first": None if wire is None else wire.closed_first,
        "events": list(judged.events),
        "events_count": len(judged.events),
        "messages_sent": 0 if attempt.sent_ns is None else 1,
        "run_ids": _run_ids(attempt, safe),
        "browser_would_fail": browser_would_fail(attempt.offered, selected) if is_answered else None,
        "late": judged.late,
        "duplicate": judged.duplicate,
        "reordered": judged.reordered,
        "malformed": sum(m.frame is not None and m.frame.kind == "malformed" for m in attempt.journal.messages),
        "foreign": judged.foreign,
        "context_lost": judged.context_lost,
        "loop_lag_s": lag_s,
        "under_load": None if lag_s is None else lag_s > UNDER_LOAD_S,
        "clock_step_ns": attempt.clock_step_ns,
        **{f"{phase}_ns": duration for phase, duration in durations.items()},
        **{f"{phase}_s": None if duration is None else duration / 1e9 for phase, duration in durations.items()},
        "total_ns": total_ns,
        "total_s": total_ns / 1e9,
        "ended_in": attempt.phase,
        "open_s": _seconds(attempt.started_ns, opened_ns),
        "auth_s": _seconds(None if wire is None else wire.request_sent_ns, _verdict_ns(attempt, verdict)),
        **{f"{event}_s": judged.first_s.get(event) if attempt.sent_ns is not None else None for event in EVENTS},
        **_instant("requested", attempt, None if wire is None else wire.request_sent_ns),
        **_instant("welcome_received", attempt, attempt.journal.ready_ns),
        "server_stamp_ns": None if welcome is None else welcome.server_stamp_ns,
        "server_stamp_resolution_ns": None if welcome is None else welcome.server_stamp_resolution_ns,
        **_instant("message_sent", attempt, attempt.sent_ns),
        "local_port": attempt.local_port,
        "address": None if attempt.address is None else attempt.address.host,
        "failed_addresses": list(attempt.failed_addresses),
    }


def message_rows(attempt: Attempt) -> list[Row]:
    """The rows of ``messages`` for a finished attempt, in order."""
    safe = _cleaner(attempt.target.mask_contacts)
    name = attempt_id(attempt)
    ordered = sorted(attempt.journal.messages, key=lambda message: message.at_ns)
    return [_message_row(name, index, message, attempt, safe) for index, message in enumerate(ordered)]


def attempt_id(attempt: Attempt) -> str:
    """Unique in the run, and over runs by the trace."""
    return f"a{attempt.planned.index:05d}-{attempt.planned.trace[:8]}"


def _message_row(name: str, index: int, message: Message, attempt: Attempt, safe: Callable[[str], str]) -> Row:
    frame, payload = message.frame, message.payload
    size_bytes = len(payload) if frame is None else frame.size_bytes
    text = _shown(payload, safe, size_bytes) if isinstance(payload, str) else None
    # A field stands in the text: where nothing was redacted there, and nothing is hidden by escapes, it is safe.
    is_safe = text is payload and "\\" not in payload
    known = (None, None, None) if frame is None else (frame.type, frame.run_id, frame.user_id)
    wire_type, run_id, user_id = known if is_safe else (None if value is None else safe(value) for value in known)
    return {
        "attempt_id": name,
        "index": index,
        "direction": "received" if message.is_received else "sent",
        "t_ns": message.at_ns - attempt.started_ns,
        "at_ns": attempt.started_wall_ns + message.at_ns - attempt.started_ns,
        "kind": "chat" if frame is None else frame.kind,
        "event": None if frame is None else frame.event,
        "type": wire_type,
        "run_id": run_id,
        "user_id": user_id,
        "server_stamp_ns": None if frame is None else frame.server_stamp_ns,
        "server_stamp_resolution_ns": None if frame is None else frame.server_stamp_resolution_ns,
        "size_bytes": size_bytes,
        "text": text,
    }


def _shown(text: str, safe: Callable[[str], str], size_bytes: int) -> str:
    """Redacted before it is cut, so that no token is cut out of recognition."""
    shown = safe(text)
    if len(text) < KEPT_CHARS and len(shown) <= TEXT_CHARS:
        return text if shown == text else shown
    return f"{shown[:TEXT_CHARS]}… [cut: {size_bytes} bytes]"


def _cleaner(masks_contacts: bool) -> Callable[[str], str]:
    return (lambda text: mask_contacts(redact(text))) if masks_contacts else redact


def _judge(attempt: Attempt) -> Judgement:
    since_ns = attempt.sent_ns or attempt.started_ns
    arrivals = [
        Arrival(
            frame.event,
            (message.at_ns - since_ns) / 1e9,
            # A server that stamps nothing leaves only the whole text to tell a repetition by.
            (frame.run_id, frame.tool, frame.server_stamp_ns or message.payload),
            attempt.journal.is_foreign(frame),
            frame.lost_context,
        )
        for message in attempt.journal.messages
        if (frame := message.frame) is not None and frame.event is not None
    ]
    return judge_events(arrivals, attempt.plan.event_deadlines_s)


def _ending(attempt: Attempt, judged: Judgement) -> Ending:
    wire = attempt.wire
    failure = None if attempt.failure == "status" else attempt.failure
    if wire is None:
        return Ending(attempt.phase, failure, attempt.error_type)
    closed = wire.close_received
    is_open = wire.opened_ns is not None
    # What came after the end belongs to leaving, not to the attempt.
    gone = [at_ns for at_ns in (wire.close_received_ns, wire.lost_ns) if at_ns is not None]
    return Ending(
        ended_in=attempt.phase,
        failure=failure,
        error_type=attempt.error_type or (wire.lost_by if is_open else None),
        http_status=wire.status if not is_open and wire.status not in (None, 101) else None,
        is_closed=is_open and attempt.phase != "close" and any(at_ns <= (attempt.end_ns or 0) for at_ns in gone),
        close_code=wire.close_sent if wire.failed_by_us else None if closed is None else closed[0],
        close_reason=None if closed is None else closed[1],
        refusal_code=attempt.journal.refusal_code,
        is_ready=attempt.journal.ready_ns is not None,
        is_control=attempt.planned.is_control,
        missing=judged.missing,
        is_alive=attempt.is_alive,
    )


def _verdict_ns(attempt: Attempt, verdict: Verdict) -> int | None:
    """When the credential was judged: refused at the upgrade, refused by a close, or let in by the welcome."""
    wire = attempt.wire
    if wire is None:
        return None
    if verdict.decided_at == "before-accept":
        return wire.first_byte_ns
    if verdict.outcome == "refused_after_accept":
        return wire.close_received_ns
    return attempt.journal.ready_ns


def _run_ids(attempt: Attempt, safe: Callable[[str], str]) -> list[str]:
    found = (message.frame.run_id for message in attempt.journal.messages if message.frame and message.frame.event)
    return [safe(run_id) for run_id in dict.fromkeys(found) if run_id]


def _seconds(since_ns: int | None, until_ns: int | None) -> float | None:
    return None if since_ns is None or until_ns is None else (until_ns - since_ns) / 1e9


def _instant(name: str, attempt: Attempt, at_ns: int | None) -> Row:
    """The client's wall clock at a monotonic instant: anchored at the start, so that a clock step moves nothing."""
    if at_ns is None:
        return {f"{name}_utc": None, f"{name}_ns": None}
    wall_ns = attempt.started_wall_ns + at_ns - attempt.started_ns
    return {f"{name}_utc": iso(wall_ns), f"{name}_ns": wall_ns}


def iso(wall_ns: int) -> str:
    """An instant as ISO 8601 in UTC at microseconds."""
    whole_s, rest_ns = divmod(wall_ns, 1_000_000_000)
    at = datetime.fromtimestamp(whole_s, UTC)
    return f"{at.isoformat()[:19]}.{rest_ns // 1000:06d}Z"
