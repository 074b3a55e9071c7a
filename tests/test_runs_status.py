"""Status and verdict are two things, and exit codes say both."""

from __future__ import annotations

import pytest

from gpkit.runs.recording import status


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        (["meets", "fails", "undecided"], "findings"),
        (["meets", "undecided"], "inconclusive"),
        (["meets", "meets"], "healthy"),
        ([], "no-data"),
    ],
)
def test_a_run_is_judged_by_its_worst_finding(verdicts, verdict):
    assert status.verdict_of([{"verdict": one, "n": 5} for one in verdicts]) == verdict


def test_a_finding_with_nothing_behind_it_is_no_data():
    assert status.verdict_of([{"verdict": "meets", "n": 0}]) == "no-data"


@pytest.mark.parametrize(
    ("ended", "verdict", "error", "code"),
    [
        ("ok", "healthy", "", 0),
        ("ok", "findings", "", 1),
        ("ok", "inconclusive", "", 2),
        ("ok", "no-data", "", 2),
        ("ok", None, "", 3),
        ("failed", None, "ValueError", 3),
        ("failed", None, "FarSideError", 3),
        ("failed", None, "SourceError", 4),
        ("failed", None, "ParameterError", 4),
        ("timeout", None, "timeout", 3),
        ("kernel-died", None, "DeadKernelError", 3),
        ("interrupted", None, "interrupted", 3),
        ("missed", None, "", 3),
    ],
)
def test_the_exit_code_says_whether_it_ran_and_what_it_found(ended, verdict, error, code):
    assert status.exit_code(ended, verdict, error) == code


@pytest.mark.parametrize(
    ("codes", "code"), [([0, 2], 2), ([2, 1, 0], 1), ([1, 3], 3), ([3, 4, 0], 4), ([0, 0], 0), ([], 3)]
)
def test_several_runs_end_with_the_worst(codes, code):
    assert status.worst(codes) == code
