"""Random entries with their columns, and random filters: what the pushed-down filter is held against."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gpkit.filters.language.errors import FilterError
from gpkit.filters.language.syntax import And, Anywhere, Call, Comparison, Filter, Node, Not, Or, Path, Present, Text
from gpkit.filters.meaning.checking import check
from gpkit.filters.meaning.values import duration_ns, instant_ns

COLUMNS = pa.schema(
    [
        ("timestamp_ns", pa.int64()),
        ("receive_timestamp_ns", pa.int64()),
        ("severity", pa.string()),
        ("log_name", pa.string()),
        ("insert_id", pa.string()),
        ("trace", pa.string()),
        ("span_id", pa.string()),
        ("resource_type", pa.string()),
        ("resource_labels", pa.string()),
        ("labels", pa.string()),
        ("service", pa.string()),
        ("revision", pa.string()),
        ("instance_id", pa.string()),
        ("http_method", pa.string()),
        ("http_url", pa.string()),
        ("http_status", pa.int64()),
        ("http_latency_ns", pa.int64()),
        ("http_request_size", pa.int64()),
        ("remote_ip", pa.string()),
        ("user_agent", pa.string()),
        ("text_payload", pa.string()),
        ("json_payload", pa.string()),
        ("entry", pa.string()),
    ]
)

WORDS = [
    "", "error", "ERROR: k", "Unicorn phoenix", "unicorn", "k", "K", "\u212a", "\u212aelvin", "\uff2b", "o\ufb01ce",
    "ofice",
    "\u0130stanbul", "istanbul", "\u0131", "i", "e\u0301", "\u00e9", "stra\u00dfe", "STRASSE", "\u017f", "s",
    'say "hi"', "back\\slash", "a/b", "tab\there", "one\ntwo", "one\r\ntwo", "two\n", "x\u0085", "a\x0bb", "\x01",
    "{brace", "[list]", 'message":"k', "401", "1000", "1e3", "1.5", "12345678901234567890", "true", "null",
    "prod-1", "svc",
    "a b", "\U0001f600", "2024-01-01", "message", "default",
]  # fmt: skip
PATTERNS = [
    "^prod", "k", "(?i)K", "two$", "^one.two$", "o.t", r"\d+", r"\w\s\w", r"\bk\b", "401|unicorn", "[a-f]{2,}",
    "(say )?\"hi\"",
    r"back\\slash", "[^a-z]", "a/b", r"\S+\s*$", "^$", "(un)?icorn ph", "e.?r+or", r"[\w.-]+-\d", "\u212a", r"\pL",
    "(k|s)+",
]  # fmt: skip
KEYS = [
    "message",
    "level",
    "n",
    "a",
    "k8s-pod/app",
    "instanceId",
    "service_name",
    "revision_name",
    "location",
    "x.y",
    "é",
]
INSTANTS = [
    "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000000001Z", "2024-01-01T02:00:00.5+02:00",
    "2023-12-31T23:59:59.999999999Z",
]  # fmt: skip
DURATIONS = ["0s", "1s", "1.5s", "0.000000001s", "0.25s", "999ms", "1000ms", "2m"]
SEVERITIES = ["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"]
NUMBERS = [
    "0401",
    "+401",
    "401.0",
    "1e400",
    "1.50",
    "00.0",
    "-0",
    "nan",
    "Infinity",
    "1000ms",
    "2024-01-01T00:00Z",
    "TRUE",
]
INTEGERS = [0, 200, 404, 500, 503]
LOG_NAMES = [f"projects/p/logs/{quote(name, safe='')}" for name in ("syslog", "run.googleapis.com/stderr", "a b")]
ODD_LOG_NAMES = ["projects/logs/logs/syslog", "folders/1/logs/a%2fSyslog", "projects/p/logs/a/syslog", "syslog", ""]

words = st.one_of(
    st.sampled_from(WORDS), st.sampled_from(WORDS), st.text(max_size=6).filter(lambda text: _writable(text))
)


def _writable(text: str) -> bool:
    """Whether the text can stand in a log: no half of a surrogate pair, no NUL."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


