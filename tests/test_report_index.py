"""outputs/index.html: the list of runs."""

from __future__ import annotations

import re
import shutil
import threading

import pytest

from gpkit.errors import OutputError
from gpkit.report import render, write_index
from tests.history_support import finding as finding_of
from tests.history_support import many_runs, meets, past_run, undecided
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


def test_of_a_later_version_nothing_is_claimed_that_this_one_does_not_know(tmp_path):
    past_run(tmp_path, 0, status="reconsidered", verdict="healthy", findings={"all": [1]}, schema=99)
    past_run(tmp_path, 60, verdict="splendid", environment="production", headline=["events.all_five"])

    newer, older = rows_of(tmp_path)

    assert "ok ? NO VERDICT" in newer
    assert "unknown no verdict" in older
    assert "MEETS" not in (tmp_path / "index.html").read_text()


def test_a_folder_that_is_not_what_it_seems_hides_no_other(tmp_path):
    (tmp_path / "runs" / "20261120T090000000Z-auth_timing-000001" / "run.json").mkdir(parents=True)
    (tmp_path / "runs" / "gone").symlink_to(tmp_path / "nowhere")
    deep = past_run(tmp_path, 0, run_id="deep") / "run.json"
    deep.write_text("[" * 100_000)
    past_run(tmp_path, 60)

    nested, folder, whole = rows_of(tmp_path)

    assert "unknown no verdict Nothing says how this run ended. run.json holds no object. deep" in nested
    assert "unknown no verdict Nothing says how this run ended. run.json cannot be read: IsADirectoryError." in folder
    assert "✕ FAILS" in whole


def test_a_run_in_progress_is_listed_as_running_and_a_hidden_folder_is_not_listed(tmp_path):
    run_folder(tmp_path, "x.partial", status="running", verdict=None)
    run_folder(tmp_path, ".y", status="running", verdict=None)

    assert ["running no verdict" in row for row in rows_of(tmp_path)] == [True]


def test_a_link_leads_to_the_report_whatever_the_folder_is_called(tmp_path):
    folder = run_folder(tmp_path, "a b#c?d")
    render(folder, root=tmp_path)

    assert 'href="runs/a%20b%23c%3Fd/report.html"' in write_index(tmp_path).read_text()


def test_folders_with_impossible_names_and_instants_keep_no_list_from_being_written(tmp_path):
    past_run(tmp_path, 0, run_id="a\udcff<b>")
    past_run(tmp_path, 0, run_id="first-day", started_utc="0001-01-01T00:00:00+14:00")
    past_run(tmp_path, 0, finding_of(estimate=10**400, interval=[-1e308, 1e308], n=10**400), run_id="huge")
    render(tmp_path / "runs" / "first-day", root=tmp_path)
    render(tmp_path / "runs" / "huge", root=tmp_path)
    render(tmp_path / "runs" / "a\udcff<b>", root=tmp_path)

    rows = rows_of(tmp_path)

    assert len(rows) == 3
    assert 'href="runs/a%FF%3Cb%3E/report.html"' in (tmp_path / "index.html").read_text()


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


def glance(root):
    """The entries of the overview as text, in order."""
    page = write_index(root).read_text()
    part = page[page.index('class="glance"') : page.index('id="list-title"')]
    items = re.findall(r"<li class=\"(\w+)\">(.*?)</li>", part, re.DOTALL)
    return [(tone, " ".join(re.sub(r"<[^>]+>", " ", item).replace("\u00a0", " ").split())) for tone, item in items]


def test_each_notebook_and_environment_stands_at_a_glance_worst_first(tmp_path):
    for hour in range(3):
        past_run(tmp_path, 60 * hour, meets())
    for hour in range(4):
        past_run(tmp_path, 60 * hour, finding_of() if hour else meets(), notebook="auth_timing")
    past_run(tmp_path, 0, undecided(), environment="production", tail=1)

    assert glance(tmp_path) == [
        ("fails", "auth_timing staging ✕ FAILS since 2026-11-01 01:00 (3 runs) "
         "71 % (95 % interval 64–77 %, n = 200), target 80 % 4 runs 100 % 60 %"),
        ("undecided", "event_success_rates production ? CANNOT TELL 2026-11-01 00:00 "
         "80 % (95 % interval 70–88 %, n = 200), target 80 % 1 run"),
        ("meets", "event_success_rates staging ✓ MEETS since 2026-11-01 00:00 (3 runs) "
         "95 % (95 % interval 91–97 %, n = 200), target 80 % 3 runs 100 % 80 %"),
    ]  # fmt: skip


