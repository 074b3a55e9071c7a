"""Reports wherever they are opened: from files, a web server, an unpacked archive, at one finding; all offline."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from contextlib import contextmanager

import pytest

from gpkit.report import render, write_index
from tests.browser_support import draw_all
from tests.report_support import notebook, run_folder

TOP = "document.getElementById('{}').getBoundingClientRect().top"
PLACES = "[...document.querySelectorAll('article[id], .prose h3[id], figure[id]')].map(e => e.id)"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Two reports and their list, packed where they were made and unpacked under another name, far from it."""
    made, there = tmp_path_factory.mktemp("made") / "outputs", tmp_path_factory.mktemp("there") / "bucket #1 ü%20"
    run_folder(made, "first", notebook=notebook(figures=4))
    run_folder(made, "second", started_utc="2026-11-21T10:00:00+00:00", notebook=notebook(figures=4))
    for name in ("first", "second"):
        render(made / "runs" / name, root=made)
    write_index(made)
    archive = shutil.make_archive(str(made.parent / "outputs"), "zip", made)
    shutil.rmtree(made)
    shutil.unpack_archive(archive, there / "ci" / "outputs")
    return there


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Says nothing."""


@contextmanager
def served(folder):
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def opened_from(folder, place):
    if place == "file":
        yield folder.as_uri()
    else:
        with served(folder) as address:
            yield address


@pytest.mark.parametrize("place", ["file", "http"])
def test_an_unpacked_archive_leads_from_the_list_to_a_report_with_charts_and_back(unpacked, browser, place):
    with opened_from(unpacked, place) as address:
        browser.open(f"{address}/ci/outputs/index.html")
        first = browser.evaluate("document.querySelector('.list tbody a').href")
        browser.open(first)
        drawn = draw_all(browser)
        beside = browser.evaluate("Promise.all([...document.querySelectorAll('footer a')].map(a => a.href))")
        browser.open(beside[-1])
        title = browser.evaluate("document.title")

    assert drawn == 4
    assert "runs/second/report.html" in first
    assert title == "gpkit runs"
    assert [link.rsplit("/", 1)[1] for link in beside[:-1]] == [
        "results.json",
        "run.json",
        "report.md",
        "notebook.ipynb",
    ]
    assert all((unpacked / "ci/outputs/runs/second" / link.rsplit("/", 1)[1]).is_file() for link in beside[:-1])
    assert [error for error in browser.errors if "404" not in error] == []  # the one of favicon.ico, over http
    assert all(asked.startswith(address) for asked in browser.requests)


def test_an_address_leads_to_one_finding_and_to_one_figure_and_stays_there(unpacked, browser):
    report = (unpacked / "ci/outputs/runs/first/report.html").as_uri()

    for place in ("finding-negative-controls", "figure-4-where-are-the-events-lost"):
        browser.open("about:blank")
        browser.open(f"{report}#{place}")
        browser.wait_until("document.querySelector('.plot .main-svg') || location.hash.startsWith('#finding')")

        browser.wait_until(f"Math.abs({TOP.format(place)} - 200) < 202")
        assert browser.evaluate("document.querySelector(':target').id") == place


def test_places_are_the_same_in_every_run_of_a_notebook_and_the_contents_lead_to_them(unpacked, browser):
    found = []
    for name in ("first", "second"):
        browser.open((unpacked / f"ci/outputs/runs/{name}/report.html").as_uri(), javascript=False)
        found.append(browser.evaluate(PLACES))

    listed = browser.evaluate("[...document.querySelectorAll('.contents a')].map(a => a.getAttribute('href').slice(1))")
    assert found[0] == found[1]
    assert {"finding-all-five-events", "at-what-was-measured", "figure-1-where-are-the-events-lost"} <= set(found[0])
    assert {place for place in found[0] if not place.startswith("figure-")} <= set(listed)
    assert browser.evaluate(f"{listed!r}.every(place => document.getElementById(place))")
