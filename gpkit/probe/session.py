"""One attempt, from its planned start to its end: open, be greeted, send, receive, close.

Opening is a coroutine, since it is one thing after another. From the upgrade request on, an attempt is driven by what
arrives and by one timer: :meth:`Session._step` looks at the facts and does what they allow next, in the callback that
brought them. So a stamp never waits for a task to be scheduled, and a message leaves in the same moment as the frame
that allows it. Every phase has a limit. :meth:`Session.run` raises nothing but cancellation; whatever happens becomes
facts on the session.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any, NamedTuple

from gpkit.probe.connect import Address, Stopped, open_socket, resolve, tls_failure
from gpkit.probe.plan import AFTER_OPEN, AFTER_READY, Plan
from gpkit.probe.schedule import Planned
from gpkit.probe.target import Target
from gpkit.probe.wire import Wire, prepare, refusal_kind
from gpkit.protocol.envelopes import RUN_ENDED, Frame, read_frame
from gpkit.protocol.events import EVENTS

KEPT_CHARS = 8192  # of each received payload: a server that floods must not fill the memory
_MARGIN_S = 1.0  # chosen: beyond the sum of all limits, the hard end of an attempt
_encode = json.JSONEncoder(ensure_ascii=False).encode
_AUTH_ERRORS = frozenset({"authentication_error"})


class Message(NamedTuple):
    """One message as sent or received: when, its text (bytes when binary), and what it says (null when sent).

    Of a received payload only the first :data:`KEPT_CHARS` are kept; its size is the frame's.
    """

    at_ns: int
    is_received: bool
    payload: str | bytes
    frame: Frame | None


class Session:
    """One attempt and the facts about it.

    Attributes:
        planned: What was to be done.
        planned_ns, started_ns, end_ns: On the monotonic clock.
        started_wall_ns: The client's wall clock at ``started_ns``.
        clock_step_ns: How much the wall clock moved against the monotonic one meanwhile.
        phase: The phase in progress; at the end, the one the attempt ended in.
        marks: When each completed phase ended.
        failure, error_type: What stopped it before it was open, ``timeout`` or ``interrupted``.
        failed_addresses: Resolved addresses that did not take the connection.
        messages: Everything sent and received, in order.
        ready_ns, sent_ns: The welcome arrived; the message was written.
        is_alive: Whether the last ping was answered; null when none was sent.
    """

    def __init__(self, target: Target, planned: Planned, plan: Plan, *, planned_ns: int) -> None:
        self.target = target
        self.planned = planned
        self.plan = plan
        self.user = target.speaks_for(planned)
        self.planned_ns = planned_ns
        self.started_ns = planned_ns
        self.end_ns = planned_ns
        self.started_wall_ns = 0
        self.clock_step_ns = 0
        self.phase = "queue"
        self.marks: dict[str, int] = {}
        self.failure: str | None = None
        self.error_type: str | None = None
        self.failed_addresses: list[str] = []
        self.address: Address | None = None
        self.local_port: int | None = None
        self.offered: tuple[str, ...] = ()
        self.wire: Wire | None = None
        self.messages: list[Message] = []
        self.welcome: Frame | None = None
        self.ready_ns: int | None = None
        self.sent_ns: int | None = None
        self.refusal_code: str | None = None
        self._have: set[str] = set()
        self._complete_ns: int | None = None
        self._run_ended_ns: int | None = None
        self._last_frame_ns = planned_ns
        self._pinged_ns: int | None = None
        loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] = loop.create_future()
        self._left: asyncio.Future[None] = loop.create_future()
        self._leaving_by_ns: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns: int | None = None
        self._sending: asyncio.TimerHandle | None = None

    @property
    def is_alive(self) -> bool | None:
        """Whether the server answered the last ping, or spoke after it; null when none was sent."""
        if self._pinged_ns is None or self.wire is None:
            return None
        ponged_ns = self.wire.ponged_ns or 0
        return max(ponged_ns, self._last_frame_ns) >= self._pinged_ns

    @property
    def missing(self) -> tuple[str, ...]:
        """Events that did not come, in path order."""
        return tuple(event for event in EVENTS if event not in self._have)

    def is_foreign(self, frame: Frame) -> bool:
        """Whether an event names another user; it cannot be told when the credential names nobody."""
        return self.user is not None and frame.is_foreign(self.user)

    async def run(self) -> None:
        """Make the attempt. Cancelled, it is recorded as interrupted and raises on."""
        self._begin()
        plan, loop = self.plan, asyncio.get_running_loop()
        later_s = plan.ready_timeout_s + (self.planned.delay_s or 0) + plan.deadline_s + 2 * plan.close_timeout_s
        try:
            async with asyncio.timeout(plan.open_timeout_s) as limit:
                await self._open()
                limit.reschedule(loop.time() + later_s + _MARGIN_S)
                await self._left
        except Stopped as stopped:
            self._stop(stopped.failure, stopped.error_type)
        except TimeoutError:
            self._stop("timeout")
        except asyncio.CancelledError:
            self._stop("interrupted")
            raise
        finally:
            self._settle()

    # Opening.

    def _begin(self) -> None:
        self.started_ns = max(perf_counter_ns(), self.planned_ns)
        self.started_wall_ns = time.time_ns()
        self.marks["queue"] = self.started_ns

    async def _open(self) -> None:
        target, loop = self.target, asyncio.get_running_loop()
        until = loop.time() + self.plan.open_timeout_s
        uri, presented = target.presented(self.planned)
        self.offered = presented.subprotocols
        traceparent = f"00-{self.planned.trace}-{self.planned.trace[16:]}-01"
        headers = {**target.headers, **presented.headers, "traceparent": traceparent}
        protocol, request = prepare(uri, subprotocols=self.offered, headers=headers, origin=target.origin)
        if target.address is not None:
            addresses = [target.address]
        else:
            self.phase = "dns"
            addresses = await resolve(uri.host, uri.port)
            self.marks["dns"] = perf_counter_ns()
        self.phase = "tcp"
        sock, self.address = await open_socket(addresses, until=until, failed=self.failed_addresses)
        self.marks["tcp"] = perf_counter_ns()
        self.local_port = sock.getsockname()[1]
        self.wire = Wire(protocol, request, self)
        await self._upgrade(self.wire, sock, uri.host)

    async def _upgrade(self, wire: Wire, sock: socket.socket, host: str) -> None:
        loop, context = asyncio.get_running_loop(), self.target.context
        self.phase = "upgrade_send" if context is None else "tls"
        try:
            await loop.create_connection(
                lambda: wire, sock=sock, ssl=context, server_hostname=None if context is None else host
            )
        except OSError as error:  # ssl.SSLError is one
            sock.close()
            raise (tls_failure(error) if context is not None else Stopped("reset")) from error
        except BaseException:
            sock.close()
            raise
        if context is not None and wire.made_ns is not None:
            self.marks["tls"] = wire.made_ns
        if wire.request_sent_ns is not None:
            self.marks["upgrade_send"] = wire.request_sent_ns
        if wire.opened_ns is None:  # a fast server may have answered meanwhile
            self.phase = "upgrade_wait"
        await self._answered
        if wire.opened_ns is None:
            raise self._refused(wire)

    def _refused(self, wire: Wire) -> Stopped:
        selected = self.selected_subprotocol
        if wire.status is not None and wire.status != 101:
            return Stopped("status")
        if wire.response is not None and selected is not None and selected not in self.offered:
            return Stopped("unoffered")
        if wire.lost_by == "reset":
            return Stopped("reset")
        if wire.refusal is None:
            return Stopped("early_end")
        return Stopped(*refusal_kind(wire.refusal, is_http=wire.begins_as_http))

    @property
    def selected_subprotocol(self) -> str | None:
        """What the 101 selected, offered or not; several are joined."""
        if self.wire is None or self.wire.response is None or self.wire.response.status_code != 101:
            return None
        selected = ", ".join(self.wire.response.headers.get_all("Sec-WebSocket-Protocol"))
        # Header bytes beyond ASCII arrive as lone surrogates, which no file can hold.
        return selected.encode("utf-8", "replace").decode() or None

    # Conversing.

    def _step(self) -> None:
        """Do what the facts allow next, and say when to look again if nothing happens."""
        wire = self.wire
        if wire is None or self._left.done():
            return
        if wire.opened_ns is None:
            answered = wire.response is not None or wire.refusal is not None or wire.lost_ns is not None
            if answered and not self._answered.done():
                self._answered.set_result(None)
            return
        if not self._answered.done():
            self._answered.set_result(None)
        now_ns = perf_counter_ns()
        if self.phase == "ready":
            self._step_ready(wire, now_ns)
        if self.phase == "exchange" and not self._is_over:
            self._step_exchange(wire, now_ns)
        if self.phase == "close" or self._is_over:
            self._step_leaving(wire, now_ns)

    def _step_ready(self, wire: Wire, now_ns: int) -> None:
        """Wait for the welcome; half-way through, see whether anybody is there."""
        limit_ns = round(self.plan.ready_timeout_s * 1e9)
        until_ns, ping_ns = self.marks["upgrade_wait"] + limit_ns, self.marks["upgrade_wait"] + limit_ns // 2
        if self.ready_ns is not None:
            self.phase = "exchange"
        elif self._is_closed(wire):
            self._end()
        elif now_ns >= until_ns:
            self._stop("timeout")
        elif now_ns < ping_ns:
            self._look_again(ping_ns)
        else:
            if self._pinged_ns is None:
                self._ping(wire)
            self._look_again(until_ns)

    def _step_exchange(self, wire: Wire, now_ns: int) -> None:
        """Wait for all five events, a close or the deadline; look for life in long silences."""
        until_ns = self._exchanged_by(wire)
        if self._is_closed(wire):
            self._end()
        elif now_ns < until_ns:
            self._look_again(self._next_look(wire, now_ns, until_ns))
        elif self.missing and self.planned.message is not None:
            self._end()
        else:
            self.marks["exchange"] = now_ns
            self.phase = "close"

    def _step_leaving(self, wire: Wire, now_ns: int) -> None:
        """Close, and wait for the other side; after the end that is good manners, and not measured."""
        if self._leaving_by_ns is None:
            self._leaving_by_ns = now_ns + round(self.plan.close_timeout_s * 1e9)
            if not self._is_over or self.is_alive is not False:
                wire.close()
            else:
                self._leaving_by_ns = now_ns
        if wire.lost_ns is None and now_ns < self._leaving_by_ns:
            self._look_again(self._leaving_by_ns)
            return
        self._end()
        self._left.set_result(None)

    def _exchanged_by(self, wire: Wire) -> int:
        """Until when events are waited for; for a control, a refusal that follows the welcome."""
        plan = self.plan
        if self.planned.message is None:
            return (self.ready_ns or 0) + round(plan.verdict_s * 1e9)
        sent_ns = self.sent_ns
        if sent_ns is None:  # early sending with a delay that is not over
            sent_ns = (wire.opened_ns or 0) + round((self.planned.delay_s or 0) * 1e9)
        deadline_ns = sent_ns + round(plan.deadline_s * 1e9)
        if self._complete_ns is not None:
            return min(deadline_ns, self._complete_ns + round(plan.linger_s * 1e9))
        if self._run_ended_ns is not None:
            return min(deadline_ns, self._run_ended_ns + round(plan.straggler_s * 1e9))
        return deadline_ns

    def _next_look(self, wire: Wire, now_ns: int, until_ns: int) -> int:
        """When to look again, after a ping if the silence has lasted."""
        if self._complete_ns is not None or self.planned.message is None:
            return until_ns
        silence_ns = round(min(self.plan.silence_s, self.plan.deadline_s / 3) * 1e9)
        heard_ns = max(self._last_frame_ns, self.sent_ns or 0, self._pinged_ns or 0)
        if now_ns >= heard_ns + silence_ns:
            self._ping(wire)
            heard_ns = now_ns
        ping_ns = heard_ns + silence_ns
        # A ping too close to the end could not be answered in time.
        return ping_ns if ping_ns + silence_ns // 2 < until_ns else until_ns

    # What the wire tells.

    def opened(self, at_ns: int) -> None:
        """The 101 was parsed."""
        self.marks["upgrade_wait"] = at_ns
        self.phase = "ready"
        self._last_frame_ns = at_ns
        if self.planned.send == AFTER_OPEN and self.planned.message is not None:
            delay_s = self.planned.delay_s or 0.0
            if delay_s > 0:
                loop = asyncio.get_running_loop()
                gone_s = (perf_counter_ns() - at_ns) / 1e9
                self._sending = loop.call_later(delay_s - gone_s, self._send)
            else:
                self._send()
        self._step()

    def received(self, payload: str | bytes, at_ns: int) -> None:
        """A message arrived."""
        frame = read_frame(payload)
        self.messages.append(Message(at_ns, True, payload[:KEPT_CHARS], frame))
        self._last_frame_ns = at_ns
        if frame.event is not None:
            self._event(frame, at_ns)
        elif frame.kind == "welcome" and self.ready_ns is None:
            self.welcome, self.ready_ns, self.marks["ready"] = frame, at_ns, at_ns
            if self.planned.send == AFTER_READY:
                self._send()
            self._step()
        elif frame.kind == "error":
            self._error(frame, at_ns)
        elif frame.type == "ping":
            self._reply({"type": "pong", "timestamp": time.time()})
        elif frame.type == "heartbeat":
            self._reply({"type": "heartbeat_ack", "timestamp": int(time.time() * 1000)})

    def changed(self) -> None:
        """A refusal, a pong, a close or a loss."""
        self._step()

    def _event(self, frame: Frame, at_ns: int) -> None:
        if self.is_foreign(frame):
            return
        self._have.add(frame.event or "")
        if frame.event == EVENTS[-1] and self._run_ended_ns is None:
            self._run_ended_ns = at_ns
            self._step()
        if self._complete_ns is None and len(self._have) == len(EVENTS):
            self._complete_ns = at_ns
            self._step()

    def _error(self, frame: Frame, at_ns: int) -> None:
        if frame.type in _AUTH_ERRORS or (frame.code or "").startswith(("AUTH", "TOKEN", "NO_TOKEN", "JWT")):
            self.refusal_code = frame.code or "authentication_error"
        if frame.type in RUN_ENDED and self._run_ended_ns is None:
            self._run_ended_ns = at_ns
            self._step()

    # Small acts.

    def _send(self) -> None:
        message = self.planned.message
        if message is None or self.sent_ns is not None or self.wire is None:
            return
        text = _encode(self._addressed(message))
        self.sent_ns = self.wire.send(text)
        if self.sent_ns is not None:
            self.messages.append(Message(self.sent_ns, False, text, None))

    def _addressed(self, message: Mapping[str, Any]) -> dict[str, Any]:
        extra = {"timestamp": time.time(), "message_id": f"gpkit-{self.planned.trace[:16]}", "user_id": self.user}
        return {**extra, **message}

    def _reply(self, message: Mapping[str, Any]) -> None:
        if self.wire is None:
            return
        text = _encode(message)
        at_ns = self.wire.send(text)
        if at_ns is not None:
            self.messages.append(Message(at_ns, False, text, None))

    def _ping(self, wire: Wire) -> None:
        self._pinged_ns = perf_counter_ns()
        wire.ping()

    def _is_closed(self, wire: Wire) -> bool:
        return wire.close_received_ns is not None or wire.lost_ns is not None

    @property
    def _is_over(self) -> bool:
        return self.end_ns != self.planned_ns

    def _look_again(self, at_ns: int) -> None:
        """Step at an instant. A timer that is due earlier stays: it will look, and ask for this one."""
        if self._timer_ns is not None and self._timer_ns <= at_ns:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ns = at_ns
        delay_s = max(0, at_ns - perf_counter_ns()) / 1e9
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _look(self) -> None:
        self._timer = self._timer_ns = None
        self._step()

    # Ending.

    def _stop(self, failure: str, error_type: str | None = None) -> None:
        if not self._is_over:  # else only its leave-taking was cut short
            self.failure, self.error_type = failure, error_type
            self._end()

    def _end(self) -> None:
        """Now is the end, unless it was already; the other side's close or loss was, when it came first."""
        if self._is_over:
            return
        wire = self.wire
        ended = [at_ns for at_ns in (wire.close_received_ns, wire.lost_ns) if at_ns] if wire is not None else []
        if self.phase == "close" and wire is not None:
            ended = [wire.lost_ns] if wire.lost_ns else []
        elif self.phase == "upgrade_wait" and wire is not None and wire.answered_ns is not None:
            ended = [wire.answered_ns]
        self.end_ns = min(ended, default=perf_counter_ns())

    def _settle(self) -> None:
        for timer in (self._timer, self._sending):
            if timer is not None:
                timer.cancel()
        self._end()
        if self.wire is not None:
            self.wire.hang_up()
        wall_ns, now_ns = time.time_ns(), perf_counter_ns()
        self.clock_step_ns = (wall_ns - self.started_wall_ns) - (now_ns - self.started_ns)
