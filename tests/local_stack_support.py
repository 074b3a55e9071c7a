"""A plain WebSocket client for tests of the local stack: what one connection shows on the wire, written down.

It is not the probe, on purpose: the stack is checked with ``websockets`` alone.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

import websockets
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, NegotiationError

from gpkit.protocol.credentials import MUST_BE_REFUSED, handshake, mint, speaks_for
from gpkit.protocol.effects import expected
from gpkit.protocol.events import EVENTS, moves_to_restore
from gpkit.stack import Stack

USER = "user-0001"
FAST = {"auth": 0, "ready": 0, "event": 0}


@dataclass
class Shown:
    """What a client saw: ``outcome`` as the taxonomy writes it; instants in seconds since the start."""

    outcome: str = ""
    http_status: int | None = None
    subprotocol: str | None = None
    offered: tuple[str, ...] = ()
    frames: list[Any] = field(default_factory=list)
    frame_s: list[float] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    malformed: int = 0
    foreign: int = 0
    largest: int = 0
    close_code: int | None = None
    close_reason: str = ""
    open_s: float | None = None
    ready_s: float | None = None
    sent_s: float | None = None
    ended_s: float = 0.0
    trace: str = ""

    @property
    def counts(self) -> dict[str, int]:
        firsts = list(dict.fromkeys(self.events))
        found = {
            "duplicate": len(self.events) - len(firsts),
            "reordered": moves_to_restore([EVENTS.index(name) for name in firsts]),
            "malformed": self.malformed,
            "foreign": self.foreign,
        }
        return {name: number for name, number in found.items() if number}


def trace_of(number: int) -> str:
    return f"{number + 1:032x}"


async def visit(
    stack: Stack,
    number: int = 0,
    *,
    credential: str = "valid",
    carrier: str = "header",
    send: str = "after-ready",
    send_delay_s: float = 0.0,
    user: str = USER,
    url: str | None = None,
    patience_s: float = 2.0,
    open_patience_s: float = 5.0,
    user_agent: str = "wire-test/1.0",
    messages: int = 1,
    offered: tuple[str, ...] | None = None,
) -> Shown:
    """Open one connection, send one message, take what comes, and close."""
    token = mint(stack.secret_file.read_text(), user, credential, int(time.time()))
    carried = handshake(carrier, token)
    query = "".join(f"?{name}={value}" for name, value in carried.query.items())
    subprotocols = carried.subprotocols if offered is None else offered
    shown = Shown(trace=trace_of(number), offered=subprotocols)
    started = time.perf_counter()
    address = (url or stack.url) + query
    context = ssl.create_default_context(cafile=stack.ca_file) if address.startswith("wss") else None
    try:
        async with asyncio.timeout(open_patience_s + 1.0):
            ws = await websockets.connect(
                address,
                ssl=context,
                subprotocols=subprotocols or None,
                additional_headers={
                    **carried.headers,
                    "traceparent": f"00-{shown.trace}-{'1' * 16}-01",
                    "User-Agent": user_agent,
                },
                user_agent_header=None,
                compression=None,
                ping_interval=None,
                proxy=None,
                max_size=None,
                open_timeout=open_patience_s,
                close_timeout=0.2,
            )
    except InvalidStatus as error:
        shown.http_status = error.response.status_code
        shown.outcome = f"upgrade_status_{shown.http_status}"
        return shown
    except NegotiationError:
        shown.outcome = "subprotocol_unoffered"
        return shown
    except TimeoutError:
        shown.outcome = "open_timeout"
        return shown
    except (InvalidMessage, InvalidHandshake, EOFError, OSError):
        shown.outcome = "upgrade_invalid"
        return shown
    shown.open_s = time.perf_counter() - started
    shown.subprotocol = ws.subprotocol
    try:
        await _talk(ws, shown, started, send, send_delay_s, patience_s, messages, speaks_for(user, credential))
    except ConnectionClosed as error:
        received = error.rcvd
        shown.close_code = received.code if received else 1006
        shown.close_reason = received.reason if received else ""
        before = "closed_before_ready" if shown.ready_s is None else "closed_mid_run"
        shown.outcome = f"{before}:{shown.close_code}"
        if shown.close_code == 1008 or "Authentication" in shown.close_reason:
            shown.outcome = "refused_after_accept"
    else:
        missing = [name for name in EVENTS if name not in shown.events]
        if shown.ready_s is None:
            shown.outcome = "ready_timeout"
        elif credential in MUST_BE_REFUSED:
            shown.outcome = "accepted_bad_credential"
        elif not missing:
            shown.outcome = "ok"
        else:
            shown.outcome = f"event_missing:{missing[0]}" if await _answers(ws, patience_s) else "silent_mid_run"
    finally:
        shown.ended_s = time.perf_counter() - started
        await ws.close()
    return shown


async def _talk(
    ws: websockets.ClientConnection,
    shown: Shown,
    started: float,
    send: str,
    send_delay_s: float,
    patience_s: float,
    messages: int,
    who: str | None,
) -> None:
    async def say() -> None:
        for _ in range(messages):
            await ws.send(json.dumps({"type": "user_message", "payload": {"content": "hello"}}))
        shown.sent_s = time.perf_counter() - started

    if send == "after-open":
        if send_delay_s:
            await asyncio.sleep(send_delay_s)
        await say()
    until = time.perf_counter() + patience_s
    while (left := until - time.perf_counter()) > 0:
        try:
            async with asyncio.timeout(left):
                frame = await ws.recv()
        except TimeoutError:
            return
        shown.frame_s.append(time.perf_counter() - started)
        _note(shown, frame, who)
        if shown.ready_s is None and _is_welcome(frame):
            shown.ready_s = shown.frame_s[-1]
            if send == "after-ready":
                await say()
        if len(set(shown.events)) == 5 and shown.events.count("agent_completed") >= messages:
            until = min(until, time.perf_counter() + 0.03)  # a foreign copy or a duplicate may follow


def _is_welcome(frame: str | bytes) -> bool:
    return isinstance(frame, str) and "connection_established" in frame and '"connection_id"' in frame


def _note(shown: Shown, frame: str | bytes, who: str | None) -> None:
    shown.frames.append(frame)
    shown.largest = max(shown.largest, len(frame))
    try:
        message = json.loads(frame) if isinstance(frame, str) else None
    except ValueError:
        message = None
    if not isinstance(message, dict) or "type" not in message:
        shown.malformed += 1
        return
    data = message.get("data") if isinstance(message.get("data"), dict) else {}
    name = data.get("event") or message["type"]
    if name in EVENTS:
        named = message.get("user_id") or data.get("user_id")
        if str(named).startswith("other-") and named != who:
            shown.foreign += 1
        else:
            shown.events.append(name)


async def _answers(ws: websockets.ClientConnection, patience_s: float) -> bool:
    try:
        async with asyncio.timeout(patience_s):
            await (await ws.ping())
    except TimeoutError:
        return False
    except ConnectionClosed:
        return True
    return True


async def visit_all(stack: Stack, numbers: range, *, at_once: int = 20, **how: Any) -> list[Shown]:
    """Many visits, so many at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> Shown:
        async with gate:
            return await visit(stack, number, **how)

    return list(await asyncio.gather(*(one(number) for number in numbers)))


