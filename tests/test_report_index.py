"""outputs/index.html: the list of runs."""

from __future__ import annotations

import json
import re
import threading
import time

import pytest

from gpkit.errors import OutputError
from gpkit.report import render, write_index
from tests.report_support import HOSTILE, finding, run_folder


def rows_of(root):
    page = write_index(root).read_text()
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)[1:]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]


def test_runs_are_listed_newest_first_with_status_and_verdict_apart(tmp_path):
    run_folder(tmp_path, "b", started_utc="2026-11-20T10:00:00Z")
    run_folder(
        tmp_path,
        "c",
        started_utc="2026-11-20T12:00:00Z",
        status="timeout",
        verdict=None,
        error={"message": "Too late."},
    )
    run_folder(tmp_path, "a", started_utc="2026-11-20T11:00:00Z", verdict="healthy")

    newest, middle, oldest = rows_of(tmp_path)

    assert newest.startswith("2026-11-20 12:00:00 1 min 3 s event_success_rates staging timeout no verdict Too late.")
    assert "ok ✓ MEETS" in middle
    assert "ok ✕ FAILS" in oldest


def test_a_row_has_the_headline_with_interval_and_n(tmp_path):
    run_folder(tmp_path)

    assert "71 % (95 % interval 64–77 %, n = 200), target 80 %" in rows_of(tmp_path)[0].replace("\u00a0", " ")


def test_a_broken_folder_is_listed_with_what_is_wrong(tmp_path):
    (tmp_path / "runs" / "empty").mkdir(parents=True)
    cut = run_folder(tmp_path, "cut")
    (cut / "run.json").write_bytes((cut / "run.json").read_bytes()[:40])
    run_folder(tmp_path, "whole")
    (tmp_path / "runs" / "a-file").write_text("no run")

    rows = rows_of(tmp_path)

    assert len(rows) == 3
    assert sum("unknown no verdict Nothing says how this run ended." in row for row in rows) == 2


def test_a_run_in_progress_is_listed_as_running_and_a_hidden_folder_is_not_listed(tmp_path):
    run_folder(tmp_path, "x.partial", status="running", verdict=None)
    run_folder(tmp_path, ".y", status="running", verdict=None)

    assert ["running no verdict" in row for row in rows_of(tmp_path)] == [True]


def test_a_link_leads_to_the_report_whatever_the_folder_is_called(tmp_path):
    folder = run_folder(tmp_path, "a b#c?d")
    render(folder, root=tmp_path)

    assert 'href="runs/a%20b%23c%3Fd/report.html"' in write_index(tmp_path).read_text()


def test_without_runs_the_list_says_how_to_make_one(tmp_path):
    assert "gpkit run" in write_index(tmp_path).read_text()


def test_hostile_text_in_a_run_is_text_in_the_list(tmp_path):
    run_folder(
        tmp_path,
        environment=HOSTILE,
        results={"findings": [finding(claim=HOSTILE)], "headline": "all_five_events"},
    )

    page = write_index(tmp_path).read_text()

    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_thousand_runs_are_listed_in_seconds(tmp_path):
    run = json.loads((run_folder(tmp_path) / "run.json").read_text())
    for number in range(1000):
        folder = tmp_path / "runs" / f"run-{number}"
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps(run | {"run_id": folder.name}))
    began_s = time.perf_counter()

    page = write_index(tmp_path)

    assert time.perf_counter() - began_s < 10  # chosen; 0.5 s on two idle cores
    assert page.read_text().count("<tr>") == 1002
    assert page.stat().st_size < 2_000_000


def test_writers_at_the_same_time_leave_a_whole_list(tmp_path):
    for number in range(5):
        run_folder(tmp_path, f"run-{number}")
    writers = [threading.Thread(target=write_index, args=(tmp_path,)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert (tmp_path / "index.html").read_text().count("<tr>") == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == [".index.lock", "index.html", "runs"]


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path):
    (tmp_path / "outputs").write_text("a file where a folder should be")

    with pytest.raises(OutputError, match="cannot be written"):
        write_index(tmp_path / "outputs")
