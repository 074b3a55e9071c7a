"""Two runs side by side, and ``gpkit diff``."""

from __future__ import annotations

import json

from gpkit.history import read
from gpkit.history.difference import difference, flat
from tests.history_support import VERSIONS, at_a_terminal, finding, meets, past_run
from tests.runs_support import gpkit, make_project


def test_what_is_equal_is_left_out_and_what_differs_has_both_values(tmp_path):
    a = past_run(tmp_path, 0, parameters={"attempts": 200, "logs": ""})
    b = past_run(
        tmp_path,
        5,
        meets(),
        parameters={"attempts": 400, "logs": "", "offline": False},
        versions=VERSIONS | {"duckdb": "2.1.0"},
        git={"revision": "aaaa", "dirty": True},
        coverage={"probe": {"planned": 200, "measured": 190}, "notes": []},
    )

    found = difference(read(a), read(b))

    assert found.verdicts == ("findings", "healthy")
    assert [(one.id, one.kind) for one in found.findings] == [("events.all_five", "recovered")]
    assert found.parameters == {"attempts": (200, 400), "offline": (None, False)}
    assert found.versions == {"duckdb": ("2.0.0", "2.1.0")}
    assert set(found.code) == {"revision", "dirty"}
    assert found.coverage == {"probe.measured": (200, 190)}
    assert found.window == {}
    assert found.notes == ()


def test_whether_both_read_the_same_log_is_said_as_far_as_the_records_tell(tmp_path):
    def log(digest):
        return {"digest_of": "every byte", "files": {"a.json": {"size_bytes": 9, "digest": digest}}}

    runs = [read(past_run(tmp_path, minute, log=told)) for minute, told in enumerate((log("aa"), log("aa"), log("bb")))]
    older = [read(past_run(tmp_path, minute)) for minute in (60, 61)]

    same, other, unknown = difference(*runs[:2]), difference(*runs[1:]), difference(*older)

    assert (same.log, same.notes) == ({}, ("Both read the same files of a log, by every byte.",))
    assert (other.log, other.notes) == ({"files.a.json.digest": ("aa", "bb")}, ())
    assert (unknown.log, unknown.notes) == ({}, ())


def test_nothing_is_concluded_from_a_run_that_did_not_end_well(tmp_path):
    found = difference(read(past_run(tmp_path, 0, meets())), read(past_run(tmp_path, 1, finding(), status="timeout")))

    assert [(one.kind, one.why) for one in found.findings] == [("not comparable", "The second run did not end well.")]


def test_runs_of_different_questions_or_in_the_wrong_order_are_named(tmp_path):
    later = past_run(tmp_path, 9, environment="production")
    earlier = past_run(tmp_path, 1, notebook="auth_timing")

    assert difference(read(later), read(earlier)).notes == (
        "They are of different notebooks: event_success_rates, then auth_timing.",
        "They are of different environments: production, then staging.",
        "The first run is the later one.",
    )


def test_a_broken_folder_is_compared_as_far_as_it_goes(tmp_path):
    broken = tmp_path / "runs" / "broken"
    broken.mkdir(parents=True)

    found = difference(read(past_run(tmp_path, 0)), read(broken))

    assert [one.kind for one in found.findings] == ["not comparable"]
    assert "broken: run.json is missing." in found.notes


def test_findings_come_from_the_list_when_the_results_are_gone(tmp_path):
    folder = past_run(tmp_path, 0)
    (folder / "results.json").unlink()

    [one] = difference(read(folder), read(past_run(tmp_path, 1, meets()))).findings

    assert one.kind == "recovered"


def test_a_mapping_inside_another_is_named_with_both(tmp_path):
    assert flat({"a": {"b": 1, "c": {}}, "d": [2]}) == {"a.b": 1, "a.c": {}, "d": [2]}
    assert flat("text") == flat(None) == {}


def test_diff_says_the_rule_and_what_became_of_each_finding(tmp_path):
    project = make_project(tmp_path)
    past_run(project / "outputs", 0, finding())
    past_run(project / "outputs", 60, meets(), git={"revision": "aaaa", "dirty": False})

    told = at_a_terminal(project, "diff", "20261101T00", "last").stderr
    data = json.loads(gpkit(project, "diff", "20261101T00", "last").stdout)

    assert "RECOVERED  events.all_five: It failed and meets now." in told
    assert "A  FAILS 71 % (95 % interval 64–77 %, n = 200), target 80 %" in told
    assert "The rule: Verdicts that decide come first" in told
    assert "What differs: code\n" in told
    assert "The same: parameters, versions, window, coverage." in told
    assert data["findings"][0]["change"] == "recovered"
    assert data["code"]["revision"][1] == "aaaa"
    assert "Verdicts that decide" in data["rule"]


def test_different_selections_of_a_log_are_not_compared(tmp_path):
    whole = past_run(tmp_path, 0, meets(), parameters={"logs": "a.json", "logs_filter": ""})
    chosen = past_run(tmp_path, 1, finding(), parameters={"logs": "a.json", "logs_filter": "severity>=WARNING"})

    [change] = difference(read(whole), read(chosen)).findings

    assert change.kind == "not comparable"
    assert "logs_filter differs" in change.why


def test_a_log_that_was_written_with_a_filter_is_not_compared_with_all_of_it(tmp_path):
    asked = {"asked": {"window": {}, "filter": "severity>=WARNING"}, "notes": []}
    whole = past_run(tmp_path, 0, meets(), parameters={"logs": "w.parquet"})
    chosen = past_run(tmp_path, 1, finding(), parameters={"logs": "w.parquet"}, coverage=asked)

    [change] = difference(read(whole), read(chosen)).findings

    assert change.kind == "not comparable"
