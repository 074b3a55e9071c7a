"""The process that makes one run: kernel, papermill, report. It is told what to do and never judges itself.

It writes one JSON line for each event to a pipe, and makes the report when it reads ``render`` from standard input,
and the list of runs when it reads ``index``. Its supervisor writes the records, and ends it when it must.

Signals: SIGTERM stops the running cell because the run was interrupted, SIGUSR1 because its time is over.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gpkit.errors import GpkitError
from gpkit.redaction import has_secret, read_secret, redact
from gpkit.runs.machine import kernel, labels, preload
from gpkit.runs.machine.processes import die_with_parent
from gpkit.runs.machine.usage import peak_of_collected
from gpkit.runs.recording import status

if TYPE_CHECKING:
    from gpkit.runs.making import engine

_STOPS = {signal.SIGTERM: status.INTERRUPTED, signal.SIGUSR1: status.TIMEOUT}
_NOT_FOR_US = ("pyarrow.fs", "gcsfs", "boto3", "azure", "github")
_EVENTS_FD = 3  # given by the supervisor
_MESSAGE_CAP_CHARS = 4000
_KERNEL_END_S = 1.0  # chosen: what a kernel with a local stack needs to clean up, several times over


def main(plan: dict[str, Any], supervisor: int, kernels_modules: frozenset[str]) -> int:
    """Make one run in a process of its own.

    Args:
        plan: What to do, as the supervisor orders it.
        supervisor: Its pid; this process ends with it.
        kernels_modules: The imported modules with which a kernel may begin.
    """
    die_with_parent(supervisor)
    labels.show_as(f"{sys.executable} -m {__name__} {plan['run_id']}")
    events = os.fdopen(_EVENTS_FD, "w", encoding="utf-8", buffering=1)

    def tell(event: str, **facts: Any) -> None:
        events.write(json.dumps({"event": event, **facts}) + "\n")

    os.chdir(plan["root"])
    manager = None
    if plan["execute"]:
        manager, outcome = execute(plan, tell, kernels_modules)
        tell("executed", peak_bytes=peak_of_collected(), **outcome)
        if manager is not None:
            kernel.request_end(manager)  # only now: the supervisor saw how much memory it holds
    outputs = Path(plan["outputs"])
    for line in os.fdopen(0, encoding="utf-8"):
        if line.strip() == "render":
            outcome = render(Path(plan["folder"]), outputs)
            if manager is not None:
                kernel.wait_for_end(manager, _KERNEL_END_S)
            tell("rendered", peak_bytes=peak_of_collected(), **outcome)
        elif line.strip() == "index":
            with contextlib.suppress(Exception):  # derived from the records: it can be made again
                write_index(outputs)
            tell("indexed")
    return 0


def execute(
    plan: dict[str, Any], tell: Callable[..., None], kernels_modules: frozenset[str]
) -> tuple[Any, dict[str, Any]]:
    """Run the notebook; returns the kernel's manager, and status, error, cells and timings as JSON values."""
    began_s = time.monotonic()
    notebook, folder = Path(plan["notebook"]), Path(plan["folder"])
    stopped: list[str] = []
    for number, reason in _STOPS.items():
        signal.signal(number, lambda *_, reason=reason: stopped.append(reason))
    cells = {"run": 0, "of": 0}
    try:
        manager = kernel.start(
            kernel.kernel_name(notebook),
            cwd=Path(plan["root"]),
            private=Path(plan["private"]),
            run_id=plan["run_id"],
            run_folder=folder,
            modules=preload.wanted([notebook]),
            kept=kernels_modules,
        )
    except Exception as error:
        return None, {"status": status.FAILED, "error": describe(error, "kernel"), "cells": cells, "timings": {}}
    with contextlib.suppress(GpkitError):  # it was checked before the run
        _remember_secrets(plan["parameters"].get("environment", ""))
    engine = _import_engine()  # only now: the kernel gets ready meanwhile

    def progress(number: int, of: int) -> None:
        cells.update(run=number, of=of)
        if number == 1:
            timings["kernel_s"] = round(time.monotonic() - began_s, 3)
            threading.Thread(target=prepare, daemon=True).start()
        tell("cell", number=number, of=of)

    timings: dict[str, float] = {}
    session = engine.Session(
        kernel=manager,
        notebook=plan["notebook_file"],
        output=folder / "notebook.ipynb",
        ready_timeout_s=int(plan["deadline_s"]) + 60,  # the deadline comes first, and is the supervisor's
        progress=progress,
    )

    def stop(number: int, _frame: Any) -> None:
        session.stopped = session.stopped or _STOPS[signal.Signals(number)]
        kernel.stop(manager)

    for number in _STOPS:
        signal.signal(number, stop)
    if stopped:
        os.kill(os.getpid(), next(n for n, reason in _STOPS.items() if reason == stopped[0]))
    ended_by = _papermill(plan, session)
    timings["cells_s"] = round(time.monotonic() - began_s - timings.get("kernel_s", 0.0), 3)
    kernel_ended = kernel.exit_status(manager)
    return manager, {
        "status": _status(session, ended_by, kernel_ended),
        "error": _error(session, ended_by, kernel_ended, cells["run"]),
        "cells": cells,
        "timings": timings,
    }


