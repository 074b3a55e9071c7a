"""The table of faults: complete, consistent, and read the same by everybody."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
import sys
import time

import pytest

from gpkit.protocol import scenarios
from gpkit.protocol.effects import expected, seen
from gpkit.protocol.faults import FAULTS, GENERATIONS, SIDE

OUTCOMES = (
    "upgrade_status_",
    "upgrade_invalid",
    "subprotocol_unoffered",
    "open_timeout",
    "refused_after_accept",
    "closed_before_ready:",
    "ready_timeout",
    "event_missing:",
    "closed_mid_run:",
    "silent_mid_run",
    "accepted_bad_credential",
)
REASONS = (
    "no_token signature audience segments expired not_ready subprotocol breaker_open crash_loop start_failed unknown"
)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_a_row_for_every_generation(name):
    for generation in GENERATIONS:
        assert seen(name, generation) in FAULTS[name].seen


@pytest.mark.parametrize("name", FAULTS)
def test_every_row_speaks_the_closed_lists(name):
    for row in FAULTS[name].seen:
        assert row.outcome is None or row.outcome.startswith(OUTCOMES)
        assert row.reason is None or row.reason in REASONS.split()
        assert set(row.counts) <= {"late", "duplicate", "reordered", "malformed", "foreign"}
        assert row.server_outcome in (None, "accepted", "refused", "failed", "closed", "unknown")
        assert (row.stage == SIDE) == (row.outcome is None or row.outcome == "accepted_bad_credential")


@pytest.mark.parametrize("name", FAULTS)
def test_every_default_is_a_value_that_a_faults_file_may_give(name):
    given = {parameter.name: parameter.default for parameter in FAULTS[name].parameters}

    (planted,) = scenarios.read({"faults": [{"fault": name, **given}]}).faults

    assert dict(planted.parameters) == given


def test_the_table_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FAULTS["slow_auth"].name = "fast_auth"


def test_the_earliest_stage_decides():
    applied = [("event_lost", {}), ("clean_close", {"at": "mid-run"}), ("slow_auth", {})]

    assert expected(applied, "C") == ("closed_mid_run:1000", {})


def test_of_two_lost_events_the_first_on_the_path_decides():
    applied = [("event_lost", {"event": "agent_completed"}), ("event_lost", {"event": "agent_thinking"})]

    assert expected(applied, "A") == ("event_missing:agent_thinking", {})


def test_generation_a_refuses_after_accept_when_it_greeted_first():
    assert expected([("secret_mismatch", {})], "A")[0] == "upgrade_status_403"
    assert expected([("secret_mismatch", {}), ("welcome_before_verdict", {})], "A")[0] == "refused_after_accept"


def test_a_late_event_counts_only_past_its_own_deadline():
    assert expected([("event_late", {"event": "agent_started", "delay_ms": 2100})], "C")[1] == {"late": 1}
    assert expected([("event_late", {"event": "tool_completed", "delay_ms": 2100})], "C")[1] == {}


def test_demo_mode_is_a_bypass_for_a_bad_credential_only():
    assert expected([("demo_mode", {})], "C", credential="expired")[0] == "accepted_bad_credential"
    assert expected([("demo_mode", {})], "C", credential="valid")[0] == "ok"


def test_no_fault_is_ok():
    assert expected([], "B") == ("ok", {})


def parameter_text(parameter) -> str:
    default = parameter.default
    if isinstance(default, dict):
        default = default["constant"]
    elif isinstance(default, list):
        default = "all" if default == list(parameter.choices) else ", ".join(default)
    shown = f"`{parameter.name}`" + ("" if default in (None, "") else f" = {default}")
    return f"{shown} ({', '.join(parameter.choices)})" if parameter.choices else shown


def seen_text(row) -> str:
    where = [] if row.generations == "ABC" else [" and ".join(row.generations)]
    where += [f"a bad {key}" if isinstance(value, tuple) else f"{key} {value}" for key, value in row.when.items()]
    shown = [f"`{row.outcome}`" if row.outcome else ""]
    shown += [f"{key} {number}" for key, number in row.counts.items()]
    shown += ["a browser would fail"] if row.browser_would_fail else []
    shown += [f"`{row.reason}`"] if row.reason else []
    text = ", ".join(filter(None, shown)) or "as usual"
    return f"{', '.join(where)}: {text}" if where else text


def page_row(fault) -> str:
    seen_cell = "; ".join(seen_text(row) for row in fault.seen)
    parameters = "; ".join(parameter_text(parameter) for parameter in fault.parameters)
    return f"| `{fault.name}` | {fault.meaning} | {fault.needs} | {seen_cell} | {parameters} |"


def test_the_page_on_the_local_stack_lists_the_table(root):
    page = (root / "docs" / "local-stack.md").read_text("utf-8").splitlines()

    assert [line for line in page if line.startswith("| `") and line.count("|") == 6] == [
        page_row(fault) for fault in FAULTS.values()
    ]


def test_the_command_of_the_page_starts_a_stack_as_it_stands(root, tmp_path):
    page = (root / "docs" / "local-stack.md").read_text("utf-8")
    [line] = [line for line in page.splitlines() if "-m gpkit.local " in line]
    first, *rest = shlex.split(line)
    (tmp_path / "parameters").symlink_to(root / "parameters")
    process = subprocess.Popen([sys.executable, *rest], cwd=tmp_path)
    try:
        until_s = time.monotonic() + 30
        ready = tmp_path / "outputs" / "local" / "ready.json"
        while not ready.exists() and process.poll() is None and time.monotonic() < until_s:
            time.sleep(0.05)

        assert ready.exists()
        assert first == ".venv/bin/python"  # where make puts it: no other Python knows gpkit
    finally:
        process.terminate()
        assert process.wait(15) == 0
