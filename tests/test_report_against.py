"""A run against earlier ones, on its page and in its Markdown."""

from __future__ import annotations

import json
import re

import pytest

from gpkit.report import render
from gpkit.report.trend import trend_of
from tests.history_support import finding, series
from tests.report_support import HOSTILE, run_folder


def against(**parts):
    told = {
        "runs": 3,
        "previous": {"run_id": "r2", "at": "2026-11-20T09:00:00Z"},
        "rule": "By the rule.",
        "findings": [
            {
                "id": "all_five_events", "change": "worse", "why": "It met its target and fails now.",
                "before": {"run_id": "r2", "at": "2026-11-20T09:00:00Z", "verdict": "meets", "estimate": 0.9,
                           "interval": [0.85, 0.95], "n": 200},
                "since": None,
            },
            {"id": "auth.let_in", "change": "gone", "why": "The last run had it.", "before": None, "since": None},
        ],
        "trend": {
            "id": "all_five_events", "unit": "ratio", "target": 0.8,
            "points": [
                {"run_id": "r1", "at": "2026-11-20T08:00:00Z", "status": "timeout", "verdict": None, "estimate": None},
                {"run_id": "r2", "at": "2026-11-20T09:00:00Z", "status": "ok", "verdict": "meets", "estimate": 0.9,
                 "interval": [0.85, 0.95], "n": 200},
                {"run_id": "r3", "at": "2026-11-20T10:00:00Z", "status": "ok", "verdict": "fails", "estimate": 0.71,
                 "interval": [0.64, 0.77], "n": 200},
            ],
        },
    }  # fmt: skip
    return told | parts


def page(root, told, **parts):
    results = {"findings": [finding(id="all_five_events")], "headline": "all_five_events", "against": told}
    html = render(run_folder(root, results=results, **parts), root=root).read_text()
    return html, " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<body") :]).split()).replace("\u00a0", " ")


def test_a_finding_says_what_became_of_it_by_what_and_what_it_was(tmp_path):
    _, text = page(tmp_path, against())

    assert (
        "▼ WORSE It met its target and fails now. Before: MEETS 90 % (95 % interval 85–95 %, n = 200) "
        "on 2026-11-20 09:00:00 UTC." in text
    )
    assert "3 earlier runs asked the same question; the last one on 2026-11-20 09:00:00 UTC" in text
    assert "− GONE auth.let_in" in text


def test_a_stretch_of_runs_says_since_when(tmp_path):
    told = against()
    told["findings"][0] |= {"change": "same", "since": {"at": "2026-11-18T10:00:00Z", "runs": 3, "at_least": True}}

    _, text = page(tmp_path, told)

    assert "FAILS since at least 2026-11-18 10:00:00 UTC (at least 4 runs)." in text


def test_the_trend_reads_without_script_as_a_picture_and_as_a_table(tmp_path):
    html, text = page(tmp_path, against())

    assert 'aria-label="3 runs, from 90 % to 71 %, 1 failing, 1 without a number"' in html.replace("\u00a0", " ")
    assert html.count("<circle") == 2
    assert html.count('class="gap"') == 1
    assert "2026-11-20 08:00:00 timeout –" in text
    assert "2026-11-20 10:00:00 FAILS 71 % (95 % interval 64–77 %, n = 200)" in text
    assert 'href="../r2/report.html"' in html


def test_no_line_is_drawn_across_a_run_without_a_number():
    told = against()["trend"]
    told["points"].append({**told["points"][0], "at": "2026-11-20T11:00:00Z"})
    told["points"].append({**told["points"][1], "at": "2026-11-20T12:00:00Z"})

    assert str(trend_of(told).picture).count('class="path"') == 1


def test_the_first_run_of_a_question_says_so(tmp_path):
    _, text = page(tmp_path, against(runs=0, previous=None, findings=[], trend=None))

    assert "No earlier run has asked the same question." in text


@pytest.mark.parametrize("parts", [{"status": "timeout", "verdict": None}, {"results": {"findings": []}}])
def test_a_run_that_did_not_end_well_or_an_older_one_is_compared_with_nothing(tmp_path, parts):
    results = {"findings": [finding(id="all_five_events")], "against": against()} | parts.pop("results", {"x": 1})
    if "status" not in parts:
        results.pop("against")
    html = render(run_folder(tmp_path, results=results, **parts), root=tmp_path).read_text()

    assert "Against earlier runs" not in html


@pytest.mark.parametrize(
    "told",
    [
        against(trend={"points": [{"at": HOSTILE, "run_id": HOSTILE, "status": HOSTILE, "estimate": 1e999}] * 3}),
        against(
            rule=HOSTILE,
            findings=[{"id": "all_five_events", "change": HOSTILE, "why": HOSTILE, "before": {"at": HOSTILE}}],
            trend={"id": HOSTILE, "unit": HOSTILE, "target": HOSTILE,
                   "points": [{"at": HOSTILE, "run_id": HOSTILE, "status": "ok", "estimate": 1,
                               "interval": [HOSTILE, 2], "verdict": HOSTILE, "n": HOSTILE}] * 2},
        ),
        against(trend={"id": "x", "unit": "s", "target": 1e308, "points": [
            {"at": "0001-01-01T00:00:00+14:00", "status": "ok", "estimate": value, "run_id": "a\ud800"}
            for value in (1e308, -1e308, 10**400, 3.0)]}),
        against(findings={"a": 1}, trend=[], previous="x", runs="many"),
        against(findings=[1, None, {}], trend={"points": [None, 3]}),
        [1, 2],
    ],
)  # fmt: skip
def test_a_record_of_any_shape_is_shown_as_text_or_not_at_all(tmp_path, told):
    html, _ = page(tmp_path, told)

    assert "<script>window" not in html
    assert "onerror='" not in html
    assert "javascript:" not in re.sub(r">[^<]*<", "><", html)


def test_the_markdown_says_the_same(tmp_path):
    page(tmp_path, against())
    [markdown] = [path.read_text() for path in (tmp_path / "runs").glob("*/report.md")]

    assert "- Against earlier runs: WORSE. It met its target and fails now. Before: MEETS 90 %" in markdown.replace(
        "\u00a0", " "
    )
    assert "- GONE: `auth.let_in`" in markdown


def test_a_real_series_is_told_from_its_records(tmp_path):
    folder = series(tmp_path)
    html = render(folder, root=tmp_path).read_text()

    assert json.loads((folder / "results.json").read_text())["against"]["runs"] == 11
    assert "FAILS since 2026-11-01 08:00:00 UTC (6 runs)." in html
