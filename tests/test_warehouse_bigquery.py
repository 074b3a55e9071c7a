"""Log Analytics: the SQL that is sent, what its expressions say, and what is made of the rows.

No BigQuery is to be had: that its engine runs the SQL is not shown here. Shown are that the SQL parses in its dialect
and calls documented functions only, that the same expressions, run by DuckDB over rows of Log Analytics' shape, give
what extraction gives, and everything on this side of the REST API with Google's own client.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pytest
import sqlglot
from sqlglot import expressions

from gpkit import timeline
from gpkit.entries import Extractor
from gpkit.errors import FarSideError, ParameterError, SourceError, TargetError
from gpkit.filters import FilterError
from gpkit.logs.grammar import grammar
from gpkit.logs.warehouse import bigquery, log_analytics
from gpkit.logs.warehouse.as_logged import as_logged
from gpkit.timeline.lines import LABELS, story
from tests.log_analytics_support import FUNCTIONS, api, as_row
from tests.many_entries_support import exported, local_log

SINCE = datetime(2025, 9, 7, 13, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=1)

# docs.cloud.google.com/bigquery/docs/reference/standard-sql: functions-all, conditional expressions, operators.
DOCUMENTED = frozenset(
    [
        "ABS",
        "CASE",
        "CAST",
        "COALESCE",
        "CONCAT",
        "COUNT",
        "IEEE_DIVIDE",
        "IF",
        "JSON_EXTRACT",
        "JSON_EXTRACT_SCALAR",
        "JSON_QUERY",
        "JSON_VALUE",
        "LOWER",
        "MOD",
        "NULLIF",
        "REGEXP_CONTAINS",
        "REGEXP_REPLACE",
        "REPLACE",
        "ROUND",
        "SAFE_CAST",
        "STARTS_WITH",
        "ENDS_WITH",
        "STRPOS",
        "STRUCT",
        "SUM",
        "TIMESTAMP",
        "TO_JSON_STRING",
        "UNIX_MICROS",
        "UPPER",
        "LENGTH",
        "BYTE_LENGTH",
        "INSTR",
        "SUBSTR",
        "IN",
    ]
)


def expression(name: str) -> Any:
    view = log_analytics.entries(log_analytics.table())
    return {"view": view, "story": story(view), "rates": timeline.by_window(view, 3600)}[name]


def sql_of(name: str) -> str:
    if name in ("counts", "rows"):
        query = bigquery.queries("shop", "logs", SINCE, UNTIL, 'severity>=ERROR AND textPayload=~"WebSocket"')
        return query.counts if name == "counts" else query.rows
    return str(ibis.to_sql(expression(name), dialect="bigquery"))


ALL = ("view", "story", "rates", "counts", "rows")


def functions(tree: expressions.Expression) -> set[str]:
    """The functions of a query as BigQuery's text names them."""
    found = set()
    for node in tree.find_all(expressions.Func):
        if isinstance(node, expressions.Connector):
            continue
        text = node.sql(dialect="bigquery")
        found.add(text.split("(", 1)[0].split(" ", 1)[0].split("\n", 1)[0].upper())
    return found


@pytest.mark.parametrize("name", ALL)
def test_the_sql_parses_as_bigquerys_and_calls_documented_functions_only(name: str):
    trees = sqlglot.parse(sql_of(name), read="bigquery")
    assert len(trees) == 1
    assert functions(trees[0]) - DOCUMENTED == set()
    assert len(sql_of(name)) < 1_000_000  # a query's text may have 1 MB


@pytest.mark.parametrize("name", ALL)
def test_every_pattern_in_the_sql_is_read_by_re2(name: str):
    patterns = [
        node.expression.this
        for node in sqlglot.parse_one(sql_of(name), read="bigquery").find_all(
            expressions.RegexpLike, expressions.RegexpReplace
        )
        if isinstance(node.expression, expressions.Literal)
    ]
    assert patterns
    for pattern in patterns:
        duckdb.execute("SELECT regexp_matches('', ?)", [pattern])


def test_every_pattern_of_the_grammar_arrives_unchanged():
    from gpkit.logs.grammar import on_engines

    sent = {
        node.expression.this
        for node in sqlglot.parse_one(sql_of("story"), read="bigquery").find_all(expressions.RegexpLike)
    }
    assert {on_engines(rule.pattern) for rule in grammar() if rule.field != "http"} <= sent


def test_the_window_is_a_condition_on_the_column_that_the_table_is_partitioned_by():
    for sql in (sql_of("counts"), sql_of("rows")):
        assert "`timestamp` >= TIMESTAMP('2025-09-07T13:00:00+00:00')" in sql
        assert "`timestamp` < TIMESTAMP('2025-09-07T14:00:00+00:00')" in sql
        assert "`shop`.`logs`.`_AllLogs`" in sql


