"""A notebook reads a project's log through the API, and says what of it is missing; the cache tells it once more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gpkit.findings import Finding
from gpkit.investigation.gathered import Gathered
from gpkit.investigation.investigation import _limited
from gpkit.stack import LoggingApi, cloud_logging
from tests.runs_support import gpkit, make_project, read, run_folders

EXPORT = "cl_raw_20250907_1320_iter9_2002.json"
WINDOW = ("-p", "since=2025-09-07T13:00:00Z", "-p", "until=2025-09-07T14:00:00Z")


@pytest.fixture
def api(exports: Path) -> Iterator[LoggingApi]:
    with cloud_logging([exports / "cloud_logging" / EXPORT]) as running:
        yield running


@pytest.fixture
def source(api: LoggingApi) -> str:
    return "logs=api:" + max(api.resources, key=lambda name: api.resources[name]).removeprefix("projects/")


@pytest.fixture
def project(root: Path, tmp_path: Path, api: LoggingApi) -> Path:
    """A copy of the project whose environment ``cloud`` names the API."""
    made = make_project(tmp_path / "project")
    shutil.copytree(root / "notebooks", made / "notebooks", dirs_exist_ok=True)
    cloud = f"logs_endpoint: {api.rest_url}\nlogs_anonymous: true\nlogs_reads_per_minute: 100000\n"
    (made / "parameters" / "environments" / "cloud.yaml").write_text(cloud)
    return made


def gathered(coverage: dict[str, Any]) -> Any:
    """An investigation, as far as what it covers."""
    return SimpleNamespace(coverage=coverage, gaps=Gathered.gaps.fget(SimpleNamespace(coverage=coverage)))


def last(project: Path) -> dict[str, Any]:
    return read(run_folders(project)[-1] / "results.json")


def judged(results: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in finding.items() if name != "earlier"} for finding in results["findings"]]


def test_a_project_is_read_as_its_export_is_and_again_without_a_call(project, api, source, exports):
    shutil.copy(exports / "cloud_logging" / EXPORT, project / "export.json")

    from_file = gpkit(project, "run", "auth_timing", "-p", "logs=export.json", *WINDOW)
    export = last(project)
    assert (export["environment"], read(run_folders(project)[-1] / "run.json")["environment"]) == ("log", "log")
    from_api = gpkit(project, "run", "auth_timing", "-e", "cloud", "-p", source, *WINDOW)
    fetched = last(project)
    assert (fetched["environment"], read(run_folders(project)[-1] / "run.json")["environment"]) == ("cloud", "cloud")
    calls = len(api.requests())
    from_cache = gpkit(project, "run", "auth_timing", "-e", "cloud", "-p", source, "-p", "offline=true", *WINDOW)
    held = last(project)

    assert [each.returncode for each in (from_file, from_api, from_cache)] == [1, 1, 1], from_api.stderr
    assert calls >= 3
    assert len(api.requests()) == calls
    assert judged(fetched) == judged(export)
    assert judged(held) == judged(export)
    assert fetched["coverage"]["unread"] == []
    assert fetched["coverage"]["asked"]["window"] == {"since": "2025-09-07T13:00:00Z", "until": "2025-09-07T14:00:00Z"}
    assert any("cache" in note for note in held["coverage"]["notes"])
    assert len(gpkit(project, "runs", "-e", "cloud", "--json").stdout.splitlines()) == 2


def test_what_could_not_be_read_is_said_in_every_finding_and_drawn_as_a_gap(project, api, source):
    api.script({"fail": [{"at": [2], "status": 403}]})

    done = gpkit(project, "run", "handshake_race", "-e", "cloud", "-p", source, *WINDOW)

    assert done.returncode in (1, 2), done.stderr
    results = last(project)
    unread = results["coverage"]["unread"]
    assert len(unread) == 1
    assert unread[0]["until"] == "2025-09-07T14:00:00Z"
    assert any(note.startswith("Not read: ") for note in results["coverage"]["notes"])
    assert all("of the window were not read." in finding["limits"] for finding in results["findings"])
    notebook = read(run_folders(project)[-1] / "notebook.ipynb")
    shapes = [
        (shape["x0"], shape["x1"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        for shape in output.get("data", {})
        .get("application/vnd.plotly.v1+json", {})
        .get("layout", {})
        .get("shapes", [])
        if str(shape.get("x1", "")).startswith("2025-09-07 14:00:00")
    ]
    assert shapes
    assert "shaded stretch was not read" in (run_folders(project)[-1] / "report.html").read_text("utf-8")


def test_a_filter_narrows_what_a_notebook_sees(project, source):
    narrowed = ("-p", 'logs_filter=httpRequest.userAgent:"chrome"')

    done = gpkit(project, "run", "auth_timing", "-e", "cloud", "-p", source, *narrowed, *WINDOW)

    assert done.returncode == 2, done.stderr
    asked = last(project)["coverage"]["asked"]
    assert read(run_folders(project)[-1] / "run.json")["selection"] == asked["filter"]
    judged_by_shares = [finding for finding in last(project)["findings"] if finding["n"]]
    assert judged_by_shares
    for finding in judged_by_shares:
        assert (finding["verdict"], finding["cause"], finding["ruled_out"]) == ("undecided", "", [])
        assert finding["claim"].startswith("Of what the filter left: ")
        assert "drop successes" in finding["limits"]
    assert asked["filter"] == 'httpRequest.userAgent:"chrome"'
    assert 0 < last(project)["coverage"]["entries"] < 2002


def test_a_filter_of_place_and_time_alone_leaves_the_verdicts(project, source):
    chosen = ("-p", 'logs_filter=resource.labels.service_name:* AND timestamp>="2025-09-07T13:00:00Z"')

    done = gpkit(project, "run", "auth_timing", "-e", "cloud", "-p", source, *chosen, *WINDOW)

    assert done.returncode == 1, done.stderr
    assert last(project)["findings"][0]["verdict"] == "fails"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("-p", "logs_filter=severity>="), "FilterError: The filter is wrong at line 1, column 11"),
        (("-p", "since="), "A project's log is read in a window"),
        (("-p", "since=2025-06-01T00:00:00Z"), "bigquery:"),
        (("-p", "logs=api:"), "Nothing names the project whose log is to be read."),
        (("-p", "logs=api:a/b"), "is no project"),
    ],
)
def test_what_cannot_be_read_is_one_message_before_a_run_begins(project, source, given, told):
    done = gpkit(project, "run", "auth_timing", "-e", "cloud", "-p", source, *WINDOW, *given)

    assert done.returncode == 4
    assert run_folders(project) == []
    assert told in json.dumps(done.stderr, ensure_ascii=False)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["logs_filter=severity>=ERROR"], "logs_filter says what is read of a log, and no log is named."),
        (["offline=true"], "offline says what is read of a log"),
        (["since=-1h", "until=now"], "since and until say what is read of a log"),
    ],
)
def test_a_choice_among_the_entries_of_no_log_opens_no_connection(project, given, told):
    done = gpkit(project, "run", "auth_timing", *(part for one in given for part in ("-p", one)))

    assert done.returncode == 4
    assert run_folders(project) == []
    assert f"ParameterError: {told}" in done.stderr
    assert "Name a log with -p logs=FILE or -p logs=api:PROJECT, or leave " in done.stderr


def test_sink_files_are_read_as_exports_are(project, exports):
    shutil.copy(exports / "cloud_logging" / EXPORT, project / "export.json")
    gpkit(project, "run", "auth_timing", "-p", "logs=export.json")
    export = last(project)

    done = gpkit(project, "run", "auth_timing", "-p", f"logs=file://{project}/exp*.json")

    assert done.returncode == 1, done.stderr
    assert judged(last(project)) == judged(export)


def test_a_part_of_what_was_asked_for_is_no_whole_answer(project, source):
    name = source.removeprefix("logs=")
    window = ("--since", "2025-09-07T13:00:00Z", "--until", "2025-09-07T14:00:00Z")

    unheld = gpkit(project, "logs", name, "-e", "cloud", "--offline", *window)
    fetched = gpkit(project, "logs", name, "-e", "cloud", *window)
    held = gpkit(project, "logs", name, "-e", "cloud", "--offline", *window)

    assert [unheld.returncode, fetched.returncode, held.returncode] == [2, 0, 0]
    assert "Not read: 2025-09-07T13:00:00Z – 2025-09-07T14:00:00Z: offline" in unheld.stderr
    assert held.stdout == fetched.stdout
    assert len(held.stdout.splitlines()) == 2002


def test_a_finding_without_a_case_says_what_was_not_looked_at():
    empty = Finding(
        id="x", claim="Nothing to judge: no case in this window.", verdict="undecided", estimate=None, unit="ratio",
        interval=None, n=0, target=0.9,
    )  # fmt: skip
    stretch = {"since": "2025-09-07T13:00:00Z", "until": "2025-09-07T13:15:00Z", "why": "offline"}

    claims = [
        _limited(empty, gathered(coverage)).claim
        for coverage in (
            {"unread": []},
            {"unread": [stretch]},
            {"asked": {"filter": "severity>=ERROR"}},
            {"probe": {"planned": 20, "measured": 0}},
        )
    ]

    assert claims == [
        "Nothing to judge: no case in this window.",
        "Nothing to judge: no case in what was read, and 900 s of the window were not read.",
        "Nothing to judge: no case among the entries that the filter selects.",
        "Nothing to judge: no case in what was measured, and 20 of 20 planned attempts were not made.",
    ]


def test_a_target_is_not_met_in_what_was_not_read():
    healthy = Finding(
        id="x", claim="All were let in.", verdict="meets", estimate=1.0, unit="ratio", interval=(0.99, 1.0), n=900,
        target=0.9,
    )  # fmt: skip
    stretch = {"since": "2025-09-07T13:00:00Z", "until": "2025-09-07T13:15:00Z", "why": "offline"}

    of_all = _limited(healthy, gathered({"unread": []}))
    of_a_part = _limited(healthy, gathered({"unread": [stretch]}))
    of_a_filter = _limited(healthy, gathered({"asked": {"filter": "severity>=ERROR"}}))

    assert (of_all.verdict, of_all.limits) == ("meets", "")
    assert (of_a_part.verdict, of_a_part.limits) == ("undecided", "900 s of the window were not read.")
    assert of_a_filter.verdict == "undecided"
    assert of_a_filter.limits.startswith("Only log entries that this filter selects were looked at: severity>=ERROR.")


def test_a_run_on_a_projects_log_without_a_window_is_refused_before_a_kernel_starts(project, source):
    ended = gpkit(project, "run", "handshake_race", "-p", source, "-p", "since=-1h")

    assert ended.returncode == 4
    assert "has no until" in ended.stderr
    assert not list((project / "outputs").glob("runs/*"))


def test_a_file_that_was_written_with_a_filter_is_judged_as_the_filter_would_be(project, exports):
    shutil.copy(exports / "cloud_logging" / EXPORT, project / "export.json")
    chosen = "severity>=WARNING"
    kept = gpkit(project, "logs", "export.json", "--filter", chosen, "-o", "w.parquet")

    filtered = gpkit(project, "run", "auth_timing", "-p", "logs=export.json", "-p", f"logs_filter={chosen}")
    of_filter, folder = last(project), run_folders(project)[-1]
    from_file = gpkit(project, "run", "auth_timing", "-p", "logs=w.parquet")
    of_file = last(project)
    from_run = gpkit(project, "run", "auth_timing", "-p", f"logs={folder / 'evidence' / 'entries.parquet'}")
    of_run = last(project)

    assert [each.returncode for each in (kept, filtered, from_file, from_run)] == [0, 2, 2, 2], from_file.stderr
    assert judged(of_file) == judged(of_filter)
    assert judged(of_run) == judged(of_filter)
    assert all(finding["verdict"] == "undecided" for finding in of_file["findings"])
    assert of_file["coverage"]["asked"] == of_filter["coverage"]["asked"]
    assert of_file["coverage"]["is_selection"]
    assert any("w.parquet was written with the filter" in note for note in of_file["coverage"]["notes"])


def test_of_files_of_which_some_are_whole_a_finding_names_those_that_are_not():
    healthy = Finding(
        id="x", claim="All were let in.", verdict="meets", estimate=1.0, unit="ratio", interval=(0.99, 1.0), n=900,
        target=0.9,
    )  # fmt: skip
    written = {"asked": {"filter": "severity>=ERROR"}, "written_with": [{"file": "w.parquet", "filter": "x"}]}

    limits = [
        _limited(healthy, gathered({**written, "files": [{"name": name} for name in names]})).limits
        for names in (["w.parquet"], ["w.parquet", "whole.json"])
    ]

    assert limits[0].startswith("Only log entries that this filter selects were looked at: severity>=ERROR.")
    assert limits[1].startswith("Of w.parquet only log entries that this filter selects were looked at: ")
