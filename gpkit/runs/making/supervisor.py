"""The process that answers for one run: it starts the worker, holds it to its deadline and writes the records.

::

    caller ──plan──► supervisor ──plan──► worker ──► kernel ──► what the notebook starts
           ◄─events─            ◄─events─

It imports little and computes nothing, so that it is still there when the others are not. It adopts whatever loses
its parent, and kills everything else before the run is complete. When its caller goes away (its standard input ends),
or on SIGTERM, the run is ended as interrupted; when it goes away itself, the worker dies with it, and the next
command completes the folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpkit.instants import text
from gpkit.redaction import redact
from gpkit.runs.asking.plan import Plan, plan_of
from gpkit.runs.machine import labels
from gpkit.runs.machine.processes import adopt_orphans, end_descendants
from gpkit.runs.making.watch import Watch, say
from gpkit.runs.recording import folder as folders
from gpkit.runs.recording import plain_report, record, status
from gpkit.runs.recording.fingerprint import fingerprint
from gpkit.runs.recording.provenance import provenance, versions

STOP_GRACE_S = 6.0  # chosen: interrupt, kill after 2 s, notice within 1 s, save
REPORT_LIMIT_S = 30.0  # chosen: a report takes about a second; this is for a machine that is very busy
CLOCK_MOVED_S = 1.0  # chosen: time servers correct by less without a step
_SOCKET_PATH_CHARS = 90  # a Unix socket's path has at most 107, and the kernel adds to the folder's name


def main(kernels_modules: frozenset[str]) -> int:
    """Supervise one run in a process of its own; the folder and the plan are the first line of standard input.

    Args:
        kernels_modules: The imported modules with which a kernel may begin.
    """
    adopt_orphans()
    watch = Watch(datetime.now(UTC), kernels_modules)
    line = _first_line()
    if not line:
        return 0  # the caller was gone before it said what to do; the folder is its orphan
    order = json.loads(line)
    plan, folder = plan_of(order["plan"]), Path(order["folder"])
    labels.show_as(f"{sys.executable} -m {__name__} {run_id_of(folder)}")
    private = Path(tempfile.mkdtemp(prefix=folders.PRIVATE_PREFIX, dir=_short_temporary_folder()))
    folders.claim(folder, private, lasts_s=plan.deadline_s)
    try:
        final = supervise(plan, folder, private, watch)
        say({"event": "done", "folder": str(final)})
    except Exception as error:  # the caller learns it, and the folder stays partial for the next command
        watch.end_worker(run_id_of(folder))
        say({"event": "lost", "message": redact(f"{type(error).__name__}: {error}")})
    finally:
        shutil.rmtree(private, ignore_errors=True)
    return 0


def prepare() -> None:
    """Import what the end of a run needs; the beginning has better things to do."""
    import psutil  # noqa: F401

    import gpkit.history.against  # noqa: F401

    versions()


def supervise(plan: Plan, folder: Path, private: Path, watch: Watch) -> Path:
    """Make one run in its partial folder; returns the complete folder."""
    deadline_s = watch.began_s + plan.deadline_s - plan.spent_s  # one deadline for all attempts
    order = _worker_order(plan, folder, private)
    watch.start_worker(order)
    # While the kernel starts:
    facts = _facts(plan, folder, watch.started)
    record.begin(folder, facts)
    if log := fingerprint(plan.parameters.get("logs"), plan.root):
        record.begin(folder, {**facts, "log": log})
    prepare()
    outcome = _execution(plan, run_id_of(folder), watch, deadline_s)
    record.finish(folder, outcome, _measured(watch, outcome, "report"))
    outcome = _report(plan, folder, watch, outcome, order, deadline_s)
    # The worker stays for the index; the kernel and whatever it started end before the record is complete.
    end_descendants(run_id_of(folder), spare=watch.worker.pid if watch.worker is not None else None)
    record.finish(folder, outcome, _measured(watch, outcome, "end"))
    final = folders.complete(folder)
    if watch.worker is not None:
        watch.send("index")
        watch.wait("indexed", time.monotonic() + REPORT_LIMIT_S, heed_interrupt=False)
    watch.end_worker(run_id_of(folder))
    return final


def _measured(watch: Watch, outcome: record.Outcome, until: str) -> dict[str, Any]:
    """What the supervisor itself measured: time by its own clock, what was used, whether the machine's clock moved."""
    total_s = time.monotonic() - watch.began_s
    outcome.timings["total_s"] = round(total_s, 3)
    moved_s = (datetime.now(UTC) - watch.started).total_seconds() - total_s
    return {
        "usage": watch.usage.told(until),
        **({"clock_moved_s": round(moved_s, 3)} if abs(moved_s) > CLOCK_MOVED_S else {}),
    }