def test_a_newest_run_that_did_not_end_well_is_said_beside_the_last_verdict_and_never_looks_like_it(tmp_path):
    past_run(tmp_path, 0, meets())
    past_run(tmp_path, 60, status="missed", started_utc=None)
    past_run(tmp_path, 120, status="timeout")

    [(tone, text)] = glance(tmp_path)

    assert tone == "broken"
    assert "✓ MEETS 2026-11-01 00:00" in text
    assert "! The last one, 2026-11-01 02:00: timed out" in text
    assert "3 runs, 1 of the last 3 failed , 1 of the last 3 missed" in text


def test_a_record_of_many_missed_slots_counts_as_that_many(tmp_path):
    past_run(tmp_path, 0, finding())
    past_run(tmp_path, 60, status="missed", schedule={"name": "hourly", "slot_utc": "2026-11-01T01:00:00Z"})
    past_run(tmp_path, 90, status="missed", schedule={"name": "hourly", "slot_utc": "x", "slots": 240})

    page = write_index(tmp_path).read_text()

    assert "241 of the last 242 missed" in page
    assert "<span>242 runs</span>" in page
    assert "241 missed" in page


def test_a_pair_whose_runs_all_failed_has_no_verdict(tmp_path):
    past_run(tmp_path, 0, status="kernel-died")

    [(tone, text)] = glance(tmp_path)

    assert (tone, "! KERNEL DIED" in text, "MEETS" in text) == ("broken", True, False)


def test_a_run_with_other_parameters_does_not_lengthen_a_stretch(tmp_path):
    past_run(tmp_path, 0, parameters={"target_ratio": 0.5}, given=["target_ratio"])
    past_run(tmp_path, 60)

    [(_, text)] = glance(tmp_path)

    assert "since" not in text


def test_what_failed_with_other_parameters_is_said_beside_the_last_answer(tmp_path):
    def asked(minute, found, **parameters):
        return past_run(tmp_path, minute, found, parameters={"environment": "local", **parameters}, given=[*parameters])

    asked(0, finding(), faults="incident", seed=1)
    asked(60, finding(), faults="mended")
    asked(120, meets(), faults="mended")
    asked(180, meets(), faults="", seed=2)

    [(tone, text)] = glance(tmp_path)

    assert tone == "meets"
    assert "✕ It failed with faults=incident, 2026-11-01 00:00 : 71 % (95 % interval 64–77 %, n = 200)" in text
    assert text.count("It failed") == 1  # what was mended since is no failure any more, and a seed is no question


def test_more_failing_questions_than_are_named_are_counted(tmp_path):
    for minute in range(5):
        past_run(tmp_path, minute, finding(), parameters={"faults": f"f{minute}"}, given=["faults"])
    past_run(tmp_path, 60, meets(), parameters={"faults": ""})

    [(_, text)] = glance(tmp_path)

    assert "It failed with faults=f4," in text
    assert "It failed with 2 more choices of parameters." in text


def test_a_selection_of_a_log_is_a_trial_however_it_came_to_be_one(tmp_path):
    log = {"environment": "staging", "logs": "api:shop"}
    past_run(tmp_path, 0, meets(), parameters=log)
    past_run(tmp_path, 60, finding(), parameters=log, selection="severity>=WARNING")

    [(tone, text)] = glance(tmp_path)

    assert tone == "meets"
    assert "since" not in text
    assert "It failed" not in text


def test_a_log_of_an_environment_stands_apart_from_its_probes(tmp_path):
    past_run(tmp_path, 0, meets())
    past_run(tmp_path, 60, finding(), parameters={"environment": "staging", "logs": "api:shop"})
    past_run(tmp_path, 120, finding(), environment="log", parameters={"environment": "local", "logs": "x.json"})

    assert [text.split(" ✕ ")[0].split(" ✓ ")[0] for _, text in glance(tmp_path)] == [
        "event_success_rates log · x.json",
        "event_success_rates staging, its log · api:shop",
        "event_success_rates staging",
    ]


def log_of(root, minute, found, logs, **parts):
    asked = {"environment": "local", "logs": logs}
    return past_run(root, minute, found, environment="log", parameters=asked, given=["logs"], **parts)


def test_no_logs_verdict_hides_anothers_where_nobody_said_whose_they_are(tmp_path):
    log_of(tmp_path, 0, finding_of(), "/exports/monday.json")
    log_of(tmp_path, 60, meets(), "/exports/tuesday.json")
    log_of(tmp_path, 120, meets(), "/exports/tuesday.json", tail=1)

    (tone, monday), (_, tuesday) = glance(tmp_path)

    assert tone == "fails"
    assert monday.startswith("event_success_rates log · monday.json ✕ FAILS")
    assert tuesday.startswith("event_success_rates log · tuesday.json ✓ MEETS since 2026-11-01 01:00 (2 runs)")


