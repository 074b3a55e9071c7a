"""Filters put together select what their parts say, whatever the parts hold."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit.errors import ParameterError
from gpkit.filters import (
    FilterError,
    all_of,
    any_of,
    at_or_after,
    before,
    equals,
    has,
    matches,
    none_of,
    one_of,
    parse,
    predicate,
    present,
    quote,
)

from .filters_support import found


def test_all_parts_hold_even_after_a_comment():
    both = all_of("severity>=WARNING -- only these", has("textPayload", "token"))
    assert both.text == 'severity>="WARNING" AND textPayload:"token"'
    assert found(both) == ["line"]


def test_a_disjunction_stays_one_inside_a_conjunction():
    assert found(all_of("severity=ERROR OR severity=INFO", "chat")) == ["line"]
    assert found(any_of("severity=ERROR severity=INFO", "severity=NOTICE")) == ["audit"]


def test_what_selects_everything_adds_nothing():
    assert all_of("", "-- all", "severity=ERROR").text == 'severity="ERROR"'
    assert all_of().text == ""
    assert any_of("severity=ERROR", "").text == ""
    assert none_of().text == ""


def test_none_of_the_parts_holds():
    assert found(none_of("severity>=WARNING", "severity=INFO OR severity=NOTICE")) == ["bare"]


def test_a_filter_that_selects_nothing_cannot_be_said():
    for refused in (lambda: any_of(), lambda: one_of("trace", []), lambda: none_of("")):
        with pytest.raises(ParameterError):
            refused()


@pytest.mark.parametrize(
    ("filter_", "text"),
    [
        (equals("jsonPayload.count", 9), 'jsonPayload.count="9"'),
        (equals("jsonPayload.done", True), 'jsonPayload.done="true"'),
        (equals("jsonPayload.nothing", None), "jsonPayload.nothing=NULL_VALUE"),
        (equals(("labels", "k8s-pod/app"), "web"), 'labels."k8s-pod/app"="web"'),
        (equals('labels."k8s-pod/app"', "web"), 'labels."k8s-pod/app"="web"'),
        (one_of("severity", ["ERROR", "INFO"]), 'severity="ERROR" OR severity="INFO"'),
        (has("textPayload", '"'), 'textPayload:"\\""'),
        (present("httpRequest"), "httpRequest:*"),
        (matches("textPayload", r'^\d+ "x"'), r'textPayload=~"^\\d+ \"x\""'),
        (at_or_after(1), 'timestamp>="1970-01-01T00:00:00.000000001Z"'),
        (at_or_after(-1), 'timestamp>="1969-12-31T23:59:59.999999999Z"'),
        (
            before(datetime(2026, 3, 1, 12, 0, 3, 5, tzinfo=timezone(timedelta(hours=2))), "receiveTimestamp"),
            'receiveTimestamp<"2026-03-01T10:00:03.000005000Z"',
        ),
    ],
)  # fmt: skip
def test_a_part_is_written_as(filter_: Any, text: str):
    assert filter_.text == text


def test_parts_select_what_they_say():
    assert found(equals("jsonPayload.nothing", None)) == ["structured"]
    assert found(matches("textPayload", r"to\w+ has")) == ["line"]
    assert found(one_of("severity", ["ERROR", "INFO"])) == ["line", "structured"]
    second = datetime(2026, 3, 1, 10, 0, 1, tzinfo=UTC)
    assert found(all_of(at_or_after(second), before(second + timedelta(seconds=2)))) == ["line", "structured"]


def test_an_instant_needs_a_zone_and_a_year():
    with pytest.raises(ParameterError, match="has no time zone"):
        at_or_after(datetime(2026, 3, 1))  # noqa: DTZ001 - what is refused
    with pytest.raises(ParameterError, match="outside the years 1 to 9999"):
        before(10**21)


@pytest.mark.parametrize(
    "path", ["trace:* OR spanId", "", "trace=", "trace -- x", "trace --", "(trace)", "NOT trace", "a b"]
)
def test_a_path_is_a_path_and_nothing_more(path: str):
    with pytest.raises((ParameterError, FilterError)):
        equals(path, "x")


def test_a_composed_filter_is_not_longer_than_the_service_takes():
    with pytest.raises(FilterError, match="Cloud Logging takes at most"):
        one_of("insertId", [f"{n:08d}" for n in range(2000)])


AWKWARD = [
    '"',
    "\\",
    '\\"',
    "\n",
    "\t\x00\x1f",
    "-- x",
    "a AND b",
    ") OR (",
    "*",
    "NULL_VALUE",
    "",
    " ",
    "é😀",
    "\ufffd",
    "=~",
    "\\n",
]


@pytest.mark.parametrize("value", AWKWARD)
def test_an_awkward_value_stays_a_value(value: str):
    decide = predicate(all_of(equals("jsonPayload.x", value), none_of(equals("jsonPayload.y", value))))
    assert decide({"jsonPayload": {"x": value}})
    assert not decide({"jsonPayload": {"x": value, "y": value}})
    assert not decide({"jsonPayload": {"x": value + "!"}})
    assert not decide({})


@given(st.lists(st.text(max_size=6), min_size=1, max_size=4, unique_by=str.casefold))
def test_one_of_any_values_selects_exactly_those(values: list[str]):
    decide = predicate(one_of(("labels", "x"), values))
    assert all(decide({"labels": {"x": value}}) for value in values)
    assert not decide({"labels": {"x": "".join(values) + "§"}})


@given(st.text(max_size=20))
def test_a_quoted_value_reads_back_as_itself(value: str):
    read = parse(f"textPayload={quote(value)}").tree
    assert read is not None
    assert read.right.value == value
    assert "\n" not in quote(value)
