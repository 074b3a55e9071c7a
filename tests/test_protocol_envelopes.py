"""Every envelope that a server may use, and every text that a hostile one may send."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpkit.protocol.envelopes import KINDS, OVERSIZED_BYTES, Frame, read_frame
from gpkit.protocol.events import EVENTS
from gpkit.protocol.stamps import read_stamp

STAMP = "2025-09-07T13:34:00.739584+00:00"
STAMP_NS = 1_757_252_040_739_584_000

WELCOME_C = {
    "type": "connection_established",
    "data": {"mode": "main", "user_id": "ada-love...", "connection_id": "main_1", "timestamp": STAMP},
    "timestamp": 1757252040.8,
}
WELCOME_B = {
    "type": "system_message",
    "data": {"event": "connection_established", "connection_id": "ws_1", "user_id": "ada", "server_time": STAMP},
    "timestamp": 1757252040.8,
}


def frame(message: object) -> Frame:
    return read_frame(json.dumps(message))


def envelope(path: int, event: str) -> dict:
    """One event as each of the four paths sends it."""
    context = {"run_id": "run_1", "user_id": "ada"}
    if path == 1:
        return {"type": event, **context, "agent_name": "a", "timestamp": STAMP, "data": {"status": "x"}}
    if path == 2:
        thinking = {"type": "reasoning", "reasoning": "…"} if event == "agent_thinking" else {"type": event}
        return {**thinking, **context, "thread_id": "t", "critical": True, "timestamp": 1757252040.739584}
    if path == 3:
        outer = {"agent_started": "system_message", "agent_completed": "agent_response_complete"}
        data = {"event": event, "type": event, **context, "turn_id": "n", "timestamp": 1757252040.739584}
        return {"type": outer.get(event, "agent_progress"), "data": data, "timestamp": 1757252040.739584}
    return {"type": event, **context, "thread_id": "t", "timestamp": STAMP, "reasoning": "…"}


@pytest.mark.parametrize("path", [1, 2, 3, 4])
@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_recognised_in_every_envelope(path, event):
    read = frame(envelope(path, event))

    assert (read.kind, read.event, read.event_path) == ("event", event, path)
    assert (read.run_id, read.user_id) == ("run_1", "ada")
    assert read.server_stamp_ns == STAMP_NS


def test_a_turn_id_is_the_run_id_where_no_run_id_stands():
    data = {"event": "agent_thinking", "user_id": "ada", "turn_id": "turn_1"}

    assert frame({"type": "agent_progress", "data": data}).run_id == "turn_1"
    assert frame({"type": "agent_progress", "data": {**data, "run_id": "run_1"}}).run_id == "run_1"
    assert frame({"type": "agent_progress", "run_id": "run_1", "data": data}).run_id == "run_1"
    assert frame({"type": "agent_thinking", "turn_id": "turn_1", "data": {"run_id": "run_1"}}).run_id == "run_1"


def test_generation_c_greets_with_its_own_type():
    read = frame(WELCOME_C)

    assert (read.kind, read.generation, read.connection_id) == ("welcome", "C", "main_1")
    assert (read.server_stamp_ns, read.server_stamp_resolution_ns) == (STAMP_NS, 1000)


def test_generations_a_and_b_greet_alike():
    read = frame(WELCOME_B)

    assert (read.kind, read.generation, read.connection_id) == ("welcome", "A/B", "ws_1")
    assert read.server_stamp_ns == STAMP_NS


@pytest.mark.parametrize("prefix", ["factory_", "isolated_", "legacy_"])
def test_a_welcome_of_another_mode_is_a_welcome(prefix):
    assert frame({"type": f"{prefix}connection_established"}).kind == "welcome"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"type": "handshake_validation", "timestamp": 1.0}, "control"),
        ({"type": "system_message", "data": {"event": "degraded_mode"}}, "control"),
        ({"type": "heartbeat", "data": {}}, "control"),
        ({"type": "agent_update", "data": {}}, "control"),
        ({"type": "error_message", "error_code": "AUTH_FAILED"}, "error"),
        ({"type": "error"}, "error"),
        ({"type": "agent_death", "data": {"status": "dead"}}, "error"),
        ({"type": "agent_response", "content": "hello"}, "chat"),
        ({"type": "jsonrpc_result"}, "unknown"),
        ({"data": {"event": "no_such_thing"}}, "malformed"),
        ([1, 2], "malformed"),
        ({"type": 7.5}, "unknown"),
        (None, "malformed"),
    ],
)
def test_what_is_no_event_is_named_by_its_type(message, kind):
    assert frame(message).kind == kind


def test_the_name_in_data_wins_over_the_outer_type_and_aliases_are_resolved():
    assert frame({"type": "system_message", "data": {"type": "agent_thinking"}}).event == "agent_thinking"
    assert frame({"type": "tool_complete"}).event == "tool_completed"
    assert frame({"type": "agent_start", "data": {}}).event == "agent_started"


def test_reasoning_is_thinking_only_on_the_path_that_overwrites_the_type():
    assert frame({"type": "reasoning", "critical": True}).event == "agent_thinking"
    assert frame({"type": "reasoning"}).kind == "unknown"


def test_an_error_tells_its_code():
    assert frame({"type": "error_message", "error_code": "AUTH_FAILED"}).code == "AUTH_FAILED"
    assert frame({"type": "authentication_error", "data": {"error_code": "TOKEN_EXPIRED"}}).code == "TOKEN_EXPIRED"


def test_a_placeholder_is_lost_context_and_not_another_user():
    read = frame({"type": "agent_started", "user_id": "unknown_user", "run_id": "unknown_run"})

    assert read.lost_context
    assert not read.is_foreign("ada")


def test_another_user_is_foreign_wherever_it_is_named():
    assert frame({"type": "agent_started", "user_id": "bob"}).is_foreign("ada")
    assert frame({"type": "agent_started", "user_id": "ada", "data": {"target_user_id": "bob"}}).is_foreign("ada")
    assert not frame({"type": "agent_started", "user_id": "ada"}).is_foreign("ada")
    assert not frame({"type": "agent_started"}).is_foreign("ada")
    assert not frame(WELCOME_C).is_foreign("ada-lovelace")


def test_an_oversized_frame_keeps_its_event():
    read = frame({"type": "agent_thinking", "reasoning": "x" * OVERSIZED_BYTES})

    assert (read.kind, read.event) == ("oversized", "agent_thinking")
    assert read.size_bytes > OVERSIZED_BYTES


def test_a_binary_frame_is_malformed_whatever_it_holds():
    assert read_frame(b'{"type": "agent_started"}').kind == "malformed"


def test_size_is_in_bytes_not_in_characters():
    assert read_frame('{"type":"é"}').size_bytes == 13


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(
    ["type", "data", "event", "timestamp", "user_id", "run_id", "server_time", "critical", "x_user_id", "error_code"]
)
names = st.sampled_from([*EVENTS, "reasoning", "connection_established", "system_message", "agent_progress", "\ud800"])
lookalikes = st.dictionaries(keys, names | json_values | st.dictionaries(keys, names | json_values), max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.text() | st.binary() | (lookalikes | json_values).map(json.dumps))
@example("[" * 100_000)
@example("1" * 5_000)
@example('{"type": 1e999, "timestamp": ' + "9" * 4_000 + "}")
@example('{"type": "\\ud800", "run_id": "\\udfff"}')
@example(b"\xff\xfe\x00")
@example('{"type":"agent_started","timestamp":"9999-12-31T23:59:59.9-23:59"}')
def test_no_payload_makes_the_reader_raise_and_what_it_reads_can_be_written(payload):
    read = read_frame(payload)

    assert read.kind in KINDS
    assert read.event in (None, *EVENTS)
    for text in (read.type, read.run_id, read.user_id, read.tool, read.connection_id, read.code, *read.other_users):
        assert text is None or len(text.encode("utf-8")) <= 4 * 200
    assert read.server_stamp_ns is None or 0 < read.server_stamp_ns < 2**63
    assert isinstance(read.is_foreign("ada"), bool)


@pytest.mark.parametrize(
    ("written", "stamp_ns", "resolution_ns"),
    [
        ("2025-09-07T13:34:00Z", 1_757_252_040_000_000_000, 1_000_000_000),
        ("2025-09-07T13:34:00.739Z", 1_757_252_040_739_000_000, 1_000_000),
        ("2025-09-07T15:34:00.739584+02:00", STAMP_NS, 1_000),
        ("2025-09-07T13:34:00.739584123Z", STAMP_NS + 123, 1),
        ("2025-09-07T13:34:00.739584", STAMP_NS, 1_000),
        (1_757_252_040, 1_757_252_040_000_000_000, 1_000_000_000),
        (1_757_252_040.739584, STAMP_NS, 1_000),
        (1_757_252_040.5, 1_757_252_040_500_000_000, 100_000_000),
        (1_757_252_040_739, 1_757_252_040_739_000_000, 1_000_000),
        (1_757_252_040_739.584, STAMP_NS, 1_000),
        ("yesterday", None, None),
        ("9" * 50, None, None),
        (-5, None, None),
        (True, None, None),
        (float("nan"), None, None),
        ({"at": 1}, None, None),
    ],
)
def test_a_stamp_is_read_in_every_form_with_the_resolution_of_its_digits(written, stamp_ns, resolution_ns):
    assert read_stamp(written) == (stamp_ns, resolution_ns)
