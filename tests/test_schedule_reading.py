"""The schedule file: what is accepted, and what is refused with the line, the entry and the next step."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gpkit.errors import CallerError, SourceError
from gpkit.schedule import Retention, read_schedule
from tests.runs_support import add_notebook, gpkit, make_project

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PARAMETERS = """environment: str = "local"  # where
logs: str = ""  # {path}
faults: str = ""  # {name or path}
attempts: int = 5  # [1..10]
delays_ms: list[float] = [0]  # [0..1000]
since: str = ""  # first instant
until: str = ""  # last instant"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_project(tmp_path / "project")
    (made / "parameters" / "environments" / "staging.yaml").write_text("url: wss://staging.example.com/ws\n")
    add_notebook(made, "auth_timing", parameters=PARAMETERS)
    add_notebook(made, "handshake_race", parameters=PARAMETERS)
    monkeypatch.chdir(made)
    return made


def written(project: Path, text: str) -> Path:
    path = project / "parameters" / "schedule.yaml"
    path.write_text(text)
    return path


def refusals(project: Path, text: str) -> list[str]:
    """What is wrong with a schedule, whether it is the file or an entry."""
    try:
        return [str(one.error) for one in read_schedule(written(project, text), now=NOW).refused]
    except CallerError as error:
        return [str(error)]


def test_an_entry_has_what_was_written_and_defaults_for_the_rest(project):
    written(
        project,
        """timezone: Europe/Berlin
jobs: 2
entries:
  nightly:
    notebook: auth_timing
    environment: staging
    parameters: {attempts: 3, delays_ms: [0, 5], logs: notebooks, since: -1d}
    cron: "0 6 * * 1-5"
    deadline: 90s
    catch_up: all
    grace: 1h
    start: 2026-11-01
    retention: 90d
    retries: 2
  plain: {notebook: handshake_race, cron: "@hourly", timezone: UTC, retention: 30}
""",
    )

    nightly, plain = read_schedule(now=NOW).entries

    assert (nightly.name, nightly.notebook.stem, nightly.environment) == ("nightly", "auth_timing", "staging")
    assert nightly.parameters == {
        "attempts": 3,
        "delays_ms": [0.0, 5.0],
        "logs": str(project / "notebooks"),
        "since": "-1d",
        "environment": "staging",
    }
    assert (nightly.cron.text, nightly.cron.zone) == ("0 6 * * 1-5", "Europe/Berlin")
    assert (nightly.deadline_s, nightly.catch_up, nightly.grace_s) == (90.0, "all", 3600.0)
    assert nightly.start == datetime(2026, 11, 1, tzinfo=UTC)
    assert (nightly.retries, plain.retries) == (2, 0)
    assert nightly.retention == Retention(age_s=timedelta(days=90).total_seconds())
    assert (plain.cron.zone, plain.deadline_s, plain.catch_up, plain.start) == ("UTC", 600.0, "latest", None)
    assert (plain.parameters, plain.retention) == ({}, Retention(runs=30))


