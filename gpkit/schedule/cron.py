"""Cron expressions: five fields in a time zone, to instants. Pure.

APScheduler's ``CronTrigger`` finds the times that a clock on the wall shows; what they are in UTC is decided here:

- Clocks go forward: a time that does not exist fires as long after the last one as it would have: 02:30 at 03:30.
- Clocks go back: a time that comes twice fires twice where the hour is ``*``, and the first time only where hours are
  named, so that a daily run is daily.

The trigger is not asked in the zone itself: APScheduler 3.11 then leaves out midnight after a day of 23 hours.
What cron means otherwise than APScheduler is translated: Sunday is 0 and 7 (APScheduler counts from Monday), and where
day of month and day of week are both restricted, a day that fits either one fires.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from gpkit.errors import ParameterError, nearest

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = dict(zip(range(1, 13), (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True))
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# Name, lowest and highest number, names of the numbers from the lowest on.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_SHIFT = timedelta(hours=3)  # no zone moves its clocks by more; Antarctica/Troll moves them by 2
_ITEM = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?")
_EXAMPLE = "Write minute, hour, day of month, month, day of week: 0 6 * * 1-5"


@dataclass(frozen=True)
class Cron:
    """When something happens.

    Args:
        text: Five fields, as :func:`parse` accepts them.
        zone: Name of the time zone that they are read in.
    """

    text: str
    zone: str

    def after(self, at: datetime) -> datetime:
        """The first fire time after an instant, in UTC. There always is one: :func:`parse` refuses what never comes."""
        for slot in self.slots(at):
            return slot
        raise ParameterError(f"{self.text!r} has no time after {at.isoformat()}.")

    def slots(self, after: datetime) -> Iterator[datetime]:
        """Every fire time after an instant, in UTC, ascending, without end."""
        zone, last = ZoneInfo(self.zone), after.astimezone(UTC)
        is_twice = self.text.split()[1].startswith("*")
        waiting: list[datetime] = []
        for shown in _shown(self.text, (last - _SHIFT).astimezone(zone).replace(tzinfo=None)):
            first = shown.replace(tzinfo=zone).astimezone(UTC)
            while waiting and waiting[0] < first - _SHIFT:  # nothing earlier can follow
                if (slot := heapq.heappop(waiting)) > last:
                    yield (last := slot)
            heapq.heappush(waiting, first)
            second = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
            if is_twice and second > first:  # where a time does not exist it is the earlier one
                heapq.heappush(waiting, second)
        yield from sorted(waiting)

    @property
    def minutes(self) -> frozenset[int]:
        """The minutes of an hour at which it may fire, by the clock of its zone."""
        return _numbers(self.text.split()[0], _FIELDS[0])


def parse(text: str, zone: str) -> Cron:
    """A checked expression.

    Args:
        text: Five fields, or ``@hourly``, ``@daily``, ``@weekly``, ``@monthly``, ``@yearly``.
        zone: Name of a time zone of the IANA database.

    Raises:
        ParameterError: It is no cron expression, it never comes, or the zone is unknown.
    """
    written = " ".join(text.lower().split())
    fields = _NAMED.get(written, written).split()
    if len(fields) != 5:
        why = nearest(written, _NAMED) if written.startswith("@") else f"It has {len(fields)} fields."
        raise ParameterError(f"{text!r} is no cron expression.", why, _EXAMPLE)
    numbers = [_numbers(field, known) for field, known in zip(fields, _FIELDS, strict=True)]
    days, months = numbers[2], numbers[3]
    if min(days) > max(_LONGEST[month] for month in months):
        names = ", ".join(_MONTHS[month - 1].capitalize() for month in sorted(months))
        raise ParameterError(
            f"{text!r} never comes.",
            f"There is no day {min(days)} in {names}.",
            "Name a day that the month has; the last day of every month cannot be written in cron.",
        )
    require_zone(zone)
    return Cron(" ".join(fields), zone)


def require_zone(zone: str) -> ZoneInfo:
    """The time zone of a name.

    Raises:
        ParameterError: There is none.
    """
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # not known, no name at all, or a folder of names such as "Europe"
        known = available_timezones()
        last = {name.rsplit("/", 1)[-1].lower(): name for name in known}
        near = nearest(zone, known) or nearest(last.get(zone.rsplit("/", 1)[-1].lower(), ""), known)
        raise ParameterError(
            f"{zone!r} is no time zone.",
            near if known else "This machine has no time zone data.",
            "Write a name such as Europe/Berlin or UTC." if known else "Install it: pip install tzdata",
        ) from None


def _numbers(field: str, known: tuple[str, int, int, tuple[str, ...]]) -> frozenset[int]:
    """The numbers that one field means. Sunday is 0."""
    _, low, high, names = known
    found: set[int] = set()
    for item in field.split(","):
        matched = _ITEM.fullmatch(item)
        if matched is None or (matched["step"] and matched["low"] and not matched["high"]):
            raise _impossible(item, known, "An item is *, 5, 1-5, */15 or 0-30/10.")
        step = int(matched["step"] or 1)
        first = _number(matched["low"], known, item) if matched["low"] else low
        last = _number(matched["high"], known, item) if matched["high"] else first if matched["low"] else high
        if matched["high"] and names == _DAYS and last == 0:
            last = 7  # fri-sun
        if step == 0 or last < first:
            why = "A step is at least 1." if step == 0 else f"A range goes up: {item} runs backwards."
            raise _impossible(item, known, why)
        found |= set(range(first, last + 1, step))
    return frozenset(number % 7 for number in found) if names == _DAYS else frozenset(found)


def _number(written: str, known: tuple[str, int, int, tuple[str, ...]], item: str) -> int:
    _, low, high, names = known
    if written in names:
        return names.index(written) + low
    if not written.isascii() or not written.isdigit():
        raise _impossible(item, known, nearest(written, names))
    number = int(written)
    if not low <= number <= high:
        raise _impossible(item, known, "")
    return number


def _impossible(item: str, known: tuple[str, int, int, tuple[str, ...]], why: str) -> ParameterError:
    name, low, high, names = known
    also = f", or {names[0]} to {names[-1]}" if names else ""
    return ParameterError(f"{item!r} is no {name}.", why, f"A {name} is {low} to {high}{also}.")


def _shown(text: str, since: datetime) -> Iterator[datetime]:
    """The times that a clock on the wall shows when an expression fires, from a wall time on; none has a zone."""
    at: datetime | None = since
    while at is not None:
        start = at.replace(tzinfo=UTC)
        fires = [fire for trigger in _triggers(text) if (fire := trigger.get_next_fire_time(None, start)) is not None]
        at = min(fires).replace(tzinfo=None) if fires else None
        if at is not None:
            yield at
            at += timedelta(microseconds=1)


@lru_cache(maxsize=256)  # a schedule has a few dozen entries
def _triggers(text: str) -> tuple[CronTrigger, ...]:
    from apscheduler.triggers.cron import CronTrigger

    fields = text.split()
    minute, hour, day, month, week_day = (_numbers(field, known) for field, known in zip(fields, _FIELDS, strict=True))
    common: dict[str, Any] = {
        "minute": _listed(minute, 60),
        "hour": _listed(hour, 24),
        "month": _listed(month, 12),
        "timezone": UTC,
    }
    days = _listed(day, 31)
    week_days = "*" if len(week_day) == 7 else ",".join(_DAYS[number] for number in sorted(week_day))
    is_either = not fields[2].startswith("*") and not fields[4].startswith("*")
    pairs = [(days, "*"), ("*", week_days)] if is_either else [(days, week_days)]
    return tuple(CronTrigger(day=one, day_of_week=other, **common) for one, other in pairs)


def _listed(numbers: frozenset[int], all_of_them: int) -> str:
    return "*" if len(numbers) == all_of_them else ",".join(str(number) for number in sorted(numbers))
