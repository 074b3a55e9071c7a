"""``gpkit schedule``: check, due, run and export what ``parameters/schedule.yaml`` says."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gpkit.cli import put_out, tell
from gpkit.cli.run import line, retry_line
from gpkit.errors import EXIT_HEALTHY, CallerError

if TYPE_CHECKING:
    from gpkit.runs import Run
    from gpkit.schedule import Entry

_SHOWN = 3  # chosen: fire times that show a pattern and still fit a line


def check(chosen: argparse.Namespace) -> int:
    """Say what each entry does and when it fires next; what is wrong is exit code 4."""
    from gpkit.schedule import read_schedule

    now = datetime.now(UTC)
    schedule = read_schedule(chosen.file, now=now)
    for entry in schedule.entries:
        slots = list(islice(entry.cron.slots(now), _SHOWN))
        tell(_line(entry, slots))
        if chosen.json:
            put_out(json.dumps(_facts(entry, slots), ensure_ascii=False) + "\n")
    return _worst([], [one.error for one in schedule.refused])


def due(chosen: argparse.Namespace) -> int:
    """Run what is due; the exit code of the worst, and 0 when nothing was due."""
    from gpkit.schedule import read_schedule, run_due

    schedule = read_schedule(chosen.file)

    def ended(run: Run) -> None:
        tell(line(run))
        if chosen.json:
            put_out(json.dumps(run.results, ensure_ascii=False) + "\n")

    done = run_due(
        schedule,
        outputs=chosen.outputs,
        names=chosen.names,
        on_end=ended,
        on_retry=lambda retry: tell(retry_line(retry)),
    )
    for name in done.busy:
        tell(f"{name} is left to another scheduler, which is running it.")
    for name, count in done.removed.items():
        tell(f"{name}: {count} old run{'s' if count > 1 else ''} removed, as its retention says.")
    others = [] if chosen.names else schedule.refused
    return _worst(
        [run.exit_code for run in (*done.runs, *done.missed)], [one.error for one in (*done.refused, *others)]
    )


def run(chosen: argparse.Namespace) -> int:
    """Stay, and run what is due when it is due."""
    from gpkit.environments import project_root
    from gpkit.instants import instant
    from gpkit.schedule import keep, read_schedule

    until = instant(chosen.until, now=datetime.now(UTC), name="--until")
    outputs = (chosen.outputs or project_root() / "outputs").absolute()
    file = [] if chosen.file is None else ["--file", str(chosen.file.absolute())]
    options = [*file, "--outputs", str(outputs), *(["--json"] if chosen.json else [])]

    def start(name: str) -> subprocess.Popen[bytes]:
        # In a session of its own: Ctrl-C reaches this process, which then asks.
        command = [sys.executable, "-P", "-m", "gpkit", "schedule", "due", *options, "--", name]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - our own

    def refused(errors: Any) -> None:
        _worst([], errors)

    codes: list[int] = []
    try:
        keep(lambda: read_schedule(chosen.file), start, outputs, codes, until=until, on_refused=refused)
    except KeyboardInterrupt:
        tell("The schedule was ended.")
    return _worst(codes, [])


def export(chosen: argparse.Namespace) -> int:
    """Print files for cron or systemd, or write them into a folder."""
    from gpkit.environments import project_root
    from gpkit.schedule import cron_files, read_schedule, systemd_files

    schedule = read_schedule(chosen.file)
    code = _worst([], [one.error for one in schedule.refused])
    if code:
        return code
    make = cron_files if chosen.kind == "cron" else systemd_files
    files = make(schedule, [sys.executable, "-m", "gpkit"], project_root())
    for name, content in files.items():
        if chosen.output is None:
            put_out((f"### {name}\n" if len(files) > 1 else "") + content)
        else:
            _write(chosen.output, name, content)
    return EXIT_HEALTHY


def _worst(codes: list[int], errors: list[CallerError]) -> int:
    from gpkit.runs.recording.status import worst

    for error in errors:
        tell(f"{type(error).__name__}: {error}")
    found = [*codes, *(error.exit_code for error in errors)]
    return worst(found) if found else EXIT_HEALTHY


def _line(entry: Entry, slots: list[datetime]) -> str:
    where = f"{entry.notebook.stem} on {entry.environment}" if entry.environment else entry.notebook.stem
    zone = ZoneInfo(entry.cron.zone)
    # The offset stands there because it changes: 02:30 may come twice.
    times = ", ".join(f"{slot.astimezone(zone):%a %Y-%m-%d %H:%M %z}" for slot in slots)
    return f"{entry.name}  {where}  {entry.cron.text} {entry.cron.zone}  catch-up {entry.catch_up}  next: {times}"


def _facts(entry: Entry, slots: list[datetime]) -> dict[str, Any]:
    from gpkit.instants import text

    return {
        "name": entry.name,
        "notebook": entry.notebook.stem,
        "parameters": dict(entry.parameters),
        "cron": entry.cron.text,
        "timezone": entry.cron.zone,
        "deadline_s": entry.deadline_s,
        "catch_up": entry.catch_up,
        "grace_s": entry.grace_s,
        "start_utc": None if entry.start is None else text(entry.start),
        "retries": entry.retries,
        "retention": {"runs": entry.retention.runs, "age_s": entry.retention.age_s},
        "next_utc": [text(slot) for slot in slots],
    }


def _write(folder: Path, name: str, content: str) -> None:
    from gpkit.errors import OutputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    except OSError as error:
        raise OutputError(f"{folder / name} cannot be written: {error.strerror}.") from None
    tell(str(folder / name))
