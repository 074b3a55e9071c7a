"""Which slots are run and which are missed: the policies, the clock and the history."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from gpkit.schedule import Decision, Missed, Retention, decide
from gpkit.schedule.history import Held, taken
from gpkit.schedule.retaining import surplus
from gpkit.schedule.slots import MOST
from tests.schedule_support import at, entry


def told(decision: Decision) -> str:
    """``run 06 07, missed 05``: the hours of the slots."""
    run = " ".join(f"{slot:%H}" for slot in decision.run)
    missed = " ".join(f"{one.last:%H}" for one in decision.missed)
    return ", ".join(part for part in (f"run {run}" if run else "", f"missed {missed}" if missed else "") if part)


@pytest.mark.parametrize(
    ("catch_up", "now", "says"),
    [
        ("latest", "21 04:00", "run 04"),
        ("latest", "21 04:59", "run 04"),
        ("latest", "21 06:30", "run 06, missed 04 05"),
        ("skip", "21 04:09", "run 04"),
        ("skip", "21 04:11", "missed 04"),
        ("skip", "21 06:05", "run 06, missed 04 05"),
        ("skip", "21 06:30", "missed 04 05 06"),
        ("all", "21 06:30", "run 04 05 06"),
    ],
)
def test_what_happens_to_missed_slots_is_the_policy(catch_up, now, says):
    assert told(decide(entry(catch_up=catch_up), {at("21 03:00")}, at(now))) == says


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
def test_nothing_is_due_before_the_next_slot_or_when_the_clock_is_set_back(catch_up):
    known = {at("21 04:00"), at("21 05:00"), at("21 06:00")}

    assert not decide(entry(catch_up=catch_up), known, at("21 06:59"))
    assert not decide(entry(catch_up=catch_up), known, at("21 05:30"))
    assert not decide(entry(catch_up=catch_up), known, at("21 04:00"))


def test_a_clock_that_was_ahead_for_a_while_does_not_stop_the_schedule():
    known = {at("21 04:00"), at("29 04:00")}

    assert told(decide(entry(), known, at("21 05:00"))) == "run 05"


def test_runs_that_were_pruned_do_not_come_back_as_missed():
    assert told(decide(entry(catch_up="all"), {at("21 06:00")}, at("21 07:00"))) == "run 07"


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
def test_what_passed_before_an_entry_was_new_was_not_missed(catch_up):
    assert told(decide(entry(catch_up=catch_up), set(), at("21 06:05"))) == "run 06"
    assert not decide(entry(catch_up=catch_up), set(), at("21 06:30"))


def test_a_start_says_from_when_on_slots_count():
    begun = entry(catch_up="all", start=at("21 04:00"))

    assert not decide(begun, set(), at("21 03:30"))
    assert told(decide(begun, set(), at("21 06:30"))) == "run 04 05 06"
    assert told(decide(begun, {at("21 05:00")}, at("21 06:30"))) == "run 06"


def test_a_long_gap_is_recorded_in_full_and_caught_up_in_part():
    known, now = {at("01 00:00")}, at("11 00:30")  # 240 hours

    caught_up = decide(entry(catch_up="all"), known, now)
    latest = decide(entry(catch_up="latest"), known, now)

    assert caught_up.missed == (Missed(at("01 01:00"), at("06 20:00"), 140),)
    assert (len(caught_up.run), caught_up.run[0], caught_up.run[-1]) == (MOST, at("06 21:00"), at("11 00:00"))
    assert latest.run == (at("11 00:00"),)
    assert sum(one.count for one in latest.missed) == 239


def test_a_doubled_hour_is_two_slots_of_an_hourly_entry_and_one_of_a_daily_one():
    hourly = entry("30 * * * *", "Europe/Berlin", catch_up="all")
    daily = entry("30 2 * * *", "Europe/Berlin", catch_up="all")
    before, after = (at("21 00:00").replace(month=10, day=25, hour=hour) for hour in (0, 2))

    assert [f"{slot:%H:%M}" for slot in decide(hourly, {before}, after).run] == ["00:30", "01:30"]
    assert [f"{slot:%H:%M}" for slot in decide(daily, {before}, after).run] == ["00:30"]


def kept(runs: Path, name: str, content: str) -> None:
    (runs / name).mkdir(parents=True)
    (runs / name / "run.json").write_text(content)


def test_slots_are_read_from_complete_and_partial_folders_and_nothing_else(tmp_path):
    runs = tmp_path / "runs"
    kept(runs, "1", json.dumps({"schedule": {"name": "a", "slot_utc": "2026-11-21T04:00:00Z"}}))
    kept(runs, "2.partial", json.dumps({"schedule": {"name": "a", "slot_utc": "2026-11-21T05:00:00+00:00"}}))
    kept(runs, ".3", json.dumps({"schedule": {"name": "a", "slot_utc": "2026-11-21T06:00:00Z"}}))
    kept(runs, "4", json.dumps({"schedule": {"name": "b", "slot_utc": "2026-11-21T07:00:00+01:00"}}))
    for number, broken in enumerate(
        [
            "",
            '{"schedule": {"name": "a", "slot_utc": "2026',
            '{"schedule": {"slot_utc": "2026-11-21T08:00:00Z"}}',
            '{"schedule": {"name": "a", "slot_utc": "soon"}}',
            '{"schedule": {"name": "a", "slot_utc": 7}}',
            '{"schedule": ["slot_utc"]}',
            '["slot_utc"]',
            '"slot_utc"',
            '{"a":' * 100_000 + '"slot_utc"',
        ]
    ):
        kept(runs, f"broken{number}", broken)
    (runs / "no folder").write_text('{"slot_utc": 1}')
    (runs / "empty").mkdir()

    assert taken(tmp_path) == {"a": {at("21 04:00"), at("21 05:00")}, "b": {at("21 06:00")}}
    assert taken(tmp_path / "nothing") == {}


def test_the_folder_of_a_run_that_is_completed_while_the_list_is_read_is_found(tmp_path, monkeypatch):
    kept(tmp_path / "runs", "1", json.dumps({"schedule": {"name": "a", "slot_utc": "2026-11-21T04:00:00Z"}}))
    listed = [tmp_path / "runs" / "1.partial"]  # as it was called a moment ago
    monkeypatch.setattr(Path, "glob", lambda *_: iter(listed))

    assert taken(tmp_path) == {"a": {at("21 04:00")}}


def test_grace_is_how_late_a_slot_is_still_on_time():
    late = timedelta(minutes=30)

    assert decide(entry(catch_up="skip", grace_s=1800.0), {at("21 03:00")}, at("21 04:00") + late).run
    assert not decide(entry(catch_up="skip", grace_s=1799.0), {at("21 03:00")}, at("21 04:00") + late).run


def held(*hours: str) -> list[Held]:
    """``05m`` is the missed slot of that hour, in a folder of that name."""
    return [Held("nightly", at(f"21 {hour[:2]}:00"), hour, "missed" if hour.endswith("m") else "ok") for hour in hours]


@pytest.mark.parametrize(
    ("retention", "goes"),
    [
        (Retention(), ""),
        (Retention(runs=1), "01 02m 03 04m"),
        (Retention(runs=2), "01 02m"),
        (Retention(runs=3), ""),
        (Retention(age_s=3600 * 3.0), "01 02m"),
        (Retention(age_s=60.0), "01 02m 03 04m 05"),  # the newest slot stays: it is where the schedule stands
    ],
)
def test_retention_counts_runs_or_their_age_and_leaves_the_newest_slot(retention, goes):
    own = held("01", "02m", "03", "04m", "05", "06m")

    assert sorted(surplus(entry(retention=retention), own, at("21 06:00"))) == goes.split()
