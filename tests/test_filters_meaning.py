"""A filter selects what the service would: planted and found, not planted and not found."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit.filters import FilterError, check, equals, has, parse, predicate

from .filters_support import LOG, found


def selects(text: str, entry: dict[str, Any]) -> bool:
    return predicate(text)(entry)


def payload(**members: Any) -> dict[str, Any]:
    return {"jsonPayload": members}


FOUND = [
    # connectives
    ("severity>=WARNING", ["refused", "line"]),
    ("NOT severity>=WARNING", ["structured", "audit", "bare"]),
    ("severity=ERROR OR severity=INFO", ["line", "structured"]),
    ("severity=ERROR OR severity=INFO AND resource.type:job", ["structured"]),
    ("severity=ERROR OR (severity=INFO AND resource.type:service)", ["line"]),
    ("severity=(error OR Info)", ["line", "structured"]),
    ("resource.type:(cloud -job)", ["refused", "line"]),
    ("-severity=ERROR -severity=INFO -resource.type:cloud", ["audit", "bare"]),
    # fields by either spelling, keys exactly
    ("http_request.Status=403", ["refused"]),
    ("HTTPREQUEST.requestmethod=get", ["refused"]),
    ("insert_id=LINE", ["line"]),
    ('labels."k8s-pod/app"=web', ["refused"]),
    ("labels.instanceid=i-1", []),
    ("jsonPayload.User.name=Ada", []),
    ("resource.labels.service_name=chat", ["refused", "line"]),
    # severity
    ("severity=default", ["bare"]),
    ("severity!=DEFAULT", ["refused", "line", "structured", "audit"]),
    ("severity<INFO", ["bare"]),
    ("severity>=400", ["refused", "line"]),
    ("severity=AND", []),
    ("severity:WARN", []),
    # numbers
    ("httpRequest.status>=400 AND httpRequest.status<500", ["refused"]),
    ("httpRequest.status<1", ["line", "structured", "audit", "bare"]),
    ('httpRequest.requestSize>"1000"', ["refused"]),
    ("httpRequest.requestSize=1234", ["refused"]),
    ("httpRequest.status=4e2", []),
    ("httpRequest.status!=abc", []),
    ("sourceLocation.line=12", ["structured"]),
    # durations and instants
    ('httpRequest.latency>"249ms"', ["refused"]),
    ('httpRequest.latency="0.25s"', ["refused"]),
    ('httpRequest.latency>="250000us" httpRequest.latency<"0.00417m"', ["refused"]),
    ('httpRequest.latency<"1h"', ["refused", "line", "structured", "audit", "bare"]),
    ('timestamp<"2026-03-01T10:00:00.000000002Z"', ["refused"]),
    ('timestamp="2026-03-01T11:00:01+01:00"', ["line"]),
    ('timestamp="2026-03-01T10:00:03.000+0000"', ["audit"]),
    ('timestamp>="2026-03-01T10:00:02.500Z"', ["structured", "audit", "bare"]),
    ("timestamp>2026-03-01", ["refused", "line", "structured", "audit", "bare"]),
    ("timestamp>2026-03-02", []),
    ("timestamp>yesterday", []),
    # texts
    ('textPayload:"TOKEN has"', ["line"]),
    ("textPayload:(handshake audience)", ["line"]),
    ('textPayload="handshake REFUSED: token has no audience"', ["line"]),
    ("textPayload:kettle", []),
    ('logName="projects/shop-test/logs/run.googleapis.com/stderr"', []),
    ("logName>projects/shop-test/logs/run.googleapis.com%2Fs", ["line", "structured", "bare"]),
    # regular expressions
    ('textPayload=~"token.*audience$"', ["line"]),
    ('textPayload=~"^handshake"', []),
    ('textPayload=~"(?i)^handshake"', ["line"]),
    ('resource.labels.service_name!~"kettle"', ["refused", "line"]),
    ('NOT resource.labels.service_name=~"chat"', ["structured", "audit", "bare"]),
    ('logName=~("^folders" OR "requests$")', ["refused", "audit"]),
    # members of a payload
    ("jsonPayload.count=9", ["structured"]),
    ('jsonPayload.count="9.0"', ["structured"]),
    ("jsonPayload.ratio<0.6", ["structured"]),
    ("jsonPayload.done=TRUE", ["structured"]),
    ("jsonPayload.done>false", ["structured"]),
    ("jsonPayload.count=abc", []),
    ("jsonPayload.count!=abc", []),
    ("jsonPayload.count!=8", ["structured"]),
    ("jsonPayload.user.id=9007199254740993", ["structured"]),
    ("jsonPayload.user:ada", ["structured"]),
    ("jsonPayload:floor", ["structured"]),
    ("jsonPayload=floor", []),
    # lists: any member
    ("jsonPayload.sizes<7", ["structured"]),
    ("jsonPayload.sizes<6", []),
    ("jsonPayload.steps.name=close", ["structured"]),
    ("jsonPayload.steps.ms>10 jsonPayload.steps.ms<10", ["structured"]),
    # what is missing
    ("jsonPayload.absent!=1", []),
    ("NOT jsonPayload.absent=1", ["refused", "line", "structured", "audit", "bare"]),
    ('labels.absent!~"x"', []),
    ("labels.instanceId!=i-2", ["refused"]),
    ("trace=\"\"", ["line", "structured", "audit", "bare"]),
    ("operation.first=false", ["refused", "line", "audit", "bare"]),
    ("operation.producer!=x", ["refused", "line", "structured", "audit", "bare"]),
    # presence and null
    ("jsonPayload.nothing:*", ["structured"]),
    ("jsonPayload.absent:*", []),
    ("jsonPayload.nothing=NULL_VALUE", ["structured"]),
    ("jsonPayload.count!=NULL_VALUE", ["structured"]),
    ("NOT jsonPayload.nothing=NULL_VALUE", ["refused", "line", "audit", "bare"]),
    ('jsonPayload.nothing="NULL_VALUE"', []),
    ("jsonPayload.nothing!=1", []),
    ("httpRequest:*", ["refused"]),
    ("labels:*", ["refused"]),
    ("operation.id:*", ["structured"]),
    ("operation.last:*", []),
    ("jsonPayload.steps.ms:*", ["structured"]),
    # audit entries
    ("protoPayload.method_name:DELETE", ["audit"]),
    ("protoPayload.authentication_info.PrincipalEmail=ops@example.com", ["audit"]),
    ("protoPayload.@type:AuditLog", ["audit"]),
    ('protoPayload.requestTime>"2026-03-01T10:59:59+01:00"', ["audit"]),
    ("protoPayload.responseSize>999", ["audit"]),
    ("protoPayload.status.details.reason=quota", ["audit"]),
    # search terms
    ("mozilla", ["refused"]),
    ("CHAT", ["refused", "line"]),
    ("floor AND ada", ["structured"]),
    ("notice", ["audit"]),
    ("403", ["refused"]),
    ("40", ["structured"]),
    ('"token has"', ["line"]),
    ("instanceId", []),
    ("NOT chat -sweep", ["audit", "bare"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "ids"), FOUND)
def test_what_is_planted_is_found_and_nothing_else(text: str, ids: list[str]):
    assert found(text) == ids


SAME = [
    ("resource.type = cloud_run_job", 'resource.type="CLOUD_RUN_JOB"'),
    ("severity=(ERROR OR INFO)", "severity=ERROR OR severity=INFO"),
    ("chat handshake", "chat AND handshake"),
    ("severity=ERROR -trace:*", "severity=ERROR AND NOT trace:*"),
    ("NOT (chat OR sweep)", "(NOT chat) AND (NOT sweep)"),
    ("NOT (chat AND handshake)", "NOT chat OR NOT handshake"),
    ("severity=warning", "severity = WARNING"),
    ("-jsonPayload.count:*", "NOT jsonPayload.count:*"),
    ("chat OR NOT sweep AND NOT ada OR 403", "(chat OR (NOT sweep)) AND ((NOT ada) OR 403)"),
    ("http_request.status>0", "httpRequest.status > 0"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_of_saying_the_same_select_the_same(one: str, other: str):
    assert found(one) == found(other)


WRONG = [
    ("kettle.size=1", 1, "a log entry has no field 'kettle'.", "Of a payload: jsonPayload.kettle."),
    ("severty>=INFO", 1, "a log entry has no field 'severty'.", "Did you mean 'severity'?"),
    ("trace:* httpRequest.statuss=1", 9, "httpRequest has no field 'statuss'.", "Did you mean 'httpRequest.status'?"),
    ("textPayload.words=1", 1, "textPayload is one value; it has no field 'words'.", ""),
    ("labels.k8s.io/app=web", 1, "labels.k8s is one text; it has no field 'io/app'.", 'labels."k8s.io/app".'),
    (r"text\u0050ayload=tea", 1, r"a log entry has no field 'text\u0050ayload'.", "Did you mean 'textPayload'?"),
    ("httpRequest=tea", 1, "httpRequest is not one value.", "Name one of its fields: requestMethod"),
    ('severity=~"E.*"', 1, "severity is no text (enum); '=~' compares texts only.", "cast(FIELD, STRING)"),
    ('textPayload=~"(?=tea)"', 14, "RE2 cannot read the regular expression: invalid perl operator: (?=.", ""),
    ('textPayload=~"(a)\\\\1"', 14, "RE2 cannot read the regular expression: invalid escape sequence: \\1.", ""),
    ('textPayload=~"(unclosed"', 14, "RE2 cannot read the regular expression: missing ): (unclosed.", ""),
]


@pytest.mark.parametrize(("text", "column", "problem", "help_"), WRONG)
def test_what_can_mean_nothing_is_refused_before_any_entry(text: str, column: int, problem: str, help_: str):
    with pytest.raises(FilterError) as caught:
        check(parse(text))
    assert caught.value.what == f"The filter is wrong at line 1, column {column}: {problem}"
    assert caught.value.kind == "semantic"
    assert help_ in str(caught.value)
    with pytest.raises(FilterError):
        predicate(text)


def test_integers_are_exact_beyond_what_a_double_holds():
    assert selects("jsonPayload.id=9007199254740993", payload(id=9007199254740993))
    assert not selects("jsonPayload.id=9007199254740993", payload(id=9007199254740992))
    assert selects("jsonPayload.id>9007199254740992", payload(id=9007199254740993))
    assert selects(
        "httpRequest.responseSize=9223372036854775807", {"httpRequest": {"responseSize": "9223372036854775807"}}
    )
    assert not selects("httpRequest.responseSize<9223372036854775808", {"httpRequest": {"responseSize": "1"}})


def test_a_text_of_digits_is_a_text():
    assert selects("jsonPayload.id<5", payload(id="10"))
    assert not selects("jsonPayload.id=10.0", payload(id="10"))


@pytest.mark.parametrize("written", ["NaN", "nan", "Infinity", "-infinity"])
def test_special_numbers_are_found_as_numbers_and_as_texts(written: str):
    assert selects(f'jsonPayload.x="{written}"', payload(x=float(written)))
    assert selects(f'jsonPayload.x="{written}"', payload(x=written))
    assert not selects(f'jsonPayload.x="{written}"', payload(x=1.5))


def test_nan_is_ordered_with_nothing():
    assert not selects("jsonPayload.x>=NaN", payload(x=1.0))
    assert not selects("jsonPayload.x<1", payload(x=float("nan")))
    assert selects('jsonPayload.x<"Infinity"', payload(x=1e308))


@pytest.mark.parametrize(
    ("written", "held"),
    [("STRASSE", "straße"), ("Ａ１", "a1"), ("ﬁt", "FIT"), ("É", "é"), ("co\xadop", "coop"), ("ΣΑΣ", "σας")],
)
def test_texts_compare_in_compatible_forms_and_without_case(written: str, held: str):
    assert selects(f'textPayload="{written}"', {"textPayload": held})
    assert selects(f'textPayload:"{written}"', {"textPayload": f"x {held} y"})


def test_patterns_see_the_text_as_it_stands():
    assert not selects('textPayload=~"strasse"', {"textPayload": "straße"})
    assert selects('textPayload=~"stra.e"', {"textPayload": "straße"})
    assert selects('textPayload=~"^a.b$"', {"textPayload": "a\ud800b"})


def test_a_hostile_pattern_takes_no_time():
    assert not selects('textPayload=~"(a+)+$"', {"textPayload": "a" * 50_000 + "b"})
    with pytest.raises(FilterError, match="RE2 cannot read"):
        predicate('textPayload=~"((((a{100}){100}){100}){100})"')


def test_entries_in_snake_case_mean_the_same():
    entry = {
        "insert_id": "x",
        "trace": None,
        "text_payload": "tea",
        "http_request": {"request_method": "GET", "status": 200},
        "json_payload": None,
        "labels": {"instanceId": "1"},
    }
    for text in ("insertId=x", 'trace=""', "textPayload:tea", "httpRequest.requestMethod=GET", "tea", "NOT trace:*"):
        assert selects(text, entry), text
    assert not selects("jsonPayload:*", entry)


def test_a_repeated_message_is_searched_in_every_part():
    entry = {"errorGroups": [{"id": "one"}, {"id": "two"}]}
    assert selects("errorGroups.id=two", entry)
    assert not selects("errorGroups.id=three", entry)
    assert not selects('errorGroups.id=""', {})


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"httpRequest": "GET"},
        {"labels": []},
        {"severity": 7.5},
        {"timestamp": 5},
        {"jsonPayload": "x"},
        {"trace": {}},
    ],
)
def test_a_malformed_entry_is_no_crash(entry: dict[str, Any]):
    for text, _ids in FOUND:
        assert selects(text, entry) in (True, False)


def test_an_entry_as_deep_as_json_allows_is_searched():
    deep: Any = "needle"
    for _ in range(5000):
        deep = {"a": [deep]}
    assert selects("needle", {"jsonPayload": {"x": deep}})
    assert selects("jsonPayload.x:needle", {"jsonPayload": {"x": deep}})
    assert not selects("jsonPayload.x:thread", {"jsonPayload": {"x": deep}})


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_value_of_any_characters_is_found_where_it_is_and_nowhere_else(value: str, key: str):
    wanted = equals(("jsonPayload", key), value)
    entries = [{"jsonPayload": {key: value}}, {"jsonPayload": {key: value + "§"}}, {"jsonPayload": {key + "§": value}}]
    decide = predicate(wanted)
    assert [decide(entry) for entry in entries] == [True, False, False]
    assert predicate(has(("jsonPayload", key), value))(entries[1])


def test_a_predicate_leaves_the_entry_as_it_is():
    before = json.dumps(LOG)
    for text, _ids in FOUND:
        found(text)
    assert json.dumps(LOG) == before


# Filters of the given file that are read but refused when applied: placeholder fields, and sample().
_REFUSED_WHEN_APPLIED = ("has no field", "sample() cannot be applied")


def test_every_given_case_is_what_its_kind_says(exports: Path):
    given_file = exports.parent / "reference" / "filter_cases.jsonl"
    lines = given_file.read_text("utf-8").splitlines() if given_file.is_file() else []
    wrong = [case["id"] for case in map(json.loads, lines) if not _as_its_kind_says(case)]
    assert wrong == []


def _as_its_kind_says(case: dict[str, str]) -> bool:
    outcome = _outcome(case["filter"])
    fits = {
        "valid": outcome == "applied" or outcome.endswith(_REFUSED_WHEN_APPLIED),
        "invalid": outcome == "syntax",
        "semantic_error": outcome.startswith("semantic"),
        "doubtful": True,
    }[case["kind"]]
    if "same_as" in case and outcome == "applied":
        fits = fits and found(case["filter"]) == found(case["same_as"])
    return fits


def _outcome(text: str) -> str:
    try:
        found(text)
    except FilterError as error:
        refused = next((reason for reason in _REFUSED_WHEN_APPLIED if reason in error.what), "")
        return f"{error.kind} {refused}".strip()
    return "applied"


def test_counts_on_real_entries_are_those_of_plain_python(exports: Path):
    entries = json.loads((exports / "cloud_logging" / "cl_raw_20250907_1541_ws500_20.json").read_text("utf-8"))
    statuses = [entry.get("httpRequest", {}).get("status", 0) for entry in entries]
    assert len(entries) == 20
    assert sum(map(predicate("httpRequest.status>=500"), entries)) == sum(status >= 500 for status in statuses)
    assert sum(map(predicate("httpRequest:*"), entries)) == sum("httpRequest" in entry for entry in entries)
    assert sum(map(predicate("severity>=ERROR"), entries)) == sum(entry.get("severity") == "ERROR" for entry in entries)
