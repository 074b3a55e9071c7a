"""A run against the earlier ones of the same question: what changed, since when, and the trend."""

from __future__ import annotations

import functools
import json

import pytest

from gpkit.history import read
from gpkit.history.against import MAX_EARLIER, against, earlier, is_same_question
from gpkit.history.past import NUMBERS
from gpkit.runs.recording import record, status
from tests.history_support import finding, meets, past_run, undecided

HOURS = 60.0


def told(root, *series):
    """What the last of several runs is told, each given as its findings or null for one that timed out."""
    for hour, found in enumerate(series):
        if found is None:
            folder = past_run(root, hour * HOURS, status="timeout")
        else:
            folder = past_run(root, hour * HOURS, *found)
    return against(root / "runs", read(folder))


@pytest.mark.parametrize(
    ("series", "change", "since"),
    [
        (([meets()], [finding()]), "worse", None),
        (([finding()], [meets()]), "recovered", None),
        (([finding()], [undecided()], [meets()]), "recovered", None),
        (([meets()], [undecided()], [meets()]), "better", None),
        (([finding()], [finding()], [finding()]), "same", ("2026-11-01T00:00:00Z", 2)),
        (([meets()], [finding()], [finding()], [finding()]), "same", ("2026-11-01T01:00:00Z", 2)),
        (([finding()], [finding(n=0, verdict="undecided")], [finding()]), "same", ("2026-11-01T00:00:00Z", 1)),
        (([finding()], None, [finding()]), "same", ("2026-11-01T00:00:00Z", 1)),
        (([meets(id="other")], [finding()]), "new", None),
        (([finding(target=0.9)], [finding()]), "not comparable", ("2026-11-01T00:00:00Z", 1)),
    ],
)
def test_the_last_finding_of_a_series_is_judged_against_the_ones_before(tmp_path, series, change, since):
    [first, *_] = told(tmp_path, *series)["findings"]

    assert first["change"] == change
    assert (first["since"] and (first["since"]["at"], first["since"]["runs"])) == since


def test_a_finding_that_this_run_lacks_is_gone(tmp_path):
    found = told(tmp_path, [finding(), meets(id="auth.let_in")], [finding()])["findings"]

    assert [(one["id"], one["change"]) for one in found] == [("events.all_five", "same"), ("auth.let_in", "gone")]


def test_a_first_run_has_nothing_to_be_compared_with(tmp_path):
    found = told(tmp_path, [finding()])

    assert (found["runs"], found["previous"], found["findings"], found["trend"]) == (0, None, [], None)


def test_a_trend_has_each_runs_number_and_says_which_runs_have_none(tmp_path):
    points = told(tmp_path, [meets()], None, [undecided()], [finding()])["trend"]["points"]

    assert [(point["status"], point["estimate"], point["interval"]) for point in points] == [
        ("ok", 0.95, [0.91, 0.97]), ("timeout", None, None), ("ok", 0.8, [0.7, 0.88]), ("ok", 0.71, [0.64, 0.77]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "given", "is_same"),
    [
        ({}, ["environment"], True),
        ({"attempts": 50, "since": "2026-10-31T00:00:00Z", "seed": 9, "rate_per_s": 1.0}, ["attempts"], True),
        ({"target_ratio": 0.9}, ["target_ratio"], False),
        ({"logs": "other.json"}, ["logs"], False),
        ({"colour": "red"}, ["colour"], False),
        ({"colour": "red"}, ["environment"], True),
    ],
)
def test_the_same_question_has_the_same_parameters_but_for_how_much_and_when(tmp_path, parameters, given, is_same):
    one = read(past_run(tmp_path, 0))
    other = read(past_run(tmp_path, 1, parameters={**one.parameters, **parameters}, given=given))

    assert is_same_question(one, other) is is_same
    assert is_same_question(other, one) is is_same


def test_other_notebooks_environments_and_unfinished_runs_are_no_earlier_runs(tmp_path):
    past_run(tmp_path, 0, notebook="auth_timing")
    past_run(tmp_path, 1, environment="production")
    half = past_run(tmp_path, 2)
    half.rename(half.with_name(half.name + ".partial"))
    (tmp_path / "runs" / "20261101T000300000Z-event_success_rates-000000").mkdir()
    present = read(past_run(tmp_path, 9))

    assert earlier(tmp_path / "runs", present) == []


def log_run(root, minute, begin, *found):
    parameters = {"environment": "local", "logs": "exports/log.json"}
    return past_run(
        root, minute, *found, environment="log", parameters=parameters, window={"since": begin, "until": None}
    )


def test_a_log_read_once_more_is_not_later_than_itself(tmp_path):
    of_log = functools.partial(log_run, tmp_path)

    monday = of_log(0, "2026-10-05T00:00:00Z", meets())
    of_log(1, "2026-10-06T00:00:00Z", finding())
    monday_again = of_log(2, "2026-10-05T00:00:00Z", meets())

    assert earlier(tmp_path / "runs", read(monday_again)) == []
    assert against(tmp_path / "runs", read(monday))["runs"] == 0


def test_a_log_that_was_read_several_times_counts_once(tmp_path):
    for minute, begin in enumerate(["2026-10-05", "2026-10-06", "2026-10-05", "2026-10-05", "2026-10-06"]):
        log_run(tmp_path, minute, f"{begin}T00:00:00Z", finding(n=200 + minute))
    present = log_run(tmp_path, 9, "2026-10-07T00:00:00Z", finding())

    found = against(tmp_path / "runs", read(present))

    assert found["runs"] == 2
    assert found["findings"][0]["since"]["runs"] == 2
    assert [point["n"] for point in found["trend"]["points"]] == [203, 204, 200]


def test_how_far_it_looks_back_is_bounded_and_said(tmp_path):
    found = told(tmp_path, *([[finding()]] * (MAX_EARLIER + 5)))

    assert found["runs"] == MAX_EARLIER
    assert found["findings"][0]["since"]["at_least"] is True


def test_records_of_any_shape_keep_nothing_from_being_told(tmp_path):
    past_run(tmp_path, 0, findings=[{"id": 3}, {"id": "events.all_five", "interval": "wide", "n": "many"}, 7])
    past_run(tmp_path, 1, window=7, parameters=[1], given="x")

    assert told(tmp_path / "x", [finding()])["runs"] == 0
    assert against(tmp_path / "runs", read(past_run(tmp_path, 9)))["runs"] >= 1


def test_the_record_of_a_run_holds_the_comparison_and_the_numbers_of_each_finding(tmp_path):
    past_run(tmp_path, 0, meets())
    folder = past_run(tmp_path, 60, finding())
    run = json.loads((folder / "run.json").read_text())
    del run["findings"]
    (folder / "run.json").write_text(json.dumps(run))

    whole = record.finish(folder, record.Outcome(status.OK))
    results = json.loads((folder / "results.json").read_text())

    assert results["against"]["findings"][0]["change"] == "worse"
    assert whole["findings"] == [{name: finding().get(name) for name in NUMBERS}]


def test_nothing_is_compared_when_a_run_did_not_end_well(tmp_path):
    past_run(tmp_path, 0, meets())
    folder = past_run(tmp_path, 60, finding())
    record.finish(folder, record.Outcome(status.OK))
    record.finish(folder, record.Outcome(status.INTERRUPTED))

    assert json.loads((folder / "results.json").read_text())["against"] is None
