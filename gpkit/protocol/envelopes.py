"""One frame from a server, whatever envelope it came in, as one :class:`Frame`.

Pure, and never raises: text from a server is data. Three generations of welcome and four envelopes of agent events
coexist; they are told apart by their shape, so that any server that speaks the protocol is understood:

====  ==================================================================================
path  shape of an event
====  ==================================================================================
1     flat, with ``data``: the bridge
2     flat, with ``critical: true``; ``type`` may have been overwritten by ``"reasoning"``
3     wrapped: the outer type is ``agent_progress`` or the like, the name is in ``data``
4     flat, without ``data``: missing context is filled in with ``unknown_user`` and the like
====  ==================================================================================

The name of an event is looked for in ``data.event``, then ``data.type``, then ``type``, then among the aliases.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gpkit.protocol.events import EVENT_ALIASES, EVENTS, PLACEHOLDERS
from gpkit.protocol.stamps import read_stamp

KINDS = ("welcome", "event", "control", "error", "malformed", "oversized", "unknown", "chat")
"""What a frame can be."""

OVERSIZED_BYTES = 8192  # the platform's stated limit of a message

WELCOME_TYPES = frozenset(f"{prefix}connection_established" for prefix in ("", "factory_", "isolated_", "legacy_"))
_ERRORS = frozenset(
    {"error", "error_message", "authentication_error", "connection_error", "system_error", "agent_error", "agent_death"}
    | {"critical_task_failure"}
)
RUN_ENDED = frozenset({"agent_error", "agent_death"})
"""Types after which no further event of the run is to be expected."""

_CONTROL = frozenset(
    {"ping", "pong", "heartbeat", "heartbeat_ack", "legacy_heartbeat", "handshake_validation", "system_message"}
    | {"authentication_success", "progress_update", "agent_update", "agent_task_ack", "agent_status_update"}
    | {"agent_progress", "thread_update", "server_shutdown", "connect"}
)
_CHAT = frozenset(
    {"agent_response", "agent_response_chunk", "agent_response_complete", "legacy_response", "user_message"}
)
_EVENT_NAMES = {**{name: name for name in EVENTS}, **EVENT_ALIASES}
_decode = json.JSONDecoder().decode
_FIELD_CHARS = 200  # chosen: longer than any id of the platform; a hostile one is cut


class Frame(NamedTuple):
    """What one frame says.

    Attributes:
        kind: One of :data:`KINDS`.
        type: ``type`` as it stood on the wire.
        event: Canonical event name, for an agent event.
        event_path: Envelope 1–4 of an agent event.
        run_id, thread_id, user_id: As they stood on the wire; a turn id is the run id where no other stands.
        tool: Tool name or execution id: part of an event's identity.
        other_users: Values of further keys that end with ``user_id``.
        connection_id: As told by a welcome.
        generation: ``C``, or ``A/B``: those two greet alike. For a welcome only.
        code: ``error_code`` of an error.
        server_stamp_ns: The server's stamp, since 1970.
        server_stamp_resolution_ns: From its digits: the instant is in [stamp, stamp + resolution).
        size_bytes: Of the payload.
    """

    kind: str
    type: str | None = None
    event: str | None = None
    event_path: int | None = None
    run_id: str | None = None
    thread_id: str | None = None
    user_id: str | None = None
    tool: str | None = None
    other_users: tuple[str, ...] = ()
    connection_id: str | None = None
    generation: str | None = None
    code: str | None = None
    server_stamp_ns: int | None = None
    server_stamp_resolution_ns: int | None = None
    size_bytes: int = 0

    @property
    def lost_context(self) -> bool:
        """Whether user, thread or run is a placeholder."""
        return not PLACEHOLDERS.isdisjoint((self.user_id, self.thread_id, self.run_id))

    def is_foreign(self, user: str | None) -> bool:
        """Whether this event names another user than ``user``; a placeholder names nobody."""
        return any(not _same_user(named, user) for named in (self.user_id, *self.other_users) if named)


def read_frame(payload: str | bytes) -> Frame:
    """What a frame says.

    A text that is no JSON object with a type is ``malformed``, and so is every binary frame: the protocol is text.
    """
    if isinstance(payload, bytes):
        return Frame("malformed", size_bytes=len(payload))
    size_bytes = _utf8_length(payload)
    try:
        message = _decode(payload)
    except (ValueError, RecursionError):  # not JSON, an endless number, nested beyond all bounds
        return Frame("malformed", size_bytes=size_bytes)
    if not isinstance(message, dict):
        return Frame("malformed", size_bytes=size_bytes)
    data = message.get("data")
    return _read_message(message, data if isinstance(data, dict) else {}, isinstance(data, dict), size_bytes)


def _read_message(message: Mapping[str, Any], data: Mapping[str, Any], has_data: bool, size_bytes: int) -> Frame:
    wire_type = _text(message.get("type"))
    named = _text(data.get("event")) or _text(data.get("type"))
    event = _event_name(wire_type, named, message)
    if wire_type is None and event is None:
        return Frame("malformed", size_bytes=size_bytes)
    kind = "event" if event else _kind(wire_type, named)
    is_welcome = kind == "welcome"
    stamp_ns, resolution_ns = _stamp(message, data, is_welcome)
    return Frame(
        kind="oversized" if size_bytes > OVERSIZED_BYTES else kind,
        type=wire_type,
        event=event,
        event_path=_event_path(wire_type, message, has_data) if event else None,
        run_id=_run_id(message, data),
        thread_id=_text(message.get("thread_id") or data.get("thread_id")),
        user_id=_text(message.get("user_id") or data.get("user_id")),
        tool=_text(_tool(message) or _tool(data)) if event else None,
        other_users=_other_users(message, data) if event else (),
        connection_id=_text(data.get("connection_id") or message.get("connection_id")) if is_welcome else None,
        generation=("C" if wire_type in WELCOME_TYPES else "A/B") if is_welcome else None,
        code=_text(message.get("error_code") or data.get("error_code")) if kind == "error" else None,
        server_stamp_ns=stamp_ns,
        server_stamp_resolution_ns=resolution_ns,
        size_bytes=size_bytes,
    )


def _stamp(message: Mapping[str, Any], data: Mapping[str, Any], is_welcome: bool) -> tuple[int | None, int | None]:
    # A welcome's envelope may be stamped by another layer than its content; the content's is the server's own.
    candidates = [message.get("timestamp"), data.get("timestamp"), data.get("server_time")]
    for value in reversed(candidates) if is_welcome else candidates:
        found = read_stamp(value)
        if found[0] is not None:
            return found
    return None, None


def _event_name(wire_type: str | None, named: str | None, message: Mapping[str, Any]) -> str | None:
    for name in (named, wire_type):
        if name in _EVENT_NAMES:
            return _EVENT_NAMES[name]
    # Path 2: the producer's own "type": "reasoning" survives the merge and overwrites the event's.
    return "agent_thinking" if wire_type == "reasoning" and message.get("critical") is True else None


def _event_path(wire_type: str | None, message: Mapping[str, Any], has_data: bool) -> int:
    if message.get("critical") is True:
        return 2
    if has_data and wire_type not in _EVENT_NAMES:
        return 3
    return 1 if has_data else 4


def _kind(wire_type: str | None, named: str | None) -> str:
    if wire_type in WELCOME_TYPES or named == "connection_established":
        return "welcome"
    if wire_type in _ERRORS:
        return "error"
    if wire_type in _CONTROL:
        return "control"
    return "chat" if wire_type in _CHAT else "unknown"


def _run_id(message: Mapping[str, Any], data: Mapping[str, Any]) -> str | None:
    # Path 3 knows no run id; its turn is the run.
    return _text(message.get("run_id") or data.get("run_id") or message.get("turn_id") or data.get("turn_id"))


def _tool(place: Mapping[str, Any]) -> object:
    return place.get("execution_id") or place.get("tool_name")


def _other_users(message: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str, ...]:
    named = [place[key] for place in (message, data) for key in place if key.endswith("_user_id")]
    return tuple(found for value in named if (found := _text(value)) is not None) if named else ()


def _text(value: object) -> str | None:
    """A text or a number as a short text that every file format can hold; anything else is null."""
    if isinstance(value, str):
        short = value[:_FIELD_CHARS]
        # A lone surrogate is legal JSON and illegal UTF-8.
        return (short if short.isascii() else short.encode("utf-8", "replace").decode("utf-8")) or None
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)[:_FIELD_CHARS] if abs(value) < math.inf else None


def _same_user(named: str, user: str | None) -> bool:
    if named in PLACEHOLDERS or named == user:
        return True
    # A welcome tells the first characters only.
    return named.endswith("...") and user is not None and user.startswith(named[:-3])


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
