"""A real Airflow, in its own environment, builds its DAGs from the schedule and runs them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.runs_support import gpkit, read

DEPLOYED = ROOT / "deploy" / "airflow"
SCHEDULE = """timezone: Europe/Berlin
entries:
  refusals:
    notebook: event_success_rates
    environment: local
    parameters: {faults: deterministic_refusal, attempts: 5}
    cron: "30 2 * * 0"
    deadline: 2m
  sunday: {notebook: auth_timing, cron: "0 6 * * 7", timezone: UTC, catch_up: all, start: 2026-11-01, retention: 30}
  often: {notebook: handshake_race, cron: "@hourly", catch_up: skip, grace: 90s, deadline: 1.5h}
"""
FACTS = """
import json, os
from airflow.dag_processing.dagbag import DagBag
def facts(dag):
    [task] = dag.tasks
    times = dag.timetable.serialize() if hasattr(dag.timetable, "serialize") else vars(dag.timetable)
    return {
        "notebook": task.settings["notebook"], "cron": times.get("expression") or times.get("_expression"),
        "timezone": str(getattr(dag.timetable, "timezone", None) or times.get("timezone")),
        "catchup": dag.catchup, "start": dag.start_date and dag.start_date.isoformat(),
        "active": dag.max_active_runs, "retries": task.retries, "timeout_s": task.execution_timeout.total_seconds(),
    }
def read(schedule):
    os.environ["GPKIT_SCHEDULE"] = schedule
    bag = DagBag("FOLDER")
    return {"errors": bag.import_errors, "dags": {name: facts(dag) for name, dag in bag.dags.items()}}
print("FACTS " + json.dumps({name: read(name) for name in [os.environ["GPKIT_SCHEDULE"], os.environ["OTHER"]]}))
"""
# Every exit code, and a task that Airflow's own time limit ends.
ENDINGS = """
import json, sys, types
sys.path.insert(0, "FOLDER")
import pendulum
from airflow.sdk.execution_time.timeout import timeout
from airflow.sdk.exceptions import AirflowTaskTimeout
import gpkit_schedule as deployed
[task] = vars(deployed)["gpkit-refusals"].tasks
context = {"logical_date": pendulum.datetime(2020, 11, 21, 5), "dag_run": types.SimpleNamespace(run_type="scheduled")}
def ending(code, **settings):
    deployed.COMMAND[1:] = [str(code)]
    task.settings = {**task.settings, **settings}
    try:
        with timeout(2):
            return ["returned", type(task).execute.__wrapped__(task, context)["verdict"]]
    except BaseException as error:
        return [type(error).__name__, str(error)]
told = {str(code): ending(code) for code in (0, 1, 2, 3, 4, -9, "refused", "waits")}
told["skip"] = ending(0, catch_up="skip")
print("FACTS " + json.dumps(told))
"""
# Ends as it is told to, and leaves what it was called with.
COMMAND = """#!/bin/sh
code=$1; shift
while [ $# -gt 0 ]; do
  [ "$1" = -f ] && cp "$2" CALLED.parameters
  echo "$1" >> CALLED
  shift
done
case $code in
  refused) exit 4 ;;
  waits) trap 'echo ended >> CALLED; exit 3' TERM; sleep 30 >/dev/null 2>&1 & wait ;;
  -9) kill -9 $$ ;;
