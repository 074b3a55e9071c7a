"""A real Airflow, in its own environment, builds its DAGs from the schedule and runs them."""

from __future__ import annotations

import json
import os
import subprocess
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
    retries: 3
  sunday: {notebook: auth_timing, cron: "0 6 * * 7", timezone: UTC, catch_up: all, start: 2026-11-01, retention: 30}
  often: {notebook: handshake_race, cron: "@hourly", catch_up: skip, grace: 90s, deadline: 1.5h}
"""
# All in one process, since starting Airflow takes longer than everything that it then does here. It prints what it saw.
PROGRAM = """
import json, os, sys, types
from datetime import timedelta
from airflow.utils.db import initdb
initdb()
import pendulum
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout

def facts(dag):
    [task] = dag.tasks
    times = dag.timetable.serialize() if hasattr(dag.timetable, "serialize") else vars(dag.timetable)
    return {
        "notebook": task.settings["notebook"], "cron": times.get("expression") or times.get("_expression"),
        "timezone": str(getattr(dag.timetable, "timezone", None) or times.get("timezone")),
        "catchup": dag.catchup, "start": dag.start_date and dag.start_date.isoformat(),
        "active": dag.max_active_runs, "retries": task.retries, "timeout_s": task.execution_timeout.total_seconds(),
        "retry_delay_s": task.retry_delay.total_seconds(),
    }

def read(schedule):
    os.environ["GPKIT_SCHEDULE"] = schedule
    bag = DagBag("FOLDER")
    return bag, {"errors": bag.import_errors, "dags": {name: facts(dag) for name, dag in bag.dags.items()}}

own = os.environ["GPKIT_SCHEDULE"]
_, of_project = read("OTHER")
bag, ours = read(own)
dag = bag.dags["gpkit-refusals"]
[task] = dag.tasks
deployed = type(task).run_gpkit.__globals__
real = list(deployed["COMMAND"])

def ending(code, **settings):
    # Every exit code, and a task that Airflow's own time limit ends.
    deployed["COMMAND"][:] = ["COMMAND", str(code)]
    kept, task.settings = task.settings, {**task.settings, **settings}
    scheduled = types.SimpleNamespace(run_type="scheduled")
    context = {"logical_date": pendulum.datetime(2020, 11, 21, 5), "dag_run": scheduled}
    try:
        with timeout(1):
            return ["returned", type(task).execute.__wrapped__(task, context)["verdict"]]
    except BaseException as error:
        return [type(error).__name__, str(error)]
    finally:
        task.settings = kept

endings = {str(code): ending(code) for code in (0, 1, 2, 3, 4, -9, "refused", "waits")}
endings["skip"] = ending(0, catch_up="skip")
calls = open("CALLED").read().splitlines()

def tried(command, day, delay):
    # A run of the whole DAG, as "airflow dags test" makes it.
    deployed["COMMAND"][:] = command
    task.retry_delay = delay
    [instance] = (run := dag.test(logical_date=pendulum.datetime(2026, 11, day, 1, 30))).get_task_instances()
    return {"run": str(run.state), "task": str(instance.state), "tries": instance.try_number}

told = {
    "of_project": of_project, "ours": ours, "endings": endings, "calls": calls,
    "findings": tried(real, 15, timedelta(minutes=5)), "failed": tried(["COMMAND", "once"], 8, timedelta(0)),
}
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
  once) mkdir CALLED.once 2>/dev/null && exit 3; code=0 ;;
  waits) trap 'echo ended >> CALLED; exit 3' TERM; sleep 30 >/dev/null 2>&1 & wait ;;
  -9) kill -9 $$ ;;
esac
echo '{"run_id": "r", "status": "ok", "verdict": "v", "headline": null}'
exit $code
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a real Airflow, with a database of its own, made of our schedule; ``folder`` and ``said`` beside it."""
    python = ROOT / ".venv-airflow" / "bin" / "python"
    if not (python.parent / "airflow").exists():
        assert not os.environ.get("CI"), "CI must have Airflow: make .venv-airflow/.airflow"
        pytest.skip("Airflow is not installed here: make .venv-airflow/.airflow")
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "schedule.yaml").write_text(SCHEDULE)
    (folder / "command").write_text(COMMAND.replace("CALLED", str(folder / "called")))
    (folder / "command").chmod(0o755)
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
    program = (
        PROGRAM.replace("FOLDER", str(DEPLOYED))
        .replace("OTHER", str(ROOT / "parameters" / "schedule.yaml"))
        .replace("CALLED", str(folder / "called"))
        .replace('"COMMAND",', f'"{folder / "command"}",')
    )
    done = subprocess.run(
        [python, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("FACTS ")]
    return {**json.loads(line.removeprefix("FACTS ")), "folder": folder, "said": done.stdout + done.stderr}


def test_every_entry_is_a_dag_with_the_times_limits_and_policy_that_gpkit_reads(seen):
    dags = seen["ours"]["dags"]
    checked = gpkit(ROOT, "schedule", "check", "--json", "--file", str(seen["folder"] / "schedule.yaml"))
    entries = [json.loads(line) for line in checked.stdout.splitlines()]

    assert seen["ours"]["errors"] == seen["of_project"]["errors"] == {}
    assert len(seen["of_project"]["dags"]) == 6
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
        assert (dag["active"], dag["retries"], dag["retry_delay_s"]) == (1, 2, 300)


def test_each_exit_code_has_its_ending_and_a_time_limit_ends_the_run(seen):
    endings, calls = seen["endings"], seen["calls"]

    assert endings["0"] == ["returned", "v"]
    assert [endings[code][0] for code in ("1", "2", "3", "4", "-9", "refused", "waits")] == [
        "AirflowFailException", "AirflowSkipException", "AirflowException", "AirflowFailException",
        "AirflowException", "AirflowFailException", "AirflowTaskTimeout",
    ]  # fmt: skip
    assert endings["skip"][0] == "AirflowSkipException"
    assert '"verdict": "v"' in endings["1"][1]
    assert calls[-1] == "ended"
    assert calls[:11] == [
        "run", "event_success_rates", "-f", *calls[3:4], "--deadline", "120s",
        "--outputs", str(seen["folder"] / "outputs"), "--json", "--slot", "refusals@2020-11-21T05:00:00+00:00",
    ]  # fmt: skip
    assert "--retries" not in calls  # one attempt in each of Airflow's, so that the two do not multiply
    assert read(seen["folder"] / "called.parameters") == {
        "faults": "deterministic_refusal", "attempts": 5, "environment": "local",
    }  # fmt: skip


def test_findings_of_a_real_run_fail_the_task_without_a_retry(seen):
    [folder] = (seen["folder"] / "outputs" / "runs").iterdir()
    record = read(folder / "run.json")

    assert (record["status"], record["verdict"]) == ("ok", "findings"), seen["said"]
    assert record["schedule"] == {"name": "refusals", "slot_utc": "2026-11-15T01:30:00Z"}
    assert seen["findings"] == {"run": "failed", "task": "failed", "tries": 1}
    assert "AirflowFailException: refusals: it found something" in seen["said"]


def test_a_run_that_failed_is_retried_and_the_task_is_as_its_last_attempt(seen):
    assert seen["failed"] == {"run": "success", "task": "success", "tries": 2}, seen["said"]
    assert "AirflowException: refusals: the run failed: it is tried again" in seen["said"]
