"""Every figure says what it shows, how to read it and its numbers; an empty one says why it is empty."""

import json

import pandas as pd
import pytest

from gpkit import figures
from gpkit.analysis.breakdowns import by_client, delay_levels
from gpkit.analysis.cases import cases_of_attempts
from gpkit.analysis.durations import phases
from gpkit.analysis.events import event_funnel, event_rates_by, event_rates_over_time
from gpkit.analysis.sample import outcomes
from gpkit.analysis.windows import upgrades_over_time, width_s
from gpkit.figures.style import MAX_ROWS, cell, table
from gpkit.tables import ENTRIES, from_rows

from .attempts_text import attempts_of

ALL = "agent_started agent_thinking tool_executing tool_completed agent_completed"
SOME = attempts_of(
    "\n".join(
        f"a{i} open ready {ALL} send=after-open send_delay_planned_s=0.005 send_after_open_s=0.0052" for i in range(9)
    )
    + f"\nb refused\nc open ready {ALL}\nd refused control=True"
)
NONE = SOME.iloc[:0]
# Instant in seconds, status, revision: a second revision takes over and refuses, after minutes without any upgrade.
UPGRADES = from_rows(
    [
        {
            "timestamp_ns": 1_757_250_000_000_000_000 + second * 1_000_000_000,
            "http_url": "https://api.example.test/ws",
            "http_status": status,
            "revision": revision,
            "severity": "INFO",
        }
        for second, status, revision in [
            (0, 101, "r1"),
            (10, 101, "r1"),
            (20, 403, "r1"),
            (3000, 101, "r1"),
            (3010, 403, "r2"),
            (3020, 500, "r2"),
        ]
    ],
    ENTRIES,
)

DRAW = {
    "funnel": lambda attempts: figures.funnel(event_funnel(attempts)),
    "rates_by": lambda attempts: figures.rates_by(event_rates_by(attempts, "user"), "user", 0.8),
    "over_time": lambda attempts: figures.over_time(event_rates_over_time(attempts), 0.8),
    "outcomes": lambda attempts: figures.outcomes(outcomes(attempts)),
    "phase_intervals": lambda attempts: figures.phase_intervals(phases(attempts)),
    "delay_sweep": lambda attempts: figures.delay_sweep(delay_levels(cases_of_attempts(attempts))),
    "reasons_by_client": lambda attempts: figures.reasons_by_client(by_client(cases_of_attempts(attempts))),
    "auth_times": lambda attempts: figures.auth_times(attempts),
    "timeline": lambda attempts: figures.timeline(cases_of_attempts(attempts)),
    "upgrades_over_time": lambda attempts: figures.upgrades_over_time(upgrades_over_time(UPGRADES.head(len(attempts)))),
}


def test_every_figure_is_drawn_here():
    assert set(DRAW) == set(figures.__all__) - {"show"}


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_carries_its_title_its_reading_and_its_numbers(name):
    made = json.loads(DRAW[name](SOME).to_json())
    told = made["layout"]["meta"]["gpkit"]

    assert made["data"]
    assert told["title"] == made["layout"]["title"]["text"]
    assert told["reading"].endswith(".")
    assert told["table"]["rows"]
    assert {len(row) for row in told["table"]["rows"]} == {len(told["table"]["columns"])}
    assert made["layout"]["xaxis"]["title"]["text"] or made["layout"]["yaxis"]["title"]["text"]


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_of_nothing_says_why(name):
    made = json.loads(DRAW[name](NONE).to_json())

    assert made["data"] == []
    assert made["layout"]["annotations"][0]["text"] == made["layout"]["meta"]["gpkit"]["reading"]


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_leaves_its_table_as_it_was(name):
    before = SOME.copy(deep=True)
    DRAW[name](SOME)

    pd.testing.assert_frame_equal(SOME, before)


def test_a_gap_is_drawn_as_a_gap():
    later = SOME.assign(started_utc=SOME["started_utc"] + pd.Timedelta("100s"))
    made = figures.over_time(event_rates_over_time(pd.concat([SOME, later], ignore_index=True)))

    assert None in made.data[0].y
    assert made.data[0].connectgaps is False


