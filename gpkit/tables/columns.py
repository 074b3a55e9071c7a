"""The columns of each table: kind, unit, clock, meaning, and what null says.

``docs/tables.md`` is made from this module.
"""

from __future__ import annotations

from dataclasses import dataclass

PHASES = ("queue", "dns", "tcp", "tls", "upgrade_send", "upgrade_wait", "ready", "exchange", "close")
"""The phases of an attempt: they partition planned start to end, each ends where the next begins."""

EVENT_COLUMNS = ("agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed")

INSTANT, INTEGER, NUMBER, TEXT, FLAG, TEXTS = "instant", "integer", "number", "text", "flag", "texts"
_DTYPES = {
    INSTANT: "datetime64[us, UTC]",
    INTEGER: "Int64",
    NUMBER: "Float64",
    TEXT: "str",
    FLAG: "boolean",
    TEXTS: "object",
}


@dataclass(frozen=True)
class Column:
    """One column: its kind (one of the names above), what it means, its unit and clock, and what null says."""

    name: str
    kind: str
    meaning: str
    unit: str = ""
    clock: str = ""
    null_means: str = "never null"

    @property
    def dtype(self) -> str:
        """The pandas dtype."""
        return _DTYPES[self.kind]


def _instant(name: str, meaning: str, clock: str, null_means: str = "never null") -> tuple[Column, Column]:
    return (
        Column(f"{name}_utc", INSTANT, meaning, "UTC, microseconds", clock, null_means),
        Column(f"{name}_ns", INTEGER, f"{meaning} All digits.", "ns since 1970", clock, null_means),
    )


def _duration(name: str, meaning: str, null_means: str, clock: str = "client-monotonic") -> tuple[Column, Column]:
    return (
        Column(f"{name}_ns", INTEGER, meaning, "ns", clock, null_means),
        Column(f"{name}_s", NUMBER, meaning, "s", clock, null_means),
    )


_PHASE_MEANINGS = {
    "queue": "Planned start to actual start.",
    "dns": "To the address being resolved.",
    "tcp": "To the connection being established.",
    "tls": "To the end of the TLS handshake.",
    "upgrade_send": "To the upgrade request being written.",
    "upgrade_wait": "To OPEN: the 101 response parsed.",
    "ready": "To the welcome, also when the message was sent before it.",
    "exchange": "To the beginning of the close, or to the end of waiting.",
    "close": "To the end of the closing handshake.",
}
_NOT_REACHED = "the attempt ended before it, or the phase does not exist for this address"