def rest_entries(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Entries as the API writes them; those that scripts spelled anew are left out."""
    return [entry for entry in map(json.loads, frame["entry"]) if "insertId" in entry and "logName" in entry]


@pytest.fixture(params=["local stack", "exports"])
def raw(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return rest_entries(local_log() if request.param == "local stack" else exported(request.getfixturevalue("exports")))


def extracted(entries: list[dict[str, Any]]) -> Any:
    with Extractor(mask_contacts=False) as extractor:
        return extractor.extract([json.dumps(entry) for entry in entries])


def as_view(entries: list[dict[str, Any]], tmp_path: Path) -> Any:
    """The adapter over rows of Log Analytics' shape, on DuckDB."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(as_row(entry)) + "\n" for entry in entries))
    backend = ibis.duckdb.connect()
    for statement in FUNCTIONS.split(";")[:-1]:
        backend.raw_sql(statement)
    kinds = dict.fromkeys(log_analytics.SCHEMA, "JSON") | dict.fromkeys(
        ("log_name", "severity", "insert_id", "trace", "span_id", "text_payload"), "VARCHAR"
    )
    kinds |= {"timestamp": "TIMESTAMPTZ", "receive_timestamp": "TIMESTAMPTZ"}
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in kinds.items())
    backend.raw_sql("SET TimeZone = 'UTC'")
    backend.raw_sql(
        f"CREATE TABLE _AllLogs AS FROM read_json('{path}', format='newline_delimited', columns={{{columns}}}, "
        "maximum_object_size=100000000)"
    )
    schema = {name: "json" if kind == "JSON" else log_analytics.SCHEMA[name] for name, kind in kinds.items()}
    return backend, log_analytics.entries(ibis.table(schema, "_AllLogs"))


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
def test_the_view_says_of_every_entry_what_extraction_says(raw: list[dict[str, Any]], tmp_path: Path):
    backend, view = as_view(raw, tmp_path)
    names = [
        "log_name",
        "severity",
        "insert_id",
        "trace",
        "span_id",
        "service",
        "revision",
        "instance_id",
        "http_method",
        "http_url",
        "http_status",
        "http_latency_s",
        "http_request_size",
        "remote_ip",
        "user_agent",
        "payload_kind",
        "message",
    ]
    found = backend.con.sql(backend.compile(view.select("timestamp_ns", *names))).to_arrow_table().to_pylist()
    expected = extracted(raw).to_pylist()
    assert len(found) == len(expected)
    key = lambda row: (row["insert_id"], row["log_name"])  # noqa: E731
    for one, other in zip(sorted(found, key=key), sorted(expected, key=key), strict=True):
        assert one["timestamp_ns"] // 1000 == other["timestamp_ns"] // 1000
        for name in names:
            if name == "message" and other["payload_kind"] in ("proto", "json") and one[name] != other[name]:
                # A payload without a message stands as JSON, in another spelling; an audit's status is left out.
                assert other["payload_kind"] == "proto" or other[name].startswith("{"), one
            elif name == "http_latency_s":
                assert one[name] == pytest.approx(other[name])
            elif "[redacted:" not in str(other[name]):
                # A filter must know an empty label from none; extraction makes both null.
                empty = None if name in LABELS else ""
                assert (one[name] or empty) == (other[name] or empty), name


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
def test_the_story_of_the_view_is_that_of_the_entries(raw: list[dict[str, Any]], tmp_path: Path):
    from gpkit.entries.arrow import to_frame
    from gpkit.timeline.lines import lines_of

    backend, view = as_view(raw, tmp_path)
    found = backend.con.sql(backend.compile(story(view))).to_arrow_table()
    frame = to_frame(extracted(raw))
    frame["continues"] = None
    expected = lines_of(frame)
    told = sorted((row["insert_id"], row["rule"], row["connection"]) for row in found.to_pylist())
    connections = [None if pd.isna(name) else name for name in expected["connection"]]
    assert told == sorted(zip(expected["insert_id"], expected["rule"], connections, strict=True), key=lambda r: r[:2])


def test_a_row_becomes_the_entry_that_the_api_would_write(raw: list[dict[str, Any]]):
    for entry in raw:
        made = json.loads(as_logged(json.dumps(as_row(entry))))
        lost = ("labels", "severity") if entry.get("severity") == "DEFAULT" else ()
        request = dict(entry.get("httpRequest", {}))
        if "latency" in request:
            assert float(made["httpRequest"].pop("latency")[:-1]) == float(request.pop("latency")[:-1])
        for name, value in {**entry, "httpRequest": request}.items():
            if value not in ("", {}, [], None) and name not in lost:
                assert made.get(name) == value, name


def test_all_digits_of_an_instant_are_kept_where_the_table_has_them():
    row = {"timestamp": "2025-09-07T13:00:00.123456Z", "timestamp_unix_nanos": 1757250000123456789, "insert_id": "a"}
    assert json.loads(as_logged(json.dumps(row)))["timestamp"] == "2025-09-07T13:00:00.123456789Z"


