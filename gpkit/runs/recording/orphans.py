"""Runs whose supervisor was killed: completed by the next command that meets them, as interrupted.

One that had already ended, and whose record said how, stays what it was.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

from gpkit.runs.machine.processes import end_marked
from gpkit.runs.recording import folder as folders
from gpkit.runs.recording import plain_report, record, status

_MESSAGE = "The run was ended before its record was complete: killed, a full disk, or the machine went down."


def complete_orphans(outputs: Path) -> list[Path]:
    """Complete every orphaned run under ``outputs``; returns their final folders."""
    found = []
    for folder in folders.orphans(outputs):
        # A full disk, another command that was faster, a folder that holds what nobody wrote: the others are completed.
        with contextlib.suppress(Exception):
            found.append(complete_orphan(folder, outputs))
    return found


def complete_orphan(folder: Path, outputs: Path) -> Path:
    """End what an orphaned run left running, record it as interrupted unless it had ended, and give it a report.

    Raises:
        OSError: The folder cannot be written.
    """
    with folders.alone(folder):
        private = Path(str(folders.read_json(folder / folders.PROCESS_FILE).get("private", "")))
        folders.claim(folder)
        end_marked(folder.name.removesuffix(folders.PARTIAL))
        if private.name.startswith(folders.PRIVATE_PREFIX) and private.parent in _temporary_folders():
            shutil.rmtree(private, ignore_errors=True)
        if not record.has_ended(folder):
            error = {
                "kind": status.INTERRUPTED,
                "message": _MESSAGE,
                "stage": "run",
                "cell": None,
            }
            record.finish(folder, record.Outcome(status.INTERRUPTED, error))
        try:
            from gpkit.report import render

            render(folder, root=outputs)
        except Exception:  # whatever keeps the full report from being made, there is one
            plain_report.write(folder)
        folders.remove_unfinished(folder)
        final = folders.complete(folder)
    with contextlib.suppress(Exception):  # derived from the records: it can be made again
        from gpkit.report import write_index

        write_index(outputs)
    return final


def _temporary_folders() -> set[Path]:
    return {Path(tempfile.gettempdir()), Path("/tmp")}  # noqa: S108 - compared with, not written to
