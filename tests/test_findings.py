import json

import pandas as pd
import pytest

from gpkit.analysis.cases import cases_of_attempts
from gpkit.analysis.mechanisms import mechanisms
from gpkit.analysis.statistics import rate
from gpkit.findings import Finding, headline, run_verdict
from gpkit.findings.auth import judge_auth, judge_refusals
from gpkit.findings.events import judge_events
from gpkit.findings.finding import AT_LEAST, AT_MOST
from gpkit.findings.handshakes import is_handshake, judge_failures, judge_order
from gpkit.findings.races import judge_races
from gpkit.findings.wording import of, percent

from .attempts_text import attempts_of
from .test_analysis_races import race, sample

ALL = "agent_started agent_thinking tool_executing tool_completed agent_completed"


def finding(identity="x.y", verdict="meets", n=10, **more):
    return Finding(id=identity, claim="c", verdict=verdict, estimate=0.5, unit="ratio", interval=(0.1, 0.9), n=n,
                   target=0.8, **more)  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["meets", "undecided", "fails"], "findings"),
        (["meets", "undecided"], "inconclusive"),
        (["meets", "meets"], "healthy"),
        ([], "no-data"),
    ],
)
def test_the_worst_finding_decides_the_run(verdicts, expected):
    assert run_verdict([finding(verdict=verdict) for verdict in verdicts]) == expected


def test_without_a_case_for_the_first_question_nothing_is_healthy():
    assert run_verdict([finding(n=0, verdict="undecided"), finding(verdict="meets")]) == "no-data"
    assert run_verdict([finding(n=0, verdict="undecided"), finding(verdict="fails")]) == "findings"


def test_nothing_to_judge_is_no_data_and_never_healthy():
    assert run_verdict([finding(n=0, verdict="undecided"), finding(n=0, verdict="meets")]) == "no-data"


def test_the_headline_is_the_first_failure_else_the_first_doubt():
    ok, doubt, bad = finding("a"), finding("b", "undecided"), finding("c", "fails")

    assert headline([ok, doubt, bad]) is bad
    assert headline([ok, doubt]) is doubt
    assert headline([ok]) is ok
    assert headline([]) is None


def test_a_finding_is_json_without_infinities():
    endless = finding(evidence=tuple(str(i) for i in range(500)))
    values = Finding(**{**endless.__dict__, "estimate": float("inf"), "interval": (1.0, float("inf"))}).as_dict()

    assert json.loads(json.dumps(values, allow_nan=False))["interval"] == [1.0, None]
    assert values["estimate"] is None
    assert len(values["evidence"]) == 200


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.71, "71 %"), (0.0, "0 %"), (1.0, "100 %"), (0.9996, "over 99.9 %"), (0.0002, "under 0.1 %"), (0.042, "4.2 %")],
)
def test_a_percentage_never_rounds_to_certainty(value, text):
    assert percent(value) == text


def test_a_rate_is_written_with_its_interval_and_n():
    assert of(rate(142, 200)) == "142 of 200 (71 %, 95 %: 64–77 %)"


def many(line, n, start=0):
    name, *rest = line.split()
    return "\n".join(f"{name}{i} {' '.join(rest)}" for i in range(start, start + n))


def test_lost_events_fail_and_the_step_is_named():
    attempts = attempts_of(many(f"a open ready {ALL}", 100) + "\n" + many("b open ready agent_started", 60))

    found = {item.id: item for item in judge_events(attempts)}

    assert found["events.all_five"].verdict == "fails"
    assert found["events.all_five"].cause == "lost at agent_thinking"
    assert found["events.all_five"].n == 160
    assert set(found["events.all_five"].evidence) == {f"b{i}" for i in range(60)}


def test_a_handful_of_successes_is_undecided_and_says_how_many_more():
    found = judge_events(attempts_of(many(f"a open ready {ALL}", 10)))[0]

    assert found.verdict == "undecided"
    assert "more attempts" in found.limits


