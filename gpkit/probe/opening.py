"""From an address to an open WebSocket: one step after another, each marked when it is done.

Whatever stops it is a :class:`~gpkit.probe.connect.Stopped`; the caller sets the limit of time.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from time import perf_counter_ns

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidMessage
from websockets.http11 import Request
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from gpkit.probe.attempt import Attempt
from gpkit.probe.connect import Stopped, open_socket, resolve, tls_failure
from gpkit.probe.wire import DEAF, MAX_MESSAGE_BYTES, Listener, Wire


async def connect(attempt: Attempt, listener: Listener) -> Wire:
    """Resolve, connect, do the TLS handshake and send the upgrade request; the answer comes to the listener.

    Raises:
        Stopped: A step failed. ``attempt.phase`` says which.
    """
    target, loop = attempt.target, asyncio.get_running_loop()
    until = loop.time() + attempt.plan.open_timeout_s
    uri, presented = target.presented(attempt.planned)
    attempt.offered = presented.subprotocols
    trace = attempt.planned.trace
    headers = {**target.headers, **presented.headers, "traceparent": f"00-{trace}-{trace[16:]}-01"}
    protocol, request = prepare(uri, subprotocols=attempt.offered, headers=headers, origin=target.origin)
    if target.address is not None:
        addresses = [target.address]
    else:
        attempt.phase = "dns"
        addresses = await resolve(uri.host, uri.port)
        attempt.marks["dns"] = perf_counter_ns()
    attempt.phase = "tcp"
    sock, attempt.address = await open_socket(addresses, until=until, failed=attempt.failed_addresses)
    attempt.marks["tcp"] = perf_counter_ns()
    attempt.local_port = sock.getsockname()[1]
    wire = attempt.wire = Wire(protocol, request, listener)
    await _hand_over(attempt, wire, sock, uri.host)
    return wire


async def _hand_over(attempt: Attempt, wire: Wire, sock: socket.socket, host: str) -> None:
    """Give the socket to the wire, through TLS for ``wss``; the wire sends the upgrade request at once."""
    loop, context = asyncio.get_running_loop(), attempt.target.context
    attempt.phase = "upgrade_send" if context is None else "tls"
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
        attempt.marks["tls"] = wire.made_ns
    if wire.request_sent_ns is not None:
        attempt.marks["upgrade_send"] = wire.request_sent_ns
    if wire.opened_ns is None:  # a fast server may have answered meanwhile
        attempt.phase = "upgrade_wait"


def prepare(
    uri: WebSocketURI, *, subprotocols: tuple[str, ...], headers: Mapping[str, str], origin: str
) -> tuple[ClientProtocol, Request]:
    """A client protocol and its upgrade request. No extension is offered: compression would change the timing."""
    protocol = ClientProtocol(
        uri,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        max_size=MAX_MESSAGE_BYTES,
        logger=DEAF,
    )
    request = protocol.connect()
    if origin:
        request.headers["Origin"] = origin
    for name, value in headers.items():
        if name in request.headers:
            del request.headers[name]
        request.headers[name] = value
    return protocol, request


def refused(wire: Wire, offered: tuple[str, ...]) -> Stopped:
    """Why an upgrade was not granted: its status, what it selected, or what else came instead of a 101."""
    selected = selected_subprotocol(wire)
    if wire.status is not None and wire.status != 101:
        return Stopped("status")
    if selected is not None and selected not in offered:
        return Stopped("unoffered")
    if wire.lost_by == "reset":
        return Stopped("reset")
    if isinstance(wire.refusal, InvalidMessage):
        ended_early = wire.begins_as_http and isinstance(wire.refusal.__cause__, EOFError)
        return Stopped("early_end", "eof") if ended_early else Stopped("not_http")
    if isinstance(wire.refusal, InvalidHandshake):
        return Stopped("bad_upgrade", type(wire.refusal).__name__)
    return Stopped("early_end" if wire.refusal is None else "not_http")


def selected_subprotocol(wire: Wire) -> str | None:
    """What the 101 selected, offered or not; several are joined. Null when there was no 101, or it selected none."""
    if wire.response is None or wire.response.status_code != 101:
        return None
    selected = ", ".join(wire.response.headers.get_all("Sec-WebSocket-Protocol"))
    # Header bytes beyond ASCII arrive as lone surrogates, which no file can hold.
    return selected.encode("utf-8", "replace").decode() or None
