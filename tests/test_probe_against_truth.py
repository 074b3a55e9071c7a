"""For each fault that the local service can plant: what the probe reports is what the truth file says was done.

One stack for each generation holds every fault at once; each is scheduled for the traces of its own attempts, which
follow from the probe's seed. Outcome and counts are compared attempt by attempt.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest

from gpkit.environments import Environment
from gpkit.probe import CONTROLS, Plan, run
from gpkit.probe.schedule import schedule
from gpkit.protocol.effects import expected
from gpkit.protocol.effects import seen as seen_by_client
from gpkit.protocol.faults import FAULTS
from gpkit.stack import Stack, local_stack
from gpkit.tables import PHASES
from tests.probe_endings_support import assert_phases_partition

COUNTS = ("late", "duplicate", "reordered", "malformed", "foreign")
EACH = 2  # attempts of each case
LIMITS = Plan(
    rate_per_s=60,
    concurrency=60,
    open_timeout_s=1.5,
    ready_timeout_s=1.5,
    deadline_s=3.5,
    close_timeout_s=0.5,
    silence_s=0.5,
    straggler_s=0.3,
)


@dataclass(frozen=True)
class Case:
    """One fault with parameters, and the client that it needs."""

    fault: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    credential: str = "valid"
    carrier: str = "header"
    send: str = "after-ready"

    @property
    def client(self) -> tuple[str, str, str]:
        return self.credential, self.carrier, self.send


def choices(fault: str, parameter: str) -> tuple[str, ...]:
    return next(p.choices for p in FAULTS[fault].parameters if p.name == parameter)


def each(fault: str, parameter: str, **client: str) -> list[Case]:
    """One case for each value that the fault's own table allows."""
    return [Case(fault, {parameter: value}, **client) for value in choices(fault, parameter)]


CASES = [
    Case("token_stripped"),
    Case("token_stripped", carrier="subprotocol-b64"),
    Case("slow_front", {"delay_ms": 40}),
    Case("crash_loop"),
    Case("start_failed"),
    Case("silent_upgrade"),
    *each("upgrade_garbled", "answer"),
    Case("receive_before_accept"),
    Case("not_ready", {"for_s": 3600}),
    Case("breaker_open"),
    Case("slow_auth", {"delay_ms": 40}),
    Case("secret_mismatch"),
    Case("audience_misconfigured", credential="with-aud"),
    Case("base64url_not_decoded", carrier="subprotocol-b64"),
    *[Case("demo_mode", credential=credential) for credential in CONTROLS],
    Case("subprotocol_not_echoed", carrier="subprotocol-b64"),
    Case("subprotocol_echoed_with_token", carrier="subprotocol-b64"),
    Case("subprotocol_echoed_with_token", carrier="subprotocol-raw"),
    Case("subprotocol_never_offered"),
    Case("subprotocol_never_offered", carrier="subprotocol-raw"),
    Case("close_1008_after_accept"),
    Case("welcome_before_verdict"),
    Case("slow_ready", {"delay_ms": 40}),
    *[
        case
        for fault in ("reset_1006", "half_open", "close_1011", "receive_after_close", "clean_close")
        for case in each(fault, "at")
    ],
    *each("message_before_ready_lost", "effect", send="after-open"),
    *each("event_lost", "event"),
    Case("event_late", {"delay_ms": 2100}),
    *each("event_duplicated", "event"),
    *each("events_out_of_order", "event"),
    *each("event_to_another_user", "side"),
    *each("malformed_frame", "kind"),
    Case("oversized_frame", {"size_bytes": 200_000}),
    Case("clock_off", {"offset_s": -30}),
    Case("hostile_text"),
    Case("log_lines_missing", {"lines": ["requests"]}),
]
CLIENTS = sorted({case.client for case in CASES})


def test_every_fault_has_a_case():
    assert {case.fault for case in CASES} == set(FAULTS)


def plan_for(number: int, client: tuple[str, str, str]) -> tuple[Plan, list[Case]]:
    """The probe of all cases that need this client: two attempts of each, in the order of the cases."""
    cases = [case for case in CASES if case.client == client for _ in range(EACH)]
    credential, carrier, send = client
    plan = dataclasses.replace(
        LIMITS, attempts=len(cases), credential=credential, carrier=carrier, send=send, seed=1000 + number
    )
    return plan, cases