def test_one_event_for_somebody_else_fails():
    attempts = attempts_of(many(f"a open ready {ALL}", 20) + f"\nz open ready {ALL} foreign=1")

    found = next(item for item in judge_events(attempts) if item.id == "events.foreign")

    assert (found.verdict, found.evidence) == ("fails", ("z",))


def test_no_attempt_judges_nothing():
    nothing = attempts_of("a refused").iloc[:0]

    assert run_verdict([*judge_events(nothing), *judge_auth(nothing)]) == "no-data"


def test_every_finding_says_which_side_of_its_target_meets_it():
    attempts = attempts_of(many(f"a open ready {ALL}", 70) + "\nz refused control=True credential=garbage")
    found = [*judge_events(attempts), *judge_auth(attempts)]
    decided = [item for item in found if item.verdict != "undecided" and item.target and item.estimate is not None]

    assert {item.target_is for item in found} == {AT_LEAST, AT_MOST}
    assert len(decided) >= 2
    for item in decided:
        is_above = item.estimate > item.target
        assert (item.verdict == "meets") == (is_above == (item.target_is == AT_LEAST))


def test_a_control_that_is_let_in_fails_and_all_refused_meets():
    refused = many("a refused control=True credential=garbage", 5)
    let_in = "z open ready control=True credential=expired outcome=accepted_bad_credential"

    good = next(item for item in judge_auth(attempts_of(refused)) if item.id == "auth.controls")
    bad = next(item for item in judge_auth(attempts_of(f"{refused}\n{let_in}")) if item.id == "auth.controls")

    assert good.verdict == "meets"
    assert (bad.verdict, bad.evidence) == ("fails", ("z",))
    assert "expired 1 of 1" in bad.claim


def test_a_control_that_was_not_answered_is_no_refusal():
    attempts = attempts_of("a control=True credential=none outcome=tcp_refused\nb refused control=True credential=none")

    found = next(item for item in judge_auth(attempts) if item.id == "auth.controls")

    assert found.verdict == "undecided"


def test_few_attempts_resolve_no_tail():
    found = judge_auth(attempts_of(many(f"a open ready {ALL}", 20)))[0]

    assert found.verdict == "undecided"
    assert "not resolvable" in found.claim


def test_refusals_are_named_by_client_and_events_lost_later_are_no_refusal():
    attempts = attempts_of(many("a refused", 30) + "\n" + many("b open ready agent_started", 30))

    found = judge_refusals(cases_of_attempts(attempts))

    assert found.verdict == "fails"
    assert found.estimate == 0.5
    assert "upgrade_status_403 30" in found.claim


def order_of(cases, placed):
    early = cases[cases["arm"] == "after-open"]["case_id"]
    return pd.DataFrame({"attempt_id": early, "order": placed, "succeeded": False})


def test_a_race_needs_the_clocks_to_support_the_order():
    cases = sample(3, failed=race)
    kinds = mechanisms(cases)

    supported = judge_races(cases, kinds, order_of(cases, "before"))
    undecided = judge_races(cases, kinds, order_of(cases, "undecided"))
    contradicted = judge_races(cases, kinds, order_of(cases, "after"), max_race_ratio=0.02)

    assert supported.verdict == "fails"
    assert supported.cause == "the first message overtakes readiness"
    assert supported.n == 320
    assert (undecided.verdict, undecided.cause) == ("undecided", "")
    assert undecided.interval[0] == 0
    assert f"perhaps {round(undecided.estimate * 320)} were lost to a race (95 %: 0–" in undecided.claim
    assert (contradicted.estimate, contradicted.cause) == (0, "")


def test_only_messages_that_were_sent_count():
    cases = sample(3)
    cases["sent"] = cases["user"] != "u2"

    found = judge_races(cases, mechanisms(cases), order_of(cases, "before"))

    assert found.n == int((cases["sent"] & (cases["arm"] == "after-open")).sum())