ATTEMPTS: tuple[Column, ...] = (
    Column("attempt_id", TEXT, "Unique in the run."),
    Column("attempt_index", INTEGER, "Order of planned start, from 0."),
    Column("environment", TEXT, "Name of the target."),
    Column("url", TEXT, "Address, credentials redacted."),
    *_instant("started", "Actual start.", "client-wall"),
    Column("planned_start_ns", INTEGER, "Planned start since the run began.", "ns", "client-monotonic"),
    Column("trace", TEXT, "32 hex digits sent in traceparent: the join key to the server's requests entry."),
    Column("user", TEXT, "Who the credential speaks for.", null_means="no user: a control without a credential"),
    Column("carrier", TEXT, "How the credential travelled."),
    Column("credential", TEXT, "Which credential was sent."),
    Column("control", FLAG, "A negative control: refusal is right."),
    Column("generation", TEXT, "Of the server, as recognised on the wire.", null_means="not recognised"),
    Column("event_path", INTEGER, "Envelope path 1–4 of the events, as recognised.", null_means="no event recognised"),
    Column("connection_id", TEXT, "As told by the welcome.", null_means="no welcome, or it told none"),
    Column("offered_subprotocols", TEXTS, "In order, credentials redacted."),
    Column("selected_subprotocol", TEXT, "As answered, credentials redacted.", null_means="none was answered"),
    Column("send", TEXT, "after-ready, or after-open: early, whatever the welcome does."),
    Column("send_delay_planned_s", NUMBER, "From OPEN, early sending only.", "s", "client-monotonic", "not early"),
    Column("send_after_open_s", NUMBER, "From OPEN to the message, measured.", "s", "client-monotonic", "not sent"),
    Column("deadline_s", NUMBER, "Limit from the message to the last of its five events.", "s", "client-monotonic"),
    Column("outcome", TEXT, "The earliest failed step, or ok.", null_means="interrupted by the user: not judged"),
    Column("error_type", TEXT, "What was raised or received, low cardinality.", null_means="no error"),
    Column(
        "decided_at",
        TEXT,
        "before-accept: a 4xx at the upgrade; after-accept: closed for the credential; silence: no answer, no welcome.",
        null_means="none of these",
    ),
    Column("http_status", INTEGER, "Of the upgrade.", null_means="no response"),
    Column("close_code_received", INTEGER, "On the wire.", null_means="no close frame received"),
    Column("close_reason_received", TEXT, "On the wire, redacted.", null_means="no close frame received"),
    Column("close_code_sent", INTEGER, "By the probe.", null_means="no close frame sent"),
    Column("closed_first", TEXT, "client or server.", null_means="nobody closed, or it cannot be told"),
    Column("events", TEXTS, "Names in order of arrival."),
    Column("events_count", INTEGER, "Recognised events received."),
    Column("messages_sent", INTEGER, "Chat messages sent."),
    Column("run_ids", TEXTS, "Run ids seen in events."),
    Column("browser_would_fail", FLAG, "A subprotocol was offered and not echoed: a browser refuses that."),
    Column("late", INTEGER, "Events after their own deadline."),
    Column("duplicate", INTEGER, "Events received again."),
    Column("reordered", INTEGER, "Events before one that must precede them."),
    Column("malformed", INTEGER, "Frames that are no message."),
    Column("foreign", INTEGER, "Events for another user."),
    Column("context_lost", INTEGER, "Events whose user, thread or run is a placeholder."),
    Column(
        "loop_lag_s", NUMBER, "Largest lag of the probe's event loop meanwhile.", "s", "client-monotonic", "not sampled"
    ),
    Column("under_load", FLAG, "The probe itself was slow: durations are upper bounds."),
    Column("clock_step_ns", INTEGER, "Client wall clock against monotonic over the attempt.", "ns", "client-wall"),
    *(
        column
        for phase in PHASES
        for column in _duration(phase, _PHASE_MEANINGS[phase], "never null" if phase == "queue" else _NOT_REACHED)
    ),
    *_duration("total", "Planned start to end: the sum of the phases.", "never null"),
    Column("ended_in", TEXT, "The phase in progress at the end; its elapsed time counts."),
    Column("open_s", NUMBER, "Actual start to OPEN.", "s", "client-monotonic", "never open"),
    Column("auth_s", NUMBER, "Request sent to verdict, wherever it was given.", "s", "client-monotonic", "no verdict"),
    *(
        Column(f"{event}_s", NUMBER, f"Message sent to {event}.", "s", "client-monotonic", "not received")
        for event in EVENT_COLUMNS
    ),
    *_instant("requested", "The upgrade request was written.", "client-wall", "not sent"),
    *_instant("welcome_received", "The welcome arrived.", "client-wall", "no welcome"),
    Column("server_stamp_ns", INTEGER, "The server's own stamp in the welcome.", "ns since 1970", "server", "no stamp"),
    Column("server_stamp_resolution_ns", INTEGER, "Of that stamp, from its digits.", "ns", "server", "no stamp"),
    *_instant("message_sent", "The chat message was written.", "client-wall", "not sent"),
    Column("local_port", INTEGER, "Of the client's socket.", null_means="not connected"),
    Column("address", TEXT, "That answered.", null_means="none did"),
    Column("failed_addresses", TEXTS, "That were tried before it and did not."),
)
"""One row is one probe attempt, successful or not."""

