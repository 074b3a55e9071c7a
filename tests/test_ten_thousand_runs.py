"""10 000 run folders: listed, held against, and indexed in seconds."""

from __future__ import annotations

import shutil
import time

import pytest

from gpkit.history import newest
from gpkit.history.against import MAX_EARLIER, against
from gpkit.report import write_index
from tests.history_support import many_runs


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    many_runs(folder)
    yield folder
    shutil.rmtree(folder)


def test_ten_thousand_runs_are_read_in_seconds(root):
    began_s = time.perf_counter()

    found = list(newest(root / "runs"))

    assert time.perf_counter() - began_s < 5  # chosen; 0.4 s on two cores
    assert len(found) == 10_000
    assert [past.started_utc for past in found] == sorted((past.started_utc for past in found), reverse=True)


def test_ten_thousand_runs_cost_the_next_run_little(root):
    present = next(past for past in newest(root / "runs") if past.status == "ok")
    began_s = time.perf_counter()

    found = against(root / "runs", present)

    assert time.perf_counter() - began_s < 0.5  # chosen; 0.02 s on two cores
    assert found["runs"] >= MAX_EARLIER - 2


def test_ten_thousand_runs_are_indexed_in_seconds_and_the_next_time_in_less(root):
    began_s = time.perf_counter()
    index = write_index(root)
    first_s, began_s = time.perf_counter() - began_s, time.perf_counter()
    write_index(root)
    again_s = time.perf_counter() - began_s

    pages = sorted((root / "index").iterdir(), key=lambda path: int(path.stem))
    assert first_s < 20  # chosen; 0.9 s on two cores
    assert again_s < first_s
    assert index.read_text().count("<tr>") == 201
    assert [page.read_text().count("<tr>") for page in pages] == [501] * 20
    assert index.stat().st_size < 400_000
    assert max(page.stat().st_size for page in pages) < 600_000


def test_the_list_of_ten_thousand_runs_is_open_at_once(root, browser):
    write_index(root)

    for page in (root / "index.html", root / "index" / "7.html"):
        browser.open(page.as_uri())
        assert browser.evaluate("performance.timing.loadEventEnd - performance.timing.navigationStart") < 3000
        # chosen; 0.1 s on two cores
