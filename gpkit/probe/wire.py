"""One connection: bytes in, stamped WebSocket messages out.

``websockets`` does the protocol through its documented sans-I/O layer; this module moves the bytes and takes the
time. What is sent is stamped just before the kernel gets it, what is received just after it gave it, before anything
is parsed: a wait for an answer is never measured shorter than it was, and parsing is never measured as waiting.
Nothing here knows the golden path, and nothing that a server sends raises.
"""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter_ns
from typing import Protocol, cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN

MAX_MESSAGE_BYTES = 16 * 1024 * 1024  # chosen: a guard of memory, far beyond anything the platform sends
_HEAD_BYTES = 64  # enough for a status line's code

# At DEBUG the library writes the request's headers, token included: this logger is deaf, whatever the caller sets up.
DEAF = logging.Logger("gpkit.probe.wire", logging.CRITICAL + 1)


class Listener(Protocol):
    """Who is told what happens on a wire."""

    def opened(self, at_ns: int) -> None:
        """The 101 was parsed; messages can be sent."""

    def received(self, payload: str | bytes, at_ns: int) -> None:
        """A whole message arrived."""

    def changed(self) -> None:
        """Something else happened: a refusal, a pong, a close, a loss. The wire's attributes say what."""


class Wire(asyncio.Protocol):
    """A client's side of one WebSocket connection.

    Attributes:
        made_ns: The transport was ready: TCP for ``ws``, TLS for ``wss``.
        request_sent_ns: The upgrade request was about to be written.
        first_byte_ns: The first byte of the answer.
        answered_ns: The answer was parsed.
        opened_ns: The 101 was parsed and is valid.
        response: The answer.
        refusal: Why the answer was no valid upgrade.
        close_received_ns: A close frame arrived.
        lost_ns: The connection ended: EOF, reset, or our own close.
        lost_by: ``eof``, ``reset`` or an error's name; null after a close handshake.
        failed_by_us: The server broke the protocol, and this side closed for it.
        ponged_ns: The last pong.
    """

    def __init__(self, protocol: ClientProtocol, request: Request, listener: Listener) -> None:
        self._protocol = protocol
        self._request = request
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._fragments: list[bytes] = []
        self._is_text = True
        self._head = b""
        self.made_ns: int | None = None
        self.request_sent_ns: int | None = None
        self.first_byte_ns: int | None = None
        self.answered_ns: int | None = None
        self.opened_ns: int | None = None
        self.response: Response | None = None
        self.refusal: Exception | None = None
        self.close_received_ns: int | None = None
        self.lost_ns: int | None = None
        self.lost_by: str | None = None
        self.failed_by_us = False
        self.ponged_ns: int | None = None
        self._closing = False

    # What the caller does.

    @property
    def is_open(self) -> bool:
        """Whether a message can be sent."""
        return self._protocol.state is OPEN and self.lost_ns is None

    def send(self, text: str) -> int | None:
        """Send a text message; the instant it was written, or null when the connection is no longer open."""
        if not self.is_open:
            return None
        self._protocol.send_text(text.encode())
        at_ns = perf_counter_ns()
        self._flush()
        return at_ns

    def ping(self) -> None:
        """Send a ping, if still open."""
        if self.is_open:
            self._protocol.send_ping(b"gpkit")
            self._flush()

    def close(self, code: int = 1000) -> None:
        """Begin the closing handshake, if still open."""
        if self.is_open:
            self._closing = True
            self._protocol.send_close(code)
            self._flush()

    def hang_up(self) -> None:
        """Drop the connection at once; idempotent."""
        if self._transport is not None:
            self._closing = self._closing or (self.lost_ns is None and self.close_received_ns is None)
            self._transport.abort()

    @property
    def status(self) -> int | None:
        """The answer's HTTP status, also when only its first line came."""
        if self.response is not None:
            return self.response.status_code
        parts = self._head.split(b" ", 2)
        is_status_line = len(parts) > 1 and parts[0].startswith(b"HTTP/1.") and len(parts[1]) == 3
        return int(parts[1]) if is_status_line and parts[1].isdigit() else None

    @property
    def begins_as_http(self) -> bool:
        """Whether what came so far, if anything, can be the start of an HTTP answer."""
        return b"HTTP/1."[: len(self._head)] == self._head[:7]

    @property
    def close_received(self) -> tuple[int, str] | None:
        """Code and reason of the close frame received; 1005 when it held no code."""
        close = self._protocol.close_rcvd
        return None if close is None else (int(close.code), close.reason)

    @property
    def close_sent(self) -> int | None:
        """Code of the close frame sent."""
        close = self._protocol.close_sent
        return None if close is None else int(close.code)

    @property
    def closed_first(self) -> str | None:
        """Which side ended it: ``client``, ``server``, or null when nobody did."""
        if self._closing or self.failed_by_us:
            received_first = self._protocol.close_rcvd_then_sent
            return "server" if received_first else "client"
        return "server" if self.close_received_ns is not None or self.lost_by is not None else None

    @property
    def is_ended(self) -> bool:
        """Whether the other side closed, or the connection is gone."""
        return self.close_received_ns is not None or self.lost_ns is not None

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket, or TLS over it, is ready: write the upgrade request at once."""
        self.made_ns = perf_counter_ns()
        self._transport = cast(asyncio.Transport, transport)
        self._protocol.send_request(self._request)
        self.request_sent_ns = perf_counter_ns()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        at_ns = perf_counter_ns()
        if self.first_byte_ns is None:
            self.first_byte_ns = at_ns
        if self.response is None and len(self._head) < _HEAD_BYTES:
            self._head += data[:_HEAD_BYTES]
        self._protocol.receive_data(data)
        self._process(at_ns)

    def eof_received(self) -> None:
        """The other side will send no more."""
        at_ns = perf_counter_ns()
        self._protocol.receive_eof()
        self._process(at_ns)
        self._lose(at_ns, "eof")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        at_ns = perf_counter_ns()
        self._protocol.receive_eof()
        is_reset = isinstance(exc, (ConnectionResetError, BrokenPipeError))
        self._lose(at_ns, "reset" if is_reset else type(exc).__name__ if exc else "eof")

    # How bytes become messages.

    def _process(self, at_ns: int) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event, at_ns)
            elif isinstance(event, Response):
                self._answer(event, at_ns)
        self._flush()
        if self.response is None and self._protocol.handshake_exc is not None and self.refusal is None:
            self.answered_ns, self.refusal = at_ns, self._protocol.handshake_exc
            self._listener.changed()
        broke_protocol = self.opened_ns is not None and not self._closing and self.close_received_ns is None
        if broke_protocol and self._protocol.close_sent is not None and not self.failed_by_us:
            self.failed_by_us, self.close_received_ns = True, None
            self._lose(at_ns, "protocol_error")

    def _answer(self, response: Response, at_ns: int) -> None:
        self.response, self.answered_ns = response, at_ns
        if self._protocol.handshake_exc is None:
            self.opened_ns = at_ns
            self._listener.opened(at_ns)
        else:
            self.refusal = self._protocol.handshake_exc
            self._listener.changed()

    def _frame(self, frame: Frame, at_ns: int) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            if frame.opcode is not Opcode.CONT:
                self._is_text = frame.opcode is Opcode.TEXT
            if not frame.fin:
                self._fragments.append(bytes(frame.data))
                return
            payload = b"".join([*self._fragments, frame.data]) if self._fragments else bytes(frame.data)
            self._fragments.clear()
            self._listener.received(self._decoded(payload), at_ns)
        elif frame.opcode is Opcode.PONG:
            self.ponged_ns = at_ns
            self._listener.changed()
        elif frame.opcode is Opcode.CLOSE:
            self.close_received_ns = at_ns
            self._listener.changed()

    def _decoded(self, payload: bytes) -> str | bytes:
        if not self._is_text:
            return payload
        try:
            return payload.decode()
        except UnicodeDecodeError:  # a text frame that is no text
            return payload

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        for data in self._protocol.data_to_send():
            if transport.is_closing():
                continue
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
            else:  # TLS cannot close one direction
                transport.close()

    def _lose(self, at_ns: int, cause: str) -> None:
        if self.lost_ns is None:
            self.lost_ns = at_ns
            handshaken = self.close_received_ns is not None or self._closing
            self.lost_by = None if handshaken and cause != "protocol_error" else cause
            self._listener.changed()
