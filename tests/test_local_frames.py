"""The front reads heads and counts frames in whatever pieces they come; cuts fall between frames, over ws and wss."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from gpkit.local import http_head
from gpkit.local.front import strip_token, trace_of
from gpkit.local.http_head import FrameCounter, Head
from gpkit.protocol.credentials import handshake
from gpkit.stack import local_stack
from tests.local_stack_support import FAST, visit

payloads = st.binary(max_size=300) | st.integers(65_000, 66_000).map(bytes)
frames = st.lists(st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.CLOSE]), payloads))


def cut_up(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*pieces, data[at:]]


@given(frames, st.lists(st.integers(1, 5_000), max_size=30))
def test_frames_are_counted_alike_in_whatever_pieces_they_come(sent, sizes):
    stream, ends = b"", []
    for opcode, payload in sent:
        if opcode in (Opcode.PING, Opcode.CLOSE):
            payload = payload[:125]
        stream += Frame(opcode, payload).serialize(mask=False, extensions=[])
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            ends.append(len(stream))

    counter, found, at = FrameCounter(), [], 0
    for piece in cut_up(stream, sizes):
        found += [at + end for end in counter.feed(piece)]
        at += len(piece)

    assert found == ends
    assert counter.count == len(ends)


def test_a_head_keeps_what_it_was_given():
    raw = b"GET /ws?a=1 HTTP/1.1\r\nHost: x\r\nX-Odd:  two words \r\nSec-WebSocket-Protocol: a, b\r\n\r\n"
    head = http_head.parse(raw)

    assert (head.path, head.query, head.offered, head.get("x-odd")) == ("/ws", "a=1", ["a", "b"], "two words")
    assert head.render() == raw.replace(b"  two words ", b" two words")


@pytest.mark.parametrize(
    "raw", [b"", b"\x00", b"GET /ws", b"FETCH / HTTP/1.1", b"GET ws HTTP/1.1", b"GET / HTTP/1.1\r\nno colon"]
)
def test_what_is_no_request_is_none(raw):
    assert http_head.parse(raw + http_head.END) is None


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        (f"00-{'ab' * 16}-{'1' * 16}-01", "ab" * 16),
        (f"00-{'0' * 32}-{'1' * 16}-01", None),
        (f"00-{'AB' * 16}-{'1' * 16}-01", None),
        ("00-short-1-01", None),
        ("", None),
    ],
)
def test_only_a_valid_trace_is_taken(header, trace):
    assert trace_of(Head("GET", "/ws", [("traceparent", header)], 0)) == trace


@pytest.mark.parametrize("carrier", ["header", "subprotocol-b64", "subprotocol-raw", "query", "ticket"])
def test_nothing_of_a_token_is_left_when_everything_is_stripped(carrier):
    carried = handshake(carrier, "aaaa.bbbb.cccc")
    query = "".join(f"?{name}={value}" for name, value in carried.query.items())
    headers = list(carried.headers.items())
    if carried.subprotocols:
        headers.append(("Sec-WebSocket-Protocol", ", ".join(carried.subprotocols)))
    head = Head("GET", f"/ws{query}", headers, 0)

    assert strip_token(head, "all")
    assert head.render() == b"GET /ws HTTP/1.1\r\n\r\n"
    assert not strip_token(head, "all")


@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize(("fault", "outcome"), [("reset_1006", "closed_mid_run:1006"), ("half_open", "silent_mid_run")])
def test_a_cut_falls_right_after_the_named_event(fault, outcome, tls):
    faults = {"pace_ms": FAST, "faults": [{"fault": fault, "after": "agent_thinking"}]}
    with local_stack(faults, tls=tls) as stack:
        shown = [asyncio.run(visit(stack, number, url=stack.wss_url, patience_s=0.5)) for number in range(2)]

    assert [one.outcome for one in shown] == [outcome] * 2
    assert [one.events for one in shown] == [["agent_started", "agent_thinking"]] * 2