MESSAGES: tuple[Column, ...] = (
    Column("attempt_id", TEXT, "The attempt it belongs to."),
    Column("index", INTEGER, "Order in the attempt, from 0."),
    Column("direction", TEXT, "sent or received."),
    Column("t_ns", INTEGER, "Since the actual start of the attempt.", "ns", "client-monotonic"),
    Column("at_ns", INTEGER, "Instant.", "ns since 1970", "client-wall"),
    Column("kind", TEXT, "welcome, event, control, error, malformed, oversized, unknown, chat."),
    Column("event", TEXT, "Canonical event name.", null_means="no agent event"),
    Column("type", TEXT, "Type as it stood on the wire, redacted.", null_means="none stood there"),
    Column("run_id", TEXT, "As it stood on the wire.", null_means="none stood there"),
    Column("user_id", TEXT, "As it stood on the wire.", null_means="none stood there"),
    Column("server_stamp_ns", INTEGER, "The server's stamp.", "ns since 1970", "server", "none stood there"),
    Column("server_stamp_resolution_ns", INTEGER, "Of that stamp, by its digits.", "ns", "server", "no stamp"),
    Column("size_bytes", INTEGER, "Of the payload.", "bytes"),
    Column("text", TEXT, "Redacted, and cut with a note when long.", null_means="binary"),
)
"""One row is one frame sent or received in an attempt."""

ENTRIES: tuple[Column, ...] = (
    Column("timestamp", INSTANT, "When it happened.", "UTC, microseconds", "platform or server"),
    Column("timestamp_ns", INTEGER, "When it happened. All digits.", "ns since 1970", "platform or server"),
    Column("receive_timestamp", INSTANT, "When logging received it.", "UTC, microseconds", "platform", "not exported"),
    Column("receive_timestamp_ns", INTEGER, "The same, all digits.", "ns since 1970", "platform", "not exported"),
    Column("severity", TEXT, "As logged.", null_means="absent in the log: DEFAULT"),
    Column("effective_severity", TEXT, "With the level that stands in the text, where the log has none."),
    Column("log_name", TEXT, "Full name.", null_means="lost by a wrapper"),
    Column("resource", TEXT, "The resource, as JSON.", null_means="absent"),
    Column("labels", TEXT, "The labels, as JSON.", null_means="absent"),
    Column("service", TEXT, "resource.labels.service_name.", null_means="absent"),
    Column("revision", TEXT, "resource.labels.revision_name.", null_means="absent"),
    Column("instance_id", TEXT, "labels.instanceId.", null_means="absent: platform and audit entries"),
    Column("trace", TEXT, "Full trace name.", null_means="absent: application lines carry none"),
    Column("span_id", TEXT, "Span.", null_means="absent"),
    Column("insert_id", TEXT, "Identity, with log name and timestamp.", null_means="absent"),
    Column("http_method", TEXT, "httpRequest.requestMethod.", null_means="no request entry"),
    Column("http_url", TEXT, "httpRequest.requestUrl, redacted.", null_means="no request entry"),
    Column("http_status", INTEGER, "httpRequest.status.", null_means="no request entry"),
    Column("http_latency_s", NUMBER, "As the balancer measured it.", "s", "platform", "no request entry"),
    Column("http_request_size", INTEGER, "Header and body.", "bytes", null_means="no request entry"),
    Column("remote_ip", TEXT, "Masked, unless the environment says otherwise.", null_means="no request entry"),
    Column("user_agent", TEXT, "As sent.", null_means="no request entry, or none sent"),
    Column("payload_kind", TEXT, "text, json or proto.", null_means="no payload, or lost by a wrapper"),
    Column(
        "message",
        TEXT,
        "Cleaned of ANSI codes and colour tags, redacted; joined at the head of a group of lines.",
        null_means="no text in the payload",
    ),
    Column(
        "continues", TEXT, "insert_id of the line that this one continues.", null_means="stands alone, or is a head"
    ),
    Column("entry", TEXT, "The whole entry as JSON, redacted, otherwise as it stood."),
)
"""One row is one log entry, whatever its shape at the source."""

