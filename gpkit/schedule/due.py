"""Run what is due, once, whoever else does the same.

A scheduler that runs an entry holds its lock (``outputs/.schedule/NAME.lock``) from before it reads the run folders
until the run is in them; the system lets go of it when the process ends, however it ends. So no slot is run twice:
another scheduler either finds the lock taken and leaves the entry alone, or finds the slot in the run folders.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gpkit.errors import CallerError, OutputError, ParameterError, nearest
from gpkit.instants import text
from gpkit.runs import Plan, Progress, Retry, Run, launch, make_plan
from gpkit.schedule import history
from gpkit.schedule.entry import Entry, Refused, Retention, Schedule
from gpkit.schedule.slots import decide

LOCKS = ".schedule"


@dataclass
class Done:
    """What was done.

    Args:
        runs: The last attempt at each run that was made, in the order in which they ended.
        missed: The records of slots that were missed.
        refused: Entries that were due and could not be run, such as one whose credential is missing.
        busy: Names of entries that another scheduler is running.
        removed: How many runs retention removed, by entry.
    """

    runs: list[Run] = field(default_factory=list)
    missed: list[Run] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)

    @property
    def exit_codes(self) -> list[int]:
        """Of every run made, every slot recorded as missed and every entry refused; none when nothing was due."""
        return [run.exit_code for run in (*self.runs, *self.missed)] + [one.error.exit_code for one in self.refused]


def run_due(
    schedule: Schedule,
    *,
    outputs: Path | None = None,
    names: Collection[str] = (),
    now: datetime | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_end: Callable[[Run], None] | None = None,
    on_retry: Callable[[Retry], None] | None = None,
) -> Done:
    """Run what is due at this instant. What becomes due meanwhile is left to the next call.

    Args:
        schedule: What is scheduled.
        outputs: Where ``runs/`` is kept; ``outputs/`` of the project by default.
        names: Only these entries; all by default.
        now: The present, UTC.
        on_progress: Called at least once a second as runs get on.
        on_end: Called with each run as it ends, and with each record of a missed slot.
        on_retry: Called with each attempt that failed and is followed by another.

    Raises:
        ParameterError: There is no entry of a name.
        OutputError: The outputs folder cannot be written.
        KeyboardInterrupt: After the runs in progress were recorded as interrupted.
    """
    at = (now or datetime.now(UTC)).astimezone(UTC)
    entries = chosen(schedule, names)
    done, handled = Done(), Handled()
    while entries:
        folder = _outputs(entries[0], outputs)
        waiting = handled.due(entries, folder, at)
        with contextlib.ExitStack() as held:
            mine = [entry for entry in waiting if held.enter_context(claimed(folder, entry.name))]
            done.busy += [entry.name for entry in waiting if entry not in mine]
            # Read again: another scheduler may have run them before the locks were had.
            ready = handled.due(mine, folder, at)
            plans = _take(ready, folder, at, handled, done, on_end)
            if plans:
                done.runs += launch(
                    plans, jobs=schedule.jobs, on_progress=on_progress, on_end=on_end, on_retry=on_retry
                )
        stopped = {*done.busy, *(one.name for one in done.refused)}
        entries = [entry for entry in ready if entry.name not in stopped]
    _retain(schedule, outputs, at, handled, done)
    if done.missed or done.removed:
        _list_runs(_outputs(schedule.entries[0], outputs))
    return done


class Handled:
    """The run folders, and what this call did itself: a slot whose folder was lost is not run again and again."""

    def __init__(self) -> None:
        self._slots: dict[str, set[datetime]] = {}

    def due(self, entries: Collection[Entry], outputs: Path, at: datetime) -> list[Entry]:
        """The entries for which something is to be done."""
        if not entries:
            return []
        self._known = history.taken(outputs)
        return [entry for entry in entries if decide(entry, self.taken(entry.name), at)]

    def taken(self, name: str) -> set[datetime]:
        """The slots of an entry that are done with."""
        return self._known.get(name, set()) | self._slots.get(name, set())

    def did(self, name: str) -> bool:
        """Whether this call did something for an entry."""
        return name in self._slots

    def add(self, name: str, slot: datetime) -> None:
        """Note a slot."""
        self._slots.setdefault(name, set()).add(slot)


def _retain(schedule: Schedule, outputs: Path | None, at: datetime, handled: Handled, done: Done) -> None:
    """Apply the retention of the entries for which something was done."""
    from gpkit.schedule.retaining import prune_entry

    for entry in schedule.entries:
        if entry.retention != Retention() and handled.did(entry.name):
            removed = prune_entry(entry, _outputs(entry, outputs), at).removed
            if removed:
                done.removed[entry.name] = len(removed)


def _take(
    entries: Collection[Entry],
    outputs: Path,
    at: datetime,
    handled: Handled,
    done: Done,
    on_end: Callable[[Run], None] | None,
) -> list[Plan]:
    """Record what each entry missed; the plan of the oldest slot that it is to run."""
    plans = []
    for entry in entries:
        decision = decide(entry, handled.taken(entry.name), at)
        try:
            first = [plan_of(entry, slot, outputs) for slot in decision.run[:1]]
        except OutputError:
            raise
        except CallerError as error:  # nothing is recorded: it is still due when that is mended
            done.refused.append(Refused(entry.name, error))
            continue
        for missed in decision.missed:
            done.missed.append(history.record_missed(entry, missed, outputs))
            handled.add(entry.name, missed.last)
            if on_end is not None:
                on_end(done.missed[-1])
        plans += first
        for slot in decision.run[:1]:
            handled.add(entry.name, slot)
    return plans


def plan_of(entry: Entry, slot: datetime, outputs: Path) -> Plan:
    """The checked run of one slot; relative times in its parameters count from the slot, however late it runs.

    Raises:
        CallerError: It cannot be run as things are.
    """
    return make_plan(
        entry.notebook,
        values=entry.parameters,
        outputs=outputs,
        deadline_s=entry.deadline_s,
        retries=entry.retries,
        now=slot,
        schedule={"name": entry.name, "slot_utc": text(slot)},
    )


@contextlib.contextmanager
def claimed(outputs: Path, name: str) -> Iterator[bool]:
    """Hold an entry; whether this process got it.

    Raises:
        OutputError: The folder cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        (outputs / LOCKS).mkdir(parents=True, exist_ok=True)
        lock = FileLock(outputs / LOCKS / f"{name}.lock", timeout=0)
        lock.acquire()
    except Timeout:
        yield False
        return
    except NotImplementedError:  # filelock's word for a file system without locks
        raise OutputError(f"{outputs} is on a file system without locks.", next_step="Choose another folder.") from None
    except OSError as error:
        raise OutputError(f"{outputs} cannot be written.", f"{error.strerror or error}.") from None
    try:
        yield True
    finally:
        lock.release()


def chosen(schedule: Schedule, names: Collection[str]) -> list[Entry]:
    """The entries of these names; all of them when there is no name.

    Raises:
        ParameterError: There is no such entry.
        CallerError: There is, and it cannot be run.
    """
    known = {entry.name: entry for entry in schedule.entries}
    for name in names:
        for refused in schedule.refused:
            if refused.name == name:
                raise refused.error
        if name not in known:
            raise ParameterError(
                f"There is no entry {name!r} in the schedule.",
                nearest(name, known),
                f"There are: {', '.join(known)}." if known else "There are none that can be run.",
            )
    return [entry for entry in schedule.entries if not names or entry.name in names]


def _outputs(entry: Entry, outputs: Path | None) -> Path:
    return (outputs or entry.root / "outputs").absolute()


def _list_runs(outputs: Path) -> None:
    from gpkit.report import write_index

    with contextlib.suppress(Exception):  # derived from the records: it can be made again
        write_index(outputs)
