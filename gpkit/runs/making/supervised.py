"""A supervisor process as its caller sees it: ordered with a plan, heard at work, collected when it has ended."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpkit.runs.asking.plan import Plan
from gpkit.runs.making.warm import Warm
from gpkit.runs.recording import folder as folders
from gpkit.runs.recording import orphans, record, status


@dataclass(frozen=True)
class Run:
    """A run that has been made.

    Args:
        folder: ``outputs/runs/<run_id>``; still partial when its records could not be written.
        record: Its ``run.json``.
    """

    folder: Path
    record: dict[str, Any]

    @property
    def run_id(self) -> str:
        """Its name: sortable by time, and unique."""
        return self.folder.name.removesuffix(folders.PARTIAL)

    @property
    def status(self) -> str:
        """Did it run?"""
        return str(self.record.get("status", status.FAILED))

    @property
    def verdict(self) -> str | None:
        """What did it find? Null when it did not run to its end."""
        return self.record.get("verdict")

    @property
    def exit_code(self) -> int:
        """As the command line ends for this run alone."""
        return int(self.record.get("exit_code", 3))

    @property
    def report(self) -> Path:
        """The page to read."""
        return self.folder / "report.html"

    @property
    def results(self) -> dict[str, Any]:
        """Its ``results.json``."""
        return folders.read_json(self.folder / record.RESULTS_FILE)


@dataclass(frozen=True)
class Progress:
    """Where a run is: ``stage`` is ``start``, ``cells`` or ``report``; ``cell`` of ``of`` code cells."""

    run_id: str
    notebook: str
    stage: str
    cell: int
    of: int
    elapsed_s: float


@dataclass
class Supervised:
    """A supervisor at work: what it was told to do, and what it has said so far."""

    plan: Plan
    folder: Path
    line: socket.socket
    buffer: bytes = b""
    final: Path | None = None
    message: str = ""
    latest: dict[str, Any] = field(default_factory=lambda: {"event": "start"})
    began_s: float = field(default_factory=time.monotonic)


def start(plan: Plan, parent: Warm) -> Supervised:
    """Make a run folder and have a supervisor forked for it.

    Raises:
        OutputError: The folder cannot be made.
    """
    run_id = folders.new_run_id(plan.name, datetime.now(UTC))
    folder = folders.create(plan.outputs, run_id, {record.RUN_FILE: record.first(plan, run_id)})
    line = parent.order()
    with contextlib.suppress(OSError):  # one that ended at once is noticed by its silence
        line.sendall(json.dumps({"plan": plan.as_dict(), "folder": str(folder)}).encode() + b"\n")
    return Supervised(plan, folder, line)


def ask_to_end(supervised: Supervised) -> None:
    """Say nothing more: a supervisor whose caller is silent for good ends its run as interrupted."""
    with contextlib.suppress(OSError):
        supervised.line.shutdown(socket.SHUT_WR)


def hear(supervised: Supervised) -> bool:
    """Take what a supervisor says; whether it has ended."""
    try:
        data = supervised.line.recv(65536)
    except ConnectionResetError:  # it ended without having read everything
        data = b""
    *lines, supervised.buffer = (supervised.buffer + data).split(b"\n")
    for line in lines:
        event = json.loads(line)
        if event["event"] == "done":
            supervised.final = Path(event["folder"])
        elif event["event"] == "lost":
            supervised.message = event["message"]
        else:
            supervised.latest = event
    return not data


def progress_of(supervised: Supervised) -> Progress:
    """Where its run is."""
    event = supervised.latest
    return Progress(
        run_id=supervised.folder.name.removesuffix(folders.PARTIAL),
        notebook=supervised.plan.name,
        stage="cells" if event["event"] == "cell" else event["event"],
        cell=event.get("number", 0),
        of=event.get("of", 0),
        elapsed_s=time.monotonic() - supervised.began_s,
    )


def collect(supervised: Supervised) -> Run:
    """The run of a supervisor that has ended; one that did not say "done" is completed here."""
    supervised.line.close()
    final = supervised.final
    if final is None and not supervised.message:
        with contextlib.suppress(OSError):
            final = orphans.complete_orphan(supervised.folder, supervised.plan.outputs)
        if final is None and (complete := folders.final(supervised.folder)).is_dir():  # another command was faster
            final = complete
    if final is not None:
        return Run(final, folders.read_json(final / record.RUN_FILE))
    message = supervised.message or "Its supervisor ended before it could say how the run went."
    return Run(
        supervised.folder,
        {
            "run_id": supervised.folder.name.removesuffix(folders.PARTIAL),
            "notebook": supervised.plan.name,
            "environment": supervised.plan.environment or None,
            "status": status.FAILED,
            "verdict": None,
            "exit_code": status.exit_code(status.FAILED, None),
            "error": {"kind": "RecordLost", "message": message, "stage": "record", "cell": None},
        },
    )
