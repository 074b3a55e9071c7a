"""The evidence behind a finding on the page and in Markdown: shown as data, with the ways to the rest of it."""

from __future__ import annotations

import pytest

from gpkit.report import render
from tests.report_support import case_lines, finding, findings, lines, run_folder, trail


def with_evidence(tmp_path, **parts):
    """Page and Markdown of a run whose third finding has a trail."""
    told = {
        "evidence_lines": {"negative_controls": case_lines()},
        "evidence_trail": {"negative_controls": trail(**parts)},
    }
    folder = run_folder(tmp_path, results={"findings": findings(), "headline": "all_five_events", **told})
    page = render(folder, root=tmp_path).read_text("utf-8")
    return page, (folder / "report.md").read_text("utf-8")


def test_page_and_markdown_show_what_is_behind_a_finding_and_the_ways_to_the_rest(tmp_path):
    page, plain = with_evidence(tmp_path, explorer="", cases=1200)
    place = "finding-negative-controls"

    for part in (
        "1,200 cases, 1 log entry; 2 lines of 1 case shown",
        "(the slowest)",
        f'id="{place}--control-0000"',
        f'<li id="{place}--x1">',
        "WARNING &lt;b&gt;refused&lt;/b&gt;⟨U+202E⟩",
        "… and 7 more lines of it",
        "… and 1,180 more (60 of all are in results.json)",
        "trace <code>4bf9</code>",
        "gpkit logs export.json --filter &#39;insertId=&#34;x1&#34;&#39;",
        "<code>gpkit show R --evidence negative_controls</code>",
        "The filter names 1 of 2 entries.",
        "<dt>Window</dt><dd>2026-11-20 08:00:00 UTC to no limit</dd>",
    ):
        assert part in page
    assert '<details class="evidence"><summary>' in page
    assert "console.cloud.google.com" not in page
    for part in (
        "and 1,195 more (60 of all are in results.json)",
        "- Evidence: 1,200 cases, 1 log entry; 2 lines of 1 case shown.",
        "- Command: `gpkit logs export.json --filter 'insertId=\"x1\"'`",
        "- All of it: `gpkit show R --evidence negative_controls`",
        "first and worst · control-0000 · trace 4bf9\n",
        "x1 WARNING <b>refused</b>⟨U+202E⟩",
    ):
        assert part in plain


def test_a_link_leads_to_the_console_or_nowhere(tmp_path):
    link = "https://console.cloud.google.com/logs/query;query=insertId%3D%22x1%22?project=shop"

    page, plain = with_evidence(tmp_path / "a")
    odd, odd_plain = with_evidence(
        tmp_path / "b", explorer="javascript:window.ran=1//https://console.cloud.google.com/"
    )

    assert f'<a href="{link}" rel="noopener noreferrer">' in page
    assert "insertId=&#34;x1&#34;</pre>" in page  # the filter, to be pasted
    assert f"- Logs Explorer: <{link}>" in plain
    assert "javascript:" not in odd + odd_plain


def test_a_command_is_shown_whole_or_not_at_all(tmp_path):
    long = "gpkit logs export.json --filter 'insertId=\"" + "x" * 15_000 + "\"'"

    page, plain = with_evidence(tmp_path / "a", command=long)
    hidden, _ = with_evidence(tmp_path / "b", command="gpkit logs 'a\u200bb.json' --filter x")

    assert "x" * 15_000 in page
    assert f"- Command: {len(long):,} characters, in report.html and results.json" in plain
    assert "gpkit logs" not in hidden
    assert "The command stands in results.json: it holds characters that a page cannot show." in hidden


@pytest.mark.parametrize(
    "broken", [None, [], "x", {"shown": 3, "ids": 4}, {"shown": [{"ids": []}], "window": "x", "cases": -1}]
)
def test_a_record_with_a_broken_trail_still_shows_its_lines(tmp_path, broken):
    results = {"findings": [finding()], "evidence_lines": lines(), "evidence_trail": {"all_five_events": broken}}

    text = render(run_folder(tmp_path, results=results), root=tmp_path).read_text("utf-8")

    assert "Authentication failed: signature verification failed user=5" in text


@pytest.mark.parametrize("javascript", [True, False])
def test_the_address_of_an_entry_unfolds_it_and_so_does_a_key_on_a_phone(tmp_path, browser, javascript):
    folder = run_folder(tmp_path)
    address = render(folder, root=tmp_path).as_uri()
    shown = "document.getElementById('finding-negative-controls--x1').checkVisibility({contentVisibilityAuto: true})"
    summary = "document.querySelector('#finding-negative-controls details.evidence > summary')"

    browser.open(address, javascript=javascript, width=360)
    folded = browser.evaluate(f"{summary}.parentElement.open")
    browser.evaluate(f"{summary}.focus()")
    browser.press("Enter")
    browser.wait_until(shown)
    width = browser.evaluate("document.documentElement.scrollWidth")
    browser.open("about:blank")
    browser.open(f"{address}#finding-negative-controls--x1", javascript=javascript, width=360)
    browser.wait_until(shown)

    assert folded is False
    assert width <= 360
    assert browser.errors == []
