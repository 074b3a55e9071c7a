"""Everything that the table of faults claims is seen on the wire, and agrees with the truth file."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest

from gpkit.protocol.effects import complete, expected, seen
from gpkit.protocol.faults import FAULTS, GENERATIONS
from gpkit.stack import local_stack
from tests.local_stack_support import FAST, applied, entries_of, judge_all, text_of, trace_of, visit

CUTS = ("reset_1006", "half_open", "close_1011", "receive_after_close", "clean_close")

# Parameters that make a fault show itself quickly, with the default carrier of these tests: subprotocol-b64.
QUICK = {
    "slow_front": {"delay_ms": 1},
    "crash_loop": {"delay_ms": 1},
    "start_failed": {"delay_ms": 1},
    "slow_auth": {"delay_ms": 1},
    "slow_ready": {"delay_ms": 1},
    "event_late": {"delay_ms": 1},
    "not_ready": {"for_s": 3600},
}

# Every fault with every parameter value that changes what is seen.
VARIANTS = [
    *[(name, {}) for name in FAULTS if name not in CUTS],
    *[(name, {"at": at}) for name in CUTS for at in ("before-ready", "after-ready", "mid-run")],
    ("upgrade_garbled", {"answer": "bad-accept"}),
    *[("event_lost", {"event": event}) for event in ("agent_started", "agent_thinking", "tool_executing")],
    ("event_lost", {"event": "agent_completed", "logged": "sent"}),
    ("event_to_another_user", {"side": "owner"}),
    *[("malformed_frame", {"kind": kind}) for kind in ("truncated", "not-an-object", "no-type", "binary")],
    ("events_out_of_order", {"event": "agent_started"}),
    *[("message_before_ready_lost", {"effect": effect}) for effect in ("error", "close")],
]


def planted(*jobs, ready_ms=0):
    """A faults file in which the n-th connection meets the n-th job."""
    faults = []
    for number, job in enumerate(jobs):
        for name, parameters in job:
            given = {"fault": name, "schedule": {"traces": [trace_of(number)]}}
            faults.append(given | QUICK.get(name, {}) | parameters)
    return {"pace_ms": FAST | {"ready": ready_ms}, "faults": faults}


@pytest.fixture(scope="module", params=GENERATIONS)
def single(request):
    """Each variant alone, on a connection of its own that carries its token as a subprotocol and sends early."""
    generation = request.param
    with local_stack(planted(*[[variant] for variant in VARIANTS], ready_ms=60), generation=generation) as stack:
        how = {"carrier": "subprotocol-b64", "send": "after-open", "patience_s": 0.3}
        judged = judge_all(stack, range(len(VARIANTS)), generation, **how)
        rows = {
            (name, json.dumps(parameters)): (shown, truth)
            for (name, parameters), (shown, truth, _) in zip(VARIANTS, judged, strict=True)
        }
        yield generation, rows, stack


def test_each_fault_shows_what_the_table_says(single):
    generation, rows, _ = single
    for (name, parameters), (shown, truth) in rows.items():
        given = complete(name, QUICK.get(name, {}) | json.loads(parameters))
        took_effect = [fault for fault, _ in applied(truth)]
        outcome, counts = expected(applied(truth), generation)

        assert shown.outcome == outcome, (name, parameters)
        assert shown.counts == ({} if outcome != "ok" else counts), (name, parameters)
        # A token of the valid kind has no audience, and demo mode changes nothing for it.
        assert took_effect == ([] if name in ("audience_misconfigured", "demo_mode") else [name]) or (
            # B and A answer a subprotocol that holds no token.
            name == "log_lines_missing"
        )
        row = seen(name, generation, given)
        if took_effect and row.outcome is not None:
            assert shown.http_status == row.http_status, name
            assert shown.close_code == row.close_code, (name, parameters)


def test_each_refusal_has_its_reason_in_the_truth(single):
    generation, rows, _ = single
    for (name, _), (_, truth) in rows.items():
        if applied(truth) and name != "log_lines_missing":
            row = seen(name, generation)
            assert truth["refused"] == row.reason or row.server_outcome not in ("refused", "failed"), name


def test_the_truth_names_the_status_and_who_closed(single):
    _, rows, _ = single
    for (name, _), (shown, truth) in rows.items():
        if shown.http_status is not None:
            assert (truth["http_status"], truth["closed_by"]) == (shown.http_status, "server"), name
        elif shown.close_code == 1006:
            assert (truth["closed_by"], truth["close_code"]) == ("reset", 1006)
        elif shown.close_code is not None:
            assert truth["closed_by"] == "server"
            assert (truth["close_code"], truth["close_reason"]) == (shown.close_code, shown.close_reason)


def test_an_upgrade_with_an_answer_has_one_requests_entry_with_its_trace(single):
    _, rows, stack = single
    for (name, _), (_, truth) in rows.items():
        requests = [e for e in entries_of(stack, truth) if "httpRequest" in e]
        assert len(requests) == (0 if name in ("silent_upgrade", "upgrade_garbled") else 1), name
        for entry in requests:
            assert entry["trace"] == f"projects/gpkit-local/traces/{truth['trace']}"
            assert entry["httpRequest"]["status"] == truth["http_status"]


def test_a_browser_would_refuse_what_this_client_takes(single):
    generation, rows, _ = single
    not_echoed, _ = rows["subprotocol_not_echoed", "{}"]
    with_token, _ = rows["subprotocol_echoed_with_token", "{}"]
    plain, _ = rows["slow_auth", "{}"]

    assert not_echoed.offered
    assert not_echoed.subprotocol is None
    assert with_token.subprotocol == with_token.offered[1]
    assert plain.subprotocol == plain.offered[1 if generation == "C" else 0]


def test_a_read_before_accept_is_the_frameworks_own_error_and_an_http_500(single):
    _, rows, stack = single
    shown, truth = rows["receive_before_accept", "{}"]
    texts = [text_of(entry) for entry in entries_of(stack, truth)]

    assert shown.http_status == 500
    assert any("Traceback" in text and 'Need to call "accept" first.' in text for text in texts)
    assert any("connection rejected (500 Internal Server Error)" in text for text in texts)
    assert not any("[accepted]" in text for text in texts)


def test_a_read_after_the_own_close_logs_the_same_text_after_accept(single):
    _, rows, stack = single
    shown, truth = rows["receive_after_close", '{"at": "before-ready"}']
    texts = [text_of(entry) for entry in entries_of(stack, truth)]

    accepted = next(place for place, text in enumerate(texts) if "[accepted]" in text)
    error = next(place for place, text in enumerate(texts) if 'Need to call "accept" first.' in text)
    assert (shown.close_code, shown.close_reason) == (1000, "main cleanup")
    assert accepted < error


def test_the_log_claims_an_event_that_was_lost_on_the_way_only_when_told_to(single):
    _, rows, stack = single
    _, silent = rows["event_lost", '{"event": "agent_completed", "logged": "sent"}']
    _, failed = rows["event_lost", "{}"]

    assert any("agent_completed" in text_of(e) and "PASS" in text_of(e) for e in entries_of(stack, silent))
    assert any("EMISSION FAILED: tool_completed" in text_of(e) for e in entries_of(stack, failed))
    assert [row[:2] for row in failed["events_suppressed"]] == [["tool_completed", "event_lost"]]


def test_an_early_message_that_is_lost_is_in_the_truth(single):
    _, rows, _ = single
    _, truth = rows["message_before_ready_lost", "{}"]

    assert truth["message_lost"]
    assert truth["accepted_ns"] <= truth["first_message_ns"] < truth["ready_sent_ns"]
    assert truth["events_sent"] == []


def test_a_dropped_line_is_missing_in_the_log_and_named_in_the_truth():
    faults = {
        "pace_ms": FAST,
        "faults": [{"fault": "log_lines_missing", "lines": ["requests", "access"]}],
    }
    with local_stack(faults, generation="B") as stack:
        shown = asyncio.run(visit(stack))
        stack.settle()
        (truth,) = stack.truth()
        texts = [text_of(entry) for entry in entries_of(stack, truth)]

    assert shown.outcome == "ok"
    assert truth["log_lines_dropped"] == ["access", "requests"]
    assert not any("[accepted]" in text for text in texts)
    assert any("connection open" in text for text in texts)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_all_pairs_combine_as_the_table_says(generation):
    jobs = [
        [(one, {}), (other, {})] if one != other else [(one, {})]
        for one, other in itertools.combinations_with_replacement(FAULTS, 2)
    ]
    with local_stack(planted(*jobs), generation=generation) as stack:
        how = {"carrier": "subprotocol-b64", "patience_s": 0.3}
        judged = judge_all(stack, range(len(jobs)), generation, **how)

        for job, (shown, _, outcome) in zip(jobs, judged, strict=True):
            assert shown.outcome == outcome, job
        assert (stack.folder / "stderr.txt").read_text() == ""


def test_faults_drawn_at_a_rate_are_the_same_whatever_the_concurrency():
    faults = {"pace_ms": FAST, "faults": [{"fault": "event_lost", "probability": 0.4}]}
    outcomes = []
    for at_once in (1, 20):
        with local_stack(faults, seed=11) as stack:
            judged = judge_all(stack, range(60), "C", at_once=at_once, patience_s=0.15)
            outcomes.append([shown.outcome for shown, _, _ in judged])

    assert outcomes[0] == outcomes[1]
    assert 12 <= outcomes[0].count("event_missing:tool_completed") <= 36


def test_a_half_open_connection_is_silent_while_the_log_goes_on():
    faults = {"pace_ms": FAST, "faults": [{"fault": "half_open", "after": "agent_thinking"}]}
    with local_stack(faults) as stack:
        shown = asyncio.run(visit(stack, patience_s=0.5))
        stack.settle()
        (truth,) = stack.truth()

    assert shown.outcome == "silent_mid_run"
    assert shown.events == ["agent_started", "agent_thinking"]
    assert [name for name, _, _ in truth["events_sent"]][-1] == "agent_completed"
    assert truth["closed_by"] == "client"


def test_a_late_event_is_held_back_and_the_rest_with_it():
    faults = {"pace_ms": FAST, "faults": [{"fault": "event_late", "event": "tool_executing", "delay_ms": 60}]}
    with local_stack(faults) as stack:
        shown = asyncio.run(visit(stack, patience_s=2.0))
        stack.settle()
        (truth,) = stack.truth()

    started, thinking, executing, *_ = (at_ns for _, at_ns, _ in truth["events_sent"])
    assert executing - thinking >= 60e6
    assert thinking - started < 60e6
    assert shown.frame_s[3] >= 0.060
    assert shown.outcome == "ok"


def test_hostile_text_reaches_the_log_and_the_events():
    with local_stack({"pace_ms": FAST, "faults": ["hostile_text"]}, generation="A") as stack:
        shown = asyncio.run(visit(stack))
        stack.settle()
        log = "".join(text_of(entry) for entry in stack.entries())

    said = "".join(str(frame) for frame in shown.frames)
    for planted_text in ("<script>", "\x00", "\u202e", "\x1b[31m"):
        assert planted_text in log
        assert json.dumps(planted_text)[1:-1] in said
    assert "A" * 100_000 in log
    assert shown.largest > 100_000
    assert shown.outcome == "ok"


def test_a_schedule_can_concern_one_user_one_client_or_one_revision():
    faults = {
        "pace_ms": FAST,
        "revisions": [{"name": "old", "first": 2}, {"name": "new", "generation": "A"}],
        "faults": [
            {"fault": "clean_close", "schedule": {"users": ["user-0002"], "revisions": ["old"]}},
            {"fault": "start_failed", "schedule": {"clients": ["Chrome"]}},
        ],
    }

    async def four(stack):
        return [
            await visit(stack, 0),
            await visit(stack, 1, user="user-0002"),
            await visit(stack, 2, user="user-0002"),
            await visit(stack, 3, user_agent="Mozilla/5.0 Chrome/134"),
        ]

    with local_stack(faults) as stack:
        shown = asyncio.run(four(stack))
        stack.settle()
        truth = stack.truth()
        starts = [text_of(e) for e in stack.entries() if "Starting new instance" in text_of(e)]

    assert [one.outcome for one in shown] == ["ok", "closed_before_ready:1000", "ok", "upgrade_status_500"]
    assert [(line["revision"], line["generation"]) for line in truth] == [("old", "C")] * 2 + [("new", "A")] * 2
    assert [("AUTOSCALING" in text) for text in starts] == [False, True, True]


def test_a_service_is_not_ready_for_as_long_as_it_was_told():
    faults = {"pace_ms": FAST, "faults": [{"fault": "not_ready", "for_s": 0.3}]}

    async def early_and_late(stack):
        early = await visit(stack, 0)
        await asyncio.sleep(0.3)
        return early, await visit(stack, 1)

    with local_stack(faults) as stack:
        early, late = asyncio.run(early_and_late(stack))

    assert (early.outcome, late.outcome) == ("upgrade_status_403", "ok")
