"""Past runs are found, read with tolerance, and put in order without being opened."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest

from gpkit import history
from gpkit.errors import ParameterError
from gpkit.history import listing
from tests.history_support import BEGIN, finding, meets, name_of, past_run


def ids(root, **chosen):
    return [past.run_id for past in history.newest(root / "runs", **chosen)]


def test_runs_come_newest_first_and_older_ones_are_not_opened(tmp_path, monkeypatch):
    folders = [past_run(tmp_path, minute) for minute in (0, 20, 10)]
    opened = []
    monkeypatch.setattr(listing, "read", lambda folder: opened.append(folder.name) or history.read(folder))

    first = next(history.newest(tmp_path / "runs"))

    assert first.run_id == folders[1].name
    assert opened == [folders[1].name]
    assert ids(tmp_path) == [folders[1].name, folders[2].name, folders[0].name]


def test_a_folder_with_a_name_of_its_own_stands_where_its_record_puts_it(tmp_path):
    early, late = past_run(tmp_path, 0), past_run(tmp_path, 20)
    past_run(tmp_path, 10, run_id="made-by-hand")

    assert ids(tmp_path) == [late.name, "made-by-hand", early.name]


def test_only_folders_of_a_notebook_are_opened_when_one_is_asked_for(tmp_path, monkeypatch):
    past_run(tmp_path, 0, notebook="auth timing")
    past_run(tmp_path, 1, notebook="handshake_race")
    opened = []
    monkeypatch.setattr(listing, "read", lambda folder: opened.append(folder.name) or history.read(folder))

    found = list(history.newest(tmp_path / "runs", notebook="handshake_race"))

    assert [past.notebook for past in found] == ["handshake_race"]
    assert len(opened) == 1


def test_runs_made_before_an_instant_are_left_out(tmp_path):
    for minute in (0, 10, 20):
        past_run(tmp_path, minute)

    assert len(ids(tmp_path, since=BEGIN + timedelta(minutes=10))) == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "run.json is missing."),
        ('{"run_id": "x", "stat', "run.json cannot be read: DecodeError."),
        ("[1, 2]", "run.json holds no object."),
        ("", "run.json cannot be read: DecodeError."),
        ("[" * 100_000, "run.json holds no object."),
        ('{"status": "paused"}', "Its status 'paused' is not known to this version of gpkit."),
        ('{"status": "ok", "verdict": 7}', "Its verdict '7' is not known to this version of gpkit."),
    ],
)
def test_a_folder_that_cannot_be_read_says_why_and_claims_nothing(tmp_path, content, problem):
    folder = tmp_path / "runs" / name_of(BEGIN)
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "run.json").write_text(content)

    past = history.read(folder)

    assert past.problems == (problem,)
    assert past.verdict == ""
    assert past.run_id == folder.name


def test_a_record_of_any_shape_is_read_as_far_as_it_goes(tmp_path):
    folder = past_run(
        tmp_path, headline="gone", findings={"a": 1}, parameters=None, error="a text", duration_s="long", environment=3
    )

    past = history.read(folder)

    assert (past.headline, past.findings, past.parameters, past.duration_s) == (None, (), {}, None)
    assert past.failure == {"message": "a text"}
    assert past.environment == "3"


def test_a_run_that_did_not_end_well_has_no_verdict_whatever_its_record_says(tmp_path):
    assert history.read(past_run(tmp_path, status="timeout", verdict="healthy")).verdict == ""


def test_an_older_record_without_numbers_of_each_finding_has_those_of_its_headline(tmp_path):
    folder = past_run(tmp_path, 0, finding())
    run = json.loads((folder / "run.json").read_text())
    del run["findings"]
    (folder / "run.json").write_text(json.dumps(run))

    assert [item["id"] for item in history.read(folder).findings] == ["events.all_five"]


def test_a_run_is_found_by_its_id_the_beginning_of_it_a_path_or_as_the_last(tmp_path):
    first, last = past_run(tmp_path, 0), past_run(tmp_path, 60, meets())
    (tmp_path / "runs" / f"{name_of(BEGIN + timedelta(days=1))}.partial").mkdir()

    assert history.find(tmp_path, first.name).folder == first
    assert history.find(tmp_path, first.name[:14]).folder == first
    assert history.find(tmp_path, str(first)).folder == first
    assert history.find(tmp_path, "last").folder == last


@pytest.mark.parametrize("written", ["", "20", "nothing", "../../etc", "/", "x" * 5000])
def test_a_name_that_means_no_run_or_several_is_refused_with_the_next_step(tmp_path, written):
    past_run(tmp_path, 0)
    past_run(tmp_path, 60)

    with pytest.raises(ParameterError, match=r"gpkit runs lists them|Write more of it|no run"):
        history.find(tmp_path, written)


def test_an_empty_outputs_folder_has_no_last_run(tmp_path):
    with pytest.raises(ParameterError, match="holds no run"):
        history.find(tmp_path, "last")


def test_a_run_that_is_completed_or_removed_while_the_list_is_read_is_listed_as_it_is_now(tmp_path):
    gone, newest = past_run(tmp_path, 0), past_run(tmp_path, 20)
    made = past_run(tmp_path, 10).rename(tmp_path / "runs" / f"{name_of(BEGIN + timedelta(minutes=10))}.partial")
    reading = history.newest(tmp_path / "runs")
    assert next(reading).folder == newest

    shutil.rmtree(gone)
    complete = made.rename(made.with_name(made.name.removesuffix(".partial")))

    assert [(past.folder, past.problems) for past in reading] == [(complete, ())]


def test_a_record_that_is_a_folder_or_a_loop_of_links_is_named(tmp_path):
    for minute, make in enumerate([lambda path: path.mkdir(), lambda path: path.symlink_to(path)]):
        folder = past_run(tmp_path, minute)
        (folder / "run.json").unlink()
        make(folder / "run.json")

    assert [past.problems for past in history.newest(tmp_path / "runs")] == [
        ("run.json cannot be read: OSError.",), ("run.json cannot be read: IsADirectoryError.",),
    ]  # fmt: skip


@pytest.mark.parametrize("started", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "", "now", "2026-13-40"])
def test_an_impossible_instant_is_no_instant(tmp_path, started):
    folder = past_run(tmp_path, 5, started_utc=started, run_id="by-hand")

    past = history.read(folder)

    assert past.at is None
    assert [one.run_id for one in history.newest(tmp_path / "runs")] == ["by-hand"]
