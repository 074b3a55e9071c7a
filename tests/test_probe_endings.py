"""Every way in which an attempt can end, over real sockets: its outcome, its phase, and phases that sum exactly."""

import asyncio
import dataclasses
import socket

import pandas as pd
import pytest

from gpkit.probe.connect import numeric, open_socket
from gpkit.protocol.events import EVENTS
from tests.probe_endings_support import (
    QUICK,
    SECRET,
    Peer,
    certificate,
    environment_at,
    healthy,
    listening,
    one_row,
    scripted,
)


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("GPKIT_TEST_SECRET", SECRET)


def answer(text: str):
    async def script(peer: Peer) -> None:
        peer.write(text.replace("\n", "\r\n").encode())

    return script


async def silence(peer: Peer) -> None:
    await peer.forever()


async def slow_body(peer: Peer) -> None:
    peer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 95\r\n\r\nAccess den")
    await peer.forever()


async def bad_accept(peer: Peer) -> None:
    peer.accept(key="another key")


async def resets(peer: Peer) -> None:
    peer.reset()


async def hangs_up(peer: Peer) -> None:
    pass


async def unoffered(peer: Peer) -> None:
    peer.accept("Sec-WebSocket-Protocol: chat.v9")


@pytest.mark.parametrize(
    ("script", "outcome", "error_type", "decided_at"),
    [
        (answer("HTTP/1.1 403 Forbidden\nContent-Length: 2\n\nno"), "upgrade_status_403", "http_403", "before-accept"),
        (answer("HTTP/1.1 403 Forbidden\n\nno length"), "upgrade_status_403", "http_403", "before-accept"),
        (answer("HTTP/1.1 503 Unavailable\nContent-Length: 0\n\n"), "upgrade_status_503", "http_503", None),
        (answer("HTTP/1.1 302 Found\nLocation: ws://127.0.0.1:9/\n\n"), "upgrade_status_302", "http_302", None),
        (slow_body, "upgrade_status_403", "http_403", "before-accept"),
        (answer("SSH-2.0-OpenSSH_9.2\n"), "upgrade_invalid", "not_http", None),
        (answer("\x00\xff" * 200), "upgrade_invalid", "not_http", None),
        (answer("HTTP/1.1 101 Switching Protocols\n\n"), "upgrade_invalid", "InvalidUpgrade", None),
        (bad_accept, "upgrade_invalid", "InvalidHeaderValue", None),
        (hangs_up, "upgrade_invalid", "eof", None),
        (resets, "upgrade_invalid", "reset", None),
        (silence, "open_timeout", "timeout", "silence"),
        (unoffered, "subprotocol_unoffered", "unoffered", None),
    ],
)
async def test_an_upgrade_that_is_not_granted(script, outcome, error_type, decided_at):
    async with scripted(script) as environment:
        row = await one_row(environment)

    assert (row.outcome, row.error_type, row.ended_in) == (outcome, error_type, "upgrade_wait")
    assert (row.decided_at if isinstance(row.decided_at, str) else None) == decided_at
    assert pd.isna(row.open_s)
    assert (not pd.isna(row.auth_s)) == (decided_at == "before-accept")


def then(act):
    """A server that accepts and then does something."""

    async def script(peer: Peer) -> None:
        peer.accept()
        await act(peer)

    return script


async def refuse(peer: Peer) -> None:
    peer.say({"type": "error_message", "error_code": "AUTH_FAILED", "error_message": "…"})
    peer.bye(1008, "Authentication failed")
    await peer.hear()


async def refuse_1011(peer: Peer) -> None:
    peer.bye(1011, "Token validation failed")
    await peer.hear()


async def crash(peer: Peer) -> None:
    peer.bye(1011, "main mode error")
    await peer.hear()


async def close_without_code(peer: Peer) -> None:
    peer.frame(0x8, b"")
    await peer.hear()


async def answers_pings_only(peer: Peer) -> None:
    await peer.converse()


@pytest.mark.parametrize(
    ("script", "outcome", "error_type", "decided_at"),
    [
        (then(refuse), "refused_after_accept", "AUTH_FAILED", "after-accept"),
        (then(refuse_1011), "refused_after_accept", "close_1011", "after-accept"),
        (then(crash), "closed_before_ready:1011", "close_1011", None),
        (then(close_without_code), "closed_before_ready:1005", "close_1005", None),
        (then(resets), "closed_before_ready:1006", "reset", None),
        (then(hangs_up), "closed_before_ready:1006", "eof", None),
        (then(answers_pings_only), "ready_timeout", "no_welcome", "silence"),
        (then(silence), "ready_timeout", "no_pong", "silence"),
    ],
)
async def test_an_open_connection_that_is_not_greeted(script, outcome, error_type, decided_at):
    async with scripted(script) as environment:
        row = await one_row(environment)

    assert (row.outcome, row.error_type, row.ended_in) == (outcome, error_type, "ready")
    assert (row.decided_at if isinstance(row.decided_at, str) else None) == decided_at
    assert row.open_s > 0
    assert row.http_status == 101