@pytest.mark.parametrize("name", ["auth_times", "timeline"])
def test_many_points_are_thinned_to_what_can_be_seen_and_it_is_said(name):
    many = pd.concat([SOME] * 1000, ignore_index=True)
    many["started_ns"] += pd.Series(range(len(many)))
    many.loc[5000, "auth_s"] = 77.0

    made = DRAW[name](many)

    told = made.layout.meta["gpkit"]["points"]
    assert told["drawn"] == sum(len(trace.x) for trace in made.data) < told["of"] <= len(many)
    assert made.layout.title.text.endswith(f", {told['drawn']:,} drawn")
    assert name == "timeline" or 77_000.0 in made.data[0].y


def test_the_last_failure_of_many_is_on_the_timeline():
    cases = cases_of_attempts(attempts_of("b refused")).sample(9000, replace=True, ignore_index=True)

    drawn = figures.timeline(cases.assign(at_ns=pd.Series(range(9000)) * 10**9)).data[0].x

    assert (drawn[0], drawn[-1]) == ("1970-01-01 00:00:00.000000", "1970-01-01 02:29:59.000000")


def test_a_long_table_is_cut_and_says_how_many_rows_there_are():
    cut = table(pd.DataFrame({"a": range(100), "b": range(100)}))

    assert len(cut["rows"]) == MAX_ROWS
    assert cut["of"] == 100


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (float("nan"), "–"), (pd.NA, "–"), (0.123456, "0.1235"), (3, "3"), ("x", "x")]
)
def test_a_missing_number_is_a_dash_and_never_zero(value, shown):
    assert cell(value) == shown


def test_a_shown_table_escapes_what_came_from_a_log():
    shown = figures.show(pd.DataFrame({"text": ["<script>alert(1)</script>"], "case_ids": [["a"]]}))

    assert "<script>" not in shown._repr_html_()
    assert "case_ids" not in shown._repr_html_()


def test_a_shown_table_counts_what_it_leaves_out_and_says_what_nothing_means():
    assert "and 30 more rows" in str(figures.show(pd.DataFrame({"a": range(50)})))
    assert "no rule was broken" in figures.show(pd.DataFrame({"a": []}), empty="no rule was broken")._repr_html_()


def test_a_stretch_without_data_is_shaded_and_said():
    at = pd.to_datetime(["2025-09-07T13:00:00Z", "2025-09-07T13:15:00Z", "2025-09-07T14:00:00Z"])
    gaps = pd.DataFrame(
        {"since_utc": at[:2], "until_utc": at[1:], "kind": ["not read", "silence"], "why": ["quota", "2700 s"]}
    )

    made = json.loads(figures.timeline(cases_of_attempts(SOME), gaps).to_json())["layout"]

    assert [(shape["x0"], shape["x1"]) for shape in made["shapes"]] == [
        ("2025-09-07 13:00:00.000000", "2025-09-07 13:15:00.000000"),
        ("2025-09-07 13:15:00.000000", "2025-09-07 14:00:00.000000"),
    ]
    assert made["meta"]["gpkit"]["reading"].endswith("1 shaded stretch was not read; 1 shaded stretch is silent.")


def test_without_gaps_nothing_is_shaded():
    made = json.loads(figures.timeline(cases_of_attempts(SOME)).to_json())["layout"]

    assert "shapes" not in made
    assert "shaded" not in made["meta"]["gpkit"]["reading"]


def test_upgrades_are_told_by_window_and_revision_and_a_window_without_any_is_a_gap():
    windows = upgrades_over_time(UPGRADES)

    assert width_s(UPGRADES) == 60.0
    told = windows[windows["n"] > 0][["revision", "n", "refused", "failed", "ratio"]].values.tolist()
    assert told == [["r1", 3, 1, 0, 1 / 3], ["r1", 1, 0, 0, 0.0], ["r2", 2, 1, 1, 1.0]]
    assert len(windows[windows["n"] == 0]) == 49
    drawn = json.loads(figures.upgrades_over_time(windows).to_json())["data"]
    assert [trace["name"] for trace in drawn] == ["r1", "r2"]
    assert drawn[0]["y"][1] is None
    assert drawn[0]["connectgaps"] is False