scalars = st.one_of(
    words,
    st.integers(-3, 3),
    st.sampled_from(
        [1000, 1e3, 1.5, -0.0, 1e300, 2**63, 10**30, True, False, None, 401, 401.0, float("inf"), float("nan")]
    ),
)
payloads = st.dictionaries(
    st.sampled_from(KEYS),
    st.one_of(
        scalars,
        scalars,
        st.lists(scalars, max_size=3),
        st.dictionaries(st.sampled_from(KEYS), scalars, max_size=2),
        st.lists(st.dictionaries(st.sampled_from(KEYS), scalars, max_size=2), max_size=2),
    ),
    max_size=3,
)
labels = st.dictionaries(st.sampled_from(KEYS), words, max_size=3)
requests = st.fixed_dictionaries(
    {},
    optional={
        "requestMethod": st.sampled_from(["GET", "post", ""]),
        "requestUrl": words,
        "status": st.sampled_from(INTEGERS),
        "latency": st.sampled_from([text for text in DURATIONS if text.endswith("s") and text[-2].isdigit()]),
        "requestSize": st.sampled_from(["0", "200", "9007199254740993"]),
        "remoteIp": st.sampled_from(["10.1.2.3", "::1", ""]),
        "userAgent": words,
    },
)
_common = {
    "timestamp": st.sampled_from(INSTANTS),
    "receiveTimestamp": st.sampled_from(INSTANTS),
    "severity": st.sampled_from(SEVERITIES),
    "logName": st.sampled_from(LOG_NAMES * 3 + ODD_LOG_NAMES),
    "insertId": words,
    "trace": words,
    "spanId": words,
    "labels": labels,
    "resource": st.fixed_dictionaries({}, optional={"type": st.sampled_from(["cloud_run_revision", "k", ""]),
    "labels": labels}),
    "httpRequest": requests,
}  # fmt: skip
entries = st.one_of(
    st.fixed_dictionaries({}, optional=_common),
    st.fixed_dictionaries({"textPayload": words}, optional=_common),
    st.fixed_dictionaries({"jsonPayload": payloads}, optional=_common),
    st.fixed_dictionaries({}, optional={"protoPayload": payloads, "operation": st.fixed_dictionaries({"id": words})}),
)
spellings = st.sampled_from(
    [
        {"ensure_ascii": False, "separators": (",", ":")},
        {"ensure_ascii": False},
        {"ensure_ascii": True},
        {"ensure_ascii": False, "indent": 1},
    ]
)
logged = st.tuples(entries, spellings)  # an entry, and how its JSON is written