ROWS = [
    {
        "insert_id": "r1",
        "log_name": "projects/shop/logs/run.googleapis.com%2Frequests",
        "timestamp": "2025-09-07T13:10:00.000001Z",
        "severity": "WARNING",
        "trace": "projects/shop/traces/" + "ab" * 16,
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": "backend", "revision_name": "backend-1"},
        },
        "labels": {"instanceId": "i-1"},
        "http_request": {
            "request_method": "GET",
            "request_url": "https://api.example.test/ws?token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlc2lnbg",
            "status": 403,
            "request_size": 1016,
            "latency": {"seconds": 0, "nanos": 2852000},
            "remote_ip": "203.0.113.77",
        },
    },
    {
        "insert_id": "l1",
        "log_name": "projects/shop/logs/run.googleapis.com%2Fstderr",
        "timestamp": "2025-09-07T13:10:00.006Z",
        "severity": "ERROR",
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": "backend", "revision_name": "backend-1"},
        },
        "labels": {"instanceId": "i-1"},
        "json_payload": {
            "message": "Invalid JWT token: Invalid audience",
            "timestamp": "2025-09-07T13:10:00.005+00:00",
        },
    },
]


def test_entries_come_back_redacted_counted_and_ready_for_connections():
    with api([json.dumps(row) for row in ROWS], (1000, 1000, 0, 2)) as (client, jobs):
        entries = bigquery.read("shop", "logs", SINCE, UNTIL, client=client)
    assert entries.frame["insert_id"].tolist() == ["r1", "l1"]
    assert "eyJ" not in "".join(entries.frame["entry"])
    assert entries.frame["remote_ip"].tolist()[0] == "203.0.x.x"
    assert "1000 entries in the window, 1000 selected" in entries.coverage.notes[0]
    (row,) = timeline.connections(entries.frame).to_dict("records")
    assert (row["outcome"], row["reason"], row["http_latency_s"]) == ("refused", "audience", 0.002852)
    dry = [body["configuration"].get("dryRun", False) for body in jobs]
    assert dry == [True, True, False, False]
    assert all(body["configuration"]["query"].get("maximumBytesBilled") for body in jobs[2:])


def test_nothing_known_is_no_error():
    with api([], (0, 0, 0, 0)) as (client, _):
        assert len(bigquery.read("shop", "logs", SINCE, UNTIL, client=client).frame) == 0


def test_a_scan_above_the_limit_is_refused_before_it_is_run_with_its_price():
    with (
        api([], (0, 0, 0, 0), scan_bytes=10**12) as (client, jobs),
        pytest.raises(SourceError, match=r"would scan 2000\.0 GB, more than the limit of 50\.0 GB") as refused,
    ):
        bigquery.read("shop", "logs", SINCE, UNTIL, client=client)
    assert "1.819 TiB × 6.25 $ = 11.37 $" in str(refused.value)
    assert len(jobs) == 2


def test_entries_that_the_warehouse_cannot_decide_are_refused_with_their_number():
    with (
        api([], (100, 50, 3, 10)) as (client, _),
        pytest.raises(SourceError, match="cannot decide the filter for 3 of 100 entries"),
    ):
        bigquery.read("shop", "logs", SINCE, UNTIL, 'textPayload:"x"', client=client)


def test_a_filter_that_is_decided_for_plain_payloads_is_counted_there():
    query = bigquery.queries("shop", "logs", SINCE, UNTIL, 'jsonPayload.message:"refused" OR SEARCH("x")')

    assert "undecided" in query.counts


def test_a_filter_without_a_translation_is_refused_and_a_wrong_one_is_shown():
    with pytest.raises(SourceError, match="cannot decide this filter"):
        bigquery.queries("shop", "logs", SINCE, UNTIL, 'SEARCH("x")')
    with pytest.raises(FilterError):
        bigquery.queries("shop", "logs", SINCE, UNTIL, "severity>=")


@pytest.mark.parametrize(("since", "until"), [(None, UNTIL), (SINCE, None), (UNTIL, SINCE)])
def test_a_window_is_required(since: datetime | None, until: datetime | None):
    with pytest.raises(ParameterError, match=r"has no (since|until)|is not before until"):
        bigquery.read("shop", "logs", since, until)


@pytest.mark.parametrize(("status", "kind"), [(403, TargetError), (404, TargetError), (400, FarSideError)])
def test_what_bigquery_refuses_is_said_in_our_words(status: int, kind: type[Exception]):
    with api([], (0, 0, 0, 0), fail=status) as (client, _), pytest.raises(kind, match=r"shop\.logs\._AllLogs"):
        bigquery.read("shop", "logs", SINCE, UNTIL, client=client)


def test_without_credentials_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(TargetError, match="There are no credentials for project 'shop'"):
        bigquery.read("shop", "logs", SINCE, UNTIL)
