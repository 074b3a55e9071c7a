"""An entry of the schedule: what is run, when, and what happens to a time that was missed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gpkit.errors import CallerError
from gpkit.runs import Plan
from gpkit.schedule.cron import Cron

SKIP, LATEST, ALL = CATCH_UPS = ("skip", "latest", "all")
# It names files, units of systemd and DAGs of Airflow.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
GRACE_S = 600.0  # chosen: longer than a wake-up by cron or systemd is ever late, shorter than anybody schedules


@dataclass(frozen=True)
class Retention:
    """How long runs of an entry are kept. Null means no limit.

    Args:
        runs: The newest so many.
        age_s: Those younger than this, seconds.
    """

    runs: int | None = None
    age_s: float | None = None


@dataclass(frozen=True)
class Entry:
    """One checked entry.

    Args:
        name: Unique in the schedule; it goes into the records.
        notebook: The notebook's file.
        root: The project's folder.
        parameters: Given values, checked; paths are absolute, relative times still relative.
        cron: When.
        deadline_s: Limit of each run, seconds.
        catch_up: ``skip``: a missed slot is left out; ``latest``: the newest one is run late; ``all``: each one is.
        grace_s: A slot is on time until this long after it, seconds.
        start: The first slot is not before it; null means the first time that a scheduler looks.
        retention: How long its runs are kept.
        retries: How many more attempts a run may have when something around its notebook breaks.
    """

    name: str
    notebook: Path
    root: Path
    parameters: Mapping[str, Any]
    cron: Cron
    deadline_s: float
    catch_up: str = LATEST
    grace_s: float = GRACE_S
    start: datetime | None = None
    retention: Retention = Retention()
    retries: int = 0

    @property
    def environment(self) -> str:
        """The target's name; empty when the notebook has none."""
        return str(self.parameters.get("environment", ""))

    def plan(self, slot: str, outputs: Path) -> Plan:
        """The run of one slot, unchecked: for the record of one that never starts."""
        return Plan(
            self.notebook,
            self.root,
            outputs,
            self.parameters,
            tuple(self.parameters),
            self.deadline_s,
            {"name": self.name, "slot_utc": slot},
        )


@dataclass(frozen=True)
class Refused:
    """An entry that cannot be run, and why."""

    name: str
    error: CallerError


@dataclass(frozen=True)
class Schedule:
    """What a schedule file says.

    Args:
        file: The file.
        entries: Those that can be run, in the order of the file.
        refused: Those that cannot.
        jobs: How many run at a time.
    """

    file: Path
    entries: tuple[Entry, ...]
    refused: tuple[Refused, ...]
    jobs: int = 1
