import pandas as pd
import pytest

from gpkit.analysis.durations import durations, phases, span_quantile, wording
from gpkit.analysis.events import (
    STEPS,
    event_funnel,
    event_rates_by,
    event_rates_over_time,
    match_claims,
    succeeded,
)
from gpkit.analysis.sample import outcomes, sample_check
from gpkit.analysis.statistics import quantile
from gpkit.errors import TableError

from .attempts_text import attempts_of

ALL = "agent_started agent_thinking tool_executing tool_completed agent_completed"


def test_an_attempt_that_lost_one_event_still_counts_for_the_later_ones():
    attempts = attempts_of(f"""
        a  open ready {ALL}
        b  open ready agent_started tool_executing tool_completed agent_completed
        c  refused
    """)

    funnel = event_funnel(attempts).set_index("step")

    assert funnel.loc["planned", "reached"] == 3
    assert funnel.loc["open", "reached"] == 2
    assert funnel.loc["agent_thinking", "reached"] == 1
    assert funnel.loc["agent_thinking", "lost"] == 1
    assert funnel.loc["tool_executing", "reached"] == 2
    assert funnel.loc["agent_thinking", "of_planned"] == pytest.approx(1 / 3)
    assert funnel.loc["agent_thinking", "of_previous"] == pytest.approx(1 / 2)
    assert pd.isna(funnel.loc["planned", "of_previous"])


def test_the_funnel_leaves_controls_and_interrupted_attempts_out():
    attempts = attempts_of(f"""
        a  open ready {ALL}
        b  refused control=True credential=garbage
        c  open outcome=null
    """)

    assert event_funnel(attempts).set_index("step").loc["planned", "reached"] == 1


def test_a_funnel_of_nothing_has_every_step_and_no_ratio():
    funnel = event_funnel(attempts_of(f"a open ready {ALL}").iloc[:0])

    assert tuple(funnel["step"]) == STEPS
    assert funnel["of_planned"].isna().all()


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match="agent_started_s"):
        event_funnel(attempts_of("a refused").drop(columns="agent_started_s"))


def test_success_needs_started_first_and_completed_last():
    attempts = attempts_of(f"""
        a  open ready {ALL}
        b  open ready agent_thinking agent_started tool_executing tool_completed agent_completed
        c  open ready agent_started agent_thinking tool_executing agent_completed tool_completed
        d  open ready agent_started tool_executing agent_thinking tool_completed agent_completed
    """)

    assert list(succeeded(attempts)) == [True, False, False, True]


def test_rates_by_a_value_add_up_to_all():
    attempts = attempts_of(f"""
        a  open ready {ALL} user=u1
        b  open ready agent_started user=u2
        c  open ready {ALL} user=u2
        d  refused user=null
    """)

    by_user = event_rates_by(attempts, "user")

    assert by_user["n"].sum() == 4
    assert by_user["k"].sum() == 2
    assert set(by_user["value"]) == {"u1", "u2", "not known"}


def test_a_gap_in_time_stays_a_gap():
    attempts = attempts_of("\n".join(f"a{i} open ready {ALL}" for i in range(4)))
    later = attempts.assign(started_utc=attempts["started_utc"] + pd.Timedelta("100s"), attempt_id="z")

    over_time = event_rates_over_time(pd.concat([attempts, later], ignore_index=True), blocks=10)

    assert list(over_time["n"]) == [4, 0, 0, 0, 0, 0, 0, 0, 0, 4]
    assert over_time["ratio"].isna().sum() == 8


def test_outcomes_are_exclusive_and_add_up():
    table = outcomes(attempts_of(f"a open ready {ALL}\nb refused\nc refused\nd open silent\ne closed"))

    assert table["n"].sum() == 5
    assert table.loc[0, "outcome"] == "upgrade_status_403"


