"""The server's rows, made from its log alone, against what the local stack really did."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest

from gpkit import logs, timeline
from gpkit.stack import Stack, local_stack
from gpkit.tables import CONNECTIONS
from tests.local_stack_support import FAST, trace_of, visit

APART_S = 0.04  # more than the usual lag from a request to its lines
CUTS = ("reset_1006", "close_1011", "receive_after_close", "clean_close")


@dataclass(frozen=True)
class Case:
    fault: str
    parameters: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] = field(default_factory=dict)


CASES = [
    *[Case("healthy")] * 4,
    *[Case("healthy", client={"credential": bad}) for bad in ("none", "garbage", "wrong-secret", "expired")],
    Case("token_stripped"),
    Case("slow_front", {"delay_ms": 40}),
    Case("slow_auth", {"delay_ms": 40}),
    Case("receive_before_accept"),
    Case("not_ready", {"for_s": 3600}),
    Case("breaker_open"),
    Case("secret_mismatch"),
    Case("audience_misconfigured", client={"credential": "with-aud"}),
    Case("base64url_not_decoded", client={"carrier": "subprotocol-b64"}),
    Case("demo_mode", client={"credential": "none"}),
    Case("close_1008_after_accept"),
    Case("welcome_before_verdict"),
    Case("hostile_text"),
    Case("event_lost"),
    *[Case(cut, {"at": at}) for cut in CUTS for at in ("before-ready", "mid-run")],
]


def number_of(place: int) -> int:
    """So that traces, and the connection ids made from their beginnings, differ at the front."""
    return (place + 1) << 100


def run(stack: Stack, concurrency: int, pause_s: float = 0.0) -> None:
    async def all_visits() -> None:
        gate = asyncio.Semaphore(concurrency)

        async def one(place: int, case: Case) -> None:
            async with gate:
                await visit(stack, number_of(place), **case.client)
                await asyncio.sleep(pause_s)

        await asyncio.gather(*(one(place, case) for place, case in enumerate(CASES)))

    asyncio.run(all_visits())
    stack.settle()


def stack_with_cases(generation: str) -> Iterator[Stack]:
    planted = [
        {"fault": case.fault, **case.parameters, "schedule": {"traces": [trace_of(number_of(place))]}}
        for place, case in enumerate(CASES)
        if case.fault != "healthy"
    ]
    with local_stack({"generation": generation, "pace_ms": FAST, "faults": planted}) as stack:
        yield stack


@pytest.fixture(params=["A", "B", "C"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    yield from stack_with_cases(request.param)


def expected(truth: dict[str, Any]) -> tuple[str, str | None]:
    """Outcome and reason as the log can tell them: a connection cut without a close frame counts as closed."""
    if truth["http_status"] == 500:
        return "failed", "unknown"
    if truth["refused"] is not None:
        return "refused", truth["refused"]
    ended = truth["closed_by"] in ("server", "reset") or truth["close_code"] == 1006
    return ("closed" if ended else "accepted"), None


def found(row: pd.Series) -> tuple[str, str | None]:
    return row["outcome"], row["reason"] if isinstance(row["reason"], str) else None


def wrong_rows(stack: Stack, rows: pd.DataFrame, *, only_certain: bool) -> list[object]:
    by_trace = rows.set_index("trace")
    wrong: list[object] = []
    for truth in stack.truth():
        row, right = by_trace.loc[truth["trace"]], expected(truth)
        # Generation A logs no word about who ended a session.
        is_told = truth["generation"] != "A" or right[0] not in ("accepted", "closed")
        agrees = found(row) == right if is_told else found(row)[0] in ("accepted", "closed")
        if not agrees and not (only_certain and row["ambiguous"]):
            wrong.append((truth["faults"], right, found(row)))
    return wrong


def test_one_after_the_other_every_row_is_right_and_certain(stack: Stack):
    run(stack, concurrency=1, pause_s=APART_S)
    rows = timeline.connections(logs.read(stack.log_file).frame)
    assert len(rows) == len(CASES)
    assert wrong_rows(stack, rows, only_certain=False) == []
    assert rows["ambiguous"].sum() == 0


def test_at_twenty_at_once_rows_join_one_to_one_and_what_is_certain_is_right(stack: Stack):
    run(stack, concurrency=20)
    rows = timeline.connections(logs.read(stack.log_file).frame)
    requested = rows[rows["trace"].notna()]
    assert sorted(requested["trace"]) == sorted(truth["trace"] for truth in stack.truth())
    assert wrong_rows(stack, rows, only_certain=True) == []
    statuses = {truth["trace"]: truth["http_status"] for truth in stack.truth()}
    assert requested.set_index("trace")["http_status"].to_dict() == statuses


@pytest.mark.parametrize("generation", ["A", "B", "C"])
def test_the_table_keeps_its_columns_and_its_evidence(generation: str):
    with local_stack(generation=generation) as stack:
        asyncio.run(visit(stack, number_of(0)))
        stack.settle()
        entries = logs.read(stack.log_file).frame
        (truth,) = stack.truth()
        (row,) = timeline.connections(entries).to_dict("records")
    assert [column.name for column in CONNECTIONS] == list(row)[: len(CONNECTIONS)]
    assert set(row["evidence"]) == set(truth["log_lines"])
    assert row["events"] == [name for name, _, _ in truth["events_sent"]]
    assert (row["outcome"], row["client"], row["trace"]) == ("accepted", "wire-test", truth["trace"])
    assert row["instance_id"] == truth["instance_id"]
    # The application stamps right after the fact, never before it.
    assert 0 <= row["decided_ns"] - truth["verdict_ns"] // 1000 * 1000 < 5_000_000
    low_s, high_s = row["request_to_decision_low_s"], row["request_to_decision_high_s"]
    assert low_s <= (truth["verdict_ns"] - truth["arrived_ns"]) / 1e9 + 0.005
    assert low_s <= row["request_to_decision_s"] <= high_s


def visits(stack: Stack, count: int, **client: Any) -> pd.DataFrame:
    async def all_visits() -> None:
        for place in range(count):
            await visit(stack, number_of(place), **client)
            await asyncio.sleep(APART_S)

    asyncio.run(all_visits())
    stack.settle()
    return timeline.connections(logs.read(stack.log_file).frame)


@pytest.mark.parametrize("generation", ["A", "B"])
def test_without_the_line_that_tells_why_the_reason_is_unknown(generation: str):
    missing = {"fault": "log_lines_missing", "lines": ["reason"]}
    with local_stack({"generation": generation, "faults": [{"fault": "secret_mismatch"}, missing]}) as stack:
        rows = visits(stack, 2)
    assert rows["outcome"].tolist() == ["refused"] * 2
    assert rows["reason"].tolist() == ["unknown"] * 2


def test_without_the_requests_entry_the_lines_are_a_row_of_their_own():
    missing = {"fault": "log_lines_missing", "lines": ["requests"], "schedule": {"first": 1}}
    with local_stack({"generation": "A", "faults": [{"fault": "secret_mismatch"}, missing]}) as stack:
        rows = visits(stack, 2)
    assert rows["trace"].isna().tolist() == [True, False]
    assert rows["reason"].tolist() == ["signature"] * 2
    assert rows["client"].isna().tolist() == [True, False]


def test_without_any_application_line_the_request_still_tells_the_outcome():
    every = ["access", "open", "reason", "rejected", "auth", "established", "event", "message", "error", "cleanup"]
    missing = {"fault": "log_lines_missing", "lines": [*every, "closed"]}
    with local_stack({"generation": "A", "faults": [{"fault": "secret_mismatch"}, missing]}) as stack:
        (row,) = visits(stack, 1).to_dict("records")
    assert (row["outcome"], row["reason"]) == ("refused", "unknown")
    assert pd.isna(row["decided_ns"])
    assert pd.isna(row["request_to_decision_s"])


def test_a_crash_loop_is_named_and_its_instances_are_listed():
    with local_stack({"generation": "C", "faults": [{"fault": "crash_loop", "delay_ms": 260}]}) as stack:
        rows = visits(stack, 4)
        loops = timeline.boot_loops(logs.read(stack.log_file).frame)
        lives = timeline.instances(logs.read(stack.log_file).frame)
    assert rows["outcome"].tolist() == ["failed"] * 4
    assert rows["reason"].tolist() == ["crash_loop"] * 4
    (loop,) = loops.to_dict("records")
    assert (loop["failed"], loop["exit_code"]) == (4, 3)
    assert "No module named" in loop["boot_failure"]
    assert lives["outcome"].tolist().count("failed") == 4
    assert lives["outcome"].tolist().count("serves") == 1


def test_an_instance_that_could_not_start_is_a_failed_start_and_no_loop():
    with local_stack({"faults": [{"fault": "start_failed"}]}) as stack:
        rows = visits(stack, 1)
        entries = logs.read(stack.log_file).frame
    assert (rows["outcome"].tolist(), rows["reason"].tolist()) == (["failed"], ["start_failed"])
    assert timeline.boot_loops(entries).empty


@pytest.mark.parametrize("stamps", ["instance", "application"])
def test_a_wrong_clock_of_the_instance_is_noticed_and_reasons_still_join(stamps: str):
    off = {"fault": "clock_off", "offset_s": 7.0, "stamps": stamps}
    with local_stack({"generation": "A", "faults": [{"fault": "secret_mismatch"}, off]}) as stack:
        rows = visits(stack, 5)
    assert rows["reason"].tolist() == ["signature"] * 5
    if stamps == "instance":
        assert rows["clock_off_s"].tolist() == pytest.approx([7.0] * 5, abs=0.05)
        assert rows["request_to_decision_s"].isna().all()
    else:
        # One of two stamps is wrong, so the truth is somewhere between them.
        assert (rows["request_to_decision_high_s"] > 6.9).all()
        assert (rows["request_to_decision_low_s"] < 0.1).all()


def test_events_that_the_server_claims_to_have_sent_are_listed():
    lost = {"fault": "event_lost", "event": "tool_completed", "logged": "failed"}
    with local_stack({"generation": "C", "faults": [lost]}) as stack:
        asyncio.run(visit(stack, number_of(0)))
        stack.settle()
        events = timeline.server_events(logs.read(stack.log_file).frame)
        (truth,) = stack.truth()
    sent = events[events["sent"]]
    assert sent["event"].tolist() == [name for name, _, _ in truth["events_sent"]]
    assert set(events["run_id"].dropna()) == {run_id for _, _, run_id in truth["events_sent"]}
    assert set(events[~events["sent"]]["event"]) == {"tool_completed"}
