"""From a finding back to its evidence: the filter selects it and nothing else, and the commands that are given work."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pandas as pd
import pytest

import gpkit
from gpkit import environments, filters, tables
from gpkit.findings import Finding
from gpkit.instants import Window
from gpkit.investigation import explorer, origin
from gpkit.investigation.exhibits import exhibits
from gpkit.investigation.narrowing import narrowed
from gpkit.investigation.pivot import Evidence
from gpkit.report.visible import shown
from gpkit.stack import cloud_logging
from tests.runs_support import make_project

EXPORT = "cl_raw_20250907_1320_iter9_2002.json"
BOOT_LOOP = "cl_raw_20250916_0041_bootloop_1000.json"
RUN = "20260101T000000000Z-x-000000"
HOUR = Window(datetime(2025, 9, 7, 13, tzinfo=UTC), datetime(2025, 9, 7, 14, tzinfo=UTC))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which a supervisor would be making the run ``RUN``."""
    made = make_project(tmp_path / "a project")
    monkeypatch.chdir(made)
    monkeypatch.setenv("GPKIT_RUN_FOLDER", str(made / "outputs" / "runs" / f"{RUN}.partial"))
    monkeypatch.setenv("GPKIT_RUN_ID", RUN)
    return made


def finished(project: Path, run: Any, *findings: Any) -> dict[str, Any]:
    """What the run recorded, its folder complete."""
    run.finish(*findings)
    run.folder.rename(run.folder.with_name(RUN))
    results: dict[str, Any] = json.loads((project / "outputs" / "runs" / RUN / "results.json").read_text("utf-8"))
    return results


def auth(project: Path, **asked: Any) -> tuple[Any, dict[str, Any]]:
    run = gpkit.start("auth_timing", **asked)
    return run, finished(project, run, gpkit.judge_refusals(run.cases))


def done(project: Path, command: str) -> list[dict[str, Any]]:
    """The rows that a command of a report puts out, as a shell starts it."""
    line = command.replace("gpkit", f"{shlex.quote(sys.executable)} -m gpkit", 1)
    ended = subprocess.run(line, shell=True, cwd=project, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(row) for row in ended.stdout.splitlines()]


def selected(run: Any, filter: str) -> set[str]:
    chosen = filters.predicate(filters.parse(filter))
    known = zip(run.entries["insert_id"], run.entries["entry"], strict=True)
    return {insert_id for insert_id, entry in known if chosen(json.loads(entry))}


def entries_behind(run: Any, finding: dict[str, Any]) -> set[str]:
    connections = run.connections.set_index("connection_id")["evidence"]
    return {insert_id for one in finding["evidence"] for insert_id in connections[one]}


def ids(rows: list[dict[str, Any]]) -> set[str]:
    return {row["insert_id"] for row in rows}


@pytest.mark.parametrize("chosen", ["", 'severity>=WARNING OR textPayload:"it\'s"'])
def test_filter_and_command_of_files_give_the_evidence_and_nothing_else(project, exports, root, chosen):
    shutil.copy(exports / "cloud_logging" / EXPORT, project / "an export.json")

    run, results = auth(project, logs="an export.json", logs_filter=chosen, since="2025-09-07T13:00:00Z")

    trail = results["evidence_trail"]["auth.let_in"]
    behind = entries_behind(run, results["findings"][0])
    assert len(behind) == trail["entries"] == trail["selects"] > 100
    assert selected(run, trail["filter"]) == behind
    assert trail["command"].startswith("gpkit logs 'an export.json' --since 2025-09-07T13:00:00Z --filter ")
    assert ids(done(project, trail["command"])) == behind
    assert trail["explorer"] == ""
    assert (chosen == "") or filters.all_of(chosen).text in trail["filter"]
    jsonschema.validate(trail, trail_schema(root))


def trail_schema(root: Path) -> dict[str, Any]:
    schema = json.loads((root / "docs" / "results.schema.json").read_text("utf-8"))
    return {"$ref": "#/$defs/trail", "$defs": schema["$defs"]}


@pytest.fixture
def api(project: Path, exports: Path) -> Iterator[str]:
    """A Cloud Logging API that the environment ``cloud`` names; the project with its entries."""
    with cloud_logging([exports / "cloud_logging" / EXPORT]) as running:
        cloud = f"logs_endpoint: {running.rest_url}\nlogs_anonymous: true\nlogs_reads_per_minute: 100000\n"
        (project / "parameters" / "environments" / "cloud.yaml").write_text(cloud)
        yield max(running.resources, key=lambda name: running.resources[name]).removeprefix("projects/")