def test_the_sample_check_counts_what_no_rate_may_hide():
    attempts = attempts_of(f"""
        a  open ready {ALL} under_load=True loop_lag_s=0.25
        b  refused control=True
        c  open outcome=null
        d  open silent queue_s=0.2
    """)

    facts = sample_check(attempts).set_index("fact")["n"]

    assert facts["planned attempts with a valid credential"] == 2
    assert facts["negative controls"] == 1
    assert facts["interrupted"] == 1
    assert facts["silent until the deadline"] == 1
    assert facts["measured while the probe itself was slow"] == 1
    assert facts["waited for their turn"] == 1


def test_an_unanswered_attempt_is_censored_and_a_refusal_is_never():
    attempts = attempts_of(f"a open ready {ALL}\nb refused\nc open silent auth_s=null")

    row = durations(attempts, ["agent_started_s"]).iloc[0]

    assert (row["n"], row["measured"], row["never"], row["censored"]) == (3, 1, 1, 1)


def test_shares_of_phases_add_up_to_one():
    table = phases(attempts_of(f"a open ready {ALL}\nb open ready {ALL}"))

    assert table["share"].sum() == pytest.approx(1)


def messages_of(*rows):
    return pd.DataFrame(rows, columns=["run_id", "event"]).assign(direction="received")


def claims_of(*rows):
    frame = pd.DataFrame(rows, columns=["insert_id", "run_id", "user_id", "event"])
    return frame.assign(at_ns=range(len(frame)), sent=True)


def test_a_claimed_event_without_a_frame_was_not_received():
    messages = messages_of(("r1", "agent_started"), ("r1", "agent_completed"))
    claims = claims_of(
        ("e1", "r1", "u1", "agent_started"),
        ("e2", "r1", "u1", "tool_executing"),
        ("e3", "r1", "u1", "agent_completed"),
        ("e4", "r1", "u1", "agent_completed"),
        ("e5", "r9", "somebody-else", "agent_started"),
        ("e6", "r2", "u1", "agent_started"),
    )

    matched = match_claims(messages, claims, users=["u1"])

    assert list(matched["insert_id"]) == ["e1", "e2", "e3", "e4", "e6"]
    assert list(matched.loc[~matched["received"], "insert_id"]) == ["e2", "e4", "e6"]


def test_without_run_ids_on_frames_nothing_can_be_matched():
    messages = messages_of((None, "agent_started"))
    claims = claims_of(("e1", "r1", "u1", "agent_started"))

    assert match_claims(messages, claims, users=["u1"])["received"].isna().all()


def test_what_is_awaited_is_censored_where_the_wait_ended_and_lost_events_are_never():
    attempts = attempts_of(f"""
        a  open ready {ALL}
        b  open silent total_ns=10000000000 close_ns=null auth_s=null
        c  open ready agent_started agent_thinking tool_executing agent_completed
    """)

    auth = span_quantile(attempts.iloc[[1]], "auth_s", 0.5)
    lost = durations(attempts, ["tool_completed_s"]).iloc[0]

    assert (auth.estimate, auth.estimate_is_bound) == (10.0, True)
    assert (lost["never"], lost["censored"]) == (1, 1)


def test_a_quantile_in_words_promises_no_bound_that_was_not_measured():
    assert wording(quantile([0.1] * 30, 0.95)) == "not resolvable from n=30"
    assert wording(quantile([0.1] * 60, 0.95)) == "100 ms (at most 100 ms, one-sided 95 %, n=60)"
    assert wording(quantile([0.1] * 59, 0.95, never=1)) == "100 ms (no upper bound, n=60)"
    assert wording(quantile([0.1] * 59, 0.95, censored_at=[9.0])) == "100 ms (no upper bound, n=60)"
    assert wording(quantile([0.1] * 50, 0.5, never=50, censored_at=[1.0])).startswith("over 1 s")
    assert wording(quantile([0.1] * 40, 0.5, never=60)) == "never: over 0.5 of 100 ended before it"