def greeted(act):
    """A server that greets, hears one message, and then does something."""

    async def script(peer: Peer) -> None:
        peer.accept()
        peer.welcome()
        await peer.hear()
        await act(peer)

    return script


async def close_early(peer: Peer) -> None:
    peer.events("agent_started")
    peer.bye(1000, "main cleanup")
    await peer.hear()


async def reset_early(peer: Peer) -> None:
    peer.events("agent_started")
    await peer.writer.drain()
    await asyncio.sleep(0.02)
    peer.reset()


async def go_silent(peer: Peer) -> None:
    peer.events("agent_started", "agent_thinking")
    await peer.forever()


async def lose_one(peer: Peer) -> None:
    peer.events("agent_started", "agent_thinking", "tool_executing", "agent_completed")
    await peer.converse()


async def never_complete(peer: Peer) -> None:
    peer.events(*EVENTS[:4])
    await peer.converse()


async def break_the_protocol(peer: Peer) -> None:
    peer.frame(0x1, b"{}", first=0xF0)
    await peer.forever()


async def half_a_frame(peer: Peer) -> None:
    peer.write(b"\x81\x7e\x10\x00only a part")


async def policy_mid_run(peer: Peer) -> None:
    peer.events("agent_started")
    peer.bye(1008, "policy")
    await peer.hear()


async def verdict_after_welcome(peer: Peer) -> None:
    peer.bye(1008, "Authentication failed")
    await peer.hear()


@pytest.mark.parametrize(
    ("act", "outcome", "error_type", "first"),
    [
        (close_early, "closed_mid_run:1000", "close_1000", "server"),
        (policy_mid_run, "closed_mid_run:1008", "close_1008", "server"),
        (reset_early, "closed_mid_run:1006", "reset", "server"),
        (half_a_frame, "closed_mid_run:1006", "eof", "server"),
        (break_the_protocol, "closed_mid_run:1002", "protocol_error", "client"),
        (go_silent, "silent_mid_run", "no_pong", "client"),
        (lose_one, "event_missing:tool_completed", "event_missing", "client"),
        (never_complete, "event_missing:agent_completed", "event_missing", "client"),
        (verdict_after_welcome, "refused_after_accept", "close_1008", "server"),
    ],
)
async def test_a_run_that_is_not_completed(act, outcome, error_type, first):
    async with scripted(greeted(act)) as environment:
        row = await one_row(environment)

    assert (row.outcome, row.error_type, row.ended_in) == (outcome, error_type, "exchange")
    assert row.closed_first == first
    assert row.messages_sent == 1


async def test_a_healthy_run_ends_in_its_close():
    async with scripted(healthy) as environment:
        row = await one_row(environment)

    assert (row.outcome, row.ended_in, row.closed_first) == ("ok", "close", "client")
    assert pd.isna(row.error_type)
    assert (row.close_code_sent, row.close_code_received) == (1000, 1000)
    assert row.events == list(EVENTS)
    assert (row.generation, row.event_path, row.connection_id) == ("C", 1, "main_1")
    assert pd.isna(row.dns_ns)
    assert pd.isna(row.tls_ns)


async def test_a_server_that_drips_single_bytes_is_understood():
    async def drip(peer: Peer) -> None:
        real, sent = peer.writer.write, bytearray()
        peer.write = sent.extend
        peer.accept()
        peer.welcome()
        for byte in sent:
            real(bytes([byte]))
            await peer.writer.drain()
        peer.write = real
        await peer.converse(*EVENTS)

    async with scripted(drip) as environment:
        row = await one_row(environment)

    assert row.outcome == "ok"


async def test_a_fragmented_message_is_one_message():
    async def in_parts(peer: Peer) -> None:
        peer.accept()
        peer.frame(0x1, b'{"type": "connection_', first=0x00)
        peer.frame(0x0, b'established"}', first=0x80)
        await peer.converse(*EVENTS)

    async with scripted(in_parts) as environment:
        assert (await one_row(environment)).outcome == "ok"


async def test_a_server_that_never_closes_is_left_after_the_limit():
    async def stays(peer: Peer) -> None:
        peer.accept()
        peer.welcome()
        await peer.hear()
        peer.events(*EVENTS)
        await peer.forever()

    async with scripted(stays) as environment:
        row = await one_row(environment)

    assert (row.outcome, row.ended_in) == ("ok", "close")
    assert pd.isna(row.close_code_received)
    assert 0.2 <= row.close_s < 0.4


