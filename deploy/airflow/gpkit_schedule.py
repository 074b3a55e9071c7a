"""DAGs for Airflow from ``parameters/schedule.yaml``: one for each entry, with one task, the same command as anywhere.

Put this file, or a link to it, into Airflow's DAGs folder. gpkit itself stays in an environment of its own:

- ``GPKIT_PROJECT``: the project's folder; the checkout that this file lies in by default.
- ``GPKIT_COMMAND``: how gpkit is called; ``.venv/bin/gpkit`` of the project by default.
- ``GPKIT_OUTPUTS``: where runs are kept; ``outputs`` of the project by default.

What a run found decides what becomes of its task: see ``ENDINGS``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.timetables.trigger import CronTriggerTimetable

PROJECT = Path(os.environ.get("GPKIT_PROJECT") or Path(__file__).resolve().parents[2])
COMMAND = shlex.split(os.environ.get("GPKIT_COMMAND") or shlex.quote(str(PROJECT / ".venv" / "bin" / "gpkit")))
OUTPUTS = os.environ.get("GPKIT_OUTPUTS") or str(PROJECT / "outputs")

# Exit code of gpkit run, and what the task raises for it.
ENDINGS: dict[int, tuple[type[AirflowException] | None, str]] = {
    0: (None, "healthy"),
    1: (AirflowFailException, "it found something: trying again would not make it untrue"),
    2: (AirflowSkipException, "it cannot tell, or there was no data: neither green nor red"),
    3: (AirflowException, "the run failed: it is tried again"),
    4: (AirflowFailException, "something impossible was asked for: trying again would not help"),
}
RETRIES = 2  # chosen: of a run that failed
RETRY_DELAY = timedelta(minutes=5)  # chosen: a cluster or a network has settled by then, or somebody must look
# gpkit ends a run at its deadline by itself and writes its report within a minute. This is for when it does not.
MARGIN = timedelta(minutes=2)
STOP_S = 75  # chosen: gpkit records an interrupted run within 60 s
_UNIT_S = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


class GpkitRun(BaseOperator):
    """One run of a notebook, for one slot of the schedule."""

    def __init__(self, *, entry: str, settings: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entry = entry
        self.settings = settings

    def execute(self, context: Any) -> dict[str, Any]:
        """Run it; what is returned is kept by Airflow as the task's result."""
        slot = context.get("logical_date")
        grace = timedelta(seconds=seconds(self.settings.get("grace", "10m")))
        is_scheduled = context["dag_run"].run_type == "scheduled"
        if is_scheduled and self.settings.get("catch_up") == "skip" and datetime.now(UTC) - slot > grace:
            raise AirflowSkipException(f"The slot of {slot} is missed, and catch_up is skip.")
        parameters = dict(self.settings.get("parameters") or {})
        if self.settings.get("environment"):
            parameters["environment"] = self.settings["environment"]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(parameters, file)  # JSON is YAML, and keeps every type
            file.flush()
            code, results = self.run_gpkit(file.name, slot)
        raised, why = ENDINGS.get(code, (AirflowException, f"gpkit ended with {code}"))
        told = {name: results.get(name) for name in ("run_id", "status", "verdict", "headline")}
        if raised is not None:
            raise raised(f"{self.entry}: {why}. {json.dumps(told)}")
        return told

    def run_gpkit(self, file: str, slot: datetime | None) -> tuple[int, dict[str, Any]]:
        """The exit code and the results.json of one run; progress and messages go to the task's log."""
        deadline = f"{seconds(self.settings.get('deadline', '10m')):g}s"
        options = ["-f", file, "--deadline", deadline, "--outputs", OUTPUTS, "--json"]
        if slot is not None:  # a run that somebody triggered may stand for no slot
            options += ["--slot", f"{self.entry}@{slot.astimezone(UTC).isoformat()}"]
        command = [*COMMAND, "run", self.settings["notebook"], *options]
        self.process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
        try:
            out, _ = self.process.communicate()
        finally:
            self.on_kill()
        try:
            return self.process.returncode, json.loads(out.splitlines()[-1])
        except (IndexError, ValueError):  # refused before anything started
            return self.process.returncode, {}

    def on_kill(self) -> None:
        """End a run that is still there, and wait until it is recorded as interrupted."""
        process = getattr(self, "process", None)
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def seconds(written: Any) -> float:
    """A duration as gpkit writes it: ``90s``, ``10m``, ``1.5h``, ``45``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", str(written).strip())
    if found is None:
        raise ValueError(f"{written!r} is no duration: gpkit schedule check says where")
    return float(found[1]) * _UNIT_S[found[2]]


def instant(written: Any) -> datetime | None:
    """An instant as gpkit writes it; without an offset it is UTC."""
    if written is None:
        return None
    at = datetime.fromisoformat(str(written))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def dag_of(name: str, settings: dict[str, Any], zone: str) -> DAG:
    """The DAG of one entry."""
    catch_up = settings.get("catch_up", "latest")
    grace = timedelta(seconds=seconds(settings.get("grace", "10m")))
    with DAG(
        f"gpkit-{name}",
        description=f"gpkit run {settings['notebook']}",
        schedule=CronTriggerTimetable(
            settings["cron"], timezone=settings.get("timezone") or zone, run_immediately=grace
        ),
        start_date=instant(settings.get("start")),
        # all: every slot since the last one. latest and skip: Airflow makes a run of the newest slot only.
        catchup=catch_up == "all",
        max_active_runs=1,  # slots of one entry are run one after the other, oldest first
        default_args={"retries": RETRIES, "retry_delay": RETRY_DELAY},
        tags=["gpkit", settings["notebook"], *([settings["environment"]] if settings.get("environment") else [])],
    ) as dag:
        deadline = timedelta(seconds=seconds(settings.get("deadline", "10m")))
        GpkitRun(task_id="run", entry=name, settings=settings, execution_timeout=deadline + MARGIN)
    return dag


def dags(file: Path) -> dict[str, DAG]:
    """The DAGs of a schedule. gpkit checks the file (``gpkit schedule check``); this only reads it."""
    schedule = yaml.safe_load(file.read_text("utf-8"))
    zone = schedule.get("timezone", "UTC")
    return {f"gpkit-{name}": dag_of(str(name), settings, zone) for name, settings in schedule["entries"].items()}


globals().update(dags(Path(os.environ.get("GPKIT_SCHEDULE") or PROJECT / "parameters" / "schedule.yaml")))
