"""Stay, and run what is due when it is due.

Each entry is run by a process of its own, ``gpkit schedule due NAME``, so that a long run of one never holds up
another. This one only looks at the clock; it can be killed at any time, and the next one goes on where it was.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gpkit.errors import EXIT_IMPOSSIBLE, CallerError
from gpkit.schedule import history
from gpkit.schedule.entry import Entry, Schedule
from gpkit.schedule.slots import decide

_NAP_S = 30.0  # chosen: a clock that was moved, or a schedule that was changed, is noticed within it
_BUSY_NAP_S = 0.5  # chosen: how late the end of a run is noticed
_AGAIN_S = 15.0  # chosen: pause before an entry is tried again, when another scheduler has it
_ENDING_S = 90.0  # chosen: a run that is interrupted ends within 60 s


class Keeper:
    """The processes of the entries that are running, and when each entry is looked at again."""

    def __init__(self, start: Callable[[str], subprocess.Popen[bytes]], outputs: Path, codes: list[int]) -> None:
        self.codes = codes
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._start = start
        self._outputs = outputs
        self._look: dict[str, datetime] = {}
        self._last: datetime | None = None

    def step(self, schedule: Schedule, now: datetime) -> float:
        """Collect what has ended, start what is due; seconds until it is worth looking again."""
        if self._last is not None and now < self._last:
            self._look.clear()  # the clock was set back: what was planned by it is void
        self._last = now
        self._collect({entry.name: entry for entry in schedule.entries}, now)
        is_full = len(self.running) >= schedule.jobs
        at_hand = [entry for entry in schedule.entries if not is_full and self._is_worth_a_look(entry, now)]
        taken = history.taken(self._outputs) if at_hand else {}
        for entry in at_hand:
            if not decide(entry, taken.get(entry.name, set()), now):
                self._look[entry.name] = entry.cron.after(now)
            elif len(self.running) < schedule.jobs:
                self.running[entry.name] = self._start(entry.name)
        waits = [(at - now).total_seconds() for at in self._look.values() if at > now]
        return min([_BUSY_NAP_S if self.running else _NAP_S, *waits])

    def end(self) -> None:
        """Interrupt what is running, and wait until it is recorded."""
        until_s = time.monotonic() + _ENDING_S
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                self.codes.append(process.wait(max(0.0, until_s - time.monotonic())))
        self.running.clear()

    def _is_worth_a_look(self, entry: Entry, now: datetime) -> bool:
        return entry.name not in self.running and self._look.get(entry.name, now) <= now

    def _collect(self, entries: dict[str, Entry], now: datetime) -> None:
        for name, process in list(self.running.items()):
            code = process.poll()
            if code is None:
                continue
            del self.running[name]
            self.codes.append(code)
            self._look[name] = now + timedelta(seconds=_AGAIN_S)
            if code == EXIT_IMPOSSIBLE and name in entries:  # it will be no other before somebody mends it
                self._look[name] = entries[name].cron.after(now)


def keep(
    read: Callable[[], Schedule],
    start: Callable[[str], subprocess.Popen[bytes]],
    outputs: Path,
    codes: list[int],
    *,
    until: datetime | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], None] = time.sleep,
    on_refused: Callable[[Collection[CallerError]], None] = lambda _: None,
) -> None:
    """Run what is due, until an instant or an interruption.

    Args:
        read: Reads the schedule; called every half minute, so that a change is followed. A schedule that is broken
            later leaves the last good one in force.
        start: Starts the process that runs an entry.
        outputs: Where ``runs/`` is kept.
        codes: Gets the exit code of each process as it ends; only the worst one is ever of interest.
        until: When to end; never by default. What is running then is waited for.
        clock: The present, UTC.
        pause: Waits some seconds.
        on_refused: Called with what is wrong with the schedule, when that changes.

    Raises:
        CallerError: The schedule cannot be read at first.
        KeyboardInterrupt: After what was running has been recorded as interrupted.
    """
    keeper, schedule, read_at = Keeper(start, outputs, codes), read(), clock()
    said: list[str] = []
    wrong: list[CallerError] = [one.error for one in schedule.refused]
    try:
        while True:
            if (texts := [str(error) for error in wrong]) != said:
                on_refused(wrong)
                said = texts
            now = clock()
            is_over = until is not None and now >= until
            nap_s = keeper.step(replace(schedule, entries=()) if is_over else schedule, now)
            if is_over and not keeper.running:
                return
            if until is not None and not is_over:
                nap_s = min(nap_s, (until - now).total_seconds())
            pause(nap_s)
            if not timedelta(0) <= clock() - read_at < timedelta(seconds=_NAP_S):
                read_at = clock()
                try:
                    schedule = read()
                    wrong = [one.error for one in schedule.refused]
                except CallerError as error:
                    wrong = [error]
    finally:
        keeper.end()
