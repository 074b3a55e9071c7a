"""Where a read goes on when the service loses the thread: held against a model of a service that may do anything."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpkit.cloud import Limits
from gpkit.cloud.cursor import Cursor
from gpkit.cloud.page import Content

US = 1_000  # a microsecond: timelines below are in these
FAULTS = ("none", "none", "none", "token refused", "answered twice", "empty", "empty, same token")


@dataclass
class Service:
    """Entries in order of their microsecond, answered by the page, with faults drawn for each call."""

    stamps_ns: list[int]
    page_size: int
    dice: random.Random
    faults: tuple[str, ...] = FAULTS
    descending: bool = False
    calls: int = 0
    _previous: Content | None = None
    _made: dict[str, tuple[tuple[int, int], int]] = field(default_factory=dict)

    def answer(self, cursor: Cursor) -> Content | None:
        """A page, or null where the token is refused."""
        self.calls += 1
        fault = self.dice.choice(self.faults)
        window, start = cursor.query(), 0
        if cursor.token:
            if fault == "token refused":
                return None
            made_for, start = self._made[cursor.token]
            assert made_for == window, "parameters changed between pages"
            if fault == "answered twice" and self._previous is not None:
                return Content(self._previous.entries, self._previous.stamps_ns, cursor.token)
        if fault == "empty, same token" and cursor.token:
            return Content((), (), cursor.token)
        if fault.startswith("empty"):
            return Content((), (), self._token(window, start))
        inside = [(ns, n) for n, ns in enumerate(self.stamps_ns) if window[0] <= ns < window[1]]
        inside.sort(key=lambda each: each[0] // 1_000, reverse=self.descending)  # within it, as they were written
        taken = inside[start : start + self.page_size]
        more = start + len(taken) < len(inside)
        self._previous = Content(
            tuple(f'{{"insertId":"{n}"}}'.encode() for _, n in taken),
            tuple(ns for ns, _ in taken),
            self._token(window, start + len(taken)) if more else "",
        )
        return self._previous

    def _token(self, window: tuple[int, int], start: int) -> str:
        token = f"t{self.calls}"
        self._made[token] = window, start
        return token


def run(cursor: Cursor, service: Service, max_calls: int = 20_000) -> list[bytes]:
    """Read to the end, whole or not; every entry that was handed on."""
    found: list[bytes] = []
    while not cursor.done and not cursor.stuck:
        answer = service.answer(cursor)
        if answer is None:
            cursor.restart("refused")
        else:
            found += cursor.take(answer).entries
        assert service.calls < max_calls, "round in circles"
    return found


def names(stamps_ns: list[int], since_ns: int, until_ns: int) -> set[bytes]:
    return {f'{{"insertId":"{n}"}}'.encode() for n, ns in enumerate(stamps_ns) if since_ns <= ns < until_ns}


@settings(max_examples=300, deadline=None)
@given(
    stamps_ns=st.lists(st.integers(0, 40).map(lambda step: step * 400), max_size=60),  # two or three a microsecond
    page_size=st.integers(1, 7),
    seed=st.integers(0, 10**9),
    descending=st.booleans(),
)
def test_whatever_goes_wrong_nothing_that_is_called_complete_is_missing(
    stamps_ns: list[int], page_size: int, seed: int, descending: bool
) -> None:
    cursor = Cursor(2_000, 14_400, descending)
    service = Service(stamps_ns, page_size, random.Random(seed), descending=descending)

    found = run(cursor, service)

    since_ns, until_ns = cursor.complete()
    assert names(stamps_ns, since_ns, until_ns) <= set(found)
    assert set(found) <= names(stamps_ns, 2_000, 14_400)
    assert cursor.stuck or (since_ns, until_ns) == (2_000, 14_400)


@pytest.mark.parametrize("descending", [False, True])
def test_without_faults_each_entry_comes_once(descending: bool) -> None:
    stamps_ns = [US * (ns // 3) for ns in range(100)]
    cursor = Cursor(0, 100 * US, descending)

    found = run(cursor, Service(stamps_ns, 7, random.Random(1), ("none",), descending))

    assert sorted(found) == sorted(names(stamps_ns, 0, 100 * US))


def test_a_token_that_is_good_for_one_page_only_still_gets_through() -> None:
    stamps_ns = [US * step for step in range(50)]
    cursor = Cursor(0, 100 * US)

    found = run(cursor, Service(stamps_ns, 5, random.Random(1), ("token refused",)))

    assert set(found) == names(stamps_ns, 0, 100 * US)
    assert not cursor.stuck


def test_an_instant_with_more_entries_than_a_page_does_not_trap_the_read() -> None:
    stamps_ns = [US, 2 * US, *[3 * US] * 50, 4 * US]
    cursor = Cursor(0, 10 * US)
    service = Service(stamps_ns, 5, random.Random(1), ("token refused",))

    found = run(cursor, service)

    assert cursor.stuck == "the service did not let the query go on past one instant: refused"
    assert cursor.complete() == (0, 3 * US)
    assert names(stamps_ns, 0, 3 * US) <= set(found)
    assert service.calls < 20


def test_such_an_instant_is_passed_when_the_token_is_taken_in_the_end() -> None:
    stamps_ns = [US, 2 * US, *[3 * US] * 50, 4 * US]
    cursor = Cursor(0, 10 * US)
    service = Service(stamps_ns, 5, random.Random(1), ("token refused",))
    while service.calls < 8:
        answer = service.answer(cursor)
        cursor.restart("refused") if answer is None else cursor.take(answer)
    service.faults = ("none",)

    found = run(cursor, service)

    assert not cursor.stuck
    assert names(stamps_ns, 3 * US, 10 * US) <= set(found)


def content(at_us: list[int | None], token: str = "", start: int = 0) -> Content:
    stamps_ns = tuple(None if at is None else at * US for at in at_us)
    return Content(tuple(b'{"n":%d}' % (start + n) for n in range(len(at_us))), stamps_ns, token)


def test_a_page_answered_twice_is_handed_on_once() -> None:
    cursor = Cursor(0, 100 * US)

    first = cursor.take(content([1, 2], "a"))
    again = cursor.take(content([1, 2], "a"))

    assert len(first.entries) == 2
    assert again.entries == ()
    assert (cursor.token, cursor.done) == ("a", False)


def test_tokens_that_go_round_in_a_circle_end_the_read() -> None:
    cursor = Cursor(0, 100 * US)
    calls = 0

    while not cursor.stuck:
        calls += 1
        cursor.take(content([5, 5], "ab"[calls % 2], start=2 * (calls % 2)))
        assert calls < 100

    assert cursor.stuck.endswith("its page tokens go round in a circle")
    assert cursor.complete() == (0, 5 * US)


def test_a_page_that_goes_back_begins_a_new_query_where_the_read_stood() -> None:
    cursor = Cursor(0, 100 * US)
    cursor.take(content([10, 20], "a"))
    cursor.take(content([30, 40], "b", 2))

    kept = cursor.take(content([15, 16], "c", 4))

    assert kept.entries == ()
    assert cursor.token == ""
    assert cursor.query() == (40 * US, 100 * US)


def test_a_page_that_is_not_in_order_makes_nothing_complete() -> None:
    cursor = Cursor(0, 100 * US)
    cursor.take(content([10, 20], "a"))

    assert cursor.take(content([40, 30], "b", 2)).entries == ()
    assert cursor.stuck == "entries of a page are not in order of time"
    assert cursor.complete() == (0, 0)


def test_entries_of_one_microsecond_may_come_in_any_order_and_count_as_one_instant() -> None:
    cursor = Cursor(0, 100 * US)

    kept = cursor.take(Content((b"1", b"2", b"3"), (4_000, 7_900, 7_100), "a"))

    assert len(kept.entries) == 3
    assert cursor.complete() == (0, 7_000)
    cursor.restart("refused")
    assert cursor.query() == (7_000, 100 * US)


def test_a_service_that_ignores_the_window_is_not_believed() -> None:
    cursor = Cursor(10**18, 10**18 + 10**9)

    assert cursor.take(content([5, 10**15 + 5], "b")).entries == ()
    assert cursor.stuck == "entries lie outside the window that was asked for"


def test_a_service_that_compares_by_the_microsecond_is_clipped_to_the_nanosecond() -> None:
    cursor = Cursor(10**18 + 500, 10**18 + 10_500)

    stamps_ns = (10**18 + 499, 10**18 + 500, None, 10**18 + 10_499, 10**18 + 10_500)
    kept = cursor.take(Content((b"{}",) * 5, stamps_ns, ""))

    assert kept.stamps_ns == (10**18 + 500, None, 10**18 + 10_499)
    assert cursor.done


def test_entries_without_a_timestamp_are_handed_on() -> None:
    cursor = Cursor(0, 100 * US)

    assert len(cursor.take(content([None, 5, None], "a")).entries) == 3
    assert len(cursor.take(content([None, None], "", 3)).entries) == 2
    assert cursor.complete() == (0, 100 * US)


def test_pages_that_bring_nothing_later_are_counted() -> None:
    cursor = Cursor(0, 100 * US, limits=Limits(max_empty_pages=10))
    cursor.take(content([7], "start"))

    for number in range(11):
        assert not cursor.stuck
        cursor.take(Content((), (), f"t{number}"))

    assert cursor.stuck == "11 pages in a row brought nothing later"
    assert cursor.complete() == (0, 7 * US)


def test_newest_first_is_complete_from_the_other_end() -> None:
    cursor = Cursor(0, 100 * US, descending=True)
    cursor.take(content([90, 80], "a"))

    assert cursor.complete() == (81 * US, 100 * US)
    cursor.restart("refused")
    assert cursor.query() == (0, 81 * US)
