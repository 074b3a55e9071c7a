"""The default incident is what its file says, and the other examples are what the page says."""

from __future__ import annotations

import asyncio
from collections import Counter

from gpkit.stack import local_stack
from tests.local_stack_support import applied, text_of, visit, visit_all

USERS = [f"gpkit-user-00{number}" for number in range(1, 5)]


def run(root, name, attempts=80, **how):
    async def go(stack):
        gate = asyncio.Semaphore(20)

        async def one(number):
            async with gate:
                return await visit(stack, number, user=USERS[number % len(USERS)], patience_s=2.0, **how)

        return await asyncio.gather(*(one(number) for number in range(attempts)))

    with local_stack(root / "parameters" / "faults" / f"{name}.yaml", seed=3) as stack:
        shown = asyncio.run(go(stack))
        stack.settle()
        return shown, {line["trace"]: line for line in stack.truth()}, stack.entries()


def test_the_incident_begins_with_a_new_revision_and_hits_one_user_surely(root):
    shown, truth, entries = run(root, "incident", 140)
    met = {name: Counter() for name in ("golden-path-00041-old", "golden-path-00042-new")}
    of_the_user = Counter()
    for number, one in enumerate(shown):
        line = truth[one.trace]
        met[line["revision"]].update(fault for fault, _ in applied(line))
        if number % 4 == 3 and line["revision"].endswith("new"):
            of_the_user[line["refused"], one.outcome] += 1

    assert set(met["golden-path-00041-old"]) == {"slow_auth", "log_lines_missing"}
    assert set(of_the_user) == {("signature", "refused_after_accept")}
    assert 5 <= met["golden-path-00042-new"]["event_lost"] <= 30
    assert sum("Reason: AUTOSCALING" in text_of(entry) for entry in entries) == 2


def test_the_incidents_early_messages_race_and_waiting_clients_do_not(root):
    early, truth, _ = run(root, "incident", 160, send="after-open", send_delay_s=0.018)
    mixed = Counter(truth[one.trace]["message_lost"] for one in early if truth[one.trace]["refused"] is None)

    assert mixed[True] >= 10
    assert mixed[False] >= 60


def test_a_refusal_by_user_is_no_matter_of_timing(root):
    shown, truth, _ = run(root, "deterministic_refusal", 40)
    by_user = {user: Counter() for user in USERS}
    for number, one in enumerate(shown):
        by_user[USERS[number % 4]][truth[one.trace]["refused"], one.outcome] += 1

    assert list(by_user["gpkit-user-001"]) == [(None, "ok")]
    assert list(by_user["gpkit-user-002"]) == [("signature", "upgrade_status_403")]
    assert list(by_user["gpkit-user-003"]) == [("no_token", "upgrade_status_403")]


def test_the_boot_loop_begins_after_ten_connections(root):
    with local_stack(root / "parameters" / "faults" / "boot_loop.yaml") as stack:
        shown = asyncio.run(visit_all(stack, range(20), at_once=1))

    assert [one.outcome for one in shown] == ["ok"] * 10 + ["upgrade_status_503"] * 10


def test_a_healthy_service_has_nothing_applied(root):
    shown, truth, _ = run(root, "healthy", 40)

    assert {one.outcome for one in shown} == {"ok"}
    assert not any(applied(line) for line in truth.values())
