"""One attempt made: open, be greeted, send, receive, close.

Opening is a coroutine, since it is one thing after another. From the upgrade request on, an attempt is driven by what
arrives and by one timer: :meth:`Session._step` looks at the facts and does what they allow next, in the callback that
brought them. So a stamp never waits for a task to be scheduled, and a message leaves in the same moment as the frame
that allows it. Every phase has a limit. :meth:`Session.run` raises nothing but cancellation; whatever happens becomes
a fact of the attempt.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any

from gpkit.probe.attempt import Attempt
from gpkit.probe.connect import Stopped
from gpkit.probe.opening import connect, refused
from gpkit.probe.plan import AFTER_OPEN, AFTER_READY
from gpkit.probe.wire import Wire

_MARGIN_S = 1.0  # chosen: beyond the sum of all limits, the hard end of an attempt
_encode = json.JSONEncoder(ensure_ascii=False).encode


class Session:
    """Makes one attempt; the wire's listener."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._plan, self._planned, self._journal = attempt.plan, attempt.planned, attempt.journal
        loop = asyncio.get_running_loop()
        self._left: asyncio.Future[None] = loop.create_future()
        self._limit = asyncio.timeout(attempt.plan.open_timeout_s)
        self._leaving_by_ns: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns: int | None = None
        self._sending: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Make the attempt. Cancelled, it is recorded as interrupted and raises on."""
        attempt = self._attempt
        attempt.begin()
        try:
            async with self._limit:
                wire = await connect(attempt, self)
                await self._left
            if wire.opened_ns is None:
                raise refused(wire, attempt.offered)
        except Stopped as stopped:
            attempt.stop(stopped.failure, stopped.error_type)
        except TimeoutError:
            attempt.stop("timeout")
        except asyncio.CancelledError:
            attempt.stop("interrupted")
            raise
        finally:
            self._settle()

    def _settle(self) -> None:
        for timer in (self._timer, self._sending):
            if timer is not None:
                timer.cancel()
        self._attempt.end()
        if self._attempt.wire is not None:
            self._attempt.wire.hang_up()
        self._attempt.compare_clocks()

    # What is next.

    def _step(self) -> None:
        """Do what the facts allow next, and say when to look again if nothing happens."""
        wire = self._attempt.wire
        if wire is None or self._left.done():
            return
        if wire.opened_ns is None:
            if wire.response is not None or wire.refusal is not None or wire.lost_ns is not None:
                self._left.set_result(None)
            return
        now_ns = perf_counter_ns()
        if self._attempt.phase == "ready":
            self._step_ready(wire, now_ns)
        if self._attempt.phase == "exchange" and not self._attempt.is_over:
            self._step_exchange(wire, now_ns)
        if self._attempt.phase == "close" or self._attempt.is_over:
            self._step_leaving(wire, now_ns)

    def _step_ready(self, wire: Wire, now_ns: int) -> None:
        """Wait for the welcome; half-way through, see whether anybody is there."""
        limit_ns, opened_ns = round(self._plan.ready_timeout_s * 1e9), self._attempt.marks["upgrade_wait"]
        until_ns, ping_ns = opened_ns + limit_ns, opened_ns + limit_ns // 2
        if self._journal.ready_ns is not None:
            self._attempt.phase = "exchange"
        elif wire.is_ended:
            self._attempt.end()
        elif now_ns >= until_ns:
            self._attempt.stop("timeout")
        elif now_ns < ping_ns:
            self._look_again(ping_ns)
        else:
            if self._attempt.pinged_ns is None:
                self._ping(wire)
            self._look_again(until_ns)

    def _step_exchange(self, wire: Wire, now_ns: int) -> None:
        """Wait for all five events, a close or the deadline; look for life in long silences."""
        until_ns = self._exchanged_by(wire)
        if wire.is_ended:
            self._attempt.end()
        elif now_ns < until_ns:
            self._look_again(self._next_look(wire, now_ns, until_ns))
        elif self._journal.missing and self._planned.message is not None:
            self._attempt.end()
        else:
            self._attempt.marks["exchange"] = now_ns
            self._attempt.phase = "close"

    def _step_leaving(self, wire: Wire, now_ns: int) -> None:
        """Close, and wait for the other side; after the end that is good manners, and not measured."""
        if self._leaving_by_ns is None:
            self._leaving_by_ns = now_ns + round(self._plan.close_timeout_s * 1e9)
            if not self._attempt.is_over or self._attempt.is_alive is not False:
                wire.close()
            else:
                self._leaving_by_ns = now_ns
        if wire.lost_ns is None and now_ns < self._leaving_by_ns:
            self._look_again(self._leaving_by_ns)
            return
        self._attempt.end()
        self._left.set_result(None)

    def _exchanged_by(self, wire: Wire) -> int:
        """Until when events are waited for; for a control, a refusal that follows the welcome."""
        plan = self._plan
        if self._planned.message is None:
            return (self._journal.ready_ns or 0) + round(plan.verdict_s * 1e9)
        sent_ns = self._attempt.sent_ns
        if sent_ns is None:  # early sending with a delay that is not over
            sent_ns = (wire.opened_ns or 0) + round((self._planned.delay_s or 0) * 1e9)
        deadline_ns = sent_ns + round(plan.deadline_s * 1e9)
        if self._journal.complete_ns is not None:
            return min(deadline_ns, self._journal.complete_ns + round(plan.linger_s * 1e9))
        if self._journal.run_ended_ns is not None:
            return min(deadline_ns, self._journal.run_ended_ns + round(plan.straggler_s * 1e9))
        return deadline_ns

    def _next_look(self, wire: Wire, now_ns: int, until_ns: int) -> int:
        """When to look again, after a ping if the silence has lasted."""
        if self._journal.complete_ns is not None or self._planned.message is None:
            return until_ns
        silence_ns = round(min(self._plan.silence_s, self._plan.deadline_s / 3) * 1e9)
        heard_ns = max(self._journal.last_heard_ns, self._attempt.sent_ns or 0, self._attempt.pinged_ns or 0)
        if now_ns >= heard_ns + silence_ns:
            self._ping(wire)
            heard_ns = now_ns
        ping_ns = heard_ns + silence_ns
        # A ping too close to the end could not be answered in time.
        return ping_ns if ping_ns + silence_ns // 2 < until_ns else until_ns

    # What the wire tells.

    def opened(self, at_ns: int) -> None:
        """The 101 was parsed."""
        self._attempt.marks["upgrade_wait"] = at_ns
        self._attempt.phase = "ready"
        plan, loop = self._plan, asyncio.get_running_loop()
        later_s = plan.ready_timeout_s + (self._planned.delay_s or 0) + plan.deadline_s + 2 * plan.close_timeout_s
        self._limit.reschedule(loop.time() + later_s + _MARGIN_S)
        if self._planned.send == AFTER_OPEN:
            gone_s = (perf_counter_ns() - at_ns) / 1e9
            delay_s = self._planned.delay_s or 0.0
            if delay_s > gone_s:
                self._sending = loop.call_later(delay_s - gone_s, self._send)
            else:
                self._send()
        self._step()

    def received(self, payload: str | bytes, at_ns: int) -> None:
        """A message arrived."""
        frame, turns = self._journal.hear(payload, at_ns)
        if turns and frame.kind == "welcome":
            self._attempt.marks["ready"] = at_ns
            if self._planned.send == AFTER_READY:
                self._send()
        elif frame.type == "ping":
            self._say({"type": "pong", "timestamp": time.time()})
        elif frame.type == "heartbeat":
            self._say({"type": "heartbeat_ack", "timestamp": int(time.time() * 1000)})
        if turns:
            self._step()

    def changed(self) -> None:
        """A refusal, a pong, a close or a loss."""
        self._step()

    # Small acts.

    def _send(self) -> None:
        message = self._planned.message
        if message is not None:
            name = f"gpkit-{self._planned.trace[:16]}"
            extra = {"timestamp": time.time(), "message_id": name, "user_id": self._journal.user}
            self._attempt.sent_ns = self._say({**extra, **message})

    def _say(self, message: Mapping[str, Any]) -> int | None:
        wire, text = self._attempt.wire, _encode(message)
        at_ns = None if wire is None else wire.send(text)
        if at_ns is not None:
            self._journal.say(text, at_ns)
        return at_ns

    def _ping(self, wire: Wire) -> None:
        self._attempt.pinged_ns = perf_counter_ns()
        wire.ping()

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