def test_the_command_of_a_project_asks_it_again_in_the_same_window(project, api):
    window = {name: text for name, text in HOUR.as_dict().items() if text}

    run, results = auth(project, environment="cloud", logs=f"api:{api}", **window)

    trail = results["evidence_trail"]["auth.let_in"]
    assert trail["window"] == HOUR.as_dict()
    assert trail["command"].startswith(f"gpkit logs api:{api} -e cloud --since 2025-09-07T13:00:00Z --until 2025-09-07")
    assert ids(done(project, trail["command"])) == entries_behind(run, results["findings"][0])
    assert trail["explorer"] == ""  # nothing of it is at Google


def test_the_evidence_of_the_local_stack_is_read_from_what_the_run_has_kept(project, root):
    faults = str(root / "parameters" / "faults" / "incident.yaml")
    run = gpkit.start("event_success_rates", faults=faults, attempts=90, rate_per_s=90.0, deadline_s=0.5)
    judged = gpkit.judge_events(run.attempts)
    results = finished(project, run, judged)

    named = "events.all_five"
    trail = results["evidence_trail"][named]
    failed = run.attempts.set_index("attempt_id").loc[list(judged[0].evidence)]
    behind = {insert_id for listed in failed["server_evidence"] for insert_id in listed}
    lines = done(project, trail["rest"])
    assert behind
    assert trail["command"].startswith(f"gpkit logs outputs/runs/{RUN}/evidence/entries.parquet --filter ")
    assert ids(done(project, trail["command"])) == selected(run, trail["filter"]) == behind
    assert trail["rest"] == f"gpkit show {RUN} --evidence {named}"
    assert {line["id"] for line in lines if line["kind"] == "entry"} == behind
    assert {line["case"] for line in lines} == set(judged[0].evidence)
    assert {line["kind"] for line in lines} == {"attempt", "frame", "entry"}


def test_a_run_has_no_finding_of_another_name(project):
    run = gpkit.start("event_success_rates", faults="", attempts=2, rate_per_s=80.0)
    finished(project, run, gpkit.judge_events(run.attempts))

    command = [sys.executable, "-m", "gpkit", "show", RUN, "--evidence", "events.all_fiv"]
    ended = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 4
    assert "Did you mean 'events.all_five'?" in ended.stderr


def test_instances_that_never_served_are_shown_by_their_grave_lines(project, exports):
    run = gpkit.start("handshake_race", logs=str(exports / "cloud_logging" / BOOT_LOOP))
    results = finished(project, run, gpkit.judge_boots(run.instances))

    trail, lines = results["evidence_trail"]["instances.boot"], results["evidence_lines"]["instances.boot"]
    assert trail["cases"] == 15
    assert [one["why"] for one in trail["shown"]] == ["first"] * 3
    assert trail["worst"] == ""
    assert any("ERROR" in line["text"] for line in lines)
    assert len(selected(run, trail["filter"])) == trail["selects"] == trail["entries"]


def test_first_and_worst_cases_are_told_apart_and_counted(project, exports):
    run, results = auth(project, logs=str(exports / "cloud_logging" / EXPORT))

    trail, lines = results["evidence_trail"]["auth.let_in"], results["evidence_lines"]["auth.let_in"]
    shown_cases = {one["id"]: one["why"] for one in trail["shown"]}
    in_time = run.cases[run.cases["failed"]].sort_values("at_ns")
    assert [one for one, why in shown_cases.items() if "first" in why] == list(in_time["case_id"][:3])
    clients = run.cases.set_index("case_id").loc[[one for one, why in shown_cases.items() if "worst" in why], "client"]
    assert clients.nunique() == 3  # one of each kind
    assert {line["case"] for line in lines} == set(shown_cases)
    assert [one["lines"] for one in trail["shown"]] == [
        sum(line["case"] == one["id"] for line in lines) for one in trail["shown"]
    ]
    assert trail["shown"][0]["ids"]["trace"]


HOSTILE = [
    'a"b\\c', "it's; touch x", "$(reboot) `id`", "line\nbreak\ttab", "\u202egnp.exe\u200b", "\u00a0\U000e0041", "ünï🙂",
    "-x", "a OR b", "\x00\x1b[31m",
]  # fmt: skip


def test_ids_of_any_characters_come_back_whole_from_page_and_shell():
    entries = pd.DataFrame({"insert_id": [*HOSTILE, "another"]})

    made = narrowed(entries, HOSTILE, 'textPayload=~"\u202e\\s" OR severity=ERROR')

    chosen = filters.predicate(made.filter)
    kept = {one for one in entries["insert_id"] if chosen({"insertId": one, "severity": "ERROR"})}
    said = origin.command(origin.Origin("an 'odd' file.json"), made.filter)
    assert kept == set(HOSTILE)
    assert not any(chosen({"insertId": one}) for one in HOSTILE)
    assert shlex.split(said) == ["gpkit", "logs", "an 'odd' file.json", "--filter", made.filter]
    assert made.filter.isprintable()
    assert shown(said) == said