def prepare() -> None:
    """Import what executing and reporting need; what cannot be imported says so when it is used."""
    with contextlib.suppress(Exception):
        _import_engine()
        from gpkit.report import prepare as prepare_report

        prepare_report()


def _import_engine() -> ModuleType:
    """Import papermill without what it would only need for notebooks in Hadoop and in buckets: up to a second."""
    with preload.hidden(*_NOT_FOR_US):  # papermill allows for that
        from gpkit.runs.making import engine
    return engine


def render(folder: Path, outputs: Path) -> dict[str, Any]:
    """Write the report of a run folder; returns how long it took and what went wrong."""
    began_s = time.monotonic()
    error = None
    try:
        from gpkit.report import render as render_report

        render_report(folder, root=outputs)
    except Exception as problem:  # a report that cannot be made must not take the record with it
        error = describe(problem, "report")
    return {"error": error, "report_s": round(time.monotonic() - began_s, 3)}


def write_index(outputs: Path) -> None:
    """Bring the list of runs up to date."""
    from gpkit import report

    report.write_index(outputs)


def _remember_secrets(environment: str) -> None:
    """Read the target's credentials, so that no output of the notebook can show them."""
    from gpkit import environments

    if environment:
        target = environments.load(environment)
        for reference in (target.token, target.secret):
            if has_secret(reference):
                read_secret(reference)


def describe(error: Exception, stage: str) -> dict[str, Any]:
    """An exception as JSON values: kind, redacted message, where."""
    return {
        "kind": getattr(error, "ename", "") or type(error).__name__,
        "message": redact(str(getattr(error, "evalue", "") or error))[:_MESSAGE_CAP_CHARS],
        "stage": stage,
        "cell": None,
    }


def _papermill(plan: dict[str, Any], session: engine.Session) -> Exception | None:
    """Execute through papermill; null when every cell ran."""
    import papermill

    from gpkit.runs.making import engine

    try:
        papermill.execute_notebook(
            # papermill treats a path as a format string.
            session.notebook.replace("{", "{{").replace("}", "}}"),
            None,
            parameters=plan["inject"],
            engine_name=engine.NAME,
            # A notebook may leave out what papermill insists on.
            kernel_name=session.kernel.kernel_name,
            language=session.kernel.kernel_spec.language or "python",
            progress_bar=False,
            session=session,
        )
    except Exception as error:  # whatever it is, the run is recorded
        return error if session.failure is None else session.failure
    return session.failure


def _status(session: engine.Session, error: Exception | None, kernel_ended: str) -> str:
    if session.stopped:
        return session.stopped
    if error is None:
        return status.OK
    return status.KERNEL_DIED if kernel_ended and not _is_cells_own(error) else status.FAILED


def _error(session: engine.Session, error: Exception | None, kernel_ended: str, cell: int) -> dict[str, Any] | None:
    where = f"in code cell {cell}" if cell else "before the first cell"
    if session.stopped:
        words = "ran out of time" if session.stopped == status.TIMEOUT else "was interrupted"
        return {"kind": session.stopped, "message": f"The run {words} {where}.", "stage": "cells", "cell": cell or None}
    if error is None:
        return None
    found = describe(error, "cells") | {"cell": cell or None}
    if kernel_ended and not _is_cells_own(error):
        found["message"] = f"The kernel {kernel_ended} {where}."
    return found


def _is_cells_own(error: Exception) -> bool:
    """Whether the code in a cell raised it, as against what happened to the kernel."""
    return hasattr(error, "ename")