def test_logs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    log_of(tmp_path, 0, meets(), "/exports/monday/export.json")
    log_of(tmp_path, 60, meets(), "/exports/tuesday/export.json")
    log_of(tmp_path, 120, meets(), "/exports/other.json")

    assert [text.split(" ✓ ")[0] for _, text in glance(tmp_path)] == [
        "event_success_rates log · monday/export.json",
        "event_success_rates log · other.json",
        "event_success_rates log · tuesday/export.json",
    ]


def test_every_list_names_the_log_that_a_run_read_and_not_where_it_lies(tmp_path):
    many_runs(tmp_path, 201)
    log_of(tmp_path, 1, meets(), "/home/someone/exports/<b>.json")
    past_run(tmp_path, 61, meets(), parameters={"environment": "staging", "logs": "api:shop-prod"})

    page = write_index(tmp_path).read_text()
    older = (tmp_path / "index" / "1.html").read_text()

    for written in (page, older):
        assert "/home/someone" not in written
        assert "<b>.json" not in written
    assert '<p class="dim">log · &lt;b&gt;.json</p>' in page
    assert '<p class="dim">staging, its log · api:shop-prod</p>' in page
    assert '<span class="dim">staging · api:shop-prod</span>' in older
    assert '<span class="dim">log · &lt;b&gt;.json</span>' in older


def test_another_log_that_failed_is_named_without_its_folder(tmp_path):
    for minute, logs, found in ((0, "/exports/monday.json", finding_of()), (60, "api:shop", meets())):
        past_run(tmp_path, minute, found, parameters={"environment": "staging", "logs": logs}, given=["logs"])

    [(_, text)] = glance(tmp_path)

    assert "It failed with logs=monday.json," in text


def test_a_good_last_answer_beside_a_failing_other_question_stands_before_what_cannot_be_told(tmp_path):
    past_run(tmp_path, 0, undecided(), environment="canary")
    past_run(tmp_path, 1, status="timeout", environment="down")
    past_run(tmp_path, 2, finding_of(), parameters={"faults": "incident"}, given=["faults"], environment="mixed")
    past_run(tmp_path, 3, meets(), parameters={"faults": ""}, environment="mixed")
    past_run(tmp_path, 4, meets(), environment="fine")
    past_run(tmp_path, 5, environment="bad")

    assert [text.split()[1] for _, text in glance(tmp_path)] == ["bad", "down", "mixed", "canary", "fine"]


def test_runs_that_were_refused_for_what_was_asked_are_not_counted_as_failed(tmp_path):
    for minute, kind in enumerate(("SourceError", "ParameterError", "TargetError", "KernelError")):
        past_run(tmp_path, minute, status="failed", error={"kind": kind, "message": "No."})
    past_run(tmp_path, 60, meets())

    [(_, text)] = glance(tmp_path)

    assert "5 runs, 1 of the last 5 failed , 3 of the last 5 refused" in text


def test_a_new_run_changes_the_last_page_alone_and_a_changed_folder_its_own(tmp_path):
    many_runs(tmp_path, 1100)
    write_index(tmp_path)
    before = {page.name: page.stat().st_mtime_ns for page in (tmp_path / "index").iterdir()}

    past_run(tmp_path, 60 * 24 * 300)
    write_index(tmp_path)
    after = {page.name: page.stat().st_mtime_ns for page in (tmp_path / "index").iterdir()}
    assert [name for name in sorted(after) if after[name] != before[name]] == ["3.html"]

    oldest = min((tmp_path / "runs").iterdir())
    (oldest / "run.json").write_text("{")
    write_index(tmp_path)
    assert "run.json cannot be read" in (tmp_path / "index" / "1.html").read_text()
    assert (tmp_path / "index" / "2.html").stat().st_mtime_ns == after["2.html"]


def test_pages_of_runs_that_are_gone_are_gone_too(tmp_path):
    many_runs(tmp_path, 1100)
    write_index(tmp_path)
    for folder in sorted((tmp_path / "runs").iterdir())[:1000]:
        shutil.rmtree(folder)

    page = write_index(tmp_path).read_text()

    assert list((tmp_path / "index").iterdir()) == []
    assert page.count("<tr>") == 101
    assert "All runs by page" not in page


def test_pages_lead_to_each_other_and_to_the_reports(tmp_path):
    many_runs(tmp_path, 1100)
    index = write_index(tmp_path).read_text()
    middle = (tmp_path / "index" / "2.html").read_text()

    assert re.findall(r'href="(index/\d+.html)"', index) == [f"index/{number}.html" for number in (3, 2, 1)]
    assert 'href="3.html">Newer' in middle
    assert 'href="1.html">Older' in middle
    for link in re.findall(r'href="([^"]+)"', middle):
        assert (tmp_path / "index" / link).resolve().is_file()


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
