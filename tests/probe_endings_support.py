"""A server made of a raw socket and a script, for endings that no well-behaved server has.

A script is a coroutine that gets a :class:`Peer` after the client's request head was read. It may answer with
anything; when it returns, the connection is closed.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import hashlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pandas as pd

from gpkit.environments import Environment
from gpkit.probe import Plan, golden_path
from gpkit.protocol.events import EVENTS
from gpkit.tables import PHASES

SECRET = "a secret for these tests only, 32+"
USER = "ada"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
STAMP = "2025-09-07T13:34:00.739584+00:00"

QUICK = Plan(
    attempts=1,
    rate_per_s=1000,
    open_timeout_s=0.4,
    ready_timeout_s=0.3,
    deadline_s=0.4,
    close_timeout_s=0.2,
    silence_s=0.1,
    linger_s=0.01,
    straggler_s=0.05,
    verdict_s=0.05,
)
"""Short limits: every ending is reached within a second."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self.reader, self.writer, self.head = reader, writer, head

    def header(self, name: str) -> str:
        lines = self.head.decode().split("\r\n")
        return next(
            (line.partition(":")[2].strip() for line in lines if line.lower().startswith(name.lower() + ":")), ""
        )

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def accept(self, *extra: str, key: str | None = None) -> None:
        digest = hashlib.sha1(
            (key or self.header("Sec-WebSocket-Key")).encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        )
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {base64.b64encode(digest.digest()).decode()}",
            *extra,
        ]
        self.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def frame(self, opcode: int, payload: bytes, first: int = 0x80) -> None:
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
        self.write(bytes([first | opcode]) + length + payload)

    def say(self, message: dict) -> None:
        self.frame(TEXT, json.dumps(message).encode())

    def welcome(self) -> None:
        data = {"connection_id": "main_1", "user_id": USER, "timestamp": STAMP}
        self.say({"type": "connection_established", "data": data})

    def events(self, *names: str) -> None:
        for name in names:
            context = {"run_id": "run_1", "user_id": USER, "agent_name": "a", "timestamp": STAMP}
            self.say({"type": name, **context, "data": {"status": "x"}})

    def bye(self, code: int, reason: str = "") -> None:
        self.frame(CLOSE, struct.pack("!H", code) + reason.encode())

    async def hear(self) -> tuple[int, bytes]:
        """The next frame of the client."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        mask = await self.reader.readexactly(4)
        body = await self.reader.readexactly(size)
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))

    async def converse(self, *names: str) -> None:
        """Answer every chat message with these events, every ping with a pong, and a close with a close."""
        while True:
            opcode, body = await self.hear()
            if opcode == TEXT:
                self.events(*names)
            elif opcode == PING:
                self.frame(PONG, body)
            elif opcode == CLOSE:
                self.frame(CLOSE, body)
                return

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def forever(self) -> None:
        """Keep the connection open and read nothing more, until the test is over."""
        await asyncio.Event().wait()


Script = Callable[[Peer], Awaitable[None]]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(serve: Serve, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A TCP or TLS server on a free port; every connection is over when the block ends."""
    serving: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await serve(reader, writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving)


@contextlib.asynccontextmanager
async def scripted(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Environment]:
    """A server that treats every connection as the script says; yields the environment to probe."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await script(Peer(reader, writer, await reader.readuntil(b"\r\n\r\n")))

    async with listening(serve, tls=tls) as port:
        yield environment_at(f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/ws")


def environment_at(url: str, **changes: object) -> Environment:
    settings = {
        "users": (USER,),
        "secret": "env:GPKIT_TEST_SECRET",
        "token": "env:GPKIT_TEST_NO_TOKEN",
        "is_local": True,
    }
    return Environment("test", url=url, **{**settings, **changes})


async def healthy(peer: Peer) -> None:
    peer.accept()
    peer.welcome()
    await peer.converse(*EVENTS)


async def one_row(environment: Environment, plan: Plan = QUICK) -> pd.Series:
    """The row of a single attempt; its phases must partition it, whatever it ended in."""
    evidence = await golden_path(environment, plan, progress=False)
    assert len(evidence.attempts) == 1
    row = evidence.attempts.iloc[0]
    assert_phases_partition(row)
    return row


def assert_phases_partition(row: pd.Series) -> None:
    values = {phase: row[f"{phase}_ns"] for phase in PHASES}
    later = PHASES[PHASES.index(row["ended_in"]) + 1 :]
    assert all(pd.isna(values[phase]) for phase in later)
    assert sum(value for value in values.values() if not pd.isna(value)) == row["total_ns"]
    assert all(value >= 0 for value in values.values() if not pd.isna(value))


def certificate(folder: Path, *, days: int = 30, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a self-signed certificate for ``name``, and that certificate's file."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, pem