esac
echo '{"run_id": "r", "status": "ok", "verdict": "v", "headline": null}'
exit $code
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs a program of Airflow's environment, with a database of its own and our schedule."""
    programs = ROOT / ".venv-airflow" / "bin"
    if not (programs / "airflow").exists():
        assert not os.environ.get("CI"), "CI must have Airflow: make .venv-airflow/.airflow"
        pytest.skip("Airflow is not installed here: make .venv-airflow/.airflow")
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "schedule.yaml").write_text(SCHEDULE)
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DEPLOYED),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "GPKIT_SCHEDULE": str(folder / "schedule.yaml"),
        "GPKIT_OUTPUTS": str(folder / "outputs"),
        "GPKIT_COMMAND": f"{ROOT / '.venv' / 'bin' / 'python'} -m gpkit",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def start(program: str, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [programs / program, *arguments],
            cwd=folder,
            env=environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    start.folder = folder  # type: ignore[attr-defined]
    migrated = start("airflow", "db", "migrate")
    assert migrated.wait(120) == 0, migrated.stdout.read()
    migrated.stdout.close()
    return start


def told(airflow: Any, script: str, **settings: str) -> dict[str, Any]:
    """What a script in Airflow's Python says."""
    process = airflow("python", "-c", script.replace("FOLDER", str(DEPLOYED)), **settings)
    out, _ = process.communicate(timeout=280)
    assert process.returncode == 0, out
    [line] = [line for line in out.splitlines() if line.startswith("FACTS ")]
    found: dict[str, Any] = json.loads(line.removeprefix("FACTS "))
    return found


def test_every_entry_is_a_dag_with_the_times_limits_and_policy_that_gpkit_reads(airflow):
    of_project = str(ROOT / "parameters" / "schedule.yaml")
    found = told(airflow, FACTS, OTHER=of_project)
    dags = found[str(airflow.folder / "schedule.yaml")]["dags"]
    checked = gpkit(ROOT, "schedule", "check", "--json", "--file", str(airflow.folder / "schedule.yaml"))
    entries = [json.loads(line) for line in checked.stdout.splitlines()]

    assert [one["errors"] for one in found.values()] == [{}, {}]
    assert len(found[of_project]["dags"]) == 6
    assert checked.returncode == 0, checked.stderr
    assert sorted(dags) == ["gpkit-often", "gpkit-refusals", "gpkit-sunday"]
    assert len(entries) == 3
    for entry in entries:
        dag = dags[f"gpkit-{entry['name']}"]
        assert (dag["notebook"], dag["cron"]) == (entry["notebook"], entry["cron"])
        assert entry["timezone"] in dag["timezone"]
        assert dag["catchup"] == (entry["catch_up"] == "all")
        assert dag["timeout_s"] == entry["deadline_s"] + 120
        assert (dag["start"] or "")[:10] == (entry["start_utc"] or "")[:10]
        assert (dag["active"], dag["retries"]) == (1, 2)


def test_each_exit_code_has_its_ending_and_a_time_limit_ends_the_run(airflow, tmp_path):
    called = tmp_path / "called"
    (tmp_path / "command").write_text(COMMAND.replace("CALLED", str(called)))
    (tmp_path / "command").chmod(0o755)

    endings = told(airflow, ENDINGS, GPKIT_COMMAND=str(tmp_path / "command"))

    assert endings["0"] == ["returned", "v"]
    assert [endings[code][0] for code in ("1", "2", "3", "4", "-9", "refused", "waits")] == [
        "AirflowFailException", "AirflowSkipException", "AirflowException", "AirflowFailException",
        "AirflowException", "AirflowFailException", "AirflowTaskTimeout",
    ]  # fmt: skip
    assert endings["skip"][0] == "AirflowSkipException"
    assert '"verdict": "v"' in endings["1"][1]
    assert called.read_text().splitlines()[-1] == "ended"
    assert called.read_text().splitlines()[:11] == [
        "run", "event_success_rates", "-f", *called.read_text().splitlines()[3:4], "--deadline", "120s",
        "--outputs", str(airflow.folder / "outputs"), "--json", "--slot", "refusals@2020-11-21T05:00:00+00:00",
    ]  # fmt: skip
    assert read(Path(f"{called}.parameters")) == {
        "faults": "deterministic_refusal", "attempts": 5, "environment": "local",
    }  # fmt: skip


def test_findings_of_a_real_run_fail_the_task_without_a_retry(airflow):
    process = airflow("airflow", "dags", "test", "gpkit-refusals", "2026-11-15T01:30:00Z")
    out, _ = process.communicate(timeout=280)

    [folder] = (airflow.folder / "outputs" / "runs").iterdir()
    record = read(folder / "run.json")
    assert (record["status"], record["verdict"]) == ("ok", "findings"), out
    assert record["schedule"] == {"name": "refusals", "slot_utc": "2026-11-15T01:30:00Z"}
    assert "AirflowFailException: refusals: it found something" in out
    assert "new_state=failed" in out
    assert "up_for_retry" not in out
    assert process.returncode == 1


def test_a_run_that_failed_is_retried(airflow):
    process = airflow(
        "airflow", "dags", "test", "gpkit-refusals", "2026-11-08T01:30:00Z", GPKIT_COMMAND="sh -c 'exit 3'"
    )
    said: list[str] = []
    until_s = time.monotonic() + 60
    try:
        while not (said and "new_state=" in said[-1]) and time.monotonic() < until_s:
            said.append(process.stdout.readline())
    finally:
        process.kill()  # it would wait five minutes for the retry
        process.communicate()

    assert "new_state=up_for_retry" in said[-1], "".join(said)
