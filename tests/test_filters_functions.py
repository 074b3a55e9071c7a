"""Functions of the filter language: what they select, and what is refused and why."""

from typing import Any

import pytest

from gpkit.filters import FilterError, parse, predicate
from gpkit.filters.language.signatures import SIGNATURES
from gpkit.filters.meaning.searching import query, tokens

from .filters_support import found

FOUND = [
    # log_id: no escape needed, one accepted
    ('log_id("run.googleapis.com/stderr")', ["line", "structured", "bare"]),
    ("log_id(run.googleapis.com%2Frequests)", ["refused"]),
    ('LOG_ID("CloudAudit.googleapis.com/activity")', ["audit"]),
    ('log_id("stderr")', []),
    ('NOT log_id("run.googleapis.com/stderr") severity>=WARNING', ["refused"]),
    # source: the resource itself, not what is in it
    ("source(folders/42)", ["audit"]),
    ("source(projects/shop-test)", ["refused", "line", "structured", "bare"]),
    ("source(projects/shop)", []),
    # ip_in_net
    ('ip_in_net(httpRequest.remoteIp, "10.1.2.0/24")', ["refused"]),
    ('ip_in_net(httpRequest.remoteIp, "10.1.2.77")', ["refused"]),
    ('ip_in_net(httpRequest.remoteIp, "10.1.3.0/24")', []),
    ('ip_in_net(httpRequest.remoteIp, "1:2::/48")', []),
    ('ip_in_net(jsonPayload.message, "0.0.0.0/0")', []),
    # SEARCH: whole tokens of texts, in any case and order
    ('SEARCH("refused handshake")', ["line"]),
    ('SEARCH("REFUSED")', ["refused", "line"]),
    ('SEARCH("refuse")', []),
    ('SEARCH("chat shop")', ["refused", "line"]),
    ('SEARCH(textPayload, "audience token")', ["line"]),
    ('SEARCH(textPayload, "chat")', []),
    ('SEARCH(jsonPayload, "ada floor")', ["structured"]),
    ('SEARCH(resource.labels, "chat")', ["refused", "line"]),
    ('SEARCH("`no audience`")', ["line"]),
    ('SEARCH("`No Audience`")', ["line"]),
    ('SEARCH("`audience no`")', []),
    ('SEARCH("`o audience`")', []),
    ('SEARCH("`token has` handshake")', ["line"]),
    ('SEARCH("403")', []),
    ('SEARCH("warning")', []),
    # cast
    ('cast(timestamp, STRING)=~"^2026-03-01 10:00:0[12]"', ["line", "structured"]),
    ('cast(timestamp, STRING, TIMEZONE("America/New_York"))=~"^2026-03-01 05:00:01-05$"', ["line"]),
    ('cast(timestamp, STRING, TIMEZONE("+05:30"))=~"15:30:02.500\\+05:30$"', ["structured"]),
    ('cast(httpRequest.status, STRING)=~"^4"', ["refused"]),
    ('cast(severity, STRING)=~"^W"', ["refused"]),
    ("cast(jsonPayload.user.id, INT64)>9007199254740992", ["structured"]),
    ("cast(jsonPayload.count, FLOAT64)<9.5", ["structured"]),
    ("cast(jsonPayload.message, INT64)!=1", []),
    ('cast(protoPayload.requestTime, TIMESTAMP)<"2026-03-01T10:00:00Z"', ["audit"]),
    ('cast(httpRequest.latency, STRING)="0.25s"', ["refused"]),
    ("cast(jsonPayload.steps.ms, STRING)=(3 OR 41)", ["structured"]),
    # regexp_extract
    ('regexp_extract(httpRequest.requestUrl, "//([^.]+)")=CHAT', ["refused"]),
    ('regexp_extract(textPayload, "token (?:has|had) (\\\\w+)")=no', ["line"]),
    ('cast(regexp_extract(resource.labels.revision_name, "-0*(\\\\d+)"), INT64)<8', ["refused"]),
    ('CAST(REGEXP_EXTRACT(CAST(timestamp, STRING), "\\\\.(\\\\d+)"), INT64)>=500', ["structured"]),
    ('regexp_extract(textPayload, "(kettle)")!=x', []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "ids"), FOUND)
def test_what_is_planted_is_found_and_nothing_else(text: str, ids: list[str]):
    assert found(text) == ids


