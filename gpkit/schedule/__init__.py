"""The schedule: what is run unattended, when, and what became of every slot.

::

    schedule.yaml ──► reading.read_schedule ──► entries, each checked
    run folders   ──► history.taken         ──► slots that were run, or recorded as missed
                  ──► slots.decide          ──► slots to run now, slots that were missed   (pure)
                  ──► due.run_due           ──► runs, one for each slot, whoever else is running the schedule
                      keeping.keep              the same, for as long as it stays

There is no record of what was run besides the run folders: docs/schedule.md.
"""

from __future__ import annotations

from gpkit.schedule.cron import Cron
from gpkit.schedule.due import Done, run_due
from gpkit.schedule.entry import Entry, Refused, Retention, Schedule
from gpkit.schedule.export import cron_files, systemd_files
from gpkit.schedule.keeping import keep
from gpkit.schedule.reading import SCHEDULE_FILE, read_schedule
from gpkit.schedule.slots import Decision, Missed, decide, read_slot

__all__ = [
    "SCHEDULE_FILE",
    "Cron",
    "Decision",
    "Done",
    "Entry",
    "Missed",
    "Refused",
    "Retention",
    "Schedule",
    "cron_files",
    "decide",
    "keep",
    "read_schedule",
    "read_slot",
    "run_due",
    "systemd_files",
]
