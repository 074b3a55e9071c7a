"""docs/results.schema.json says what results.json is: held to real runs, to every finding, and to what it refuses."""

from __future__ import annotations

import copy
import dataclasses
import json

import jsonschema
import pytest

from gpkit.findings import Finding
from gpkit.history.change import KINDS
from gpkit.history.past import VERDICTS
from gpkit.runs.recording import record, status
from tests.history_support import finding, meets, past_run, undecided
from tests.runs_support import FINISH, add_notebook, gpkit, make_project, read, run_folders


@pytest.fixture(scope="module")
def schema(root):
    return json.loads((root / "docs" / "results.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def check(schema):
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    return validator(schema).validate


def results_of(folder, ended=status.OK, error=None):
    record.finish(folder, record.Outcome(ended, error))
    return read(folder / "results.json")


@pytest.fixture
def results(tmp_path):
    for hour, found in enumerate([finding(), undecided(), meets(), meets(interval=[0.9, None])]):
        past_run(tmp_path, 60 * hour, found, finding(id="auth.let_in", n=0, estimate=None, interval=None))
    past_run(tmp_path, 300, status="timeout")
    return results_of(past_run(tmp_path, 360, finding(), meets(id="open.p95", unit="s")))


def test_real_runs_write_what_the_schema_says(tmp_path, check):
    project = make_project(tmp_path)
    add_notebook(project, "works", FINISH)
    add_notebook(project, "raises", FINISH, "1 / 0")
    gpkit(project, "run", "works", "works", "raises")

    written = [read(folder / "results.json") for folder in run_folders(project)]
    for one in written:
        check(one)
    assert sorted(one["status"] for one in written) == ["failed", "ok", "ok"]
    assert sorted(one["against"]["runs"] for one in written if one["against"]) == [0, 1]


def test_a_run_with_everything_in_it_fits(results, check):
    check(results)

    assert {one["change"] for one in results["against"]["findings"]} == {"worse", "new", "gone"}
    assert len(results["against"]["trend"]["points"]) == 6


@pytest.mark.parametrize("ended", [word for word in status.STATUSES if word != status.OK])
def test_a_run_that_did_not_end_well_fits(tmp_path, check, ended):
    error = {"kind": ended, "message": "It was ended.", "stage": "run", "cell": None}

    check(results_of(past_run(tmp_path, 0), ended, error))


def test_a_finding_of_the_library_fits_and_every_field_of_it_is_described(schema, check, results):
    made = Finding("race.ratio", "1 of 3.", "undecided", float("nan"), "ratio", (0.0, float("inf")), 3, 0.01)

    check(results | {"findings": [made.as_dict()]})
    assert set(schema["$defs"]["finding"]["properties"]) == {field.name for field in dataclasses.fields(Finding)}


def test_the_closed_lists_are_those_of_the_code(schema):
    parts, defined = schema["properties"], schema["$defs"]

    assert tuple(parts["status"]["enum"]) == status.STATUSES
    assert set(parts["verdict"]["enum"]) == {*VERDICTS, None}
    changes = defined["against"]["properties"]["findings"]["items"]["properties"]["change"]["enum"]
    assert tuple(changes) == KINDS


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["status"], "running"),
        (["verdict"], "green"),
        (["verdict"], None),
        (["findings", 0, "verdict"], "ok"),
        (["findings", 0, "interval"], [0.1]),
        (["findings", 0, "interval"], [0.1, "wide"]),
        (["findings", 0, "n"], -1),
        (["findings", 0, "n"], 2.5),
        (["findings", 0, "estimate"], "71 %"),
        (["against", "findings", 0, "change"], "bad"),
        (["against", "runs"], None),
    ],
)
def test_what_is_no_result_is_refused(results, check, path, value):
    wrong = copy.deepcopy(results)
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    with pytest.raises(jsonschema.ValidationError):
        check(wrong)
