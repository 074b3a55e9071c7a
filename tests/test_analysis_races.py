"""Planted mechanisms are named for what they are, and a deterministic failure is never called a race."""

import numpy as np
import pandas as pd
import pytest

from gpkit.analysis.breakdowns import by_client, delay_levels
from gpkit.analysis.cases import ATTRIBUTES, CLOSED_EARLY, cases_of_attempts, cases_of_connections, entry, in_flight
from gpkit.analysis.mechanisms import mechanisms
from gpkit.findings.auth import judge_refusals
from gpkit.findings.handshakes import judge_failures
from gpkit.tables import CONNECTIONS, from_rows

from .attempts_text import attempts_of

DELAYS_S = (0.0, 0.005, 0.02, 0.08)
SEEDS = range(20)


def sample(seed, n=400, failed=lambda row, draw: False, **columns):
    """Cases of both arms in random order; ``failed`` decides from the row and a uniform draw."""
    rng = np.random.default_rng(seed)
    level = rng.permutation(np.tile(np.arange(5), n // 5))
    early = level < 4
    delay = np.where(early, np.array([*DELAYS_S, np.nan])[level], np.nan)
    frame = pd.DataFrame(
        {
            "case_id": [f"c{i}" for i in range(n)],
            "at_ns": np.arange(n) * 20_000_000,
            "sent": True,
            "arm": np.where(early, "after-open", "after-ready"),
            "planned_delay_s": delay,
            "delay_s": delay + np.where(early, rng.exponential(0.0003, n), 0),
            "in_flight": rng.poisson(4, n),
            **{"known": True, "let_in": True, "upgraded": True},
            **dict.fromkeys(ATTRIBUTES, "one"),
            "user": rng.choice(["u1", "u2", "u3"], n),
            "reason": None,
            **columns,
        }
    )
    frame["age_s"] = frame["at_ns"] / 1e9
    draws = rng.random(n)
    frame["failed"] = [bool(failed(row, draw)) for row, draw in zip(frame.itertuples(), draws, strict=True)]
    frame["failure"] = np.where(frame["failed"], "event_missing:agent_started", None)
    return frame


def race(row, draw):
    return row.arm == "after-open" and draw < 0.8 * np.exp(-row.delay_s / 0.01)


def named(cases, **options):
    table = mechanisms(cases, **options)
    return list(zip(table["failure"], table["mechanism"], strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_failure_that_depends_on_the_delay_is_a_race(seed):
    assert named(sample(seed, failed=race)) == [("event_missing:agent_started", "race")]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_failure_is_not_a_race(seed):
    assert named(sample(seed, failed=lambda row, draw: draw < 0.15)) == [
        ("event_missing:agent_started", "intermittent")
    ]


def test_what_the_evidence_does_not_tell_is_not_held_for_equal():
    flaky = sample(3, failed=lambda row, draw: draw < 0.15)
    untold = flaky.assign(user="not known", credential="not known", instance_id="not known")

    assert mechanisms(flaky)["because"][0].startswith("outcomes mix under equal conditions;")
    assert mechanisms(untold)["because"][0].startswith(
        "outcomes mix, but the evidence does not tell credential, user and instance, which may set them apart;"
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_no_failure_has_no_mechanism(seed):
    assert mechanisms(sample(seed)).empty


@pytest.mark.parametrize("seed", SEEDS)
def test_one_user_who_always_fails_is_deterministic(seed):
    table = mechanisms(sample(seed, failed=lambda row, draw: row.user == "u2"))

    assert list(table["mechanism"]) == ["deterministic"]
    assert list(table["explained_by"]) == ["user"]


def test_everybody_refused_is_deterministic():
    assert named(sample(1, failed=lambda row, draw: True))[0][1] == "deterministic"


def test_early_sending_that_always_fails_while_waiting_never_does_is_a_race():
    # The arms differ in nothing but when the message was sent, so outcomes mix, and timing decides.
    assert named(sample(1, failed=lambda row, draw: row.arm == "after-open"))[0][1] == "race"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_failure_before_any_message_is_no_race_however_it_falls(seed):
    cases = sample(seed, failed=lambda row, draw: row.arm == "after-open" and row.delay_s < 0.01 and draw < 0.2)
    cases["sent"] = ~cases["failed"]

    assert named(cases)[0][1] != "race"


def test_a_refusal_that_cuts_off_late_messages_only_is_no_race():
    # Refused 8 ms after the accept, whoever sends when: only messages due sooner were sent at all.
    cases = sample(5, failed=lambda row, draw: draw < 0.3)
    cases["sent"] = ~cases["failed"] | (cases["planned_delay_s"] < 0.008)

    assert named(cases)[0][1] == "intermittent"


def test_failures_within_a_stretch_of_time_are_an_outage():
    table = mechanisms(sample(1, failed=lambda row, draw: 2_000_000_000 < row.at_ns < 3_500_000_000))

    assert list(table["mechanism"]) == ["outage"]
    assert "between 2.02 s and 3.48 s" in table.loc[0, "because"]


def test_three_of_three_are_too_few_to_call_deterministic():
    assert named(sample(1, n=5, failed=lambda row, draw: True).head(3)) == [("event_missing:agent_started", "too few")]


def test_the_sweep_leaves_out_what_failed_otherwise():
    cases = sample(4, failed=race)
    refused = cases["user"] == "u3"
    cases.loc[refused, "failed"] = True
    cases.loc[refused, "failure"] = "upgrade_status_403"

    levels = delay_levels(cases, mechanisms(cases)).set_index("level")

    assert levels.loc["after the welcome", "ratio"] == 1
    assert delay_levels(cases).set_index("level").loc["after the welcome", "ratio"] < 0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_failures_under_load_are_overload(seed):
    assert named(sample(seed, failed=lambda row, draw: row.in_flight > 6 and draw < 0.9))[0][1] == "overload"


def test_failures_of_a_young_instance_are_start_up():
    assert named(sample(1, failed=lambda row, draw: row.at_ns < 1_000_000_000))[0][1] == "start_up"


def test_failures_since_an_instant_are_an_outage():
    assert named(sample(1, failed=lambda row, draw: row.at_ns > 6_000_000_000))[0][1] == "outage"


def test_503_with_containers_exiting_is_a_crash_loop():
    cases = sample(1, failed=lambda row, draw: draw < 0.9)
    cases["failure"] = np.where(cases["failed"], "upgrade_status_503", None)

    assert named(cases, boot_failures=3)[0][1] == "crash_loop"
    assert named(cases, boot_failures=0)[0][1] == "intermittent"


def test_two_failures_are_too_few_to_name():
    cases = sample(1)
    cases.loc[[3, 90], "failed"] = True
    cases.loc[[3, 90], "failure"] = "closed_before_ready:1011"

    assert named(cases) == [("closed_before_ready:1011", "too few")]


def test_a_race_beside_a_deterministic_refusal_keeps_both_names():
    cases = sample(2, failed=race)
    refused = cases["user"] == "u3"
    cases.loc[refused, "failed"] = True
    cases.loc[refused, "failure"] = "upgrade_status_403"

    assert set(named(cases)) == {("upgrade_status_403", "deterministic"), ("event_missing:agent_started", "race")}


def test_delay_levels_show_both_arms_and_never_fall():
    levels = delay_levels(sample(4, failed=race))

    assert list(levels["level"]) == ["0 ms", "5 ms", "20 ms", "80 ms", "after the welcome"]
    assert levels["n"].sum() == 400
    smooth = levels["isotonic"].dropna().astype(float)
    assert smooth.is_monotonic_increasing


def test_in_flight_counts_those_begun_and_not_ended():
    starts = np.array([0, 10, 20, 30])
    ends = np.sort(np.array([15, 100, 25, 31]))

    assert list(in_flight(starts, ends)) == [0, 1, 1, 1]


def test_attempts_become_cases_without_controls():
    cases = cases_of_attempts(attempts_of("a open ready\nb refused control=True\nc refused"))

    assert list(cases["case_id"]) == ["a", "c"]
    assert list(cases["failure"]) == ["event_missing:agent_started before any event", "upgrade_status_403"]
    assert list(entry(cases)["failed"]) == [False, True]


def test_a_client_that_always_fails_for_one_reason_does_not_mix():
    rows = [
        {"connection_id": f"x{i}", "service": "s", "requested_ns": i, "client": "Chrome", "http_status": 403,
         "outcome": "refused", "reason": "audience", "ambiguous": False}
        for i in range(5)
    ] + [
        {"connection_id": f"y{i}", "service": "s", "requested_ns": 10 + i, "client": "tests", "http_status": status,
         "outcome": outcome, "reason": None, "ambiguous": False}
        for i, (status, outcome) in enumerate([(403, "refused"), (101, "accepted")])
    ]  # fmt: skip

    table = by_client(cases_of_connections(from_rows(rows, CONNECTIONS)))

    chrome = table[table["client"] == "Chrome"].iloc[0]
    assert (chrome["n"], chrome["of"], chrome["mixes"], chrome["reason"]) == (5, 5, False, "audience")
    assert table[table["client"] == "tests"]["mixes"].all()


def connection(**told):
    return {"connection_id": "x", "service": "s", "decided_ns": 9, "ambiguous": False, "events": []} | told


GREETED = {"http_status": 101, "outcome": "accepted", "generation": "C", "established_ns": 7}


@pytest.mark.parametrize(
    ("told", "failed", "known", "let_in"),
    [
        (GREETED, False, True, True),
        (GREETED | {"outcome": "closed", "established_ns": None}, True, True, True),
        (GREETED | {"outcome": "closed", "established_ns": None, "first_message_ns": 8}, False, True, True),
        (GREETED | {"outcome": "closed", "established_ns": None, "events": ["agent_started"]}, False, True, True),
        (GREETED | {"outcome": "closed", "established_ns": None, "ambiguous": True}, False, False, True),
        (GREETED | {"established_ns": None}, False, False, True),  # still going on, or left by its client
        ({"http_status": 101, "outcome": "closed", "generation": "A"}, False, False, True),  # A greets without a line
        ({"http_status": 101, "outcome": "unknown"}, False, False, False),
        ({"http_status": 403, "outcome": "refused"}, True, True, False),
    ],
)
def test_a_logged_upgrade_got_through_only_where_a_line_tells(told, failed, known, let_in):
    [case] = cases_of_connections(from_rows([connection(**told)], CONNECTIONS)).to_dict("records")

    assert (case["failed"], case["known"], case["let_in"]) == (failed, known, let_in)
    assert (case["failure"] == CLOSED_EARLY) is (failed and let_in)


def test_upgrades_without_a_line_are_no_failures_and_no_successes_but_not_refused_at_the_upgrade():
    bare = [connection(connection_id=f"b{n}", http_status=101, outcome="unknown") for n in range(600)]
    refused = [connection(connection_id=f"r{n}", http_status=403, outcome="refused") for n in range(10)]
    cases = cases_of_connections(from_rows([*bare, *refused], CONNECTIONS))
    kinds = mechanisms(cases)

    [kind] = kinds.to_dict("records")
    assert (kind["failed"], kind["n"]) == (10, 610)
    assert kind["mechanism"] != "deterministic"
    for found in (judge_failures(cases, kinds), judge_refusals(cases)):
        assert (found.verdict, found.estimate, found.n) == ("undecided", None, 610)
        assert found.interval[0] < 0.001
        assert found.interval[1] > 0.98
        assert "10 not; of 600 nothing tells" in found.claim


def test_connections_closed_before_the_welcome_are_failures_of_the_handshake_and_not_of_authentication():
    early = GREETED | {"outcome": "closed", "established_ns": None}
    rows = [connection(connection_id=f"e{n}", **early) for n in range(450)]
    cases = cases_of_connections(from_rows(rows, CONNECTIONS))

    through = judge_failures(cases, mechanisms(cases))
    assert (through.verdict, through.estimate) == ("fails", 0)
    assert judge_refusals(cases).verdict == "meets"


@pytest.mark.parametrize(
    ("told", "failure"),
    [
        ({"http_status": 403, "outcome": "refused"}, "upgrade_status_403"),
        ({"http_status": 503, "outcome": "failed"}, "upgrade_status_503"),
        ({"http_status": 101, "outcome": "refused"}, "refused_after_accept"),
        ({"accepted_ns": 5, "outcome": "refused"}, "refused_after_accept"),
        ({"accepted_ns": 5, "outcome": "failed"}, "failed_after_accept"),
        ({"outcome": "refused"}, "refused"),
        ({"http_status": 101, "outcome": "accepted"}, None),
    ],
)
def test_a_logged_failure_says_where_it_was_only_when_request_or_lines_tell(told, failure):
    row = {"connection_id": "x", "service": "s", "decided_ns": 9, "ambiguous": False} | told

    cases = cases_of_connections(from_rows([row], CONNECTIONS))

    assert [None if pd.isna(each) else each for each in cases["failure"]] == [failure]
