"""Run folders: ``outputs/runs/<run_id>``, written once.

While a run is made its folder is called ``<run_id>.partial`` and holds ``process.json``: who makes it (pid,
process start time, boot id, host) and until when it may last. Complete, it is renamed. A partial folder whose maker is
gone is an orphan. A maker on another host, or in another container, counts as gone when its time is over.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpkit.errors import OutputError
from gpkit.runs.machine.processes import identity, is_running

PARTIAL = ".partial"
PROCESS_FILE = "process.json"
GRACE_S = 120.0  # chosen: after its deadline a run has 30 s for its report, and clocks of two hosts differ
PRIVATE_PREFIX = "gpkit-run-"  # of the temporary folder that holds a run's sockets


def new_run_id(notebook: str, now: datetime) -> str:
    """Sortable by time to the millisecond, telling, and unique: ``20251120T224400123Z-handshake_race-4f2a9c``."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", notebook)[:60]
    return f"{stamp}Z-{name}-{secrets.token_hex(3)}"


def create(outputs: Path, run_id: str, records: Mapping[str, Any] | None = None) -> Path:
    """Make a run's partial folder, claimed by this process, with the JSON files it has from its first moment.

    Raises:
        OutputError: The folder cannot be written.
    """
    folder = outputs / "runs" / (run_id + PARTIAL)
    # Claimed before it gets its name: another command never sees it without its maker.
    unclaimed = folder.with_name(f".{run_id}")
    try:
        unclaimed.mkdir(parents=True)
        (unclaimed / "evidence").mkdir()
        claim(unclaimed)
        for name, content in (records or {}).items():
            write_json(unclaimed / name, content)
        unclaimed.rename(folder)
    except OSError as error:
        raise OutputError(
            f"{outputs} cannot be written.",
            f"{error.strerror or error}.",
            "Give another folder: gpkit run … --outputs DIR",
        ) from None
    return folder


def claim(folder: Path, private: Path | None = None, *, lasts_s: float = 0.0) -> None:
    """Record that this process makes the run in a folder, for how long at most, and where its sockets are."""
    kept = {} if private is None else {"private": str(private)}
    write_json(folder / PROCESS_FILE, identity(os.getpid()) | {"until_s": time.time() + lasts_s + GRACE_S} | kept)


def is_being_made(folder: Path) -> bool:
    """Whether a partial folder's maker is still at work, as far as can be told from here."""
    maker = read_json(folder / PROCESS_FILE)
    running = is_running(maker)
    if running is None:
        until_s = maker.get("until_s")
        return isinstance(until_s, int | float) and time.time() < until_s
    return running


def complete(folder: Path) -> Path:
    """Rename a partial folder to its final name; returns it."""
    named = final(folder)
    folder.rename(named)
    (named / PROCESS_FILE).unlink(missing_ok=True)
    return named


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Of several commands that meet one orphan, one completes it; where the file system has locks.

    Raises:
        FileNotFoundError: Another command has completed it meanwhile.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(opened, fcntl.LOCK_EX)
        folder.stat()
        yield
    finally:
        os.close(opened)


def remove_unfinished(folder: Path) -> None:
    """Delete the files that a killed process was writing: they have hidden names, and nobody reads them."""
    for left in folder.glob(".*"):
        with contextlib.suppress(OSError):
            left.unlink()


def final(folder: Path) -> Path:
    """What a partial folder is called once it is complete."""
    return folder.with_name(folder.name.removesuffix(PARTIAL))


def orphans(outputs: Path) -> Iterator[Path]:
    """The partial folders whose maker is gone."""
    for folder in sorted((outputs / "runs").glob(f"*{PARTIAL}")):
        if not is_being_made(folder):
            yield folder


def write_text(path: Path, text: str) -> None:
    """Write a whole file or nothing: what was there stays until the new content is on the disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # A lone surrogate, as a broken log line may hold, becomes its escape: in JSON that is the same text.
        with beside.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: Any) -> None:
    """Write a whole JSON file or nothing."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when there is none or it is not one."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
