"""The message loop and the agent run: what the service answers to each message, and what goes wrong with it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from gpkit.local import envelopes
from gpkit.local.conversation import Conversation, EndedError
from gpkit.local.cuts import CLEANUP, cut
from gpkit.local.draws import is_lost, unit
from gpkit.local.envelopes import Address
from gpkit.protocol.events import EVENTS

HEARTBEAT_S = 35.0  # the platform's receive timeout on staging

# What a client may call a message; null for one that is answered without an agent.
_TYPES = {
    "user": "user_message",
    "user_input": "user_message",
    "user_message": "user_message",
    "chat_message": "user_message",
    "message": "user_message",
    "chat": "chat",
    "agent": "agent_request",
    "agent_request": "agent_request",
    "start_agent": "start_agent",
    "execute_agent": "start_agent",
    "EXECUTE_AGENT": "start_agent",
}
_IGNORED = frozenset(("pong", "heartbeat_ack", "stop_agent", "typing", "user_typing", "connect", "connected"))


async def serve_messages(talk: Conversation) -> None:
    """Answer messages until the client leaves.

    Raises:
        GoneError: The client left.
        EndedError: The service closed.
    """
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                arrived_ns, message = await talk.receive()
        except TimeoutError:
            await _reply(talk, "heartbeat", {"connection_id": talk.connection_id})
            continue
        await _answer(talk, arrived_ns, message)


async def _answer(talk: Conversation, arrived_ns: int, message: Any) -> None:
    if not isinstance(message, str):
        await _error(talk, "UNSUPPORTED_DATA", "Binary messages are not handled")
        return
    if len(message.encode()) > talk.limits.message_bytes:
        await _error(talk, "MESSAGE_TOO_LARGE", f"Messages are limited to {talk.limits.message_bytes} bytes")
        return
    if not talk.limits.allows(talk.message_times):
        await _error(talk, "RATE_LIMIT_EXCEEDED", "Too many messages in a minute")
        return
    try:
        parsed = json.loads(message)
    except ValueError:
        await _error(talk, "JSON_PARSE_ERROR", "Invalid JSON")
        return
    kind = parsed.get("type") if isinstance(parsed, dict) else None
    if kind == "ping":
        await _reply(talk, "pong", {"user_id": talk.user})
    elif kind == "heartbeat":
        await _reply(talk, "heartbeat_ack", {"status": "healthy"})
    elif isinstance(kind, str) and kind in _TYPES:
        if not (parsed.get("payload") or parsed.get("data") or parsed.get("content") or parsed.get("message")):
            await _error(talk, "INVALID_PAYLOAD", "Agent messages need a payload")
            return
        await _agent_message(talk, arrived_ns, _TYPES[kind], parsed)
    elif kind not in _IGNORED:
        await _error(talk, "UNKNOWN_MESSAGE_TYPE", "Unknown message type")


async def _reply(talk: Conversation, kind: str, data: dict[str, Any]) -> None:
    now_ns = talk.session.application_ns()
    await talk.send(envelopes.server_message(kind, {**data, "timestamp": envelopes.unix(now_ns)}, now_ns))


async def _error(talk: Conversation, code: str, text: str) -> None:
    await talk.send(envelopes.error_message(code, text, talk.session.application_ns()))


async def _agent_message(talk: Conversation, arrived_ns: int, kind: str, parsed: dict[str, Any]) -> None:
    if await _lost_before_ready(talk, arrived_ns):
        return
    talk.processed += 1
    talk.say("message", type=kind)
    started_ns = time.perf_counter_ns()
    run_id = f"run_{talk.suffix}_{talk.processed}"
    thread_id = parsed.get("thread_id")
    thread = thread_id if isinstance(thread_id, str) else f"thread_{talk.suffix}"
    await run(talk, Address(talk.user, run_id, thread))
    talk.say("routed", type=kind, took_ms=(time.perf_counter_ns() - started_ns) / 1e6)


async def _lost_before_ready(talk: Conversation, arrived_ns: int) -> bool:
    """Whether the message came too early and the fault takes it."""
    drawn = talk.session.drawn_fault("message_before_ready_lost")
    ready_ns, accepted_ns = talk.truth["ready_sent_ns"], talk.truth["accepted_ns"]
    if drawn is None or ready_ns is None or arrived_ns >= ready_ns:
        return False
    luck = unit(talk.seed, talk.session.trace, drawn.position, "luck")
    if not is_lost(drawn.parameters, (arrived_ns - accepted_ns) / 1e6, luck):
        return False
    drawn.applied = True
    talk.truth["message_lost"] = True
    if drawn.parameters["effect"] == "error":
        await _error(talk, "MESSAGE_NOT_PROCESSED", "Message received before the connection was ready")
    elif drawn.parameters["effect"] == "close":
        talk.say("disconnect", processed=0)
        await talk.close(1000, CLEANUP)
        raise EndedError
    return True


async def run(talk: Conversation, to: Address) -> None:
    """One agent run: five events, with whatever the faults do to them."""
    order = list(EVENTS)
    for drawn in talk.session.all_drawn("events_out_of_order"):
        place = order.index(drawn.parameters["event"])
        if place + 1 < len(order):
            order[place], order[place + 1] = order[place + 1], order[place]
            drawn.applied = True
    for name in order:
        await talk.pause(talk.scenario.pace_ms["event"] + _late_ms(talk, name))
        await _intrude(talk, to, name)
        await _emit(talk, to, name)
        await cut(talk, "mid-run", name)


def _late_ms(talk: Conversation, name: str) -> float:
    total = 0.0
    for drawn in talk.session.all_drawn("event_late"):
        if drawn.parameters["event"] == name:
            drawn.applied = True
            total += float(drawn.parameters["delay_ms"])
    return total


async def _intrude(talk: Conversation, to: Address, name: str) -> None:
    """Frames that do not belong there, before an event."""
    for drawn in talk.session.all_drawn("malformed_frame"):
        if drawn.parameters["event"] == name:
            drawn.applied = True
            await talk.send(envelopes.malformed(drawn.parameters["kind"]))
    for drawn in talk.session.all_drawn("oversized_frame"):
        if drawn.parameters["event"] == name:
            drawn.applied = True
            size = int(drawn.parameters["size_bytes"])
            await talk.send(envelopes.oversized(to, talk.session.application_ns(), size))


async def _emit(talk: Conversation, to: Address, name: str) -> None:
    session = talk.session
    for drawn in session.all_drawn("event_lost"):
        if drawn.parameters["event"] == name:
            drawn.applied = True
            talk.truth["events_suppressed"].append([name, "event_lost", to.run_id])
            _log_event(talk, to, name, str(drawn.parameters["logged"]))
            return
    foreign = [drawn for drawn in session.all_drawn("event_to_another_user") if drawn.parameters["event"] == name]
    other = Address(f"other-{to.user_id}", f"{to.run_id}_other", to.thread_id)
    for drawn in foreign:
        drawn.applied = True
        if drawn.parameters["side"] == "owner":
            talk.truth["events_suppressed"].append([name, "event_to_another_user", to.run_id])
            _log_event(talk, other, name, "sent")
            return
    copies = 1
    for drawn in session.all_drawn("event_duplicated"):
        if drawn.parameters["event"] == name:
            drawn.applied = True
            copies += 1
    now_ns = session.application_ns()
    path = talk.scenario.path_for(talk.generation)
    frame = envelopes.event(path, name, to, now_ns, session.hostile_event_text(name))
    for _ in range(copies):
        await talk.send(frame)
        talk.truth["events_sent"].append([name, time.time_ns(), to.run_id])
    _log_event(talk, to, name, "sent")
    if foreign:
        await talk.send(envelopes.event(path, name, other, now_ns, f"{name}."))
        talk.say("contamination", event=name, other=other.user_id)


def _log_event(talk: Conversation, to: Address, name: str, logged: str) -> None:
    if logged == "nothing":
        return
    by = f"tool={envelopes.TOOL}" if name.startswith("tool_") else f"agent={envelopes.AGENT}"
    facts = {"event": name, "user": to.user_id, "short": to.user_id[:8], "run_id": to.run_id, "by": by}
    if logged == "failed":
        talk.say("event_lost", **facts)
    else:
        talk.say("event_3" if talk.scenario.path_for(talk.generation) == 3 else "event", **facts)