def judge_all(stack: Stack, numbers: range, generation: str, **how: Any) -> list[tuple[Shown, dict[str, Any], str]]:
    """Many visits at little patience, with the truth and the outcome that it makes expected.

    On a busy machine little patience is too little now and then: what is unexpected is looked at once more, alone and
    patiently. Faults follow the trace, so the second look meets the same ones.
    """
    hasty = {"open_patience_s": how.get("patience_s", 2.0)}
    shown = asyncio.run(visit_all(stack, numbers, **(how | hasty)))
    stack.settle()
    truth = {line["trace"]: line for line in stack.truth()}
    rows = []
    for number, one in zip(numbers, shown, strict=True):
        seen = truth.get(one.trace)  # none where patience ended before the server looked
        outcome = expected(applied(seen), generation)[0] if seen else None
        if seen is None or one.outcome != outcome:
            patient = asyncio.run(visit(stack, number, **(how | {"patience_s": 3.0})))
            stack.settle()
            line = [line for line in stack.truth() if line["trace"] == one.trace][-1]
            rows.append((patient, line, expected(applied(line), generation)[0]))
        else:
            rows.append((one, seen, outcome))
    return rows


def truth_of(stack: Stack, shown: Shown) -> dict[str, Any]:
    """The truth line of a visit."""
    stack.settle()
    (line,) = [line for line in stack.truth() if line["trace"] == shown.trace]
    return line


def applied(truth: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The faults that took effect."""
    return [(fault["fault"], fault["drawn"]) for fault in truth["faults"] if fault["applied"]]


def entries_of(stack: Stack, truth: dict[str, Any]) -> list[dict[str, Any]]:
    """The log entries of one connection, in the order in which they were written."""
    wanted = set(truth["log_lines"])
    return [entry for entry in stack.entries() if entry["insertId"] in wanted]


def text_of(entry: dict[str, Any]) -> str:
    """What an entry says."""
    return entry.get("textPayload") or (entry.get("jsonPayload") or {}).get("message") or ""
