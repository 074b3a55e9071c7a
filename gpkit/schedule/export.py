"""Files for cron and systemd that wake ``gpkit schedule due``. Pure.

They say at which minutes of an hour something may be due, not when it is: what is due is decided in one place, with
its time zone. Debian's cron knows no time zones, and systemd leaves out a time that daylight saving skips.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from gpkit.schedule.entry import Entry, Schedule

_UNIT = "gpkit-due"


def cron_files(schedule: Schedule, command: Sequence[str], root: Path, *, here: tzinfo | None = None) -> dict[str, str]:
    """A crontab of one line, by file name.

    Args:
        schedule: What is scheduled.
        command: The words that start gpkit.
        root: The project's folder.
        here: Time zone of the machine, which cron counts in; its own by default.
    """
    minutes = sorted({minute for entry in schedule.entries for minute in minutes_here(entry, here)})
    called = shlex.join([*command, "schedule", "due", "--file", str(schedule.file)]).replace("%", r"\%")
    return {
        "gpkit.cron": (
            "# Install with: crontab gpkit.cron, which replaces the crontab of this user.\n"
            "# Each call runs what is due by the schedule, in the schedule's time zones, and nothing twice.\n"
            f"{_listed(minutes)} * * * * cd {shlex.quote(str(root)).replace('%', chr(92) + '%')} && {called}\n"
        )
    }


def systemd_files(
    schedule: Schedule, command: Sequence[str], root: Path, *, here: tzinfo | None = None
) -> dict[str, str]:
    """A service for any entry and a timer for each, by file name."""
    called = " ".join(_quoted(word) for word in [*command, "schedule", "due", "--file", str(schedule.file)])
    service = (
        "# What it found is its exit code: 0 healthy, 1 findings, 2 inconclusive or no data, 3 failed, 4 impossible.\n"
        "# Exit code 1 and worse make the unit fail, so that OnFailure= can tell somebody.\n"
        "[Unit]\nDescription=gpkit: run %i when it is due\n\n"
        f"[Service]\nType=oneshot\nWorkingDirectory={str(root).replace('%', '%%')}\nExecStart={called} %i\n"
        "SuccessExitStatus=2\nTimeoutStopSec=90\nKillMode=mixed\n"
    )
    files = {f"{_UNIT}@.service": service}
    for entry in schedule.entries:
        minutes = sorted(minutes_here(entry, here))
        files[f"{_UNIT}@{entry.name}.timer"] = (
            f"# {entry.cron.text} {entry.cron.zone}: gpkit decides what is due, this wakes it.\n"
            f"[Unit]\nDescription=gpkit: look whether {entry.name} is due\n\n"
            f"[Timer]\nOnCalendar=*-*-* *:{_listed(minutes)}:00\nPersistent=true\nAccuracySec=1s\n\n"
            "[Install]\nWantedBy=timers.target\n"
        )
    return files


def minutes_here(entry: Entry, here: tzinfo | None = None) -> frozenset[int]:
    """The minutes of an hour at which an entry may be due, by this machine's clock, at any time of the year.

    They differ from those of its expression where two zones are not whole hours apart.
    """
    zone, january = ZoneInfo(entry.cron.zone), datetime(2026, 1, 15, tzinfo=UTC)
    shifts = set()
    for month in range(12):
        at = january + timedelta(days=30 * month)
        apart = (at.astimezone(here).utcoffset() or timedelta()) - (at.astimezone(zone).utcoffset() or timedelta())
        shifts.add(round(apart.total_seconds() / 60))
    return frozenset((minute + shift) % 60 for minute in entry.cron.minutes for shift in shifts)


def _listed(minutes: Iterable[int]) -> str:
    known = list(minutes)
    return "*" if len(known) in (0, 60) else ",".join(f"{minute}" for minute in known)


def _quoted(word: str) -> str:
    """A word as systemd reads it."""
    kept = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{kept}"' if kept != word or any(character.isspace() for character in word) else word
