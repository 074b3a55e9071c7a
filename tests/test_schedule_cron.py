"""Cron expressions: what they mean, in real time zones, on the days when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, product, takewhile
from zoneinfo import ZoneInfo

import pytest

from gpkit.errors import ParameterError
from gpkit.schedule.cron import parse

BERLIN = "Europe/Berlin"


def local(text: str, zone: str, after: str, count: int) -> list[str]:
    """The next fire times after a local time, by the clock on the wall with its offset."""
    at = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    slots = islice(parse(text, zone).slots(at), count)
    return [slot.astimezone(ZoneInfo(zone)).strftime("%a %d %H:%M%z") for slot in slots]


def by_hand(
    minutes: set[int], hours: set[int], zone: str, since: datetime, until: datetime, twice: bool
) -> list[datetime]:
    """The same, from the definition: every such time that a wall clock can show, day by day."""
    first, found = since.replace(tzinfo=None) - timedelta(days=1), set()
    days = range((until - since).days + 3)
    for day, hour, minute in product(days, hours, minutes):
        at = first + timedelta(days=day, hours=hour, minutes=minute)
        for fold in (0, 1) if twice else (0,):
            shown = at.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
            exists = shown.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == at
            if exists or fold == 0:
                found.add(shown)
    return sorted(slot for slot in found if since < slot < until)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0 6 * * 0", "Sun 22|Sun 29"),
        ("0 6 * * 7", "Sun 22|Sun 29"),
        ("0 6 * * sun", "Sun 22|Sun 29"),
        ("0 6 * * 1", "Mon 23|Mon 30"),
        ("0 6 * * 1-5", "Mon 23|Tue 24"),
        ("0 6 * * 5-7", "Sun 22|Fri 27"),
        ("0 6 * * fri-sun", "Sun 22|Fri 27"),
        ("0 6 * * 6,0", "Sun 22|Sat 28"),
        ("0 6 * * */2", "Sun 22|Tue 24"),
        ("0 6 23 * *", "Mon 23|Wed 23"),
        ("0 6 * 12 *", "Tue 01|Wed 02"),
    ],
)
def test_days_are_counted_as_cron_counts_them(text, days):
    assert [shown[:6] for shown in local(text, "UTC", "2026-11-21T12:00", 2)] == days.split("|")


def test_day_of_month_and_day_of_week_together_mean_either():
    shown = local("0 6 25 * 1", "UTC", "2026-11-21T12:00", 3)

    assert shown == ["Mon 23 06:00+0000", "Wed 25 06:00+0000", "Mon 30 06:00+0000"]


def test_a_daily_time_that_does_not_exist_fires_as_much_later():
    shown = local("30 2 * * *", BERLIN, "2026-03-28T12:00", 2)

    assert shown == ["Sun 29 03:30+0200", "Mon 30 02:30+0200"]


def test_a_daily_time_that_comes_twice_fires_the_first_time_only():
    shown = local("30 2 * * *", BERLIN, "2026-10-24T12:00", 2)

    assert shown == ["Sun 25 02:30+0200", "Mon 26 02:30+0100"]


def test_every_hour_fires_in_both_of_the_doubled_hours_and_not_in_the_skipped_one():
    assert local("0 * * * *", BERLIN, "2026-10-25T01:00", 4) == [
        "Sun 25 02:00+0200", "Sun 25 02:00+0100", "Sun 25 03:00+0100", "Sun 25 04:00+0100",
    ]  # fmt: skip
    assert local("0 * * * *", BERLIN, "2026-03-29T00:30", 3) == [
        "Sun 29 01:00+0100", "Sun 29 03:00+0200", "Sun 29 04:00+0200",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "zone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Antarctica/Troll", "Asia/Kolkata"]
)
@pytest.mark.parametrize("season", ["2026-03-01", "2026-03-22", "2026-04-01", "2026-09-01", "2026-10-20"])
@pytest.mark.parametrize(
    ("text", "minutes", "hours", "twice"),
    [
        ("*/15 * * * *", {0, 15, 30, 45}, set(range(24)), True),
        ("30 2 * * *", {30}, {2}, False),
        ("0 0 * * *", {0}, {0}, False),
        ("5 1-3 * * *", {5}, {1, 2, 3}, False),
    ],
)
def test_fire_times_are_those_of_the_wall_clock_in_every_zone_and_season(zone, season, text, minutes, hours, twice):
    since = datetime.fromisoformat(season).replace(tzinfo=UTC)
    until = since + timedelta(days=14)

    found = list(takewhile(lambda slot: slot < until, parse(text, zone).slots(since)))

    assert found == by_hand(minutes, hours, zone, since, until, twice)


def test_a_leap_day_is_found_years_ahead():
    assert parse("0 0 29 2 *", "UTC").after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)


def test_the_usual_names_are_known():
    assert parse("@daily", "UTC").text == "0 0 * * *"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0 0 31 2 *", "'0 0 31 2 *' never comes. There is no day 31 in Feb."),
        ("0 0 31 4,6 *", "There is no day 31 in Apr, Jun."),
        ("0 6 * *", "It has 4 fields."),
        ("@dayly", "Did you mean '@daily'?"),
        ("60 6 * * *", "'60' is no minute.\nA minute is 0 to 59."),
        ("0 24 * * *", "'24' is no hour."),
        ("0 6 0 * *", "'0' is no day of month."),
        ("0 6 * 13 *", "'13' is no month."),
        ("0 6 * * 8", "'8' is no day of week.\nA day of week is 0 to 7, or sun to sat."),
        ("0 6 * * mno", "Did you mean 'mon'?"),
        ("0 22-2 * * *", "22-2 runs backwards"),
        ("*/0 * * * *", "A step is at least 1."),
        ("5/10 * * * *", "An item is *, 5, 1-5, */15 or 0-30/10."),
        ("0 6 L * *", "'l' is no day of month."),
        ("0 6 * * 1#2", "'1#2' is no day of week."),
        ("٣ 6 * * *", "'٣' is no minute."),
    ],
)
def test_what_never_comes_or_is_no_expression_is_refused_with_the_reason(text, says):
    with pytest.raises(ParameterError) as refused:
        parse(text, "UTC")

    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("zone", "says"),
    [
        ("Europe/Berln", "Did you mean 'Europe/Berlin'?"),
        ("berlin", "Did you mean 'Europe/Berlin'?"),
        ("Europe", "is no time zone"),
        ("../etc/passwd", "is no time zone"),
        ("", "is no time zone"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_nearest_one(zone, says):
    with pytest.raises(ParameterError) as refused:
        parse("0 6 * * *", zone)

    assert says in str(refused.value)