def row(entry: Mapping[str, Any], spelling: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of one entry, raw."""

    def written(value: object) -> str | None:
        return None if value is None else json.dumps(value, **spelling)

    request, resource = entry.get("httpRequest", {}), entry.get("resource", {})
    size = request.get("requestSize")
    return {
        "timestamp_ns": instant_ns(entry.get("timestamp", "")),
        "receive_timestamp_ns": instant_ns(entry.get("receiveTimestamp", "")),
        "severity": entry.get("severity"),
        "log_name": entry.get("logName"),
        "insert_id": entry.get("insertId"),
        "trace": entry.get("trace"),
        "span_id": entry.get("spanId"),
        "resource_type": resource.get("type"),
        "resource_labels": written(resource.get("labels")),
        "labels": written(entry.get("labels")),
        "service": resource.get("labels", {}).get("service_name"),
        "revision": resource.get("labels", {}).get("revision_name"),
        "instance_id": entry.get("labels", {}).get("instanceId"),
        "http_method": request.get("requestMethod"),
        "http_url": request.get("requestUrl"),
        "http_status": request.get("status"),
        "http_latency_ns": duration_ns(request.get("latency", "")),
        "http_request_size": None if size is None else int(size),
        "remote_ip": request.get("remoteIp"),
        "user_agent": request.get("userAgent"),
        "text_payload": entry.get("textPayload"),
        "json_payload": written(entry.get("jsonPayload")),
        "entry": written(entry),
    }


def table(written: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> pa.Table:
    """The columns of all entries, in order, numbered by ``n``."""
    rows = pa.Table.from_pylist([row(entry, spelling) for entry, spelling in written], schema=COLUMNS)
    return rows.append_column("n", pa.array(range(len(written)), pa.int64()))


def _path(*components: str) -> Path:
    plain = [re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", component) is not None for component in components]
    return Path(components, tuple(not bare for bare in plain))


def _comparisons(paths: st.SearchStrategy[Path], signs: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
    return st.builds(
        lambda path, sign, value: Comparison(path, sign, Text(value, True)),
        paths,
        st.sampled_from(signs.split()),
        values,
    )


_texts = st.sampled_from(
    [
        _path("logName"), _path("insertId"), _path("insert_id"), _path("trace"), _path("spanId"), _path("resource",
        "type"),
        _path("httpRequest", "requestMethod"), _path("httpRequest", "requestUrl"), _path("httpRequest", "userAgent"),
        _path("httpRequest", "remoteIp"), _path("textPayload"), _path("textPayload"), _path("textPayload"),
    ]
)  # fmt: skip
_keys = st.sampled_from(KEYS)
_labels = st.one_of(
    st.builds(lambda key: _path("labels", key), _keys),
    st.builds(lambda key: _path("resource", "labels", key), _keys),
)
_members = st.one_of(
    st.builds(lambda key: _path("jsonPayload", key), _keys),
    st.builds(lambda key, below: _path("jsonPayload", key, below), _keys, _keys),
)
_times = st.sampled_from([_path("timestamp"), _path("receiveTimestamp"), _path("receive_timestamp")])
_ints = st.sampled_from([_path("httpRequest", "status"), _path("httpRequest", "requestSize")])
_anything = st.one_of(
    st.sampled_from([_path("protoPayload", "level"), _path("protoPayload"), _path("operation", "id")]),
    _texts, _labels, _members, _times, _ints, st.sampled_from([_path("severity"), _path("httpRequest", "latency")]),
    st.sampled_from([_path("jsonPayload"), _path("httpRequest"), _path("labels"), _path("resource")]),
)  # fmt: skip
_ORDER = "= != < <= > >="
_odd = st.sampled_from(
    ["abc", "1e3", "-1", "500", "1.5", "ERROR", "warning", "1s", "2024-01-01T00:00:00Z", "2024-01-01", "0", ""]
)
leaves: st.SearchStrategy[Node] = st.one_of(
    _comparisons(_texts | _labels | _members, "= != : < >=", words | st.sampled_from(LOG_NAMES)),
    _comparisons(_texts | _labels | _members, "=~ !~", st.sampled_from(PATTERNS)),
    _comparisons(_texts | _labels, "= != :", words),
    _comparisons(_times, _ORDER, st.sampled_from([*INSTANTS, "2024-01-01T00:00:00+0000"])),
    _comparisons(st.just(_path("severity")), _ORDER, st.sampled_from([*SEVERITIES, "error", "Warning"])),
    _comparisons(_ints, _ORDER, st.sampled_from([str(value) for value in INTEGERS])),
    _comparisons(st.just(_path("httpRequest", "latency")), _ORDER, st.sampled_from(DURATIONS)),
    _comparisons(_anything, _ORDER + " :", _odd),
    st.builds(lambda path: Comparison(path, ":", Present()), _anything),
    st.builds(lambda word: Anywhere(Text(word, True)), words | _odd | st.sampled_from([*NUMBERS, *SEVERITIES])),
    st.builds(
        lambda name: Call("log_id", (Text(name, True),)),
        st.sampled_from(["syslog", "SYSLOG", "run.googleapis.com/stderr", "stderr", "a b", "a/syslog", "logs/syslog"]),
    ),
    st.builds(
        lambda name: Call("source", (Text(name, True),)), st.sampled_from(["projects/p", "projects/LOGS", "folders/1"])
    ),
)
nodes: st.SearchStrategy[Node] = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(lambda found: And(tuple(found)), st.lists(parts, min_size=2, max_size=3)),
        st.builds(lambda found: Or(tuple(found)), st.lists(parts, min_size=2, max_size=3)),
    ),
    max_leaves=5,
)
filters: st.SearchStrategy[Filter] = st.builds(lambda node: Filter("", node), nodes)


ORDINARY = [
    "severity>=ERROR",
    "severity=error OR severity=CRITICAL",
    "NOT severity<WARNING",
    'timestamp>="2024-01-01T00:00:00Z" AND timestamp<"2024-01-01T01:00:00Z"',
    'receiveTimestamp>"2024-01-01T02:00:00.5+02:00"',
    'resource.type="cloud_run_revision"',
    'resource.labels.service_name="svc" AND severity>=WARNING',
    'resource.labels.revision_name:"svc"',
    'resource.labels.location=("prod-1" OR "svc")',
    'labels.instanceId!="k"',
    'labels."k8s-pod/app"=~"^(prod|k)"',
    "httpRequest.status>=500",
    "httpRequest.status=(404 OR 503) AND httpRequest.requestMethod=GET",
    'httpRequest.latency>"1s"',
    "httpRequest.requestSize>100",
    'httpRequest.requestUrl:"message"',
    'httpRequest.userAgent="k"',
    'textPayload:"unicorn"',
    'textPayload:"unicorn" OR textPayload:"error"',
    'NOT textPayload:"error"',
    'textPayload!="k" severity=INFO',
    'textPayload=~"(?i)unicorn|two$"',
    "textPayload:*",
    'logName:"stderr"',
    'log_id("run.googleapis.com/stderr")',
    'insertId="401" OR trace="k" OR spanId=("k" OR "s")',
    '-(resource.type="k" OR httpRequest.status=200)',
]


def meaningful(filter: Filter) -> bool:
    """Whether the filter can be applied to entries."""
    try:
        check(filter)
    except FilterError:
        return False
    return True


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """Examples of a strategy, the same ones in every run."""
    found: list[Any] = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate], deadline=None)
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found
