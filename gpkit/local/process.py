"""The local stack's process: one event loop with the front, the service, and what ends them.

The front listens on loopback and relays to the service on an internal port. The process ends on SIGTERM, at the end
of its standard input when it takes commands from there, and when its parent is gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gpkit.errors import OutputError
from gpkit.local import certificates
from gpkit.local.entries import Journal
from gpkit.local.fleet import Fleet
from gpkit.local.front import Client
from gpkit.local.service import application
from gpkit.local.traffic import Traffic
from gpkit.protocol.scenarios import Scenario

HOST = "127.0.0.1"
PATH = "/ws"
PARENT_CHECK_S = 1.0
BACKLOG = 512  # chosen: more clients than any probe starts at once


@dataclass(frozen=True, slots=True)
class Settings:
    """How the process was started. ``port`` 0 takes a free one; ``control`` takes commands from standard input."""

    folder: Path
    scenario: Scenario
    seed: int
    port: int
    tls: bool
    control: bool


async def run(settings: Settings) -> None:
    """Start everything, say so in ``ready.json``, and run until told to stop.

    Raises:
        OutputError: There is no such port, or it is in use.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    background = [loop.create_task(_watch_parent(stopped))]
    journal = Journal(settings.folder)
    secret = secrets.token_urlsafe(48)
    fleet = Fleet(settings.scenario, settings.seed, journal)
    traffic = Traffic(settings.scenario, settings.seed, journal, fleet)
    listeners: list[asyncio.Server] = []
    try:
        internal = await _serve_application(traffic, secret)
        traffic.internal = internal.sockets[0].getsockname()[:2]
        public = await _listen(traffic, None, settings.port)
        listeners = [public, internal]
        context, ca_file = certificates.server_context(settings.folder) if settings.tls else (None, None)
        if context is not None:
            listeners.append(await _listen(traffic, context, 0))
        _write_ready(settings, listeners, secret, ca_file, journal, fleet.current().generation)
        if settings.control:
            _say("ready")
            background.append(loop.create_task(_obey(await _standard_input(), traffic, stopped)))
        await stopped.wait()
    finally:
        for listener in listeners:
            listener.close()
        await traffic.stop()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        journal.close()


async def _serve_application(traffic: Traffic, secret: str) -> asyncio.Server:
    """uvicorn's own protocols on this loop: its server would bring signal handlers and a clock of its own."""
    config = uvicorn.Config(
        application(traffic.claim, traffic.scenario, secret, traffic.seed),
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
    logging.getLogger("uvicorn.error").addFilter(_is_unexpected)
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        return H11Protocol(config=config, server_state=state, app_state={})

    return await asyncio.get_running_loop().create_server(protocol, HOST, 0, backlog=BACKLOG)


async def _listen(traffic: Traffic, context: ssl.SSLContext | None, port: int) -> asyncio.Server:
    def client() -> Client:
        return Client(traffic.handle, traffic.refuse)

    try:
        return await asyncio.get_running_loop().create_server(client, HOST, port, ssl=context, backlog=BACKLOG)
    except OverflowError:
        raise OutputError(f"There is no port {port}.", next_step="Take port 0 for a free one.") from None
    except OSError as error:
        raise OutputError(
            f"Port {port} of {HOST} cannot be used: {os.strerror(error.errno or 0).lower()}.",
            "Another program listens there." if port else "",
            "Take port 0 for a free one.",
        ) from error


def _write_ready(
    settings: Settings,
    listeners: list[asyncio.Server],
    secret: str,
    ca_file: Path | None,
    journal: Journal,
    generation: str,
) -> None:
    port = listeners[0].sockets[0].getsockname()[1]
    secure_port = listeners[2].sockets[0].getsockname()[1] if len(listeners) > 2 else None
    secret_file = settings.folder / "secret"
    _write_private(secret_file, secret)
    ready: dict[str, Any] = {
        "url": f"ws://{HOST}:{port}{PATH}",
        "wss_url": f"wss://localhost:{secure_port}{PATH}" if secure_port else None,
        "http_url": f"http://{HOST}:{port}",
        "secret_file": str(secret_file),
        "ca_file": str(ca_file) if ca_file else None,
        "log_file": str(journal.log_file),
        "truth_file": str(journal.truth_file),
        "pid": os.getpid(),
        "generation": generation,
        "users": list(settings.scenario.users),
    }
    _write_private(settings.folder / "ready.json", json.dumps(ready, indent=1))


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads; it appears whole."""
    temporary = path.with_suffix(".writing")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.rename(path)


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _obey(commands: asyncio.StreamReader, traffic: Traffic, stopped: asyncio.Event) -> None:
    """One command there is: ``settle N`` is answered when no session is in progress. The end of input is the end."""
    settling: set[asyncio.Task[None]] = set()
    while words := (await commands.readline()).split():
        if words[0] == b"settle":
            task = asyncio.create_task(_settle(traffic, words[-1].decode()))
            settling.add(task)
            task.add_done_callback(settling.discard)
    stopped.set()
    for task in settling:
        task.cancel()


async def _settle(traffic: Traffic, number: str) -> None:
    # A connection may still be in the listener's queue, or a close in a socket's buffer: look again.
    for _ in range(3):
        await asyncio.sleep(0.002)
        await traffic.idle.wait()
    _say(f"settled {number}")


async def _watch_parent(stopped: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(PARENT_CHECK_S)
    stopped.set()


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Whether a record of uvicorn's belongs on standard error: the mistake that a fault makes on purpose does not."""
    raised = record.exc_info[1] if record.exc_info else None
    return record.levelno >= logging.ERROR and 'Need to call "accept"' not in str(raised)


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
