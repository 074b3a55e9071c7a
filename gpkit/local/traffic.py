"""Every request from its first byte to its last line: a session each, served by the front or by the application.

Log and truth of a session are written when it is over, whatever ended it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys
import time
from dataclasses import dataclass

from gpkit.local import front, tokens
from gpkit.local.draws import Visitor, draw
from gpkit.local.entries import CRASHED, NOT_STARTED, Journal
from gpkit.local.fleet import Fleet
from gpkit.local.front import Client, Upstream
from gpkit.local.http_head import Head
from gpkit.local.session import Session
from gpkit.protocol.scenarios import Scenario

LEAVE_S = 2.0  # chosen: what is still unsent to the service when its client is gone may take this long
_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: bm90IHRoZSByaWdodCBvbmU=\r\n\r\n"
)
_NOT_HTTP = b"220 mail.example.com ESMTP ready\r\n\r\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class Answer:
    """What the client was answered at the upgrade: by the front itself when ``text`` is there."""

    status: int | None = None
    text: str | None = None
    upstream: Upstream | None = None


class Traffic:
    """The sessions in progress.

    Args:
        scenario: What the faults file says.
        seed: Of all draws.
        journal: Where log and truth go.
        fleet: Who serves.
    """

    def __init__(self, scenario: Scenario, seed: int, journal: Journal, fleet: Fleet) -> None:
        self.scenario = scenario
        self.seed = seed
        self.journal = journal
        self.fleet = fleet
        self.internal: tuple[str, int] = ("", 0)
        self.started_perf_ns = time.perf_counter_ns()
        self.idle = asyncio.Event()
        self.idle.set()
        self._arrivals = 0
        self._by_port: dict[int, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, client: Client) -> None:
        """A whole request came: serve it in a task of its own."""
        assert client.head is not None
        serve = self._serve_upgrade if client.head.is_upgrade else self._serve_http
        task = asyncio.get_running_loop().create_task(serve(client, client.head))
        self._tasks.add(task)
        self.idle.clear()
        task.add_done_callback(self._served)

    def refuse(self, client: Client) -> None:
        """What came is no request: say so and close; there is nothing to trace."""
        if client.first_byte_ns and not client.transport.is_closing():
            client.transport.write(_BAD_REQUEST)
        client.transport.close()

    def claim(self, port: int) -> Session | None:
        """The session behind a local port, for the application."""
        session = self._by_port.get(port)
        if session is not None:
            session.claimed = True
        return session

    async def stop(self) -> None:
        """End every session; each still writes its lines."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self.idle.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            sys.stderr.write(f"A session failed: {error!r}\n")

    def _session(self, client: Client, head: Head) -> Session:
        """A trace, a revision, an instance, and the faults that meet it."""
        index = self._arrivals
        elapsed_s = (client.first_byte_perf_ns - self.started_perf_ns) / 1e9
        if head.is_upgrade:
            self._arrivals += 1
            revision = self.fleet.next_revision(elapsed_s)
        else:
            revision = self.fleet.current()
        untraced = hashlib.blake2b(f"{self.seed}|untraced|{index}".encode(), digest_size=16).hexdigest()
        trace = front.trace_of(head) or untraced
        headers = {name.lower(): value for name, value in head.headers}
        token = tokens.find(headers, head.offered, head.query, revision.generation).token
        agent = head.get("user-agent")
        visitor = Visitor(trace, index, elapsed_s, tokens.named_user(token), agent, revision.name)
        return Session(
            index=index,
            trace=trace,
            arrived_ns=client.first_byte_ns,
            arrived_perf_ns=client.first_byte_perf_ns,
            elapsed_s=elapsed_s,
            head=head,
            target=head.target,
            instance=self.fleet.serving(revision, trace),
            generation=revision.generation,
            drawn=draw(self.scenario, self.seed, visitor),
            journal=self.journal,
        )

    async def _serve_upgrade(self, client: Client, head: Head) -> None:
        session = self._session(client, head)
        answer = Answer()
        try:
            await self._in_front(client, session, answer)
            if answer.status is None and not client.silent and not client.transport.is_closing():
                await self._relay(client, session, answer)
            await client.gone.wait()
        finally:
            _conclude(client, session, answer)

    async def _serve_http(self, client: Client, head: Head) -> None:
        """Relay one plain request; it has an entry in the log and no truth. A crash loop concerns it too."""
        session = self._session(client, head)
        session.drawn = [drawn for drawn in session.drawn if drawn.fault in ("crash_loop", "start_failed")]
        head.replace("Connection", "close")
        answer = Answer()
        try:
            await self._in_front(client, session, answer)
            if answer.status is None:
                await self._relay(client, session, answer)
        finally:
            _write_requests(client, session, answer)

    async def _in_front(self, client: Client, session: Session, answer: Answer) -> None:
        """The faults of the front; it may answer by itself."""
        stripped = session.drawn_fault("token_stripped")
        if stripped is not None and front.strip_token(session.head, stripped.parameters["strips"]):
            session.is_stripped = True
        await _pause(session.apply_delays_ms("slow_front"))
        for name, status, text in (("crash_loop", 503, CRASHED), ("start_failed", 500, NOT_STARTED)):
            if (parameters := session.apply(name)) is None:
                continue
            await _pause(parameters["delay_ms"])
            session.instance = self.fleet.failing(session.instance.revision, name)
            session.truth.update(refused=name, closed_by="server", instance_id=session.instance.instance_id)
            answer.status, answer.text = status, text
            client.send(_plain_answer(status))
            client.transport.close()
            return
        if session.apply("silent_upgrade") is not None:
            client.silent = True
        elif (garbled := session.apply("upgrade_garbled")) is not None:
            bad_accept = garbled["answer"] == "bad-accept"
            client.send(_SWITCHING if bad_accept else _NOT_HTTP)
            session.truth.update(closed_by="server", http_status=101 if bad_accept else None)
            client.silent = True
            client.transport.close()

    async def _relay(self, client: Client, session: Session, answer: Answer) -> None:
        """Relay to the service until the client is gone and the service is through with it."""
        session.head.replace("traceparent", f"00-{session.trace}-{session.trace[:16]}-01")
        loop = asyncio.get_running_loop()
        upstream = Upstream(client, session.answered)
        transport, _ = await loop.create_connection(lambda: upstream, *self.internal)
        answer.upstream = upstream
        port = transport.get_extra_info("sockname")[1]
        session.client_port = port
        session.cut_after = upstream.cut_after
        self._by_port[port] = session
        try:
            transport.write(session.head.render() + bytes(client.pending))
            client.pending.clear()
            client.upstream = upstream
            if client.transport.is_closing():
                transport.close()
            await client.gone.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await upstream.lost.wait()
            transport.abort()
            if session.claimed:
                await session.done.wait()
        finally:
            self._by_port.pop(port, None)
            transport.close()