REFUSED = [
    ("sample(insertId, 0.1)", 1,
     "sample() cannot be applied here: its hash is not published, so no other program selects the same entries."),
    ("kettle(textPayload)", 1, "there is no function 'kettle'."),
    ('serch("tea")', 1, "there is no function 'serch'."),
    ("log_id()", 1, "log_id does not take 0 arguments."),
    ('log_id("")', 8, "a log id is not empty."),
    ('log_id("x")=y', 1, "log_id(…) is true or false by itself; it is compared with nothing."),
    ("source(shop-test)", 8, "'shop-test' is no resource."),
    ('ip_in_net(jsonPayload.ip, "10.1.2.0/33")', 27, "'10.1.2.0/33' is no IP address or range."),
    ('ip_in_net("10.1.2.3", "10.1.2.0/24")', 11, "a log entry has no field '10.1.2.3'."),
    ('ip_in_net(kettle.ip, "10.1.2.0/24")', 11, "a log entry has no field 'kettle'."),
    ("SEARCH(tea)", 8, "the query of SEARCH is not quoted."),
    ('SEARCH("-!")', 8, "the query of SEARCH holds no word."),
    ('SEARCH(kettle, "tea")', 8, "a log entry has no field 'kettle'."),
    ("cast(timestamp, STRING)", 1, "cast(…) is a value; alone it is neither true nor false."),
    ("cast(timestamp, STRING):*", 25, "':*' asks whether a field is there."),
    ("cast(timestamp, TEXT)=x", 17, "cast knows no type 'TEXT'."),
    ('cast(timestamp, INT64, TIMEZONE("UTC"))=1', 24, "TIMEZONE says nothing about INT64."),
    ('cast(timestamp, STRING, TIMEZONE("Tea/Cup"))=x', 34, "there is no time zone 'Tea/Cup'."),
    ("cast(httpRequest, STRING)=x", 6, "cast takes one value; this holds several."),
    ('cast(textPayload, BOOL)=~"t"', 1, "cast(…) is no text (bool); '=~' compares texts only."),
    ('regexp_extract(textPayload, "tea")=x', 29,
     "the regular expression has 0 groups; it needs exactly one, which is what is extracted."),
    ('regexp_extract(textPayload, "(t)(e)")=x', 29,
     "the regular expression has 2 groups; it needs exactly one, which is what is extracted."),
    ("regexp_extract(textPayload, tea)=x", 29, "a regular expression is not quoted."),
    ('regexp_extract(timestamp, "(t)")=x', 16, "regexp_extract takes a text, not timestamp."),
    ('TIMEZONE("UTC")=x', 1, "TIMEZONE(…) stands inside cast only."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "problem"), REFUSED)
def test_a_call_that_can_mean_nothing_is_refused_with_its_place(text: str, column: int, problem: str):
    parse(text)
    with pytest.raises(FilterError) as caught:
        predicate(text)
    assert (caught.value.column, caught.value.kind) == (column, "semantic")
    assert problem in caught.value.what


def test_every_function_of_the_table_is_tested_here():
    written = " ".join(text for text, *_ in [*FOUND, *REFUSED]).lower()
    assert [name for name in SIGNATURES if f"{name}(" not in written] == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hello, World", {"hello", "world"}),
        ("a%20b%2Fc", {"a", "b", "2fc"}),
        ("GET /v1/users?id=7", {"get", "v1", "users", "id", "7"}),
        ("café-Ünï_x", {"café", "Ünï", "x"}),
        ("--", set()),
    ],
)
def test_a_text_is_split_as_the_analyzer_splits_it(text: str, parts: set[str]):
    assert tokens(text) == parts


def test_backticks_hold_a_phrase_together():
    assert query("tea `Two Cups` pot") == ({"tea", "pot"}, ("two cups",))


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.1.2.3", True),
        ("10.1.2.0/25", True),
        ("10.1.0.0/16", False),
        ("10.1.2", False),
        (["x", "10.1.2.9"], True),
        (5, False),
    ],
)
def test_an_address_is_in_a_net_or_it_is_no_address(address: Any, inside: bool):
    assert predicate('ip_in_net(jsonPayload.ip, "10.1.2.0/24")')({"jsonPayload": {"ip": address}}) is inside


def test_an_address_of_version_6_is_in_its_net():
    within = predicate('ip_in_net(httpRequest.remoteIp, "1:2::/48")')
    assert within({"httpRequest": {"remoteIp": "1:2:0:5::1"}})
    assert not within({"httpRequest": {"remoteIp": "1:3::1"}})


@pytest.mark.parametrize(
    ("ns", "text"),
    [("10:00:00Z", "10:00:00+00"), ("10:00:00.1Z", "10:00:00.100+00"), ("10:00:00.000001Z", "10:00:00.000001+00")],
)
def test_an_instant_is_cast_to_text_with_the_digits_it_needs(ns: str, text: str):
    assert predicate(f'cast(timestamp, STRING)="2026-03-01 {text}"')({"timestamp": f"2026-03-01T{ns}"})


def test_a_text_without_a_zone_is_cast_in_the_zone_given():
    at = predicate('cast(jsonPayload.at, TIMESTAMP, TIMEZONE("America/New_York"))="2026-03-01T15:00:00Z"')
    assert at({"jsonPayload": {"at": "2026-03-01T10:00:00"}})
    assert at({"jsonPayload": {"at": "2026-03-01T15:00:00Z"}})
    assert not at({"jsonPayload": {"at": "2026-03-01T15:00:00"}})


@pytest.mark.parametrize(
    ("expression", "value", "holds"),
    [
        ("BOOL)=true", "True", True),
        ("BOOL)=true", 1, True),
        ("BOOL)=true", "yes", False),
        ("INT64)=3", 2.6, True),
        ("INT64)=3", "3", True),
        ("INT64)=1", True, True),
        ("FLOAT64)=2.5", "2.5", True),
        ('DURATION)>"1s"', "1.5s", True),
        ('DURATION)>"1s"', "90", False),
        ('STRING)="true"', True, True),
        ('STRING)="2.5"', 2.5, True),
    ],
)
def test_values_are_cast_or_they_are_no_values(expression: str, value: Any, holds: bool):
    assert predicate(f"cast(jsonPayload.x, {expression}")({"jsonPayload": {"x": value}}) is holds