def run_id_of(folder: Path) -> str:
    """The run that a complete or partial folder holds."""
    return folder.name.removesuffix(folders.PARTIAL)


def _execution(plan: Plan, run_id: str, watch: Watch, deadline_s: float) -> record.Outcome:
    answer = watch.wait("executed", deadline_s)
    stopped = answer if answer in (status.TIMEOUT, status.INTERRUPTED) else ""
    if stopped and watch.worker is not None:
        watch.worker.send_signal(signal.SIGUSR1 if stopped == status.TIMEOUT else signal.SIGTERM)
        answer = watch.wait("executed", time.monotonic() + STOP_GRACE_S, heed_interrupt=False)
    if isinstance(answer, dict):
        return record.Outcome(
            status=str(stopped or answer["status"]),
            error=answer["error"] or (_stopped(str(stopped), plan) if stopped else None),
            cells=answer["cells"],
            timings=answer["timings"],
        )
    error = _stopped(str(stopped), plan) if stopped else _gone(watch)
    watch.end_worker(run_id)
    return record.Outcome(str(stopped) or status.FAILED, error)


def _report(
    plan: Plan, folder: Path, watch: Watch, outcome: record.Outcome, order: dict[str, Any], deadline_s: float
) -> record.Outcome:
    """Have the report made: by the worker, else by a fresh one, else plainly here."""
    say({"event": "report"})
    answer: dict[str, Any] | str = "gone"
    for is_fresh in (False, True) if watch.worker is not None else (True,):
        if is_fresh:
            watch.end_worker(run_id_of(folder))
            watch.start_worker({**order, "execute": False})
        watch.send("render")
        limit_s = time.monotonic() + REPORT_LIMIT_S
        in_time = outcome.status == status.OK
        answer = watch.wait("rendered", min(limit_s, deadline_s) if in_time else limit_s, heed_interrupt=in_time)
        if isinstance(answer, dict) and answer["error"] is None:
            outcome.timings["report_s"] = answer["report_s"]
            return outcome
        if answer == status.INTERRUPTED or (answer == status.TIMEOUT and in_time and time.monotonic() >= deadline_s):
            # The cells had ended, the run had not.
            outcome = record.Outcome(str(answer), _stopped(str(answer), plan), outcome.cells, outcome.timings)
            record.finish(folder, outcome)
    if outcome.status == status.OK:
        error = answer["error"] if isinstance(answer, dict) else {**_gone(watch), "stage": "report"}
        outcome = record.Outcome(status.FAILED, error, outcome.cells, outcome.timings)
        record.finish(folder, outcome)
    plain_report.write(folder)
    return outcome


def _facts(plan: Plan, folder: Path, started: datetime) -> dict[str, Any]:
    return {
        **record.first(plan, run_id_of(folder)),
        "parameters": dict(plan.parameters),
        "given": list(plan.given),
        "deadline_s": plan.deadline_s,
        "started_utc": text(started),
        **provenance(plan.root),
    }


def _worker_order(plan: Plan, folder: Path, private: Path) -> dict[str, Any]:
    times = {name for name in ("since", "until") if plan.parameters.get(name)}  # a relative default was resolved
    return {
        **plan.as_dict(),
        "folder": str(folder),
        "private": str(private),
        "run_id": run_id_of(folder),
        "inject": {name: plan.parameters[name] for name in plan.parameters if name in {*plan.given, *times}},
        "execute": True,
    }


def _stopped(reason: str, plan: Plan) -> dict[str, Any]:
    attempts = ", which holds for all attempts" if plan.retry_of else ""
    words = (
        f"its deadline of {plan.deadline_s:g} s{attempts}"
        if reason == status.TIMEOUT
        else "an interruption from outside"
    )
    return {"kind": reason, "message": f"The run was ended by {words}.", "stage": "run", "cell": None}


def _gone(watch: Watch) -> dict[str, Any]:
    code = watch.worker.wait() if watch.worker is not None else None
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    last = watch.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    message = redact(" ".join([f"The process that drives the notebook ended early ({how}).", *last]))
    return {"kind": "WorkerEnded", "message": message, "stage": "run", "cell": None}


def _first_line() -> str:
    """The first line of standard input; the caller sends one, and then only its end."""
    line = b""
    while not line.endswith(b"\n") and (part := os.read(0, 65536)):
        line += part
    return line.decode()


def _short_temporary_folder() -> str | None:
    return None if len(tempfile.gettempdir()) < _SOCKET_PATH_CHARS - 20 else "/tmp"  # noqa: S108 - mkdtemp is private