def faults_to_plant() -> list[dict[str, Any]]:
    """Every case's fault, for the traces of its own attempts."""
    traces: dict[int, list[str]] = {}
    for number, client in enumerate(CLIENTS):
        plan, cases = plan_for(number, client)
        for case, planned in zip(cases, schedule(plan, Environment("local", is_local=True)).attempts, strict=True):
            traces.setdefault(CASES.index(case), []).append(planned.trace)
    return [
        {"fault": case.fault, **case.parameters, "schedule": {"traces": traces[index]}}
        for index, case in enumerate(CASES)
    ]


@contextlib.contextmanager
def everything_planted(generation: str) -> Iterator[Stack]:
    # A greeting that takes its time, so that a message sent at OPEN is an early one in every generation.
    planted = {"pace_ms": {"ready": 40}, "faults": faults_to_plant()}
    with local_stack(planted, generation=generation, seed=7) as stack:
        yield stack


@pytest.fixture(scope="module", params=["A", "B", "C"])
def seen(request) -> tuple[str, pd.DataFrame, dict[str, dict[str, Any]]]:
    """Generation, every row the probe made, and the truth by trace."""
    with everything_planted(request.param) as stack:
        rows = []
        for number, client in enumerate(CLIENTS):
            plan, cases = plan_for(number, client)
            attempts = run(stack.environment, plan, progress=False).attempts
            rows.append(attempts.assign(case=[CASES.index(case) for case in cases]))
        stack.settle()
        truth = {line["trace"]: line for line in stack.truth()}
    return request.param, pd.concat(rows, ignore_index=True), truth


def promised(generation: str, row: pd.Series, truth: Mapping[str, Any]) -> tuple[str, dict[str, int]]:
    applied = [(fault["fault"], fault["drawn"]) for fault in truth["faults"] if fault["applied"]]
    outcome, counts = expected(applied, generation, credential=row.credential)
    return outcome, {name: counts.get(name, 0) for name in COUNTS}


def test_outcome_and_counts_are_what_was_truly_done(seen):
    generation, attempts, truth = seen
    wrong = []
    for _, row in attempts.iterrows():
        outcome, counts = promised(generation, row, truth[row.trace])
        reported = {name: int(row[name]) for name in COUNTS}
        if (row.outcome, reported) != (outcome, counts):
            case = CASES[row.case]
            wrong.append(
                f"{case.fault} {dict(case.parameters)} {case.client}: {row.outcome} {reported}, not {outcome} {counts}"
            )

    assert not wrong, "\n".join(wrong)


def test_every_planted_fault_took_effect(seen):
    _, attempts, truth = seen
    idle = {
        CASES[row.case].fault
        for _, row in attempts.iterrows()
        if not any(fault["applied"] for fault in truth[row.trace]["faults"])
    }

    acted = {fault["fault"] for line in truth.values() for fault in line["faults"] if fault["applied"]}

    # An early message is early by a race: on a busy machine the greeting may overtake one of them after all.
    assert idle <= {"message_before_ready_lost"}
    assert acted == set(FAULTS)


def test_where_it_was_decided_is_what_the_table_of_faults_says(seen):
    generation, attempts, truth = seen
    wrong = set()
    for _, row in attempts.iterrows():
        for fault in truth[row.trace]["faults"]:
            if fault["applied"]:
                promised = seen_by_client(fault["fault"], generation, fault["drawn"], credential=row.credential)
                reported = None if pd.isna(row.decided_at) else row.decided_at
                if reported != promised.decided_at:
                    wrong.add(f"{fault['fault']} {fault['drawn']}: {reported}, not {promised.decided_at}")

    assert wrong == set()


def test_phases_partition_every_attempt(seen):
    _, attempts, _ = seen
    for _, row in attempts.iterrows():
        assert_phases_partition(row)
    assert set(attempts["ended_in"]) <= set(PHASES)


def test_no_token_stands_in_any_row(seen):
    _, attempts, _ = seen

    assert "eyJ" not in attempts.to_csv()


def test_the_generation_is_recognised_from_the_wire(seen):
    generation, attempts, _ = seen
    recognised = attempts.loc[attempts["outcome"] == "ok", "generation"]

    assert set(recognised) <= {generation, "A/B"} - ({"A/B"} if generation == "C" else set())


def test_a_browser_would_fail_where_nothing_offered_was_echoed(seen):
    _, attempts, _ = seen
    fails = {CASES[case].fault for case in attempts.loc[attempts["browser_would_fail"].fillna(False), "case"]}

    assert {"subprotocol_not_echoed", "subprotocol_never_offered"} <= fails
    assert "subprotocol_echoed_with_token" not in fails
