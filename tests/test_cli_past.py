"""``gpkit runs`` and ``gpkit show``, as a program and as a person at a terminal meet them."""

from __future__ import annotations

import json
import re

import pytest

from tests.history_support import at_a_terminal, finding, meets, past_run, series
from tests.runs_support import gpkit, make_project


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def test_a_list_is_one_json_object_a_line_newest_first(project):
    past_run(project / "outputs", 0)
    past_run(project / "outputs", 5, meets())
    past_run(project / "outputs", 9, status="timeout")

    done = gpkit(project, "runs")

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [(row["status"], row["verdict"]) for row in rows] == [
        ("timeout", None),
        ("ok", "healthy"),
        ("ok", "findings"),
    ]
    assert rows[2]["headline"]["interval"] == [0.64, 0.77]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        (["--notebook", "auth_timing"], [3]),
        (["-e", "production"], [2]),
        (["--verdict", "healthy"], [1]),
        (["--status", "timeout"], [4]),
        (["--limit", "2"], [4, 3]),
        (["--since", "2026-11-01T00:02:00Z"], [4, 3, 2]),
        (["--since", "2026-11-01T00:02:00Z", "--status", "ok", "--limit", "1"], [3]),
    ],
)
def test_a_list_is_filtered(project, arguments, minutes):
    past_run(project / "outputs", 0)
    past_run(project / "outputs", 1, meets())
    past_run(project / "outputs", 2, environment="production")
    past_run(project / "outputs", 3, notebook="auth_timing")
    past_run(project / "outputs", 4, status="timeout")

    rows = [json.loads(line) for line in gpkit(project, "runs", *arguments).stdout.splitlines()]

    assert [row["started_utc"] for row in rows] == [f"2026-11-01T00:0{minute}:00Z" for minute in minutes]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--verdict", "helthy"], "'helthy' is no verdict. Did you mean 'healthy'?"),
        (["--status", "broken"], "'broken' is no status."),
        (["--since", "soon"], "--since = 'soon' is no time."),
        (["--limit", "0"], "--limit 0 leaves nothing to list."),
    ],
)
def test_an_impossible_filter_is_refused(project, arguments, message):
    done = gpkit(project, "runs", *arguments)

    assert done.returncode == 4
    assert message in done.stderr


def test_a_terminal_gets_columns_and_standard_output_stays_empty(project):
    past_run(project / "outputs", 0, run_id="20261101T000000000Z-event_success_rates-4f2a9c")

    done = at_a_terminal(project, "runs")

    assert done.stderr.splitlines() == [
        "RUN                                             ENVIRONMENT  STATUS  VERDICT   HEADLINE",
        "20261101T000000000Z-event_success_rates-4f2a9c  staging      ok      findings  events.all_five 71 % "
        "(95 % interval 64–77 %, n = 200), target 80 %",
    ]


def test_a_terminal_is_told_which_log_a_run_read(project):
    asked = {"environment": "local", "logs": "/home/me/exports/a\x1b[31m.json"}
    past_run(project / "outputs", 0, environment="log", parameters=asked)

    assert "  log · a⟨ESC⟩[31m.json  ok  " in at_a_terminal(project, "runs").stderr


def test_a_broken_folder_and_one_of_a_future_version_are_listed_as_such(project):
    (project / "outputs" / "runs" / "empty").mkdir(parents=True)
    past_run(project / "outputs", 0, status="paused")

    done = at_a_terminal(project, "runs")

    assert "unknown  –        run.json is missing." in done.stderr
    assert "Its status 'paused' is not known to this version of gpkit." in done.stderr


def test_an_unfinished_run_whose_maker_is_gone_is_labelled_by_looking(project):
    folder = past_run(project / "outputs", 0, status="running", run_id="20261101T000000000Z-event_success_rates-4f2a9c")
    folder.rename(folder.with_name(f"{folder.name}.partial"))

    [row] = [json.loads(line) for line in gpkit(project, "runs").stdout.splitlines()]

    assert row["status"] == "interrupted"
    assert folder.is_dir()


def test_show_tells_verdict_findings_parameters_versions_and_the_report(project):
    folder = past_run(project / "outputs", 0, finding(next_step="gpkit run handshake_race"), rerun_of="an-older-one")

    said = at_a_terminal(project, "show", "last").stderr

    assert said.startswith("event_success_rates on staging: ok, findings\n")
    assert "FAILS  events.all_five  71 % (95 % interval 64–77 %, n = 200), target 80 %" in said
    assert "Next step: gpkit run handshake_race" in said
    assert re.search(r"Repeats +an-older-one", said)
    assert re.search(r"environment +staging  \(given\)", said)
    assert re.search(r"duckdb +2.0.0", said)
    assert said.endswith(f"Report: none\nFolder: {folder}\n")


def test_show_tells_what_became_of_each_finding(project):
    series(project / "outputs")

    said = at_a_terminal(project, "show", "last").stderr

    assert "    Against earlier runs: SAME. The intervals overlap: no change is shown. Before: FAILS 72 %" in said
    assert "FAILS since 2026-11-01 08:00:00 UTC (6 runs)" in said


def test_show_gives_programs_one_object(project):
    past_run(project / "outputs", 0)

    shown = json.loads(gpkit(project, "show", "last").stdout)

    assert shown["verdict"] == "findings"
    assert shown["findings"][0]["n"] == 200
    assert shown["git"]["dirty"] is False


def test_control_characters_of_a_record_do_not_reach_the_terminal(project):
    past_run(project / "outputs", 0, finding(claim="\x1b[2Jgone \u202e"), environment="\x1b]0;title\x07")

    said = at_a_terminal(project, "runs").stderr + at_a_terminal(project, "show", "last").stderr

    assert "\x1b" not in said
    assert "\u202e" not in said


def test_a_run_that_is_not_there_is_one_message(project):
    past_run(project / "outputs", 0, run_id="20261101T000000000Z-event_success_rates-4f2a9c")

    done = gpkit(project, "show", "20261101T000000000Z-event_success_rates-4f2a9d")

    assert done.returncode == 4
    assert "Did you mean '20261101T000000000Z-event_success_rates-4f2a9c'?" in done.stderr
    assert "gpkit runs lists them." in done.stderr
