"""Pages against a model: whatever arrives meanwhile, what was there comes once and in order, and input is refused."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpkit.local.cloud_logging.held import hold, instant_ns, stamp
from gpkit.local.cloud_logging.refusals import RefusedError
from gpkit.local.cloud_logging.resources import Resource, admits, parse
from gpkit.local.cloud_logging.rest import _call
from gpkit.local.cloud_logging.script import When
from gpkit.local.cloud_logging.selection import Compiled, Filters, Search, search
from gpkit.local.cloud_logging.store import Store
from gpkit.local.cloud_logging.tokens import LIFETIME_S, Query, Tokens

ENTRIES = st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abcd"), st.sampled_from("xy")), max_size=30)


def held(rows, log="p"):
    for at, insert_id, text in rows:
        entry = {
            "insertId": insert_id,
            "logName": f"projects/{log}/logs/l",
            "timestamp": stamp(at),
            "textPayload": text,
        }
        yield hold(json.dumps(entry).encode(), "p")


@given(before=ENTRIES, late=ENTRIES, size=st.integers(1, 7), look_at=st.integers(1, 9), newest_first=st.booleans())
@settings(max_examples=200, deadline=None)
def test_what_was_there_comes_once_and_in_order_whatever_arrives_meanwhile(before, late, size, look_at, newest_first):
    store = Store("p")
    there = store.add(held(before))
    wanted = Search((Resource("projects/p"),), Compiled(test=lambda entry: entry["textPayload"] == "x"), newest_first)
    late_rows, came, after, ends = list(late), [], None, False
    while not ends:
        if late_rows:
            store.add(held([late_rows.pop()]))
        found = search(store, wanted, after, size, look_at)
        assert len(found.numbers) <= size
        came += found.numbers
        after, ends = found.after, found.is_all

    keys = [store.key(number, newest_first) for number in came]
    assert keys == sorted(set(keys))
    matching = [number for number in there if b'"x"' in store.raws[number]]
    assert [number for number in came if number in set(there)] == sorted(
        matching, key=lambda number: store.key(number, newest_first)
    )


@given(rows=ENTRIES, since=st.integers(-1, 22), until=st.integers(-1, 22), newest_first=st.booleans())
@settings(max_examples=100, deadline=None)
def test_bisected_bounds_select_what_the_interpreter_selects(rows, since, until, newest_first):
    from gpkit import filters

    text = f'timestamp>="{stamp(since)}" AND timestamp<"{stamp(until)}"'
    store = Store("p")
    store.add(held(rows))
    wanted = Search((Resource("projects/p"),), Filters().compiled(text), newest_first)
    decides = filters.predicate(text)

    found = {store.raws[number] for number in search(store, wanted, None, 1000, 1000).numbers}
    assert found == {raw for raw in store.raws if decides(json.loads(raw))}


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode)
)
@settings(max_examples=200, deadline=None)
def test_a_body_is_a_call_or_is_refused(body):
    with contextlib.suppress(RefusedError):
        _call(body)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.hex()))
@settings(max_examples=200, deadline=None)
def test_a_token_of_no_server_is_refused(token):
    with pytest.raises(RefusedError, match="page_token is invalid"):
        Tokens().read(token, Query((), "", "", 0), 0.0)


def test_a_token_of_another_server_and_one_of_yesterday_are_refused():
    ours, query = Tokens(), Query(("projects/p",), "", "", 5)
    token = ours.make(query, (5, "a", 7), 1000.0)

    assert ours.read(token, query, 1000.0 + LIFETIME_S) == (5, "a", 7)
    with pytest.raises(RefusedError, match="page_token has expired"):
        ours.read(token, query, 1001.0 + LIFETIME_S)
    with pytest.raises(RefusedError, match="page_token is invalid"):
        Tokens().read(token, query, 1000.0)


@given(st.binary(max_size=30), st.text(max_size=30), st.sampled_from(["NaN", "-Infinity", "1e400", "{", '"\\ud83d"']))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_an_entry_or_none_and_an_entry_is_json(data, text, value):
    start = b'{"timestamp": "2025-09-07T13:00:00Z", "x": '
    for raw in (
        data,
        start + b'"' + data + b'"}',
        start + json.dumps(text).encode() + b"}",
        start + value.encode() + b"}",
    ):
        found = hold(raw, "p")
        assert found is None or isinstance(json.loads(found.raw.decode("utf-8"), parse_constant=pytest.fail), dict)


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01t01:00:00.5+01:00", 500_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2025-09-07 13:00:00.123456+00:00", 1_757_250_000_123_456_000),
        ("1970-01-01T00:00:00.0000000019Z", 1),
        ("1970-01-01T00:00:00", None),
        ("1970-13-01T00:00:00Z", None),
        ("", None),
        (5, None),
    ],
)
def test_instants_are_read_to_the_nanosecond(text, at_ns):
    assert instant_ns(text) == at_ns


def test_the_first_minute_of_reads_ends_a_minute_after_its_first_read():
    from gpkit.local.cloud_logging.quota import Quota

    quota = Quota(2)

    assert [quota.take(at_s) for at_s in (100.0, 130.0, 130.5, 159.9)] == [None, None, 30, 1]
    assert quota.take(160.0) is None


def test_calls_are_met_by_number():
    assert [call for call in range(1, 10) if When(every=3, first=1, at=(5,)).meets(call)] == [1, 3, 5, 6, 9]


def test_resources_that_are_not_served_are_denied_one_by_one():
    with pytest.raises(RefusedError) as caught:
        parse(["projects/a", "projects/b"], ["projects/a"])

    assert caught.value.details[0]["metadata"]["resource"] == "projects/b"
    assert admits(parse(["projects/a"], ["projects/a"]), "projects/a/logs/x%2Fy")
    assert not admits(parse(["projects/a"], ["projects/a"]), "projects/ab/logs/x")


async def test_a_search_that_finds_little_ends_its_page_early_with_a_token(monkeypatch):
    from gpkit.local.cloud_logging import listing
    from gpkit.local.cloud_logging.quota import Quota
    from gpkit.local.cloud_logging.script import Script

    monkeypatch.setattr(listing, "LOOK_AT", 10)
    store = Store("p")
    store.add(held([(second, "a", "x" if second == 24 else "y") for second in range(25)]))
    api = listing.Listing(store, None, Quota(None), Script())
    query, token, sizes = Query(("projects/p",), 'textPayload="x"', "", 10), "", []
    while token or not sizes:
        page = await api.answer(listing.Call("REST", query, token))
        sizes.append(len(page.numbers))
        token = page.next_token

    assert sizes == [0, 0, 1]
