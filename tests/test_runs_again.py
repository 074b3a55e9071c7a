"""``gpkit rerun``: the same once more, what differs from then, and when it is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from gpkit.errors import ParameterError, SourceError
from gpkit.history import read
from gpkit.runs.making import again
from gpkit.runs.making.again import plan_again
from gpkit.runs.recording.fingerprint import fingerprint
from tests.history_support import past_run
from tests.runs_support import FINISH, add_notebook, gpkit, make_project, run_folders
from tests.runs_support import read as read_file

PARAMETERS = """\
attempts: int = 5  # planned [1..10]
logs: str = ""  # {path}
since: str = "-1h"  # first
until: str = ""  # last"""
THEN = {
    "python": "3.11.7",
    "versions": {"gpkit": "0.1.0", "duckdb": "2.0.0"},
    "git": {"revision": "a" * 40, "dirty": False},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = make_project(tmp_path / "project")
    add_notebook(made, "works", FINISH, parameters=PARAMETERS)
    monkeypatch.chdir(made)
    monkeypatch.setattr(again, "provenance", lambda root: THEN)
    return made


def past(project, *, given=("attempts",), log=None, minute=0, **parameters):
    values = {"attempts": 7, "logs": "", "since": "2026-11-01T00:00:00Z", "until": ""} | parameters
    folder = past_run(
        project / "outputs",
        minute,
        notebook="works",
        parameters=values,
        given=list(given),
        deadline_s=90.0,
        log=log,
        **THEN,
    )
    return read(folder)


def test_parameters_window_and_deadline_are_those_of_then(project):
    found = plan_again(past(project), now=datetime(2027, 1, 1, tzinfo=UTC))

    assert found.plan.parameters == {"attempts": 7, "logs": "", "since": "2026-11-01T00:00:00Z", "until": ""}
    assert found.plan.given == ("attempts", "since")
    assert found.plan.deadline_s == 90.0
    assert found.plan.rerun_of == past_id(project)
    assert found.warnings == ()


def past_id(project):
    return run_folders(project)[0].name


def test_a_default_that_changed_since_does_not_change_the_run(project):
    found = plan_again(past(project, given=(), attempts=4))

    assert found.plan.parameters["attempts"] == 4


def test_code_and_packages_that_differ_are_named(project, monkeypatch):
    now = {"python": "3.12.1", "versions": {"gpkit": "0.2.0", "duckdb": "2.0.0"}, "git": {"revision": "b" * 40}}
    monkeypatch.setattr(again, "provenance", lambda root: now)

    assert plan_again(past(project)).warnings == (
        "The code is another: aaaaaaaaaaaa then, bbbbbbbbbbbb now.",
        "Packages are others: python 3.11.7 → 3.12.1, gpkit 0.1.0 → 0.2.0.",
    )


def test_local_changes_are_named(project, monkeypatch):
    monkeypatch.setattr(again, "provenance", lambda root: THEN | {"git": {"revision": "a" * 40, "dirty": True}})

    assert plan_again(past(project)).warnings == (
        "The code may be another: there were local changes then, or there are now.",
    )


def test_parameters_that_came_or_went_with_their_defaults_are_named(project):
    record = past(project, colour="red")
    file = record.folder / "run.json"
    content = json.loads(file.read_text())
    del content["parameters"]["until"]
    file.write_text(json.dumps(content))

    assert plan_again(read(record.folder)).warnings == (
        "The notebook no longer takes colour; it had its default, 'red'.",
        "The notebook takes until now, and did not then; it has its default, ''.",
    )


@pytest.mark.parametrize(
    ("given", "parameters", "reason"),
    [
        (("colour",), {"colour": "red"}, "'colour' is not a parameter of works."),
        (("attempts",), {"attempts": 11}, "attempts = 11 is not possible. It must be in .1..10.."),
        (("attempts",), {"attempts": "many"}, "attempts takes a whole number, not 'many'."),
    ],
)
def test_parameters_that_no_longer_fit_are_refused_with_the_reason(project, given, parameters, reason):
    with pytest.raises(ParameterError, match=f"cannot be made again: {reason}"):
        plan_again(past(project, given=given, **parameters))


def test_a_log_that_is_gone_is_refused(project):
    with pytest.raises(SourceError, match=r"cannot be made again: .*gone.json does not exist"):
        plan_again(past(project, given=("logs",), logs=str(project / "gone.json")))


def test_a_log_with_other_content_under_the_same_name_is_named(project):
    log = project / "export.json"
    log.write_text("[1, 2, 3]")
    then = fingerprint(str(log), project)
    record = past(project, given=("logs",), logs=str(log), log=then)

    assert plan_again(record).warnings == ()
    log.write_text("[1, 2, 4]")
    assert plan_again(record).warnings == (
        "The log is another, and numbers may differ for that alone: export.json holds other bytes, of the same size.",
    )
    log.write_text("[1, 2, 3, 4]")
    assert plan_again(record).warnings == (
        "The log is another, and numbers may differ for that alone: export.json had 9 bytes and has 12 bytes.",
    )


def test_of_a_record_without_a_digest_nothing_is_claimed(project):
    (project / "export.json").write_text("[1]")

    warnings = plan_again(past(project, given=("logs",), logs=str(project / "export.json"))).warnings

    assert warnings == ("Whether the log is as it was then cannot be told: the record has no digest of it.",)


def test_a_notebook_that_is_gone_is_refused(project):
    record = past(project)
    (project / "notebooks" / "works.ipynb").unlink()

    with pytest.raises(ParameterError, match=r"its notebook notebooks/works.ipynb is gone"):
        plan_again(record)


def test_a_folder_without_a_record_is_refused(project):
    folder = project / "outputs" / "runs" / "broken"
    folder.mkdir(parents=True)

    with pytest.raises(ParameterError, match=r"does not say which notebook it ran. run.json is missing"):
        plan_again(read(folder))


def test_offline_is_for_notebooks_that_can_read_the_cache_alone(project):
    record = past(project)
    with pytest.raises(ParameterError, match="'offline' is not a parameter of works"):
        plan_again(record, offline=True)

    add_notebook(project, "works", FINISH, parameters=PARAMETERS + "\noffline: bool = False  # cache alone")
    with pytest.raises(ParameterError, match="offline says what is read of a log, and no log is named"):
        plan_again(record, offline=True)
    of_a_log = past(project, minute=1, given=("logs",), logs="gs://bucket/*.json")
    assert plan_again(of_a_log, offline=True).plan.parameters["offline"] is True


def test_a_run_is_made_once_more_and_says_of_which(tmp_path):
    project = make_project(tmp_path)
    add_notebook(project, "works", FINISH)
    gpkit(project, "run", "works", "-p", "attempts=3")

    done = gpkit(project, "rerun", "last", "--json")

    first, second = (read_file(folder / "run.json") for folder in run_folders(project))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Once more: {first['run_id']}\n")
    assert json.loads(done.stdout)["run_id"] == second["run_id"]
    assert second["rerun_of"] == first["run_id"]
    assert second["parameters"] == first["parameters"]
    assert second["given"] == first["given"]
    assert "rerun_of" not in first


def test_a_run_of_a_log_records_its_content_and_a_rerun_and_diff_tell_that_it_changed(tmp_path):
    project = make_project(tmp_path)
    add_notebook(project, "works", FINISH, parameters='logs: str = ""  # {path}')
    log = project / "export.json"
    log.write_text("[1]")
    gpkit(project, "run", "works", "-p", "logs=export.json")
    log.write_text("[2, 3]")

    done = gpkit(project, "rerun", "last")
    first, second = run_folders(project)
    differing = json.loads(gpkit(project, "diff", first.name, second.name, "--json").stdout)["log"]

    assert read_file(first / "run.json")["log"]["files"]["export.json"]["size_bytes"] == 3
    assert "The log is another, and numbers may differ for that alone: export.json had 3 bytes" in done.stderr
    assert differing["files.export.json.size_bytes"] == [3, 6]
    assert "files.export.json.digest" in differing
