"""What the application logs, by moment and generation. These templates are the service's own.

Pure. A line has a kind (which a fault can drop), a shape (``gunicorn``: plain text with a stamp and no severity;
``app``: a JSON payload with the application's own stamp), a severity and a text. Generation A runs its application
lines through a filter that removes secrets and often the meaning with them; B and C do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ENVIRONMENT = "staging"
WORKER_PID = 15


@dataclass(frozen=True, slots=True)
class Line:
    """One line: see the module."""

    kind: str
    shape: str
    severity: str | None
    text: str
    module: str = "routes.websocket"
    function: str = "websocket_endpoint"


def _g(kind: str, text: str, level: str = "INFO") -> tuple[str, str, str, str]:
    return (kind, "gunicorn", level, text)


def _a(kind: str, severity: str, text: str) -> tuple[str, str, str, str]:
    return (kind, "app", severity, text)


_ACCEPTED = (
    _g("access", '{peer} - "WebSocket {path}" [accepted]'),
    _g("open", "connection open"),
)
_EVENT = (_a("event", "INFO", " PASS:  EMISSION SUCCESS: {event}  ->  user={user} (run_id={run_id}, {by})"),)
_EVENT_3 = (_a("event", "INFO", " PASS:  GOLDEN PATH EVENT: {event} sent to user {short}... turn {run_id}"),)
_LOST = (
    _a("event", "ERROR", " ALERT:  EMISSION FAILED: {event}  ->  user={user} (run_id={run_id}) - delivery failed"),
    _a("event", "CRITICAL", " ALERT:  CRITICAL EVENT LOST: {event} for user {short}... (run_id={run_id})"),
)
_NOT_READY = (
    _a(
        "reason",
        "ERROR",
        "RACE CONDITION: WebSocket connection {connection} rejected - GCP services not ready. "
        "Failed: ['database', 'agent_supervisor']",
    ),
)
_REFUSED_HTTP = (
    _g("rejected", "connection rejected (403 Forbidden)"),
    _a("cleanup", "INFO", "Handler cleanup complete. Remaining handlers: 8"),
    _g("closed", "connection closed"),
)
_CONTAMINATED = (
    _a(
        "error",
        "CRITICAL",
        " ALERT:  CROSS-USER CONTAMINATION DETECTED: {event} of user {other} in the stream of user {short}...",
    ),
)

# One template per moment; a generation's own entry comes before the one for all.
_MOMENTS: dict[tuple[str, str], tuple[tuple[str, str, str, str], ...]] = {
    ("initiated", "A"): (),
    ("initiated", "*"): (
        _a(
            "open",
            "INFO",
            "GOLDEN PATH CONNECTION: WebSocket connection initiated - connection_id: {connection}, mode: main",
        ),
        _a("open", "INFO", "[MAIN MODE] Starting main mode connection {connection}"),
    ),
    ("ready_checked", "C"): (
        _a("open", "INFO", "GCP readiness validated - accepting WebSocket connection {connection}"),
    ),
    ("ready_checked", "*"): (),
    ("not_ready", "*"): _NOT_READY,
    ("negotiated", "C"): (_a("open", "INFO", "WebSocket subprotocol negotiated: {subprotocol}"),),
    ("negotiated", "*"): (),
    ("unsupported", "*"): (
        _a("reason", "WARNING", "No supported subprotocol found in client request: {offered}"),
        _a(
            "rejected",
            "WARNING",
            "WebSocket connection rejected: no supported subprotocols found in client request: {offered}",
        ),
    ),
    ("access_403", "*"): (_g("access", '{peer} - "WebSocket {path}" 403'),),
    ("accepted", "*"): _ACCEPTED,
    ("refused_http", "*"): _REFUSED_HTTP,
    ("auth_started", "A"): (),
    ("auth_started", "*"): (
        _a(
            "auth",
            "CRITICAL",
            "GOLDEN PATH AUTH: Starting permissive authentication with circuit breaker for connection {connection}",
        ),
    ),
    ("auth_ok", "A"): (
        _a("auth", "INFO", "Pre-connection JWT validation successful in " + ENVIRONMENT + " for user: {short}..."),
    ),
    ("auth_ok", "B"): (
        _a("auth", "INFO", "SSOT AUTH: Success for user {short}... in {auth_ms:.2f}ms"),
        _a(
            "auth",
            "INFO",
            "GOLDEN PATH AUTH SUCCESS: User {short}... authenticated successfully for connection {connection}",
        ),
    ),
    ("auth_ok", "C"): (
        _a("auth", "INFO", "[PERMISSIVE AUTH] Circuit breaker auth result: success=True, level={level}"),
        _a("auth", "INFO", "PERMISSIVE AUTH: {level} validation succeeded in {auth_ms:.2f}ms"),
        _a(
            "auth",
            "INFO",
            "GOLDEN PATH AUTH SUCCESS: User {short}... authenticated successfully for connection {connection}",
        ),
        _a("auth", "INFO", "Connection {connection} transitioned: accepted -> authenticated (reason: auth completed)"),
    ),
    ("bypass", "*"): (
        _a("auth", "WARNING", "DEMO MODE: Authentication bypass enabled for user demo-user-001"),
        _a("auth", "INFO", "DEMO AUTH: demo validation succeeded for connection {connection}"),
    ),
    ("refused", "C"): (
        _a("reason", "ERROR", " ALERT:  {failure}: {message}"),
        _a(
            "rejected",
            "CRITICAL",
            " ALERT:  GOLDEN PATH AUTH FAILURE: WebSocket authentication failed for connection {connection}"
            " - {message}",
        ),
        _a("rejected", "CRITICAL", "AUTH FAILURE CONTEXT: {context}"),
    ),
    ("refused", "*"): (
        _a("reason", "{severity}", "{message}"),
        _a("rejected", "WARNING", "WebSocket connection rejected in " + ENVIRONMENT + ": Invalid JWT token"),
    ),
    ("refused_no_token", "C"): (
        _a("reason", "ERROR", " ALERT:  TOKEN EXTRACTION FAILURE: {message}"),
        _a(
            "rejected",
            "CRITICAL",
            " ALERT:  GOLDEN PATH AUTH FAILURE: WebSocket authentication failed for connection {connection}"
            " - {message}",
        ),
        _a("rejected", "CRITICAL", "AUTH FAILURE CONTEXT: {context}"),
    ),
    ("refused_no_token", "*"): (
        _a("rejected", "WARNING", "WebSocket connection rejected in " + ENVIRONMENT + ": No JWT token"),
    ),
    ("refused_breaker_open", "*"): (
        _a("reason", "CRITICAL", " ALERT:  CIRCUIT BREAKER OPEN: Authentication blocked for 15s after 3 failures"),
        _a(
            "rejected",
            "WARNING",
            "HANDLING AUTH FAILURE: AUTH_CIRCUIT_BREAKER_OPEN: connection {connection} refused",
        ),
    ),
    ("established", "A"): (),
    ("established", "*"): (
        _a(
            "established",
            "INFO",
            "Connection {connection} transitioned: services_ready -> processing_ready (reason: setup completed)",
        ),
        _a("established", "INFO", "GOLDEN PATH ESTABLISHED: Connection {connection} ready for user {short}..."),
        _a("established", "INFO", "GOLDEN PATH MESSAGE LOOP: Starting message loop for connection {connection}"),
    ),
    ("message", "A"): (),
    ("message", "*"): (_a("message", "INFO", "GOLDEN PATH AGENT MESSAGE: Received {type} from user {short}..."),),
    ("routed", "A"): (),
    ("routed", "*"): (
        _a("message", "INFO", "GOLDEN PATH ROUTING SUCCESS: {type} for connection {connection} in {took_ms:.2f}ms"),
    ),
    ("event_3", "*"): _EVENT_3,
    ("event", "*"): _EVENT,
    ("event_lost", "*"): _LOST,
    ("contamination", "*"): _CONTAMINATED,
    ("disconnect", "A"): (),
    ("disconnect", "*"): (
        _a(
            "error",
            "INFO",
            "GOLDEN PATH DISCONNECT: Connection {connection} not ready, leaving loop (messages_processed: {processed})",
        ),
    ),
    ("client_disconnect", "A"): (),
    ("client_disconnect", "*"): (
        _a("closed", "INFO", "GOLDEN PATH CLIENT DISCONNECT: Connection {connection} (code: {code})"),
    ),
    ("failed", "C"): (_a("error", "ERROR", "[MAIN MODE] Connection error: {error}"),),
    ("failed", "*"): (_a("error", "ERROR", "WebSocket error: {error}"),),
    ("loop_error", "A"): (_a("error", "ERROR", "WebSocket error: {error}"),),
    ("loop_error", "*"): (_a("error", "CRITICAL", " ALERT:  GOLDEN PATH LOOP ERROR: {error}"),),
    ("application_error", "*"): (_g("error", "Exception in ASGI application", "ERROR"),),
    ("rejected_500", "*"): (
        _g("rejected", "connection rejected (500 Internal Server Error)"),
        _g("closed", "connection closed"),
    ),
    ("cleanup", "A"): (_a("cleanup", "INFO", "Handler cleanup complete. Remaining handlers: 8"),),
    ("cleanup", "*"): (_a("cleanup", "INFO", "[MAIN MODE] Cleaning up connection {connection}"),),
    ("closed", "*"): (_g("closed", "connection closed"),),
}

FAILURES = {
    "signature": "JWT VALIDATION FAILURE",
    "audience": "JWT INVALID FAILURE",
    "segments": "JWT INVALID FAILURE",
    "expired": "JWT EXPIRY FAILURE",
}


def lines(moment: str, generation: str, **facts: Any) -> list[Line]:
    """The lines of a moment.

    Args:
        moment: A moment of a connection.
        generation: ``A``, ``B`` or ``C``.
        **facts: What the templates name.

    Raises:
        KeyError: There is no such moment, or a template names a fact that is missing.
    """
    rows = _MOMENTS.get((moment, generation))
    if rows is None:
        rows = _MOMENTS[moment, "*"]
    made = []
    for kind, shape, severity, template in rows:
        text = template.format(**facts)
        if shape == "app" and (generation == "A" or (generation == "B" and moment.startswith("refused"))):
            text = censored(text)
        level = facts["severity"] if severity == "{severity}" else severity
        made.append(Line(kind, shape, level, text))
    return made


_CENSORED = tuple(
    re.compile(rf"(?i)({word})[\s:=]+\"?\S+\"?")
    for word in (
        "password",
        "api[_-]?key",
        "secret|token|bearer",
        "authorization|auth",
        "(?:access|refresh)[_-]?token",
        "private[_-]?key",
        "jwt",
    )
)


def censored(text: str) -> str:
    """The service's own filter: each secret word takes the next word with it."""
    for pattern in _CENSORED:
        text = pattern.sub(r"\1=REDACTED", text)
    return text


def gunicorn(line: Line, at_ns: int) -> str:
    """A gunicorn line: the stamp has whole seconds, the level stands in the text."""
    at = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    return f"[{at:%Y-%m-%d %H:%M:%S} +0000] [{WORKER_PID}] [{line.severity}] {line.text}"


def payload(line: Line, at_ns: int, generation: str) -> dict[str, Any]:
    """The JSON payload of an application line, with the application's own stamp."""
    at = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at_ns // 1000 % 1_000_000:06d}+00:00"
    if generation == "A":
        module = f"backend.app.{line.module}"
        return {
            "context": {"name": module},
            "labels": {"function": line.function, "line": "178", "module": module},
            "message": line.text,
            "timestamp": stamp,
        }
    return {
        "labels": {"function": "callHandlers", "line": "1706", "module": "logging"},
        "message": line.text,
        "timestamp": stamp,
    }