HEAD = "entries:\n  nightly:\n    notebook: auth_timing\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            HEAD + '    cron: "0 0 31 2 *"\n',
            "parameters/schedule.yaml, line 4, entry 'nightly': '0 0 31 2 *' never comes. There is no day 31 in Feb.",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    timezone: Europe/Berln\n',
            "line 5, entry 'nightly': 'Europe/Berln' is no time zone. Did you mean 'Europe/Berlin'?\n"
            "Write a name such as Europe/Berlin or UTC.",
        ),
        (
            'entries:\n  nightly:\n    notebook: auth_timng\n    cron: "0 6 * * *"\n',
            "line 3, entry 'nightly': There is no notebook 'auth_timng'. Did you mean 'auth_timing'?\n"
            "There are: auth_timing, handshake_race.",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    parameters:\n      attempts: 3\n      delay_ms: [1]\n',
            "line 7, entry 'nightly': 'delay_ms' is not a parameter of auth_timing. Did you mean 'delays_ms'?",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    parameters: {attempts: "3"}\n',
            "line 5, entry 'nightly': attempts takes a whole number, not '3'.",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    parameters: {attempts: 11}\n',
            "line 5, entry 'nightly': attempts = 11 is not possible. It must be in [1..10].",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    parameters: {since: soon}\n',
            "line 5, entry 'nightly': since = 'soon' is no time.",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    parameters: {faults: incidnt}\n',
            "line 5, entry 'nightly': There are no faults named 'incidnt'.",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    environment: stagin\n',
            "line 5, entry 'nightly': There is no environment 'stagin'. Did you mean 'staging'?",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    environment: staging\n    parameters: {environment: local}\n',
            "line 6, entry 'nightly': environment is given twice.",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    parameters: {logs: gone.json}\n',
            "line 5, entry 'nightly': gone.json does not exist.",
        ),
        (
            HEAD + '    cron: "0 6 * * *"\n    parameters: {since: -1d}\n',
            "line 5, entry 'nightly': since says what is read of a log, and no log is named.",
        ),
        (
            HEAD + '    crom: "0 6 * * *"\n',
            "line 4, entry 'nightly': 'crom' is not a setting of an entry. Did you mean 'cron'?",
        ),
        (HEAD, "line 2, entry 'nightly': it has no cron."),
        ('entries:\n  nightly: {cron: "@daily"}\n', "line 2, entry 'nightly': it has no notebook."),
        (
            HEAD + '    cron: "0 6 * * *"\n    catch_up: lastest\n',
            "line 5, entry 'nightly': catch_up = 'lastest' is not possible. Did you mean 'latest'?\n"
            "catch_up is one of: skip, latest, all.",
        ),
        (HEAD + '    cron: "0 6 * * *"\n    deadline: 0\n', "line 5, entry 'nightly': deadline = 0 leaves no time."),
        (HEAD + '    cron: "0 6 * * *"\n    deadline: soon\n', "line 5, entry 'nightly': 'soon' is no duration."),
        (HEAD + '    cron: "0 6 * * *"\n    start: soon\n', "line 5, entry 'nightly': start = 'soon' is no time."),
        (HEAD + '    cron: "0 6 * * *"\n    retention: 0\n', "line 5, entry 'nightly': retention = 0 is not possible."),
        (HEAD + "    cron: '@daily'\n    retries: 11\n", "line 5, entry 'nightly': 11 retries are not possible."),
        (HEAD + "    cron: '@daily'\n    retries: yes\n", "entry 'nightly': retries takes a whole number, not True."),
        (HEAD + "    cron: 6\n", "line 4, entry 'nightly': cron takes text, not 6."),
        (
            HEAD + '    cron: "@daily"\n  nightly:\n    notebook: handshake_race\n    cron: "@daily"\n',
            "line 5: 'nightly' is there twice, first in line 2.\nGive each its own name.",
        ),
        (
            HEAD + '    cron: "@daily"\n    cron: "@hourly"\n',
            "line 5: 'cron' is there twice, first in line 4.",
        ),
        ("entries:\n  ../up: {notebook: auth_timing, cron: '@daily'}\n", "line 2: '../up' is no name of an entry."),
        ("entries: {}\n", "line 1: there should be entries, each with a name."),
        ("entries:\n  nightly:\n", "line 2, entry 'nightly': there should be settings: notebook, "),
        ("- nightly\n", "parameters/schedule.yaml: there should be an 'entries:' with names."),
        ("", "parameters/schedule.yaml: there should be an 'entries:' with names."),
        ("jobs: 0\n" + HEAD, "line 1: jobs takes a whole number from 1, not 0."),
        ("timezone: Mars\n" + HEAD, "line 1: 'Mars' is no time zone."),
        ("enties: {}\n", "line 1: 'enties' is not a setting of a schedule. Did you mean 'entries'?"),
        (HEAD + "    cron: */5 * * * *\n", "line 4: this is not YAML.\nA text that begins with * or @ needs quotes"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line_its_entry_and_the_next_step(project, text, says):
    [message] = refusals(project, text)

    assert says in message


def test_one_wrong_entry_leaves_the_others_in_force(project):
    schedule = read_schedule(
        written(project, HEAD + '    cron: "@daily"\n  gone: {notebook: removed, cron: "@daily"}\n'), now=NOW
    )

    assert [entry.name for entry in schedule.entries] == ["nightly"]
    assert [refused.name for refused in schedule.refused] == ["gone"]


def test_a_name_that_is_there_twice_hides_nothing_else_that_is_wrong_and_stops_no_other_entry(project):
    text = (
        HEAD + '    cron: "@daily"\n    cron: "@hourly"\n    retries: 11\n    deadline: soon\n'
        "    parameters: {attempts: 99}\n"
        '  twice: {notebook: auth_timing, cron: "@daily"}\n  gone: {notebook: removed, cron: "@daily"}\n'
        '  twice: {notebook: auth_timing, cron: "@weekly"}\n  good: {notebook: auth_timing, cron: "@daily"}\n'
    )

    told = refusals(project, text)

    assert [message.split("\n")[0].removeprefix("parameters/schedule.yaml, ") for message in told] == [
        "line 5: 'cron' is there twice, first in line 4.",
        "line 7, entry 'nightly': 'soon' is no duration.",
        "line 6, entry 'nightly': 11 retries are not possible. There may be 0 to 10.",
        "line 8, entry 'nightly': attempts = 99 is not possible. It must be in [1..10].",
        "line 11: 'twice' is there twice, first in line 9.",
        "line 10, entry 'gone': There is no notebook 'removed'.",
    ]
    assert [entry.name for entry in read_schedule(now=NOW).entries] == ["good"]


def test_what_is_wrong_with_the_file_and_with_its_entries_is_said_together(project):
    text = "jobs: 0\njobs: 0\ntimezone: Mars\nzone: UTC\n" + HEAD + "    cron: 6\n"

    [told] = refusals(project, text)

    for part in (
        "line 2: 'jobs' is there twice, first in line 1.",
        "line 4: 'zone' is not a setting of a schedule.",
        "line 3: 'Mars' is no time zone.",
        "line 2: jobs takes a whole number from 1, not 0.",
        "line 8, entry 'nightly': cron takes text, not 6.",
    ):
        assert told.count(part) == 1


def test_a_schedule_that_is_not_there_or_no_text_is_refused(project):
    with pytest.raises(SourceError, match=r"parameters/schedule.yaml does not exist.\n.*--file FILE"):
        read_schedule()
    (project / "parameters" / "schedule.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match=r"it is no text"):
        read_schedule()


def test_an_alias_that_holds_itself_is_read_to_an_end(project):
    assert "'nightly' is not a setting of an entry" in refusals(project, "entries: &a\n  nightly: *a\n")[0]


def test_a_missing_credential_is_a_matter_of_the_moment_not_of_the_schedule(project):
    assert refusals(project, HEAD + '    cron: "@daily"\n    environment: staging\n') == []


def test_check_says_what_runs_next_with_offsets_and_ends_0(project):
    written(project, HEAD + '    cron: "30 2 * * *"\n    timezone: Europe/Berlin\n')

    done = gpkit(project, "schedule", "check", "--json")

    facts = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert (facts["name"], facts["timezone"], len(facts["next_utc"])) == ("nightly", "Europe/Berlin", 3)
    assert done.stderr.startswith("nightly  auth_timing  30 2 * * * Europe/Berlin  catch-up latest  next: ")
    assert done.stderr.count(" 02:30 +0") >= 2


def test_check_of_a_wrong_schedule_says_everything_that_is_wrong_and_ends_4(project):
    written(
        project,
        HEAD + '    cron: "0 0 31 2 *"\n  gone: {notebook: removed, cron: "@daily"}\n'
        '  good: {notebook: auth_timing, cron: "@daily"}\n',
    )

    done = gpkit(project, "schedule", "check")

    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert [line.split("  ")[0] for line in done.stderr.splitlines() if "next:" in line] == ["good"]
    assert "line 4, entry 'nightly': '0 0 31 2 *' never comes." in done.stderr
    assert "line 5, entry 'gone': There is no notebook 'removed'." in done.stderr


def test_the_schedule_of_the_project_is_accepted(root, monkeypatch):
    monkeypatch.chdir(root)

    schedule = read_schedule()

    assert schedule.refused == ()
    assert {entry.notebook.stem for entry in schedule.entries} == {
        "handshake_race", "event_success_rates", "auth_timing",
    }  # fmt: skip
    assert {entry.environment for entry in schedule.entries} == {"local", "staging"}