def test_early_messages_that_had_no_chance_are_counted_apart():
    cases = sample(2, failed=race)
    cases.loc[cases["user"] == "u3", ["failed", "failure"]] = [True, "refused_after_accept"]
    early = cases[cases["arm"] == "after-open"]
    refused = int((early["user"] == "u3").sum())
    lost = int((early["failed"] & (early["user"] != "u3")).sum())

    found = judge_races(cases, mechanisms(cases), order_of(cases, "before"))

    assert found.n == len(early)
    assert (
        f"{refused} of the {len(early)} were of attempts that failed for a cause apart from timing; "
        f"of the other {len(early) - refused} it is {percent(lost / (len(early) - refused))}."
    ) in found.limits
    assert "apart from timing" not in judge_races(sample(2), mechanisms(sample(2)), order_of(cases, "before")).limits


def test_a_log_alone_leaves_the_race_open():
    cases = sample(3).assign(arm="logged", sent=False)

    found = judge_races(cases, mechanisms(cases), order_of(cases, []))

    assert (found.verdict, found.estimate, found.n) == ("undecided", None, 400)
    assert run_verdict([found]) == "inconclusive"


def test_early_messages_lost_to_a_race_are_not_stopped_by_the_handshake_and_refusals_are():
    cases = sample(2, failed=race)
    cases["failure"] = cases["failure"].where(~cases["failed"], "event_missing:agent_started before any event")
    refused = cases["user"] == "u3"
    cases.loc[refused, ["failed", "failure", "sent"]] = [True, "upgrade_status_403", False]
    kinds = mechanisms(cases)
    lost = int((cases["failed"] & ~refused).sum())

    found = judge_failures(cases, kinds)

    assert f"{lost} of those that got through then lost their early message to a race" in found.claim
    assert found.n == 400
    assert round(found.estimate * found.n) == 400 - int(refused.sum())
    assert "a deterministic refusal" in found.cause


@pytest.mark.parametrize(
    ("failure", "stops"),
    [
        ("upgrade_status_403", True),
        ("ready_timeout", True),
        ("closed_mid_run:1000 before any event", True),
        ("closed_mid_run:1000", False),
        ("event_missing:tool_completed", False),
    ],
)
def test_only_what_stops_a_user_before_any_answer_is_the_handshakes(failure, stops):
    assert is_handshake(failure) is stops


def test_a_deterministic_failure_is_ruled_out_as_a_race():
    cases = sample(3, failed=lambda row, draw: row.user == "u2")

    found = judge_races(cases, mechanisms(cases), order_of(cases, "before"))

    assert found.estimate == 0
    assert found.cause == ""
    assert found.ruled_out[0].startswith("race for event_missing:agent_started: u2")


def test_failures_of_unknown_cause_leave_the_race_open():
    cases = sample(3, n=1000, failed=lambda row, draw: draw < 0.05)

    found = judge_races(cases, mechanisms(cases), order_of(cases, "undecided"))

    assert found.verdict == "undecided"
    assert "no named cause" in found.limits


def test_a_certain_violation_counts_once_for_each_case():
    broken = pd.DataFrame(
        [
            ("event before the welcome", "a", "a", True, ""),
            ("event before the message", "a", "a", True, ""),
            ("receive before the accept", "b", "e1", False, ""),
        ],
        columns=["rule", "case_id", "evidence_id", "certain", "detail"],
    )

    cases = pd.DataFrame({"case_id": [*"abcdefghij", "k", "l"], "known": True, "let_in": True, "upgraded": True})
    cases.loc[10, "upgraded"] = False  # refused at the upgrade: there was nothing to come in order
    cases.loc[11, ["known", "let_in"]] = False  # 101, and not a line

    found = judge_order(broken, cases)

    assert (found.estimate, found.n) == (0.1, 10)
    assert "1 more cannot be ordered" in found.claim
