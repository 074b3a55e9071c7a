"""The verdict on starts: a planted fault is named, and none is where none was planted."""

from __future__ import annotations

import pytest

from gpkit import timeline
from gpkit.findings import Finding, headline, run_verdict
from gpkit.findings.boots import judge_boots
from tests.lives_text import log_of

LOOP = "start boot broken exit-3"
SERVES = "start booted 101*5"


def judged(*lives: str) -> Finding | None:
    return judge_boots(timeline.instances(log_of("\n".join(f"i{at} {life}" for at, life in enumerate(lives)))))


def test_three_failed_boots_of_a_revision_are_a_boot_loop_whatever_the_ratio():
    found = judged(*[f"chat/r2 {LOOP}"] * 3, *[f"chat/r1 {SERVES}"] * 70)
    assert (found.verdict, found.cause, found.n) == ("fails", "crash_loop", 73)
    assert "a boot loop of r2 3." in found.claim
    assert set(found.evidence) == {"i0", "i1", "i2"}


def test_failed_boots_of_several_revisions_are_no_loop_of_one():
    found = judged(*[f"chat/r{at} {LOOP}" for at in range(4)])
    assert (found.verdict, found.cause) == ("fails", "")
    assert "boot loop" not in found.claim


@pytest.mark.parametrize(
    ("failed", "served", "verdict"),
    [(1, 0, "undecided"), (1, 1, "undecided"), (1, 9, "undecided"), (2, 1, "fails"), (2, 9, "undecided")],
)
def test_without_a_loop_the_interval_decides(failed: int, served: int, verdict: str):
    found = judged(*[f"chat/r1 {LOOP}"] * failed, *[f"chat/r1 {SERVES}"] * served)
    assert found.verdict == verdict
    assert (found.interval[0] > found.target) == (verdict == "fails")


def test_few_instances_that_all_served_are_not_judged_and_many_meet_the_target():
    assert judged(*[f"chat/r1 {SERVES}"] * 4) is None
    found = judged(*[f"chat/r1 {SERVES}"] * 80)
    assert (found.verdict, found.estimate) == ("meets", 0)
    assert found.interval[1] < found.target


def test_a_log_of_requests_alone_gives_no_verdict_on_starts():
    assert judged(*["chat/r1 101"] * 80) is None
    assert judge_boots(timeline.instances(log_of("a chat/r1 101").iloc[:0])) is None


def test_instances_that_died_while_serving_are_told_with_their_exit_codes_and_are_no_failed_boots():
    found = judged(*["chat/r1 start booted 101*5 exit-137"] * 3, "chat/r1 start booted 101 exit-1")
    assert (found.verdict, found.estimate, found.cause, found.ruled_out) == ("undecided", 0, "", ())
    assert "4 instances had started and served 16 requests, then died: exit 137 3 (killed" in found.claim
    assert "exit 1 1" in found.claim
    assert "boot loop" not in found.claim
    assert len(found.evidence) == 4
    assert "memory" in found.next_step


def test_while_another_revision_serves_the_loop_is_named_and_what_was_served_is_told():
    found = judged(*[f"chat/r2 {LOOP}"] * 3, f"chat/r1 {SERVES}", "chat/r0 101*2")
    assert found.next_step.startswith("Fix the start of the container of r2.")
    assert "r1 (1 instance with 5 requests answered) and r0 (1 instance with 2 requests answered)" in found.next_step
    assert "not there" not in found.next_step
    also = judged(*[f"chat/r2 {LOOP}"] * 3, f"chat/r2 {SERVES}").next_step
    assert also.endswith("other instances of r2 (1 instance with 5 requests answered) served.")
    assert found.ruled_out == ()


def test_only_when_nothing_served_are_all_other_numbers_about_nothing():
    found = judged(*[f"chat/r2 {LOOP}"] * 3)
    assert "every other number is about a server that is not there" in found.next_step
    assert found.ruled_out


def test_instances_of_other_services_and_those_cut_off_are_left_out_and_that_is_said():
    found = judged(
        *[f"chat/r1 {LOOP}"] * 3, "chat/r1 101", "chat/r1 start boot", "chat/r1 noise", "front/r1 start booted get-200"
    )
    assert found.n == 4
    assert "1 instance is left out: the log shows it starting and not how that ended." in found.limits
    assert "1 instance is left out: neither a start nor an answer is shown." in found.limits
    assert "1 instance of other services than chat is left out." in found.limits


def test_a_service_beside_the_golden_path_that_loops_is_no_verdict_on_it():
    assert judged(*[f"auth/r1 {LOOP}"] * 3, f"chat/r1 {SERVES}") is None


def test_a_run_whose_own_question_has_no_data_does_not_lead_with_its_instances():
    asked = Finding("race.ratio", "Nothing to judge.", "undecided", None, "ratio", None, 0, 0.01)
    doubt, loop = judged(f"chat/r1 {LOOP}", f"chat/r1 {SERVES}"), judged(*[f"chat/r1 {LOOP}"] * 3)
    assert doubt.verdict == "undecided"
    assert (run_verdict([asked, doubt]), headline([asked, doubt])) == ("no-data", asked)
    assert (run_verdict([asked, loop]), headline([asked, loop])) == ("findings", loop)
