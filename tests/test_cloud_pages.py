"""Pages of the log against the local API: nothing lost, nothing twice, complete or said not to be."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from gpkit import stack
from gpkit.cloud import Incomplete, Limits, Page, stamps
from gpkit.errors import FarSideError, ParameterError
from gpkit.stack import LoggingApi
from tests.cloud_support import (
    BASE_NS,
    STEP_NS,
    FakeTime,
    Reply,
    entry,
    ids,
    page_json,
    raw_server,
    read,
    refused,
    stamp,
)

PROJECT = "p"
ENTRIES = 2_345
TIED_NS = BASE_NS + 1_500 * STEP_NS
TRUTH = {f"id{number:06d}" for number in range(ENTRIES)}


def at_ns(number: int) -> int:
    """A microsecond apart, but for more than a page of entries in the middle that share one instant."""
    return BASE_NS + number * STEP_NS if number < 800 else TIED_NS + max(0, number - 2_000) * STEP_NS


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggingApi]:
    file = tmp_path_factory.mktemp("export") / "entries.jsonl"
    file.write_text("".join(json.dumps(entry(number, at_ns(number))) + "\n" for number in range(ENTRIES)))
    with stack.cloud_logging([file]) as running:
        yield running


def of(api: LoggingApi, folder: Path, script: dict[str, Any], **more: Any) -> Iterator[Page]:
    api.script(script)
    return read(api.rest_url, folder, project=PROJECT, **more)


def until_incomplete(reading: Iterator[Page]) -> tuple[list[Page], Incomplete | None]:
    """What was handed on, and how it ended."""
    found: list[Page] = []
    try:
        found.extend(reading)
    except Incomplete as incomplete:
        return found, incomplete
    return found, None


def test_a_window_comes_in_order_of_time_each_entry_once(api: LoggingApi, tmp_path: Path) -> None:
    found = list(of(api, tmp_path, {}))

    assert len(ids(found)) == ENTRIES
    assert set(ids(found)) == TRUTH
    assert [len(page.entries) for page in found] == [1000, 1000, 345]
    assert [page.token for page in found] == [True, True, False]
    assert [page.call_no for page in found] == [1, 2, 3]
    assert (found[0].first_ns, found[0].last_ns) == (BASE_NS, TIED_NS)
    stamps_ns = [stamps.nanoseconds(json.loads(item)["timestamp"]) for page in found for item in page.entries]
    assert stamps_ns == sorted(stamps_ns)  # type: ignore[type-var]


def test_newest_first_is_the_same_entries_in_the_other_order(api: LoggingApi, tmp_path: Path) -> None:
    found = list(of(api, tmp_path, {}, order="desc"))

    assert set(ids(found)) == TRUTH
    assert found[0].first_ns == at_ns(ENTRIES - 1)
    assert found[-1].last_ns == BASE_NS


@pytest.mark.parametrize(
    "script",
    [
        pytest.param({"fail": [{"every": 3, "status": 503}]}, id="503 every third call"),
        pytest.param({"fail": [{"first": 5, "status": 429, "retry_after_s": 0}]}, id="429 at first"),
        pytest.param({"fail": [{"at": [2, 3], "status": 500}, {"at": [5], "status": 504}]}, id="500 and 504"),
        pytest.param({"cut_page": {"at": [1, 3, 4]}}, id="connections cut in the middle of a page"),
        pytest.param({"duplicate_page": {"at": [2, 4]}}, id="pages answered twice"),
        pytest.param({"empty_pages": {"every": 2}}, id="every other page empty"),
        pytest.param({"expire_tokens": {"at": [2, 4, 5]}}, id="tokens expire"),
        pytest.param(
            {"fail": [{"every": 5, "status": 503}], "cut_page": {"every": 7}, "duplicate_page": {"every": 4},
             "empty_pages": {"every": 3}, "expire_tokens": {"at": [6, 11]}}, id="all together"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("page_size", [1000, 200])
def test_a_fault_that_passes_loses_nothing(
    api: LoggingApi, tmp_path: Path, script: dict[str, Any], page_size: int
) -> None:
    found = list(of(api, tmp_path, script, page_size=page_size))

    assert set(ids(found)) == TRUTH  # after identity: what is read again after a restart has the same one
    assert all(json.loads(item)["logName"] for page in found for item in page.entries)


@pytest.mark.parametrize("call", [1, 2, 3])
def test_what_is_not_read_is_declared_and_what_is_declared_complete_is(
    api: LoggingApi, tmp_path: Path, call: int
) -> None:
    fail = [{"at": list(range(call, call + 50)), "status": 429}]

    found, incomplete = until_incomplete(of(api, tmp_path, {"fail": fail}))

    assert incomplete is not None
    assert incomplete.reason.endswith("answered 429 RESOURCE_EXHAUSTED (10 attempts)")
    complete = {f"id{n:06d}" for n in range(ENTRIES) if incomplete.since_ns <= at_ns(n) < incomplete.until_ns}
    assert complete <= set(ids(found)) <= TRUTH
    assert incomplete.until_ns == {1: BASE_NS, 2: TIED_NS, 3: TIED_NS}[call]


def test_tokens_that_always_expire_get_as_far_as_one_page_holds_an_instant(api: LoggingApi, tmp_path: Path) -> None:
    found, incomplete = until_incomplete(of(api, tmp_path, {"expire_tokens": {"every": 1}}))

    assert incomplete is not None
    assert "did not let the query go on past one instant" in incomplete.reason
    assert incomplete.until_ns == TIED_NS
    assert {f"id{n:06d}" for n in range(800)} <= set(ids(found))


def test_a_restart_asks_from_the_last_timestamp_on_inclusive(api: LoggingApi, tmp_path: Path) -> None:
    asked_before = len(api.requests())

    list(of(api, tmp_path, {"expire_tokens": {"at": [2]}}, page_size=500))

    asked = api.requests()[asked_before:]
    assert f'timestamp>="{stamps.text(BASE_NS + 499 * STEP_NS)}"' in asked[2]["filter"]
    assert asked[2]["page_token"] == ""


def test_entries_that_arrive_behind_the_read_are_left_for_the_next_and_those_before_it_come(tmp_path: Path) -> None:
    file = tmp_path / "entries.jsonl"
    file.write_text("".join(json.dumps(entry(number)) + "\n" for number in range(100, 300)))
    late = {"after_calls": 1, "entries": [entry(1), entry(299_000)]}

    with stack.cloud_logging([file], script={"arrive": [late]}) as api:
        first = set(ids(list(read(api.rest_url, tmp_path, project=PROJECT, page_size=100))))
        again = set(ids(list(read(api.rest_url, tmp_path, project=PROJECT, page_size=100))))

    assert "id299000" in first
    assert again - first == {"id000001"}


def test_the_services_own_quota_is_kept_to(tmp_path: Path) -> None:
    file = tmp_path / "entries.jsonl"
    file.write_text("".join(json.dumps(entry(number)) + "\n" for number in range(50)))

    with stack.cloud_logging([file], quota_per_minute=3) as api:
        found, incomplete = until_incomplete(read(api.rest_url, tmp_path, project=PROJECT, page_size=10))

    assert incomplete is not None
    assert incomplete.until_ns == BASE_NS + 29 * STEP_NS
    assert len(ids(found)) == 30


EXACT = [
    '"big":9007199254740993',
    '"below":-0.0,"above":1e400,"small":1E-9,"plain":1.10',
    '"text":"\\u00e9 é \\/ \\" \\\\ud800 \\ud83d\\ude00 😀"',
    '"half":"\\ud800 alone"',
    '"nested":{"a":[1,2,{"b":null}],"":true}',
]


def test_entries_are_the_very_bytes_that_the_service_sent(tmp_path: Path) -> None:
    lines = [
        f'{{"insertId":"x{n}","timestamp":"2025-09-07T13:34:01.{n}23456789Z","jsonPayload":{{{odd}}},'
        f'"errorGroups":[{{"id":"CKXx"}}],"unheard":{{"of":7}}}}'
        for n, odd in enumerate(EXACT)
    ]
    body = b'{"entries": [\n ' + ", ".join(lines).encode() + b' ], "nextPageToken": ""}'
    packed = Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"})

    with raw_server(packed) as raw:
        (page,) = read(raw.url, tmp_path)

    assert [item.decode() for item in page.entries] == lines
    assert page.first_ns == BASE_NS + 23456789
    assert page.last_ns == BASE_NS + 423456789
    assert "gzip" in raw.headers[0]["accept-encoding"]
    assert "gzip" in raw.headers[0]["user-agent"]


def test_entries_of_the_local_api_are_as_they_were_logged(tmp_path: Path) -> None:
    file = tmp_path / "entries.jsonl"
    lines = [
        f'{{"logName":"projects/p/logs/x","insertId":"x{n}","timestamp":"2025-09-07T13:34:01.{n}23456789Z",'
        f'"resource":{{"type":"global"}},"jsonPayload":{{{odd}}},"errorGroups":[{{"id":"CKXx"}}]}}'
        for n, odd in enumerate(odd for odd in EXACT if "half" not in odd)
    ]
    file.write_text("\n".join(lines) + "\n")

    with stack.cloud_logging([file]) as api:
        found = [item for page in read(api.rest_url, tmp_path, project=PROJECT) for item in page.entries]

    assert [item.decode() for item in found] == lines


def test_real_exports_come_back_whole(exports: Path, tmp_path: Path) -> None:
    file = next(path for path in sorted(exports.rglob("*.json")) if path.stat().st_size < 3_000_000)
    with stack.cloud_logging([file]) as api:
        project = next(name for name in api.resources if name.startswith("projects/")).removeprefix("projects/")
        found = list(read(api.rest_url, tmp_path, project=project, since=0, until=4 * 10**18))

    assert len(set(map(bytes, (item for page in found for item in page.entries)))) == len(ids(found))
    assert len(ids(found)) == api.resources[f"projects/{project}"]


def test_entries_without_a_readable_timestamp_are_handed_on(tmp_path: Path) -> None:
    odd = [
        entry(1),
        {"insertId": "none"},
        {"insertId": "number", "timestamp": 7},
        {"insertId": "word", "timestamp": "x"},
    ]

    with raw_server(Reply(json.dumps({"entries": odd}).encode())) as raw:
        (page,) = read(raw.url, tmp_path)

    assert len(page.entries) == 4
    assert page.first_ns == page.last_ns == BASE_NS + STEP_NS


def test_a_window_without_entries_is_one_empty_page(tmp_path: Path) -> None:
    with raw_server(Reply(b"{}")) as raw:
        assert list(read(raw.url, tmp_path)) == [Page((), None, None, False, 1)]


def test_empty_pages_without_end_are_bounded(tmp_path: Path) -> None:
    def empty(asked: dict[str, Any]) -> Reply:
        return Reply(json.dumps({"nextPageToken": asked.get("pageToken", "") + "x"}).encode())

    with raw_server(empty) as raw:
        found, incomplete = until_incomplete(read(raw.url, tmp_path, limits=Limits(max_empty_pages=20)))

    assert incomplete is not None
    assert incomplete.reason == "21 pages in a row brought nothing later"
    assert len(found) == 21


def test_a_search_that_finds_nothing_for_an_hour_is_ended(tmp_path: Path) -> None:
    fake = FakeTime()

    def slow(asked: dict[str, Any]) -> Reply:
        fake.now_s += 100
        return Reply(json.dumps({"nextPageToken": asked.get("pageToken", "") + "x"}).encode())

    with raw_server(slow) as raw:
        _, incomplete = until_incomplete(read(raw.url, tmp_path, fake=fake))

    assert incomplete is not None
    assert incomplete.reason == "no later entry came for 3600 s"


def test_a_cursor_that_the_service_no_longer_knows_is_replaced(tmp_path: Path) -> None:
    answers = [
        Reply(page_json(range(3), "a")),
        refused(400, "INVALID_ARGUMENT", "page_token doesn't match arguments from the request"),
        Reply(page_json(range(2, 5))),
    ]

    with raw_server(*answers) as raw:
        found = list(read(raw.url, tmp_path))

    assert ids(found) == ["id000000", "id000001", "id000002", "id000002", "id000003", "id000004"]


def test_closing_early_closes_the_session(tmp_path: Path) -> None:
    with raw_server(Reply(page_json(range(3), "a"))) as raw:
        reading = read(raw.url, tmp_path)
        next(reading)
        reading.close()  # type: ignore[attr-defined]  # an unclosed socket would be a warning, and so an error


@pytest.mark.parametrize(
    "filter",
    ['severity=ERROR', 'textPayload="line 6" OR severity=DEFAULT', 'textPayload:"timestamp"',
     'textPayload="line 7" -- only this one',
     'timestamp>"2000-01-01T00:00:00Z"', "  \n ", "-- nothing but a comment", 'NOT textPayload="x)"'],
)  # fmt: skip
def test_no_filter_changes_the_window(api: LoggingApi, tmp_path: Path, filter: str) -> None:
    window = {"since": BASE_NS + 5 * STEP_NS, "until": BASE_NS + 8 * STEP_NS}

    found = ids(list(of(api, tmp_path, {}, filter=filter, **window)))

    assert set(found) <= {"id000005", "id000006", "id000007"}


def test_a_filter_and_the_window_both_hold(api: LoggingApi, tmp_path: Path) -> None:
    found = ids(list(of(api, tmp_path, {}, filter='textPayload="line 7" OR textPayload="line 70" -- these')))

    assert found == ["id000007", "id000070"]


@pytest.mark.parametrize("filter", ['a="b") OR (c="d"', 'a="b', "a=(", ")", 'a="b") -- '])
def test_a_filter_that_would_break_out_of_its_parentheses_is_refused(tmp_path: Path, filter: str) -> None:
    with raw_server(Reply()) as raw, pytest.raises(ParameterError):
        list(read(raw.url, tmp_path, filter=filter))

    assert raw.asked == []


def test_a_filter_longer_than_the_service_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="characters"):
        read("http://127.0.0.1:1", tmp_path, filter='"' + "x" * 19_990 + '"')


def test_what_is_sent_has_nine_digits_and_no_hidden_window(tmp_path: Path) -> None:
    with raw_server(Reply()) as raw:
        list(read(raw.url, tmp_path, since=1, until=2))

    assert raw.asked[0]["filter"] == (
        'timestamp>="1970-01-01T00:00:00.000000001Z" AND timestamp<"1970-01-01T00:00:00.000000002Z"'
    )
    assert raw.asked[0]["orderBy"] == "timestamp asc"
    assert raw.asked[0]["pageSize"] == 1000


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": 2, "until": 2},
        {"since": 3, "until": 2},
        {"since": datetime(2025, 9, 7)},  # noqa: DTZ001 - that is the mistake
        {"since": 1.5},
        {"since": True},
        {"since": "2025-09-07"},
        {"until": 10**21},
        {"order": "random"},
        {"page_size": 0},
        {"page_size": 1001},
        {"page_size": True},
    ],
)
def test_an_impossible_request_is_refused_before_the_first_step(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        read("http://127.0.0.1:1", tmp_path, **wrong)


def test_instants_may_be_datetimes_of_any_offset(tmp_path: Path) -> None:
    east = timezone(timedelta(hours=5, minutes=30))

    with raw_server(Reply()) as raw:
        list(read(raw.url, tmp_path, since=datetime(2025, 9, 7, 19, 4, 1, 5, tzinfo=east),
                  until=datetime(2025, 9, 7, 13, 34, 2, tzinfo=UTC)))  # fmt: skip

    assert raw.asked[0]["filter"] == (
        'timestamp>="2025-09-07T13:34:01.000005000Z" AND timestamp<"2025-09-07T13:34:02.000000000Z"'
    )


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2025-09-07T13:34:01.000000001Z", BASE_NS + 1),
        ("2025-09-07T13:34:01.1Z", BASE_NS + 100_000_000),
        ("2025-09-07T19:04:01.5+05:30", BASE_NS + 500_000_000),
        ("2025-09-07T08:04:01-05:30", BASE_NS),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_799_999_999_999),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
        ("2025-02-30T00:00:00Z", None),
        ("2025-09-07T13:34:01", None),
        ("yesterday", None),
        ("٢٠٢٥-09-07T13:34:01Z", None),
    ],
)
def test_timestamps_are_exact_to_the_nanosecond(text: str, ns: int | None) -> None:
    assert stamps.nanoseconds(text) == ns
    assert ns is None or stamps.nanoseconds(stamps.text(ns)) == ns


def test_a_service_out_of_order_is_not_believed(tmp_path: Path) -> None:
    answers = [Reply(page_json(range(3), "a")), Reply(json.dumps({"entries": [entry(9), entry(8)]}).encode())]

    with raw_server(*answers) as raw:
        found, incomplete = until_incomplete(read(raw.url, tmp_path))

    assert incomplete is not None
    assert (incomplete.since_ns, incomplete.until_ns) == (BASE_NS, BASE_NS)
    assert isinstance(incomplete, FarSideError)
    assert len(ids(found)) == 3
    assert stamp(BASE_NS) in str(incomplete) or "nothing is complete" in str(incomplete)
