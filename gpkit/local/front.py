"""The front: what stands between a client and the instance, as a load balancer and the platform do.

Relays bytes. Gives every request a trace, writes the platform's ``requests`` entry when it ends, and plants the
faults that the application cannot: a stripped token, 503, a reset, a silent connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import cast

from gpkit.local import http_head
from gpkit.local.http_head import FrameCounter, Head
from gpkit.local.session import Session

HEAD_TIMEOUT_S = 10.0  # chosen: a client that never finishes its request holds nothing for longer

Handler = Callable[["Client"], None]


class Client(asyncio.Protocol):
    """One client's connection at the front.

    Args:
        handle: Called once, when a whole request head has come.
        refuse: Called when what came is no request.
    """

    def __init__(self, handle: Handler, refuse: Handler) -> None:
        self._handle = handle
        self._refuse = refuse
        self.transport: asyncio.Transport = None  # type: ignore[assignment]
        self.head: Head | None = None
        self.session: Session | None = None
        self.upstream: Upstream | None = None
        self.pending = bytearray()
        self.first_byte_ns = 0
        self.first_byte_perf_ns = 0
        self.received_bytes = 0
        self.sent_bytes = 0
        self.silent = False
        self.gone = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start waiting for a request."""
        self.transport = cast(asyncio.Transport, transport)
        self._timer = asyncio.get_running_loop().call_later(HEAD_TIMEOUT_S, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Collect the request head; relay what follows."""
        if not self.first_byte_ns:
            self.first_byte_ns, self.first_byte_perf_ns = time.time_ns(), time.perf_counter_ns()
        self.received_bytes += len(data)
        if self.silent:
            return
        if self.upstream is not None:
            self.upstream.transport.write(data)
            return
        self.pending += data
        if self.head is None:
            self._parse()

    def _parse(self) -> None:
        end = self.pending.find(http_head.END)
        if end < 0 and len(self.pending) <= http_head.LARGEST_HEAD_BYTES:
            return
        self._stop_timer()
        raw = bytes(self.pending[: end + len(http_head.END)])
        head = http_head.parse(raw) if 0 <= end <= http_head.LARGEST_HEAD_BYTES else None
        if head is None:
            self.silent = True
            self._refuse(self)
            return
        self.head = head
        del self.pending[: len(raw)]
        self._handle(self)

    def _give_up(self) -> None:
        self.silent = True
        self._refuse(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def eof_received(self) -> bool:
        """A client that stops sending is gone: WebSockets know no half-closed state."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the instance's side."""
        self._stop_timer()
        self.gone.set()
        if self.upstream is not None and not self.upstream.transport.is_closing():
            self.upstream.transport.close()

    def pause_writing(self) -> None:
        """The client reads too slowly: stop reading from the instance."""
        if self.upstream is not None:
            self.upstream.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client caught up."""
        if self.upstream is not None and not self.upstream.transport.is_closing():
            self.upstream.transport.resume_reading()

    def send(self, data: bytes) -> None:
        """Write to the client, unless it is gone or the connection is half open."""
        if not self.silent and not self.transport.is_closing():
            self.sent_bytes += len(data)
            self.transport.write(data)

    def reset(self) -> None:
        """Cut with a TCP reset: no close frame, no FIN."""
        self.silent = True
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.transport.is_closing():
            # Linger of zero seconds: closing sends RST.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Upstream(asyncio.Protocol):
    """The connection to the instance that serves one client.

    Args:
        client: Whom to relay to.
        answered: Set when the response's head was passed on.
    """

    def __init__(self, client: Client, answered: asyncio.Event) -> None:
        self.client = client
        self.answered = answered
        self.transport: asyncio.Transport = None  # type: ignore[assignment]
        self.status: int | None = None
        self.last_byte_perf_ns = 0
        self.lost = asyncio.Event()
        self._head = bytearray()
        self._frames = FrameCounter()
        self._cut: tuple[int, str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Relay; note the status; cut where a cut was asked for."""
        self.last_byte_perf_ns = time.perf_counter_ns()
        if self.status is None:
            self._head += data
            if (end := self._head.find(http_head.END)) < 0:
                return
            whole = bytes(self._head)
            self.status = http_head.status(whole) or 502
            head, data = whole[: end + 4], whole[end + 4 :]
            self.client.send(head)
            self.answered.set()
        if self.status == 101:
            ends = self._frames.feed(data)
            if self._cut is not None and self._frames.count >= self._cut[0]:
                first = self._frames.count - len(ends)
                needed = self._cut[0] - first
                self.client.send(data[: ends[needed - 1]] if needed > 0 else b"")
                self._do_cut()
                return
        if data:
            self.client.send(data)

    def cut_after(self, frames: int, how: str) -> None:
        """Reset or go silent once so many data frames were relayed, at once if they were."""
        self._cut = (frames, how)
        if self._frames.count >= frames and self.status is not None:
            self._do_cut()

    def _do_cut(self) -> None:
        assert self._cut is not None
        if self.client.silent:
            return  # a connection that is half open lets no reset through
        if self._cut[1] == "reset":
            self.client.reset()
        else:
            self.client.silent = True

    def eof_received(self) -> bool:
        """The instance closed."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the client's side after what was sent, unless the connection is half open."""
        self.lost.set()
        self.answered.set()
        if not self.client.silent and not self.client.transport.is_closing():
            self.client.transport.close()

    def pause_writing(self) -> None:
        """The instance reads too slowly."""
        if not self.client.transport.is_closing():
            self.client.transport.pause_reading()

    def resume_writing(self) -> None:
        """The instance caught up."""
        if not self.client.transport.is_closing():
            self.client.transport.resume_reading()


def trace_of(head: Head) -> str | None:
    """The trace id that a request brings; null when it brings no valid one."""
    parts = head.get("traceparent").split("-")
    if len(parts) == 4 and len(parts[1]) == 32 and set(parts[1]) <= set("0123456789abcdef") and set(parts[1]) != {"0"}:
        return parts[1]
    return None


def strip_token(head: Head, where: str) -> bool:
    """Remove the credential from a request; say whether there was one."""
    found = False
    if where in ("all", "header"):
        found = head.drop(lambda name, _: name == "authorization") or found
    if where in ("all", "subprotocol"):
        found = head.drop(lambda name, value: name == "sec-websocket-protocol" and "." in value) or found
    if where in ("all", "query") and ("token=" in head.query or "ticket" in head.query or "jwt=" in head.query):
        head.target = head.path
        found = True
    return found
