"""Entries and schedules for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gpkit.instants import text
from gpkit.schedule import Entry
from gpkit.schedule.cron import parse
from tests.runs_support import read, run_folders


def at(written: str) -> datetime:
    """``21 06:30`` in November 2026, UTC."""
    return datetime.strptime(f"2026-11-{written}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def entry(cron: str = "0 * * * *", zone: str = "UTC", **settings: Any) -> Entry:
    """An entry of which only the times matter."""
    made: dict[str, Any] = {
        "name": "nightly", "notebook": Path("works.ipynb"), "root": Path(), "parameters": {}, "deadline_s": 60.0,
    }  # fmt: skip
    return Entry(cron=parse(cron, zone), **{**made, **settings})


def write_schedule(project: Path, **entries: str) -> None:
    """A schedule of one-line entries."""
    lines = [f"  {name}: {{{settings}}}" for name, settings in entries.items()]
    (project / "parameters" / "schedule.yaml").write_text("\n".join(["jobs: 2", "entries:", *lines, ""]))


def slots_of(project: Path) -> list[tuple[str, str, str]]:
    """Entry, slot and status of every run folder that stands for a slot, by slot."""
    records = [read(folder / "run.json") for folder in run_folders(project)]
    return sorted(
        (one["schedule"]["name"], one["schedule"]["slot_utc"], one["status"]) for one in records if "schedule" in one
    )


def stamp(when: datetime) -> str:
    """An instant as records hold it."""
    return text(when)


def yesterday(hour: int) -> datetime:
    """A full hour of the day before this one, UTC."""
    return datetime.now(UTC).replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(days=1)


def yesterday_at(*hours: int) -> str:
    """Settings of an entry that was to run at these hours of yesterday, and is to again in a year."""
    cron = f"0 {','.join(map(str, hours))} {yesterday(0):%-d %-m} *"
    return f"cron: '{cron}', start: '{stamp(yesterday(0))}'"
