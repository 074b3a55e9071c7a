"""Which slots of an entry are run now, and which were missed. Pure: the clock and the history are arguments.

A slot is an instant at which an entry should run, in UTC. The newest recorded slot that is not in the future is where
the schedule stands: nothing before it is looked at again. So a clock that was set back runs nothing twice, and a run
folder that was pruned does not come back as missed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from gpkit.errors import ParameterError
from gpkit.instants import instant
from gpkit.schedule.entry import ALL, NAME, SKIP, Entry

MOST = (
    100  # chosen: slots that are run late, or recorded one by one; a folder for each of a year's minutes helps nobody
)


@dataclass(frozen=True)
class Missed:
    """Slots that passed without a run: ``count`` of them, from ``first`` to ``last``."""

    first: datetime
    last: datetime
    count: int = 1


@dataclass(frozen=True)
class Decision:
    """What is to be done for an entry.

    Args:
        run: Slots to run, oldest first.
        missed: What is recorded as missed, oldest first.
    """

    run: tuple[datetime, ...] = ()
    missed: tuple[Missed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.run or self.missed)


def read_slot(written: str) -> tuple[str, datetime]:
    """The entry and the instant that ``ENTRY@2026-11-21T05:00:00Z`` names.

    Raises:
        ParameterError: It names none.
    """
    name, _, at = written.rpartition("@")
    slot = instant(at, now=datetime.now(UTC), name="--slot") if NAME.fullmatch(name) else None
    if slot is None:
        raise ParameterError(
            f"{written!r} is no slot of a schedule.", next_step="Write ENTRY@T: --slot nightly@2026-11-21T05:00:00Z"
        )
    return name, slot


def decide(entry: Entry, taken: Collection[datetime], now: datetime) -> Decision:
    """What is to be done for an entry now.

    Args:
        entry: The entry.
        taken: The slots of it that the run folders hold, whatever became of them.
        now: The present, UTC.

    An entry without any history is new: what passed before it was there was not missed, unless it has a ``start``.
    """
    grace = timedelta(seconds=entry.grace_s)
    begun = None if entry.start is None else entry.start - timedelta(microseconds=1)
    stands = max((slot for slot in taken if slot <= now), default=None)
    is_new = stands is None and begun is None
    older = max((at for at in (stands, begun) if at is not None), default=now - grace)
    past = [slot for slot in takewhile(lambda slot: slot <= now, entry.cron.slots(older)) if slot not in taken]
    if not past or is_new:
        return Decision(run=tuple(past[-1:]))
    newest, rest = past[-MOST:], past[:-MOST]
    many = (Missed(rest[0], rest[-1], len(rest)),) if rest else ()
    if entry.catch_up == ALL:
        return Decision(tuple(newest), many)
    is_late = now - newest[-1] > grace
    run = () if entry.catch_up == SKIP and is_late else (newest[-1],)
    return Decision(run, (*many, *(Missed(slot, slot) for slot in newest if slot not in run)))
