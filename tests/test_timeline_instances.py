"""How an instance began and how it ended, from its entries."""

from __future__ import annotations

import pytest

from gpkit import timeline
from gpkit.analysis.mechanisms import failed_boots
from tests.lives_text import log_of

LIVES = {
    "start boot booted 101*3": "serves",
    "101*3": "serves",
    "opened": "serves",
    "start boot broken exit-3": "failed",
    "start boot exit-137": "failed",
    "start boot exit-143": "failed",
    "start boot broken": "failed",
    "start boot 503*4 exit-1": "failed",
    "start boot booted 101*3 exit-137": "died",
    "101*3 exit-1": "died",
    "start boot booted exit-1": "died",
    "opened exit-137": "died",
    "start boot booted 101*3 term exit-143": "stopped",
    "start boot booted 101*3 exit-0": "stopped",
    "start boot booted term": "stopped",
    "start boot": "unknown",
    "noise": "unknown",
    "503*3": "unknown",
}


def test_the_outcome_of_an_instance_is_how_it_ended_and_whether_it_had_served():
    names = {f"i{at:02d}": life for at, life in enumerate(LIVES)}
    lives = timeline.instances(log_of("\n".join(f"{name} chat/r1 {life}" for name, life in names.items())))
    assert dict(zip(lives["instance_id"].map(names), lives["outcome"], strict=True)) == LIVES
    assert set(lives.loc[lives["failed_ns"].notna(), "outcome"]) == {"failed"}


def test_requests_are_counted_beside_those_that_were_answered():
    (life,) = timeline.instances(log_of("a chat/r1 101*3 503*2 403")).to_dict("records")
    assert (life["requests"], life["served"]) == (6, 4)


def test_instances_that_served_and_were_killed_are_no_boot_loop():
    killed = log_of("\n".join(f"{name} chat/r1 start booted 101*5 exit-137" for name in "abcd"))
    broken = log_of("\n".join(f"{name} chat/r1 start boot exit-137" for name in "abcd"))
    assert timeline.boot_loops(killed).empty
    assert failed_boots(timeline.instances(killed)) == 0
    assert timeline.boot_loops(broken)["failed"].tolist() == [4]
    assert failed_boots(timeline.instances(broken)) == 4


def test_failed_boots_of_a_service_beside_the_golden_path_do_not_count():
    beside = "\n".join(f"{name} auth/r9 start boot broken exit-3" for name in "abc")
    assert failed_boots(timeline.instances(log_of(f"{beside}\ns chat/r1 101*5"))) == 0
    assert failed_boots(timeline.instances(log_of(beside))) == 3


@pytest.mark.parametrize(
    ("life", "reason"),
    [("start boot broken exit-3", "crash_loop"), ("start booted exit-137", "unknown"), ("101 exit-137", "unknown")],
)
def test_a_503_is_a_crash_loop_after_a_failed_boot_and_not_after_a_death(life: str, reason: str):
    rows = timeline.connections(log_of(f"a chat/r1 {life}\n- chat/r1 503"))
    assert rows.loc[rows["http_status"] == 503, "reason"].tolist() == [reason]


def test_a_service_is_on_the_path_by_its_upgrades_or_its_lines_even_without_an_instance():
    lives = timeline.instances(log_of("a front/r1 get-200\nb chat/r1 path\nc api/r1 start boot\n- api/r1 503"))
    assert dict(zip(lives["service"], lives["on_path"], strict=True)) == {"front": False, "chat": True, "api": True}
