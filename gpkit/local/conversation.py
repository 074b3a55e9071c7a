"""The application's side of one connection: reading, sending, waiting, and leaving in order.

One reader task takes every message as it arrives, so that arrivals are stamped and a client that leaves is noticed at
once, whatever the application is doing. Waiting and sending raise :class:`GoneError` from then on.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from gpkit.local import lines
from gpkit.local.limits import Limits
from gpkit.local.session import Session
from gpkit.protocol.scenarios import Scenario

CLOSE_REASON_BYTES = 123  # RFC 6455, 5.5: a control frame holds 125 bytes, two of them the code


class GoneError(Exception):
    """The client is gone, or the connection was cut."""


class EndedError(Exception):
    """The service closed the connection: nothing is left to do but to clean up."""


class Conversation:
    """One connection as the application sees it.

    Args:
        ws: Starlette's WebSocket.
        session: What the front knows of it.
        scenario: What the faults file says.
        secret: HS256 secret of the service.
        seed: Of all draws.
        limits: Of the whole service.
    """

    def __init__(
        self, ws: WebSocket, session: Session, scenario: Scenario, secret: str, seed: int, limits: Limits
    ) -> None:
        self.ws = ws
        self.session = session
        self.scenario = scenario
        self.secret = secret
        self.seed = seed
        self.limits = limits
        self.message_times: deque[float] = deque()
        self.generation = session.generation
        # No part of the trace: the platform's own lines tell nothing of it either.
        self.suffix = hashlib.blake2b(f"{session.trace}|{session.index}".encode(), digest_size=6).hexdigest()
        self.connection_id = f"main_{self.suffix}" if self.generation == "C" else f"ws_conn_{self.suffix}"
        self.user = ""
        self.sent = 0
        self.gone = False
        self.closing = False
        self.processed = 0
        self.inbox: asyncio.Queue[tuple[int, Any] | None] = asyncio.Queue()
        self._reader: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        session.truth["connection_id"] = self.connection_id

    @property
    def truth(self) -> dict[str, Any]:
        """The truth about this connection."""
        return self.session.truth

    # Log

    def say(self, moment: str, **facts: Any) -> None:
        """Write the lines of a moment."""
        self.session.write(self.stamped(moment, **facts))

    def stamped(self, moment: str, **facts: Any) -> list[tuple[lines.Line, int]]:
        """The lines of a moment with the stamp of now, to be written later."""
        common = {
            "connection": self.connection_id,
            "peer": f"169.254.169.126:{self.session.client_port}",
            "path": self.session.head.path,
            "user": self.user,
            "short": self.user[:8],
        }
        return self.session.stamped(lines.lines(moment, self.generation, **(common | facts)))

    # Time

    async def pause(self, duration_ms: float) -> None:
        """Wait at least this long.

        Raises:
            GoneError: The client left.
        """
        if self.gone:
            raise GoneError
        if duration_ms <= 0:
            return
        until_ns = time.perf_counter_ns() + int(duration_ms * 1e6)
        loop = asyncio.get_running_loop()
        while (left_ns := until_ns - time.perf_counter_ns()) > 0:
            waiter = loop.create_future()
            self._waiter = waiter
            handle = loop.call_later(left_ns / 1e9, _wake, waiter)
            try:
                await waiter
            finally:
                handle.cancel()
                self._waiter = None

    # Messages

    async def accept(self, subprotocol: str | None) -> None:
        """Accept the upgrade and start reading."""
        await self.ws.accept(subprotocol)
        # What follows is timed from when the client can know of it.
        await self.session.answered.wait()
        self.truth["accepted_ns"] = time.time_ns()
        self._reader = asyncio.create_task(self._read())
        self.say("accepted")

    async def send(self, message: Mapping[str, Any] | str | bytes) -> None:
        """Send one message.

        Raises:
            GoneError: The client left.
        """
        if self.gone:
            raise GoneError
        self.sent += 1
        try:
            if isinstance(message, bytes):
                await self.ws.send_bytes(message)
            else:
                await self.ws.send_text(message if isinstance(message, str) else json.dumps(message))
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            self.gone = True
            raise GoneError from error

    async def receive(self) -> tuple[int, Any]:
        """The next message: when it arrived, and the text or bytes.

        Raises:
            GoneError: The client left.
        """
        item = await self.inbox.get()
        if item is None:
            raise GoneError
        return item

    async def close(self, code: int, reason: str) -> None:
        """Close from this side, and wait until that is on its way."""
        self.closing = True
        if self.gone:
            raise GoneError
        reason = reason.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore")
        self.truth.update(closed_by="server", close_code=code, close_reason=reason)
        await self.ws.close(code, reason)

    async def until_gone(self) -> None:
        """Wait until the client leaves, taking and ignoring what it sends."""
        while True:
            await self.receive()

    async def _read(self) -> None:
        try:
            while True:
                message = await self.ws.receive()
                if message["type"] == "websocket.disconnect":
                    self._lost(message)
                    return
                text = message.get("text")
                arrived_ns = time.time_ns()
                if self.truth["first_message_ns"] is None:
                    self.truth["first_message_ns"] = arrived_ns
                self.inbox.put_nowait((arrived_ns, text if text is not None else message.get("bytes")))
        except (RuntimeError, WebSocketDisconnect, OSError):
            self._lost({})

    def _lost(self, message: Mapping[str, Any]) -> None:
        if not self.closing and self.truth["closed_by"] == "none":
            # uvicorn says 1005 for a connection that was lost, and then gives no reason.
            code = message.get("code") if "reason" in message else 1006
            self.truth.update(closed_by="client", close_code=code, close_reason=message.get("reason") or None)
        self.gone = True
        self.inbox.put_nowait(None)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(GoneError())

    async def finish(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
