"""Real tokens in every carrier and of every kind: what each generation answers."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
import websockets

from gpkit.protocol.credentials import mint
from gpkit.stack import local_stack
from tests.local_stack_support import FAST, truth_of, visit

REASONS = {
    "valid": None,
    "with-aud": None,
    "without-aud": None,
    "other-user": None,
    "none": "no_token",
    "garbage": "segments",
    "wrong-secret": "signature",
    "expired": "expired",
    "not-yet-valid": "unknown",
    "wrong-aud": "audience",
}
CARRIERS = ("header", "subprotocol-b64", "subprotocol-raw", "query", "ticket")


@pytest.fixture(scope="module", params=["A", "B", "C"])
def healthy(request):
    with local_stack({"pace_ms": FAST}, generation=request.param) as stack:
        yield request.param, stack


@pytest.mark.parametrize("credential", REASONS)
def test_each_credential_gets_its_verdict(healthy, credential):
    generation, stack = healthy
    shown = asyncio.run(visit(stack, credential=credential, number=100 + list(REASONS).index(credential)))
    truth = truth_of(stack, shown)

    refused = "upgrade_status_403" if generation == "A" else "refused_after_accept"
    assert shown.outcome == ("ok" if REASONS[credential] is None else refused)
    assert truth["refused"] == REASONS[credential]
    assert truth["credential_seen"] == (REASONS[credential] or "valid")
    assert truth["user"] == {"other-user": "other-user-0001"}.get(credential, "user-0001") or truth["refused"]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_each_carrier_reaches_the_application(healthy, carrier):
    _, stack = healthy
    shown = asyncio.run(visit(stack, carrier=carrier, number=200 + CARRIERS.index(carrier)))

    assert shown.outcome == "ok"
    assert truth_of(stack, shown)["carrier"] == carrier


@pytest.mark.parametrize(
    ("offered", "answers"),
    [
        (("jwt-auth",), {"A": "jwt-auth", "B": "jwt-auth", "C": "jwt-auth"}),
        (("e2e-testing", "bearer"), {"A": None, "B": None, "C": "e2e-testing"}),
        ((), {"A": None, "B": None, "C": None}),
    ],
)
def test_the_answered_subprotocol_follows_the_generation(healthy, offered, answers):
    generation, stack = healthy
    shown = asyncio.run(visit(stack, offered=offered, number=300 + len(offered)))

    assert shown.subprotocol == answers[generation]
    assert shown.outcome == "ok"


def test_generation_c_refuses_an_offer_that_it_knows_nothing_of(healthy):
    generation, stack = healthy
    shown = asyncio.run(visit(stack, offered=("chat.v9",), number=320))

    assert shown.outcome == ("upgrade_status_403" if generation == "C" else "ok")
    assert truth_of(stack, shown)["refused"] == ("subprotocol" if generation == "C" else None)


def test_generation_c_says_why_before_it_closes(healthy):
    generation, stack = healthy
    shown = asyncio.run(visit(stack, credential="wrong-secret", number=330))
    if generation == "A":
        assert shown.frames == []
        return
    said = [json.loads(frame) for frame in shown.frames]
    reason = {"B": "SSOT Auth failed", "C": "Authentication failed"}[generation]

    assert (shown.close_code, shown.close_reason) == (1008, reason)
    assert [message["error_code"] for message in said] == (["AUTH_FAILED"] if generation == "C" else [])
    assert all("JWT_SECRET_KEY is configured" in message["error_message"] for message in said)


def test_the_welcome_is_the_generations_own(healthy):
    generation, stack = healthy
    shown = asyncio.run(visit(stack, number=340))
    welcome = json.loads(shown.frames[0])
    connection = truth_of(stack, shown)["connection_id"]

    assert welcome["data"]["connection_id"] == connection
    if generation == "C":
        assert welcome["type"] == "connection_established"
        assert connection.startswith("main_")
        assert welcome["data"]["user_id"] == "user-000..."
    else:
        assert welcome["type"] == "system_message"
        assert welcome["data"]["event"] == "connection_established"
        assert welcome["data"]["user_id"] == "user-0001"


def test_audience_misconfigured_refuses_exactly_the_tokens_with_an_audience():
    async def three(stack):
        return [await visit(stack, n, credential=c) for n, c in enumerate(("valid", "with-aud", "wrong-aud"))]

    with local_stack({"pace_ms": FAST, "faults": ["audience_misconfigured"]}, generation="A") as stack:
        shown = asyncio.run(three(stack))
        stack.settle()
        truth = stack.truth()

    assert [one.outcome for one in shown] == ["ok", "upgrade_status_403", "upgrade_status_403"]
    # A wrong audience is refused anyway: the fault is not to blame for it.
    assert [line["faults"][0]["applied"] for line in truth] == [False, True, False]


@pytest.mark.parametrize("credential", ["none", "garbage", "expired", "wrong-aud"])
def test_demo_mode_lets_anyone_in_as_the_demo_user(credential):
    with local_stack({"pace_ms": FAST, "faults": ["demo_mode"]}) as stack:
        shown = asyncio.run(visit(stack, credential=credential))
        truth = truth_of(stack, shown)

    assert shown.outcome == "accepted_bad_credential"
    assert (truth["user"], truth["refused"]) == ("demo-user-001", None)
    assert truth["credential_seen"] == REASONS[credential]


@pytest.mark.parametrize(("strips", "carrier", "arrives"), [
    ("header", "header", False),
    ("header", "query", True),
    ("subprotocol", "subprotocol-raw", False),
    ("query", "ticket", False),
    ("all", "query", False),
])  # fmt: skip
def test_a_proxy_strips_one_carrier_and_leaves_the_others(strips, carrier, arrives):
    faults = {"pace_ms": FAST, "faults": [{"fault": "token_stripped", "strips": strips}]}
    with local_stack(faults, generation="A") as stack:
        shown = asyncio.run(visit(stack, carrier=carrier))
        truth = truth_of(stack, shown)

    assert shown.outcome == ("ok" if arrives else "upgrade_status_403")
    assert truth["refused"] == (None if arrives else "no_token")


@pytest.mark.parametrize("path", [1, 2, 3, 4])
def test_each_event_path_has_its_own_shape(path):
    with local_stack({"pace_ms": FAST, "event_path": path}) as stack:
        shown = asyncio.run(visit(stack))
    first = json.loads(shown.frames[1])

    assert shown.outcome == "ok"
    assert ("critical" in first, "agent_name" in first and "data" in first) == (path == 2, path == 1)
    assert (first["type"] == "system_message") == (path == 3)


def test_garbage_and_half_requests_hurt_nobody(healthy):
    _, stack = healthy

    async def noise():
        host, port = stack.url.removeprefix("ws://").removesuffix("/ws").split(":")
        answers = []
        for data in (
            b"\x00\xff" * 50 + b"\r\n\r\n",
            b"GET /ws HTTP/1.1\r\nHost: x\r\n",
            b"A" * 70_000,
            b"\x16\x03\x01",
        ):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(data)
            await writer.drain()
            if data.endswith(b"\r\n\r\n") or len(data) > 65_536:
                answers.append(await reader.read(16))
            writer.close()
        return answers, await visit(stack, 400)

    answers, shown = asyncio.run(noise())
    assert answers == [b"HTTP/1.1 400 Bad"] * 2
    assert shown.outcome == "ok"


def test_messages_that_are_none_are_answered_and_the_connection_stays_open(healthy):
    _, stack = healthy

    async def talk():
        token = mint(stack.secret_file.read_text(), "user-0001", "valid", int(time.time()))
        headers = {"Authorization": f"Bearer {token}"}
        codes = []
        async with websockets.connect(stack.url, additional_headers=headers, proxy=None) as ws:
            await ws.recv()
            for message in ("{", b"\x00", '{"type": "dance"}', '{"type": "chat"}', "[]", json.dumps("x" * 9000)):
                await ws.send(message)
                codes.append(json.loads(await ws.recv())["error_code"])
            await ws.send('{"type": "ping"}')
            codes.append(json.loads(await ws.recv())["type"])
        return codes

    assert asyncio.run(talk()) == [
        "JSON_PARSE_ERROR",
        "UNSUPPORTED_DATA",
        "UNKNOWN_MESSAGE_TYPE",
        "INVALID_PAYLOAD",
        "UNKNOWN_MESSAGE_TYPE",
        "MESSAGE_TOO_LARGE",
        "pong",
    ]


def test_limits_hold_only_when_the_file_names_them():
    limits = {"messages_per_minute": 2, "connections_per_user": 1}

    async def talk(stack):
        first = await visit(stack, 0, messages=4, patience_s=0.3)
        token = mint(stack.secret_file.read_text(), "user-0001", "valid", int(time.time()))
        headers = {"Authorization": f"Bearer {token}"}
        async with websockets.connect(stack.url, additional_headers=headers, proxy=None) as held:
            await held.recv()
            second = await visit(stack, 1)
        return first, second, await visit(stack, 2)

    with local_stack({"pace_ms": FAST, "limits": limits}) as stack:
        first, second, third = asyncio.run(talk(stack))

    assert first.events.count("agent_completed") == 2
    assert sum("RATE_LIMIT_EXCEEDED" in frame for frame in first.frames) == 2
    assert (second.close_code, second.close_reason) == (1008, "Connection limit exceeded")
    assert third.outcome == "ok"
