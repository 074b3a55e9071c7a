"""When a failed call is tried again: a pure rule, and what it comes to against a service that fails."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pytest

from gpkit.cloud import Incomplete, Limits, retries
from gpkit.errors import FarSideError, TargetError
from gpkit.local.certificates import server_context
from tests.cloud_support import BASE_NS, STEP_NS, FakeTime, Reply, ids, page_json, raw_server, read, refused


def wait_s(attempt: int = 1, **given: float | None) -> float | None:
    values = {"max_attempts": 10, "elapsed_s": 0.0, "max_s": 300.0, "retry_after_s": None, "random": 1.0, **given}
    return retries.wait_s(attempt=attempt, **values)  # type: ignore[arg-type]


def test_waits_double_up_to_a_quota_minute() -> None:
    assert [wait_s(attempt) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_chance_takes_off_at_most_half() -> None:
    assert wait_s(5, random=0.0) == 8
    assert wait_s(5, random=0.5) == 12


def test_the_last_attempt_is_the_last() -> None:
    assert wait_s(9) is not None
    assert wait_s(10) is None


def test_a_wait_that_would_pass_the_time_limit_is_not_begun() -> None:
    assert wait_s(7, elapsed_s=240.0) == 60
    assert wait_s(7, elapsed_s=240.1) is None


def test_what_the_service_asks_for_is_waited_at_least() -> None:
    assert wait_s(1, retry_after_s=30.0) == 30
    assert wait_s(7, retry_after_s=3.0) == 60
    assert wait_s(1, retry_after_s=301.0) is None


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": " 17 "}, 17),
        ({"Retry-After": "9" * 400}, 999_999_999),
        ({"Retry-After": "Sun, 07 Sep 2025 13:34:31 GMT", "Date": "Sun, 07 Sep 2025 13:34:01 GMT"}, 30),
        ({"Retry-After": "Sun, 07 Sep 2025 13:33:31 GMT", "Date": "Sun, 07 Sep 2025 13:34:01 GMT"}, 0),
        ({"Retry-After": "Sun, 07 Sep 2025 13:34:31 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1e3"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_without_a_clock_of_ours(headers: dict[str, str], expected_s: float | None) -> None:
    assert retries.retry_after_s(headers) == expected_s


def test_a_quota_held_by_others_for_ten_minutes_ends_in_an_honest_incomplete(tmp_path: Path) -> None:
    fake = FakeTime()
    answers = [Reply(page_json(range(3), "a")), refused(429, "RESOURCE_EXHAUSTED")]

    with raw_server(*answers) as raw, pytest.raises(Incomplete) as caught:
        list(read(raw.url, tmp_path, fake=fake))

    assert caught.value.until_ns == BASE_NS + 2 * STEP_NS
    assert caught.value.since_ns == BASE_NS
    assert caught.value.reason == f"{raw.url} answered 429 RESOURCE_EXHAUSTED (10 attempts)"
    assert sum(fake.slept) <= 300


def test_a_quota_that_comes_back_completes_the_read(tmp_path: Path) -> None:
    fake = FakeTime()
    answers = [refused(429, "RESOURCE_EXHAUSTED", Retry_After="45"), Reply(page_json(range(3)))]

    with raw_server(*answers) as raw:
        found = list(read(raw.url, tmp_path, fake=fake))

    assert len(ids(found)) == 3
    assert fake.slept == [45.0]


def test_each_wait_is_told_before_it_begins(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []

    with raw_server(refused(503, "UNAVAILABLE"), Reply(page_json(range(1)))) as raw:
        list(read(raw.url, tmp_path, on_wait=lambda seconds, why: told.append((seconds, why))))

    assert told == [(1.0, f"{raw.url} answered 503 UNAVAILABLE")]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again(tmp_path: Path, status: int) -> None:
    html = Reply(b"<html>bad gateway</html>", status, kind="text/html")

    with raw_server(html, Reply(page_json(range(2)))) as raw:
        assert len(ids(list(read(raw.url, tmp_path)))) == 2


CUT = Reply(page_json(range(2)), sent=40)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(CUT, id="cut in the body"),
        pytest.param(Reply(page_json(range(2))[:40], length=False), id="cut, with no length to tell"),
        pytest.param(Reply(b"", length=False), id="nothing at all"),
        pytest.param(Reply(b"not packed", headers={"Content-Encoding": "gzip"}), id="packing damaged"),
        pytest.param(Reply(b'{"entries": [}'), id="no JSON"),
        pytest.param(Reply(b"\xef\xbb\xbf{}"), id="a mark before the JSON"),
    ],
)
def test_a_damaged_answer_is_asked_for_again(tmp_path: Path, broken: Reply) -> None:
    with raw_server(Reply(page_json(range(3), "a")), broken, Reply(page_json(range(3, 6)))) as raw:
        found = list(read(raw.url, tmp_path))

    assert ids(found) == [f"id{number:06d}" for number in range(6)]
    assert found[-1].call_no == 3


def test_a_connection_that_is_always_cut_is_declared(tmp_path: Path) -> None:
    with raw_server(Reply(page_json(range(3), "a")), CUT) as raw, pytest.raises(Incomplete) as caught:
        list(read(raw.url, tmp_path))

    assert caught.value.until_ns == BASE_NS + 2 * STEP_NS
    assert caught.value.reason == "the connection was cut in the middle of an answer (10 attempts)"


def test_a_body_that_never_ends_is_given_up_in_time(tmp_path: Path) -> None:
    fake = FakeTime()
    fake.pace = fake.pace.__class__(clock=lambda: fake.sleep(130) or fake.now_s, sleep=fake.sleep, random=lambda: 1.0)

    with raw_server(Reply(page_json(range(3)))) as raw, pytest.raises(Incomplete) as caught:
        list(read(raw.url, tmp_path, fake=fake))

    assert "took too long" in caught.value.reason


def test_an_address_where_nothing_answers_is_given_up_soon(tmp_path: Path) -> None:
    fake = FakeTime()

    with pytest.raises(Incomplete) as caught:
        list(read("http://127.0.0.1:1", tmp_path, fake=fake))

    assert caught.value.reason == "no connection to http://127.0.0.1:1 (4 attempts)"
    assert sum(fake.slept) == 7
    assert caught.value.since_ns == caught.value.until_ns == BASE_NS


def test_a_proxy_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    with pytest.raises(
        Incomplete, match=r"no connection to https://logs\.example\.com through the proxy \(4 attempts\)"
    ):
        list(read("https://logs.example.com", tmp_path))


def test_a_service_that_goes_away_gets_the_longer_patience(tmp_path: Path) -> None:
    with raw_server(Reply(page_json(range(3), "a"), headers={"Connection": "close"})) as raw:
        reading = read(raw.url, tmp_path)
        next(reading)
    with pytest.raises(Incomplete, match="10 attempts"):
        list(reading)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(b"<html>log in</html>", kind="text/html"), "answered with 'text/html', not with JSON"),
        (Reply(b'{"entries": {}}'), "another structure"),
        (Reply(b'{"entries": [7]}'), "an entry is no object"),
        (Reply(b'{"entries": [null]}'), "an entry is no object"),
        (Reply(b'{"nextPageToken": 7}'), "another structure"),
        (Reply(b"[]"), "another structure"),
        (Reply(b'{"error": {"code": 503}}'), "says success, and holds an error"),
        (Reply(b'{"entries": [' + b"[" * 5000 + b"]" * 5000 + b"]}"), "nested too deeply"),
        (Reply(b"{}", 418), "answered 418"),
    ],
)
def test_an_answer_of_something_else_is_not_asked_for_again(tmp_path: Path, reply: Reply, says: str) -> None:
    with raw_server(reply) as raw, pytest.raises(FarSideError, match=says):
        list(read(raw.url, tmp_path))

    assert len(raw.asked) == 1


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with raw_server(Reply(page_json(range(3)))) as elsewhere:
        there = Reply(b"", 302, {"Location": f"{elsewhere.url}/v2/entries:list"})
        with raw_server(there) as raw, pytest.raises(TargetError, match="points elsewhere"):
            list(read(raw.url, tmp_path))

    assert elsewhere.asked == []


def test_a_page_above_the_cap_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    with raw_server(Reply(b" " * 3_000_000)) as raw, pytest.raises(FarSideError, match="larger than 1000000 bytes"):
        list(read(raw.url, tmp_path, limits=Limits(max_page_bytes=1_000_000)))


def test_after_the_first_page_every_error_says_how_far_it_is_complete(tmp_path: Path) -> None:
    answers = [Reply(page_json(range(3), "a")), refused(403, "PERMISSION_DENIED", "No.")]

    with raw_server(*answers) as raw, pytest.raises(Incomplete) as caught:
        list(read(raw.url, tmp_path))

    assert caught.value.until_ns == BASE_NS + 2 * STEP_NS
    assert isinstance(caught.value.__cause__, TargetError)
    assert "roles/logging.viewer" in str(caught.value.__cause__)


def test_a_certificate_that_is_not_trusted_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, authority = server_context(tmp_path)

    with raw_server(Reply(page_json(range(3))), tls=context) as raw:
        with pytest.raises(TargetError, match="does not show a certificate that is trusted here"):
            list(read(raw.url, tmp_path))
        assert raw.asked == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        assert len(ids(list(read(raw.url, tmp_path)))) == 3


def test_plain_http_where_tls_is_expected_is_given_up_soon(tmp_path: Path) -> None:
    with raw_server(Reply()) as raw, pytest.raises(Incomplete, match="no TLS connection"):
        list(read(raw.url.replace("http:", "https:"), tmp_path))


def test_a_wall_clock_that_jumps_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = iter([1e9, 0.0, 4e9, 1.0] * 1000)
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    fake = FakeTime()
    answers = [refused(503, "UNAVAILABLE"), Reply(page_json(range(3), "a")), CUT, Reply(page_json(range(3, 5)))]

    with raw_server(*answers) as raw:
        found = list(read(raw.url, tmp_path, fake=fake))

    assert len(ids(found)) == 5
    assert fake.slept == [1.0, 1.0]


def test_incomplete_says_everything_and_survives_a_process_boundary(tmp_path: Path) -> None:
    with raw_server(Reply(page_json(range(3), "a")), CUT) as raw, pytest.raises(Incomplete) as caught:
        list(read(raw.url, tmp_path, limits=Limits(max_attempts=1)))

    assert str(caught.value) == (
        "The log of project 'gpkit-local' was not read to the end: "
        "2025-09-07T13:34:01.000000000Z to 2025-09-07T13:34:01.000002000Z is complete. "
        "Call 2 was the last: the connection was cut in the middle of an answer (1 attempt).\n"
        "Run it again later, or ask for a shorter window."
    )
    assert pickle.loads(pickle.dumps(caught.value)).until_ns == caught.value.until_ns