CONNECTIONS: tuple[Column, ...] = (
    Column("connection_id", TEXT, "Unique in the table; stable for the same entries."),
    Column("trace", TEXT, "32 hex digits of the requests entry.", null_means="the requests entry is missing"),
    *_instant("requested", "The request started.", "platform", "the requests entry is missing"),
    Column("service", TEXT, "Service."),
    Column("revision", TEXT, "Revision.", null_means="absent in the log"),
    Column("instance_id", TEXT, "Instance.", null_means="absent in the log"),
    Column("client", TEXT, "Family of the user agent.", null_means="the requests entry is missing"),
    Column("user_agent", TEXT, "As sent.", null_means="the requests entry is missing, or none was sent"),
    Column(
        "http_status", INTEGER, "Of the upgrade, by the requests entry or a line of its refusal.", null_means="not told"
    ),
    Column("http_latency_s", NUMBER, "The balancer's.", "s", "platform", "the requests entry is missing"),
    Column("outcome", TEXT, "accepted, refused, failed, closed, unknown (also 101 without a line)."),
    Column("reason", TEXT, "Why it was refused or failed.", null_means="not refused"),
    Column(
        "decided_ns", INTEGER, "The application's own stamp of the decision.", "ns since 1970", "server", "not logged"
    ),
    Column("request_to_decision_s", NUMBER, "Middle of the interval.", "s", "platform and server", "not decidable"),
    Column("request_to_decision_low_s", NUMBER, "At least.", "s", "platform and server", "not decidable"),
    Column("request_to_decision_high_s", NUMBER, "At most.", "s", "platform and server", "not decidable"),
    Column("evidence", TEXTS, "Insert ids of the entries behind this row."),
    Column("ambiguous", FLAG, "Within a burst the lines could not be paired for certain."),
    Column("generation", TEXT, "Of the service, by its lines.", null_means="no line tells"),
    Column("server_connection_id", TEXT, "As the application names it.", null_means="no line names it"),
    Column("http_request_size", INTEGER, "Of the upgrade.", "bytes", null_means="the requests entry is missing"),
    *(
        Column(f"{name}_ns", INTEGER, meaning, "ns since 1970", "server", "not logged")
        for name, meaning in (
            ("accepted", "The upgrade was accepted."),
            ("auth_started", "Authentication began."),
            ("established", "The welcome was sent."),
            ("first_message", "The first chat message was read."),
            ("closed", "The connection ended."),
        )
    ),
    Column("bypass", FLAG, "Let in without a check."),
    Column("events", TEXTS, "As the server claims to have sent them; empty also when nobody can tell whose they are."),
    Column("run_ids", TEXTS, "Of those events."),
    Column("error", TEXT, "What the application complained of.", null_means="nothing"),
    Column("close_code", INTEGER, "As the server saw the client leave.", null_means="not logged"),
    Column(
        "clock_off_s", NUMBER, "By how much the instance's clock was found to be off.", "s", "server", "not found off"
    ),
)
"""One row is one server-side connection: phase instants, outcome, reason."""

TESTS: tuple[Column, ...] = (
    Column("run_id", TEXT, "Test run."),
    Column("suite", TEXT, "Suite or file."),
    Column("name", TEXT, "Test case."),
    Column("outcome", TEXT, "passed, failed, error, skipped."),
    Column("duration_s", NUMBER, "As reported.", "s", "the runner's", "not reported"),
    Column("message", TEXT, "Of the failure, redacted.", null_means="none"),
    Column("suspicious", TEXT, "Why this result cannot be taken at its word.", null_means="nothing suspicious"),
)
"""One row is one test case of one test run."""

TABLES: dict[str, tuple[Column, ...]] = {
    "attempts": ATTEMPTS,
    "messages": MESSAGES,
    "entries": ENTRIES,
    "connections": CONNECTIONS,
    "tests": TESTS,
}