def _conclude(client: Client, session: Session, answer: Answer) -> None:
    _write_requests(client, session, answer)
    truth = session.truth
    if truth["http_status"] is None:
        truth["http_status"] = answer.status
    if truth["closed_by"] == "none" and answer.status not in (None, 101):
        truth["closed_by"] = "server"
    session.write_truth()


def _write_requests(client: Client, session: Session, answer: Answer) -> None:
    ended_ns = time.perf_counter_ns()
    if answer.upstream is not None:
        answer.status = answer.upstream.status
        if answer.status != 101:
            ended_ns = answer.upstream.last_byte_perf_ns
    if answer.status is not None:
        latency_ns = ended_ns - session.arrived_perf_ns
        session.write_requests(answer.status, latency_ns, client.received_bytes, client.sent_bytes, answer.text)


async def _pause(duration_ms: float) -> None:
    until_ns = time.perf_counter_ns() + int(duration_ms * 1e6)
    while (left_ns := until_ns - time.perf_counter_ns()) > 0:  # noqa: ASYNC110 - a wait, not a poll
        await asyncio.sleep(left_ns / 1e9)


def _plain_answer(status: int) -> bytes:
    phrase = {500: "Internal Server Error", 503: "Service Unavailable"}[status]
    body = f"{phrase}\n".encode()
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body
