"""The local stack's process: one event loop with the front, the service, and what ends them.

The front listens on loopback and relays to the service on an internal port. One session is one request; its log and
its truth are written when it is over, whatever ended it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import signal
import ssl
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gpkit.errors import OutputError
from gpkit.local import boot, certificates, front, tokens
from gpkit.local.draws import Visitor, draw, unit
from gpkit.local.entries import CRASHED, NOT_STARTED, Instance, Journal, instance
from gpkit.local.front import Client, Upstream
from gpkit.local.http_head import Head
from gpkit.local.service import application
from gpkit.local.session import Session
from gpkit.protocol.scenarios import Revision, Scenario

HOST = "127.0.0.1"
PATH = "/ws"
BOOT_EVERY_S = 0.25  # chosen: how often a crash loop tries again while requests come
PARENT_CHECK_S = 1.0
_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: bm90IHRoZSByaWdodCBvbmU=\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the process was started."""

    folder: Path
    scenario: Scenario
    seed: int
    port: int
    tls: bool
    control: bool


class Stack:
    """The running parts and the sessions in progress."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.scenario = settings.scenario
        self.journal = Journal(settings.folder)
        self.secret = secrets.token_urlsafe(48)
        self.started_ns = time.time_ns()
        self.started_perf_ns = time.perf_counter_ns()
        self.internal_port = 0
        self.arrivals = 0
        self.open = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.stopped = asyncio.Event()
        self.sessions: dict[int, Session] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.revisions = settings.scenario.revisions or (
            Revision("golden-path-00001-gpk", settings.scenario.generation),
        )
        self.current = 0
        self.served = 0
        self.up: set[str] = set()
        self.last_boot_perf_ns = 0
        self.boots = 0

    # Revisions and instances

    def revision(self, elapsed_s: float) -> Revision:
        """The revision that serves the next connection; the switch to the next one happens here."""
        now = self.revisions[self.current]
        while self.current + 1 < len(self.revisions) and (
            (now.first is not None and self.served >= now.first)
            or (now.until_s is not None and elapsed_s >= now.until_s)
        ):
            self.current += 1
            self.served = 0
            now = self.revisions[self.current]
            self.bring_up(now)
        return now

    def bring_up(self, revision: Revision) -> None:
        """Write the start lines of a revision's instances, once."""
        for number in range(revision.instances):
            source = instance(self.settings.seed, revision.name, number)
            if source.instance_id not in self.up:
                self.up.add(source.instance_id)
                boot.started(
                    self.journal, source, time.time_ns(), boot.MANUAL if self.current == 0 else boot.AUTOSCALING
                )

    def serving(self, revision: Revision, trace: str) -> Instance:
        """The instance that serves a trace: the same for the same seed and trace."""
        number = int(unit(self.settings.seed, trace, -1, "instance") * revision.instances)
        return instance(self.settings.seed, revision.name, number)

    # Requests

    def handle(self, client: Client) -> None:
        """A whole request came: serve it in a task of its own."""
        assert client.head is not None
        self.open += 1
        self.idle.clear()
        task = asyncio.get_running_loop().create_task(self._serve(client, client.head))
        self.tasks.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.open -= 1
        if self.open == 0:
            self.idle.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            sys.stderr.write(f"session failed: {error!r}\n")

    def refuse(self, client: Client) -> None:
        """What came is no request: say so and close; there is nothing to trace."""
        if client.first_byte_ns and not client.transport.is_closing():
            client.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        client.transport.close()

    def session_for(self, client: Client, head: Head) -> Session:
        """Open a session: give it a trace, a revision, an instance, and draw its faults."""
        index = self.arrivals
        self.arrivals += 1
        elapsed_s = (client.first_byte_perf_ns - self.started_perf_ns) / 1e9
        revision = self.revision(elapsed_s)
        self.served += 1
        untraced = hashlib.blake2b(f"{self.settings.seed}|untraced|{index}".encode(), digest_size=16).hexdigest()
        trace = front.trace_of(head) or untraced
        headers = {name.lower(): value for name, value in head.headers}
        token = tokens.find(headers, head.offered, head.query, revision.generation).token
        visitor = Visitor(trace, index, elapsed_s, tokens.named_user(token), head.get("user-agent"), revision.name)
        return Session(
            index=index,
            trace=trace,
            arrived_ns=client.first_byte_ns,
            arrived_perf_ns=client.first_byte_perf_ns,
            elapsed_s=elapsed_s,
            head=head,
            instance=self.serving(revision, trace),
            generation=revision.generation,
            drawn=draw(self.scenario, self.settings.seed, visitor),
            journal=self.journal,
            cut_after=lambda frames, how: None,
        )

    async def _serve(self, client: Client, head: Head) -> None:
        if not head.is_upgrade:
            await self._serve_http(client, head)
            return
        session = self.session_for(client, head)
        client.session = session
        session.truth["target"] = head.target
        answer: tuple[int | None, str | None] = (None, None)
        upstream: Upstream | None = None
        try:
            answer = await self._in_front(client, session)
            if answer[0] is None and not client.silent and not client.transport.is_closing():
                upstream = await self._relay(client, session)
                if upstream is not None:
                    answer = (upstream.status, None)
            await client.gone.wait()
        finally:
            self._conclude(client, session, upstream, answer)

    async def _in_front(self, client: Client, session: Session) -> tuple[int | None, str | None]:
        """The faults of the front. Returns the status and text of its own answer, nulls to go on."""
        stripped = session.drawn_fault("token_stripped")
        if stripped is not None and front.strip_token(session.head, stripped.parameters["strips"]):
            stripped.applied = True
        await _pause(session.apply_delays_ms("slow_front"))
        for name, status, text in (("crash_loop", 503, CRASHED), ("start_failed", 500, NOT_STARTED)):
            parameters = session.apply(name)
            if parameters is None:
                continue
            await _pause(parameters["delay_ms"])
            session.truth.update(refused=name, closed_by="server", http_status=status)
            session.instance = self._failed_boot(session, name)
            _answer(client, status, "Service Unavailable" if status == 503 else "Internal Server Error")
            return status, text
        if session.apply("silent_upgrade") is not None:
            client.silent = True
        elif (garbled := session.apply("upgrade_garbled")) is not None:
            bad_accept = garbled["answer"] == "bad-accept"
            client.send(_SWITCHING if bad_accept else b"220 mail.example.com ESMTP ready\r\n\r\n")
            session.truth.update(closed_by="server", http_status=101 if bad_accept else None)
            client.silent = True
            client.transport.close()
        return None, None

    def _failed_boot(self, session: Session, name: str) -> Instance:
        """The instance that failed; its boot is logged, but not more often than a boot takes."""
        now_ns = time.perf_counter_ns()
        if self.boots == 0 or now_ns - self.last_boot_perf_ns >= BOOT_EVERY_S * 1e9:
            self.boots += 1
            self.last_boot_perf_ns = now_ns
            source = instance(self.settings.seed, session.instance.revision, f"{name}-{self.boots}")
            boot.crashed(self.journal, source, time.time_ns())
            return source
        return instance(self.settings.seed, session.instance.revision, f"{name}-{self.boots}")

    async def _relay(self, client: Client, session: Session) -> Upstream | None:
        """Relay to the service until the client is gone and the service is through with it."""
        head = session.head
        head.replace("traceparent", f"00-{session.trace}-{session.trace[:16]}-01")
        loop = asyncio.get_running_loop()
        transport, upstream = await loop.create_connection(lambda: Upstream(client), HOST, self.internal_port)
        port = transport.get_extra_info("sockname")[1]
        session.client_port = port
        session.cut_after = upstream.cut_after
        self.sessions[port] = session
        try:
            transport.write(head.render() + bytes(client.pending))
            client.pending.clear()
            client.upstream = upstream
            if client.transport.is_closing():
                transport.close()
            await client.gone.wait()
            await upstream.lost.wait()
            if session.claimed:
                await session.done.wait()
        finally:
            self.sessions.pop(port, None)
            transport.close()
        return upstream

    def claim(self, port: int) -> Session | None:
        """The session behind a local port, for the application."""
        session = self.sessions.get(port)
        if session is not None:
            session.claimed = True
        return session

    def _conclude(
        self, client: Client, session: Session, upstream: Upstream | None, answer: tuple[int | None, str | None]
    ) -> None:
        status, text = answer
        if status is None and upstream is not None:
            status = upstream.status
        if session.truth["http_status"] is None:
            session.truth["http_status"] = status
        if session.truth["closed_by"] == "none" and status not in (None, 101):
            session.truth["closed_by"] = "server"
        if status is not None:
            ended_ns = time.perf_counter_ns()
            if status != 101 and upstream is not None:
                ended_ns = upstream.last_byte_perf_ns
            latency_ns = ended_ns - session.arrived_perf_ns
            session.write_requests(status, latency_ns, client.received_bytes, client.sent_bytes, text)
        session.write_truth()

    async def _serve_http(self, client: Client, head: Head) -> None:
        """Relay one plain request; it has an entry in the log and no truth."""
        session = self.session_for(client, head)
        self.arrivals -= 1
        self.served -= 1
        head.replace("Connection", "close")
        upstream: Upstream | None = None
        try:
            upstream = await self._relay(client, session)
        finally:
            if upstream is not None and upstream.status is not None:
                latency_ns = upstream.last_byte_perf_ns - session.arrived_perf_ns
                session.write_requests(upstream.status, latency_ns, client.received_bytes, client.sent_bytes)

    # Life

    async def run(self) -> None:
        """Start everything, say so in ``ready.json``, and run until told to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopped.set)
        if self.settings.control:
            await self._listen_to_parent()
        watcher = loop.create_task(self._watch_parent())
        internal = await self._start_service()
        public = await self._listen(None, self.settings.port)
        context, ca_file = certificates.server_context(self.settings.folder) if self.settings.tls else (None, None)
        secure = await self._listen(context, 0) if context else None
        self.revision(0.0)
        self.bring_up(self.revisions[0])
        self._write_ready(public, secure, ca_file)
        await self.stopped.wait()
        for listener in (public, secure, internal):
            if listener is not None:
                listener.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        watcher.cancel()
        self.journal.close()

    async def _start_service(self) -> asyncio.Server:
        """uvicorn's own protocols on this loop: its server would bring signal handlers and a clock of its own."""
        app = application(self.claim, self.scenario, self.secret, self.settings.seed)
        config = uvicorn.Config(
            app,
            ws="websockets-sansio",
            http="h11",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            ws_max_size=1 << 20,
        )
        config.load()
        state = ServerState()

        def protocol() -> asyncio.Protocol:
            return H11Protocol(config=config, server_state=state, app_state={})

        server = await asyncio.get_running_loop().create_server(protocol, HOST, 0, backlog=512)
        self.internal_port = server.sockets[0].getsockname()[1]
        return server

    async def _listen(self, context: ssl.SSLContext | None, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(
                lambda: Client(self.handle, self.refuse), HOST, port, ssl=context, backlog=512
            )
        except OSError as error:
            raise OutputError(
                f"Port {port} on {HOST} cannot be used: {error.strerror or error}.",
                "Another program listens there." if port else "",
                "Use --port 0 for a free one.",
            ) from error

    def _write_ready(self, public: asyncio.Server, secure: asyncio.Server | None, ca_file: Path | None) -> None:
        folder = self.settings.folder
        port = public.sockets[0].getsockname()[1]
        secret_file = folder / "secret"
        _write_private(secret_file, self.secret)
        ready: dict[str, Any] = {
            "url": f"ws://{HOST}:{port}{PATH}",
            "wss_url": f"wss://localhost:{secure.sockets[0].getsockname()[1]}{PATH}" if secure else None,
            "http_url": f"http://{HOST}:{port}",
            "secret_file": str(secret_file),
            "ca_file": str(ca_file) if ca_file else None,
            "log_file": str(self.journal.log_file),
            "truth_file": str(self.journal.truth_file),
            "pid": os.getpid(),
            "generation": self.revisions[0].generation,
            "users": list(self.scenario.users),
        }
        _write_private(folder / "ready.json", json.dumps(ready, indent=1))
        if self.settings.control:
            _say("ready")

    async def _listen_to_parent(self) -> None:
        """Commands on standard input; its end is the parent's end."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

        async def obey() -> None:
            while command := await reader.readline():
                if command.strip() == b"settle":
                    await self._settle()
                    _say("settled")
            self.stopped.set()

        self._commands = loop.create_task(obey())

    async def _settle(self) -> None:
        # A connection may still be in the listener's queue, or a close in a socket's buffer.
        for _ in range(3):
            await asyncio.sleep(0.002)
            await self.idle.wait()

    async def _watch_parent(self) -> None:
        parent = os.getppid()
        while os.getppid() == parent:  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(PARENT_CHECK_S)
        self.stopped.set()


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def _pause(duration_ms: float) -> None:
    until_ns = time.perf_counter_ns() + int(duration_ms * 1e6)
    while (left_ns := until_ns - time.perf_counter_ns()) > 0:  # noqa: ASYNC110 - a wait, not a poll
        await asyncio.sleep(left_ns / 1e9)


def _answer(client: Client, status: int, phrase: str) -> None:
    body = f"{phrase}\n".encode()
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    client.send(head.encode() + b"Connection: close\r\n\r\n" + body)
    client.transport.close()


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_suffix(".writing")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.rename(path)
