"""Filters at the local logging API: the same answers whether bounds are bisected or the interpreter decides."""

from __future__ import annotations

import time

import pytest

from gpkit.stack import cloud_logging
from tests.logging_api_support import all_ids, entry, fresh_project, grpc_client, refused


@pytest.fixture(scope="module")
def api():
    with cloud_logging() as running:
        yield running


@pytest.fixture(scope="module")
def project(api):
    name = fresh_project()
    severities = ["INFO", "ERROR", "WARNING"]
    api.add(
        [entry(name, second, severity=severities[second % 3], textPayload=f"line {second}") for second in range(30)]
    )
    return name


AT_10 = '"2025-09-07T13:00:10.000000001Z"'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"timestamp>={AT_10}", range(10, 30)),
        (f"timestamp>{AT_10}", range(11, 30)),
        (f"timestamp<{AT_10}", range(10)),
        (f"timestamp<={AT_10}", range(11)),
        (f"timestamp={AT_10}", range(10, 11)),
        ('timestamp>="2025-09-07T15:00:10+02:00" timestamp<"2025-09-07T13:00:12Z"', range(10, 12)),
        (f"timestamp<{AT_10} AND timestamp>{AT_10}", range(0)),
        (f"NOT timestamp<{AT_10}", range(10, 30)),
        (f"timestamp<{AT_10} OR timestamp>={AT_10}", range(30)),
        (f"timestamp!={AT_10}", [*range(10), *range(11, 30)]),
        (f"severity>=WARNING AND timestamp<{AT_10}", [1, 2, 4, 5, 7, 8]),
        (f'(timestamp<{AT_10}) AND (textPayload="line 3" OR "line 14")', [3]),
        ("  -- nothing but a comment", range(30)),
        ("severity=ERROR", range(1, 30, 3)),
    ],
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_filter_selects_the_same_in_both_orders_and_all_page_sizes(api, project, text, wanted, order):
    expected = [f"id-{second:04d}" for second in wanted]
    if order == "desc":
        expected.reverse()

    assert all_ids(api, project, filter=text, orderBy=f"timestamp {order}") == expected
    assert all_ids(api, project, filter=text, orderBy=f"timestamp {order}", pageSize=3) == expected


def test_entries_that_arrive_are_decided_too(api):
    name = fresh_project()
    api.add([entry(name, 1, severity="ERROR"), entry(name, 2, severity="INFO")])
    before = all_ids(api, name, filter="severity=ERROR")
    api.add([entry(name, 0, severity="ERROR"), entry(name, 3, severity="INFO")])

    assert before == ["id-0001"]
    assert all_ids(api, name, filter="severity=ERROR") == ["id-0000", "id-0001"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("severity>", "line 1, column 10"),
        ("a=1 AND\nAND", "line 2, column 1"),
        ('textPayload:"open', "line 1, column 13"),
        ("(severity=ERROR", "line 1, column"),
        ("nosuchfield=1", "line 1, column 1"),
        ("sample(insertId, 0.5)", "line 1, column 1"),
    ],
)
def test_a_wrong_filter_is_refused_with_its_position(api, project, text, place):
    code, status, message = refused(api, project, filter=text)

    assert (code, status) == (400, "INVALID_ARGUMENT")
    assert message.startswith("Unparseable filter: ")
    assert place in message

    from google.api_core import exceptions

    client, channel = grpc_client(api)
    with channel, pytest.raises(exceptions.InvalidArgument, match="Unparseable filter"):
        client.list_log_entries({"resource_names": [f"projects/{project}"], "filter": text})


def test_a_filter_has_a_limit_of_length(api, project):
    exact = 'textPayload:"' + "x" * (20_000 - 14) + '"'

    assert all_ids(api, project, filter=exact) == []
    assert "maximum length is 20000" in refused(api, project, filter=exact + " ")[2]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 9_000 + '"line"' + ")" * 9_000,
        "NOT " * 4_900 + '"line"',
        " OR ".join(f"jsonPayload.a{number}=1" for number in range(800)),
        'textPayload=~"(a*)*(b*)*(c*)*$"',
        'textPayload=~"' + "(x+x+)+" * 50 + 'y"',
        "\x00",
        "\ud800",
        "textPayload:*",
    ],
)
def test_a_hostile_filter_is_answered_or_refused_in_time_and_harms_nobody(api, project, text):
    from tests.logging_api_support import ask

    began_s = time.monotonic()
    status, _, _ = ask(api, {"resourceNames": [f"projects/{project}"], "filter": text})

    assert status in (200, 400)
    assert time.monotonic() - began_s < 10
    assert len(all_ids(api, project)) == 30
