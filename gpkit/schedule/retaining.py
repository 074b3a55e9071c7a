"""Retention of an entry: which of its runs need not be kept; :mod:`gpkit.runs.recording.retention` removes them.

That never removes the last run of a verdict, nor one that a finding names. Here the newest slot stays too: it is where
the schedule stands.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from gpkit.runs.recording import status
from gpkit.runs.recording.retention import Keep, Pruned, prune
from gpkit.schedule import history
from gpkit.schedule.entry import Entry


def prune_entry(entry: Entry, outputs: Path, now: datetime) -> Pruned:
    """Remove the runs of an entry that its retention does not keep."""
    own = [one for one in history.held(outputs) if one.name == entry.name]
    old = surplus(entry, own, now)
    return prune(outputs, Keep(), folders=old, now=now) if old else Pruned()


def surplus(entry: Entry, own: list[history.Held], now: datetime) -> set[str]:
    """The names of the run folders of an entry that are beyond its retention. Pure.

    Missed slots do not count as runs: they go with the runs that they stand between.
    """
    limits = []
    if entry.retention.age_s is not None:
        limits.append(now - timedelta(seconds=entry.retention.age_s))
    if entry.retention.runs is not None:
        made = sorted({one.slot for one in own if one.status != status.MISSED}, reverse=True)
        limits += made[entry.retention.runs - 1 : entry.retention.runs]
    if not limits or not own:
        return set()
    stays = min(max(limits), max(one.slot for one in own))
    return {one.folder for one in own if one.slot < stays}
