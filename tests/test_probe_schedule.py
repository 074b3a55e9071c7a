"""What a plan means, and which plans are impossible."""

from __future__ import annotations

import collections

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit.environments import Environment
from gpkit.errors import ParameterError
from gpkit.probe import CONTROLS, Plan
from gpkit.probe.schedule import schedule

LOCAL = Environment("local", users=("ada", "bob"), is_local=True)
REMOTE = Environment("staging", url="wss://staging.example/ws", max_rate_per_s=0.5, max_concurrency=3)


def test_starts_are_planned_at_the_rate_whatever_happens():
    due = schedule(Plan(attempts=5, rate_per_s=10), LOCAL)

    assert [attempt.at_ns for attempt in due.attempts] == [0, 100_000_000, 200_000_000, 300_000_000, 400_000_000]
    assert [attempt.index for attempt in due.attempts] == [0, 1, 2, 3, 4]


def test_users_take_turns():
    assert [attempt.user for attempt in schedule(Plan(attempts=3), LOCAL).attempts] == ["ada", "bob", "ada"]
    assert {attempt.user for attempt in schedule(Plan(attempts=3, users=("eve",)), LOCAL).attempts} == {"eve"}


def test_messages_take_turns_and_a_control_sends_none():
    messages = ({"type": "chat", "n": 1}, {"type": "chat", "n": 2})
    due = schedule(Plan(attempts=4, messages=messages, controls=("none",), seed=3), LOCAL)

    assert {attempt.message is None for attempt in due.attempts if attempt.is_control} == {True}
    assert {attempt.message["n"] for attempt in due.attempts if attempt.message} == {1, 2}


@given(st.integers(1, 40), st.integers(1, 3), st.integers(0, 10**9))
def test_controls_are_added_among_the_attempts(attempts, each, seed):
    due = schedule(Plan(attempts=attempts, controls=CONTROLS, controls_each=each, seed=seed), LOCAL)
    counted = collections.Counter(attempt.credential for attempt in due.attempts)

    assert counted == {"valid": attempts, **dict.fromkeys(CONTROLS, each)}
    assert all(attempt.is_control == (attempt.credential != "valid") for attempt in due.attempts)


@given(st.integers(1, 60), st.integers(0, 10**9))
def test_both_arms_and_every_delay_are_interleaved_and_balanced(attempts, seed):
    delays_ms = (0.0, 5.0, 20.0)
    due = schedule(Plan(attempts=attempts, send="both", send_delays_ms=delays_ms, seed=seed), LOCAL).attempts
    cells = collections.Counter((attempt.send, attempt.delay_s) for attempt in due)

    early = [cells["after-open", delay_ms / 1000] for delay_ms in delays_ms]
    assert max(early) - min(early) <= 1
    # Each block of four holds every delay once, and waiting once.
    assert abs(max(early) - cells["after-ready", None]) <= 1


def test_the_same_seed_gives_the_same_schedule_and_another_one_another():
    plan = Plan(attempts=30, send="both", send_delays_ms=(0, 5), controls=CONTROLS, seed=1)

    assert schedule(plan, LOCAL) == schedule(plan, LOCAL)
    other = Plan(attempts=30, send="both", send_delays_ms=(0, 5), controls=CONTROLS, seed=2)
    assert schedule(plan, LOCAL) != schedule(other, LOCAL)


def test_without_a_seed_no_trace_is_met_twice():
    traces = [attempt.trace for _ in range(2) for attempt in schedule(Plan(attempts=50), LOCAL).attempts]

    assert len(set(traces)) == 100
    assert all(len(trace) == 32 and set(trace) <= set("0123456789abcdef") for trace in traces)


@pytest.mark.parametrize("changes", [{"credential": "expired"}, {"carrier": "none"}])
def test_an_attempt_that_should_be_refused_is_a_control(changes):
    assert all(attempt.is_control for attempt in schedule(Plan(**changes), LOCAL).attempts)


def test_a_remote_target_is_probed_below_its_limits_by_default():
    due = schedule(Plan(), REMOTE)

    assert (due.rate_per_s, due.concurrency) == (0.5, 3)


@pytest.mark.parametrize("changes", [{"rate_per_s": 0.6}, {"concurrency": 4}])
def test_more_than_a_remote_target_allows_needs_a_yes(changes):
    with pytest.raises(ParameterError, match="above what 'staging' allows") as caught:
        schedule(Plan(**changes), REMOTE)

    assert "--yes-load" in str(caught.value)
    schedule(Plan(**changes, yes_load=True), REMOTE)
    schedule(Plan(**changes), LOCAL)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attempts": 0}, "attempts = 0 must be a whole number above 0."),
        ({"attempts": 2.5}, "attempts = 2.5 must be a whole number above 0."),
        ({"attempts": True}, "attempts = True must be a whole number above 0."),
        ({"rate_per_s": 0}, "rate_per_s = 0 must be above 0."),
        ({"rate_per_s": float("nan")}, "rate_per_s = nan must be above 0."),
        ({"deadline_s": float("inf")}, "deadline_s = inf must be above 0."),
        ({"credential": "expird"}, "credential = 'expird' is not possible. Did you mean 'expired'?"),
        ({"carrier": "headr"}, "carrier = 'headr' is not possible. Did you mean 'header'?"),
        ({"send": "early"}, "send = 'early' is not possible."),
        ({"controls": ("valid",)}, "controls = 'valid' is no negative control"),
        ({"controls": ("nothing",)}, "controls = 'nothing' is not possible."),
        ({"send_delays_ms": ()}, "send_delays_ms is empty."),
        ({"send_delays_ms": (-1,)}, "send_delays_ms = -1 must be 0 or more."),
        ({"event_deadlines_s": (1, 2, 3)}, "must be 5 ascending numbers"),
        ({"linger_s": "1"}, "linger_s = '1' must be 0 or more."),
    ],
)
def test_an_impossible_plan_is_refused_with_what_is_possible(changes, message):
    with pytest.raises(ParameterError) as caught:
        schedule(Plan(**changes), LOCAL)

    assert message in str(caught.value)