# Before the server speaks.


async def test_a_port_that_refuses():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    row = await one_row(environment_at(f"ws://127.0.0.1:{port}/ws"))

    assert (row.outcome, row.error_type, row.ended_in) == ("tcp_refused", "ECONNREFUSED", "tcp")
    assert row.failed_addresses == ["127.0.0.1 ECONNREFUSED"]


async def test_a_name_that_does_not_resolve():
    row = await one_row(environment_at("ws://no-such-host.invalid/ws"))

    assert (row.outcome, row.ended_in) == ("dns_error", "dns")


async def test_a_name_that_cannot_be_one():
    row = await one_row(environment_at("ws://-\N{LATIN SMALL LETTER SHARP S}.invalid/ws"))

    assert (row.outcome, row.ended_in) == ("dns_error", "dns")


async def test_an_address_that_swallows_connections():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)
        row = await one_row(environment_at(f"ws://127.0.0.1:{address[1]}/ws"))
        for sock in waiting:
            sock.close()

    assert (row.outcome, row.error_type, row.ended_in) == ("tcp_timeout", "timeout", "tcp")


async def test_every_resolved_address_is_tried_in_order(monkeypatch):
    async with scripted(healthy) as environment:
        port = int(environment.url.split(":")[2].split("/")[0])
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 9)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        row = await one_row(environment_at(f"ws://service.example:{port}/ws"))

    assert (row.outcome, row.address) == ("ok", "127.0.0.1")
    assert row.failed_addresses == ["127.0.0.2 ECONNREFUSED"]
    assert row.dns_ns > 0


# TLS.


async def test_the_tls_handshake_is_a_phase_of_its_own(tmp_path):
    context, pem = certificate(tmp_path)
    async with scripted(healthy, tls=context) as environment:
        row = await one_row(dataclasses.replace(environment, ca_file=str(pem)))

    assert row.outcome == "ok"
    assert row.tls_ns > 0


async def test_an_expired_certificate(tmp_path):
    context, pem = certificate(tmp_path, days=-1)
    async with scripted(healthy, tls=context) as environment:
        row = await one_row(dataclasses.replace(environment, ca_file=str(pem)))

    assert (row.outcome, row.error_type, row.ended_in) == ("tls_error", "expired", "tls")


async def test_a_certificate_that_nobody_vouches_for(tmp_path):
    context, _ = certificate(tmp_path)
    async with scripted(healthy, tls=context) as environment:
        row = await one_row(environment)

    assert (row.outcome, row.error_type, row.ended_in) == ("tls_error", "verify", "tls")


@pytest.mark.parametrize(
    ("says", "outcome"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "tls_error"), (b"", "open_timeout")]
)
async def test_a_server_that_speaks_no_tls(says, outcome):
    async def serve(reader, writer):
        writer.write(says)
        await reader.read()

    async with listening(serve) as port:
        row = await one_row(environment_at(f"wss://127.0.0.1:{port}/ws"))

    assert (row.outcome, row.ended_in) == (outcome, "tls")


# Controls.


@pytest.mark.parametrize("credential", ["none", "garbage", "wrong-secret", "expired"])
async def test_a_control_that_is_greeted_is_a_bypass(credential):
    async with scripted(healthy) as environment:
        row = await one_row(environment, dataclasses.replace(QUICK, credential=credential))

    assert (row.outcome, row.control) == ("accepted_bad_credential", True)
    assert row.messages_sent == 0


async def test_a_control_that_is_greeted_and_then_refused_was_refused():
    async def script(peer: Peer) -> None:
        peer.accept()
        peer.welcome()
        await asyncio.sleep(0.02)
        await refuse(peer)

    async with scripted(script) as environment:
        row = await one_row(environment, dataclasses.replace(QUICK, credential="none"))

    assert (row.outcome, row.decided_at) == ("refused_after_accept", "after-accept")
    assert row.auth_s >= 0.02


async def test_a_message_leaves_when_it_is_written_without_nagles_delay():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = numeric("127.0.0.1", server.getsockname()[1])
        sock, _ = await open_socket([address], until=asyncio.get_running_loop().time() + 1, failed=[])

        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        sock.close()


def test_a_numeric_host_needs_no_lookup():
    assert numeric("127.0.0.1", 80).family is socket.AF_INET
    assert numeric("::1", 80).sockaddr == ("::1", 80, 0, 0)
    assert numeric("localhost", 80) is None