def test_a_filter_that_would_be_too_long_names_the_first_ones_and_says_so():
    many = [f"68bd86db{number:016x}" for number in range(2000)]

    made = narrowed(pd.DataFrame({"insert_id": many}), many, "severity>=INFO")

    assert 19_900 < len(made.filter) <= 20_000
    assert filters.parse(made.filter)
    assert made.selects < 2000
    assert f'"{many[0]}"' in made.filter
    assert f"The filter names {made.selects:,} of 2,000 entries, first and worst ones" in made.notes[0]


def test_no_credential_is_repeated_in_a_filter():
    key = "sk-" + "Ab3" * 10

    by_filter = narrowed(pd.DataFrame({"insert_id": ["a"]}), ["a"], f'textPayload:"{key}"')
    by_id = narrowed(pd.DataFrame({"insert_id": [key]}), [key], "")

    assert (by_filter.filter, by_id.filter) == ('insertId="a"', "")
    assert key not in str(by_filter) + str(by_id)
    assert by_filter.notes
    assert by_id.notes


def test_a_link_to_the_logs_explorer_holds_project_window_and_filter():
    chosen = 'insertId="a;b/c?d" AND textPayload:"(x) é"'

    link, note = explorer.link_or_note("shop-prod", HOUR, chosen)

    place, _, query = link.partition("?")
    parts = dict(part.split("=", 1) for part in place.split(";")[1:])
    assert note == ""
    assert place.split(";")[0] == "https://console.cloud.google.com/logs/query"
    assert urllib.parse.unquote(parts["query"]) == chosen
    assert parts["timeRange"] == "2025-09-07T13%3A00%3A00Z%2F2025-09-07T14%3A00%3A00Z"
    assert query == "project=shop-prod"


def test_a_link_that_would_be_too_long_opens_the_window_and_says_that_the_filter_is_to_be_pasted():
    link, note = explorer.link_or_note("shop-prod", HOUR, 'insertId="x" OR ' * 400 + 'insertId="y"')

    assert ";query=" not in link
    assert ";timeRange=" in link
    assert "is to be pasted" in note


@pytest.mark.parametrize(
    ("source", "settings", "command", "project_id"),
    [
        ("api:shop-prod", {}, "gpkit logs api:shop-prod --filter x", "shop-prod"),
        ("api:", {"logs_project": "shop"}, "gpkit logs api:shop -e cloud --filter x", "shop"),
        ("api:shop", {"logs_endpoint": "http://127.0.0.1:9"}, "gpkit logs api:shop -e cloud --filter x", ""),
        ("bigquery:shop.logs", {}, "gpkit logs bigquery:shop.logs --filter x", "shop"),
        ("bigquery:a.org:s.logs._All", {}, "gpkit logs bigquery:a.org:s.logs._All --filter x", "a.org:s"),
        ("gs://b/p/*.json", {}, "gpkit logs 'gs://b/p/*.json' --filter x", ""),
        ("-odd.json", {}, "gpkit logs ./-odd.json --filter x", ""),
    ],
)  # fmt: skip
def test_only_what_google_holds_has_a_page_there(project, source, settings, command, project_id):
    target = environments.Environment(name="cloud", **settings)

    made = origin.of_log(source, Window(None, None), "", target)

    assert origin.command(made, "x") == command
    assert made.project == project_id


def test_a_finding_without_evidence_has_an_empty_trail(project, exports):
    run = gpkit.start("auth_timing", logs=str(exports / "cloud_logging" / EXPORT))
    nothing = Finding(
        id="x", claim="Nothing.", verdict="undecided", estimate=None, unit="s", interval=None, n=0, target=1
    )

    trail = finished(project, run, nothing)["evidence_trail"]["x"]

    assert {name: trail[name] for name in ("cases", "entries", "shown", "filter", "command", "rest")} == {
        "cases": 0, "entries": 0, "shown": [], "filter": "", "command": "", "rest": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["began thread_id=thread_9f2", 'sent {"thread_id": "thread_9f2", "x": 1}', "thread: thread_9f2"]
)
def test_a_thread_is_named_where_a_line_names_it(text):
    row = {"insert_id": "a", "timestamp_ns": 1, "effective_severity": "INFO", "message": text, "entry": "{}"}
    nothing = tables.empty(tables.ATTEMPTS), tables.empty(tables.CONNECTIONS), pd.DataFrame()
    run: Any = SimpleNamespace(entries=tables.from_rows([row], tables.ENTRIES), messages=tables.empty(tables.MESSAGES))
    run.attempts, run.connections, run.instances = nothing
    found = Finding(
        id="x", claim="x", verdict="fails", estimate=1.0, unit="s", interval=None, n=1, target=0, evidence=("a", "gone")
    )

    shown_cases = exhibits(Evidence(run), found)

    assert [one.ids for one in shown_cases] == [{"thread": "thread_9f2"}, {}]
    assert [line.kind for one in shown_cases for line in one.lines] == ["entry", "missing"]
