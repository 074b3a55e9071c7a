"""One filter selects the same entries wherever they are read from: files, the API, the cache, DuckDB, Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gpkit import filters, logs
from gpkit.cache import Store
from gpkit.entries.extraction import filterable_sql
from gpkit.environments import Environment
from gpkit.filters import keep, narrow, push
from gpkit.logs.warehouse.engines import batches
from gpkit.stack import cloud_logging

OURS = (
    "",
    "severity>=ERROR",
    "NOT severity>=WARNING",
    "severity = DEFAULT",
    'resource.type="cloud_run_revision" -httpRequest:*',
    "httpRequest.status>=400",
    'httpRequest.status=403 AND httpRequest.userAgent:"chrome"',
    'httpRequest.latency>"20ms"',
    'httpRequest.requestUrl=~"/ws(\\\\?|$)"',
    'textPayload:"websocket" OR jsonPayload.message:"websocket"',
    "NOT (textPayload:* OR jsonPayload:*)",
    'labels.instanceId:* AND log_id("run.googleapis.com/stderr")',
    'logName:"%2Fstdout"',
    "traceback",
    'jsonPayload.message=~"(?i)jwt"',
    'SEARCH("audience")',
    "protoPayload.methodName:* OR severity=NOTICE",
    'jsonPayload.error.severity="ERROR"',
    'resource.labels.revision_name!="none"',
    'trace:"projects/"',
    'timestamp>="2025-09-07T13:10:00Z" AND timestamp<"2025-09-07T13:15:00.5Z"',
    'timestamp>"2025-09-16T00:00:00+02:00"',
    'receiveTimestamp>"2025-09-07T13:12:00.123456789Z"',
    'ip_in_net(httpRequest.remoteIp, "10.0.0.0/8") OR httpRequest.remoteIp:*',
    'CAST(httpRequest.status, STRING)="403"',
    'REGEXP_EXTRACT(textPayload, "(\\\\d+) OK")!=""',
    "websocket -- and a comment at the end",
)
EXPORTS = ("cl_raw_20250907_1320_iter9_2002.json", "cl_raw_20250916_0041_bootloop_1000.json")


def given(folder: Path) -> list[str]:
    """The published examples that can be answered: they parse, and need no hash of the service."""
    answerable = []
    for line in (folder.parent / "reference" / "filter_cases.jsonl").read_text("utf-8").splitlines():
        text = json.loads(line)["filter"]
        try:
            filters.check(filters.parse(text))
        except filters.FilterError:
            continue
        answerable.append(text)
    return answerable


@pytest.fixture(scope="module")
def asked(exports: Path) -> list[str]:
    return [*OURS, *given(exports)]


@pytest.fixture(scope="module", params=EXPORTS)
def export(request: pytest.FixtureRequest, exports: Path) -> Path:
    return exports / "cloud_logging" / request.param


@pytest.fixture(scope="module")
def raw(export: Path) -> list[dict[str, Any]]:
    return json.loads(export.read_text("utf-8"))


@pytest.fixture(scope="module")
def meant(raw: list[dict[str, Any]], asked: list[str]) -> dict[str, set[str]]:
    """What the interpreter selects: the meaning of each filter."""
    return {
        text: {entry["insertId"] for entry in raw if selects(entry)}
        for text in asked
        for selects in [filters.predicate(text)]
    }


@pytest.fixture(scope="module")
def rows(raw: list[dict[str, Any]]) -> pa.Table:
    """The entries as the columns that a filter can be pushed down to."""
    import duckdb

    with duckdb.connect() as connection:
        connection.register("cut", pa.table({"entry": [json.dumps(entry) for entry in raw]}))
        query = filterable_sql("SELECT entry, NULL::VARCHAR AS readable FROM cut")
        return connection.sql(f"SELECT * EXCLUDE (readable, is_entry) FROM ({query})").to_arrow_table()


@pytest.fixture(scope="module")
def served(export: Path, raw: list[dict[str, Any]]) -> Iterator[tuple[Environment, datetime, datetime]]:
    stamps = sorted(datetime.fromisoformat(entry["timestamp"][:19]).replace(tzinfo=UTC) for entry in raw)
    project = raw[0]["logName"].split("/")[1]
    with cloud_logging([export]) as api:
        target = Environment(
            name="test",
            logs_project=project,
            logs_endpoint=api.rest_url,
            logs_anonymous=True,
            logs_reads_per_minute=1_000_000,
        )
        yield target, stamps[0], stamps[-1] + timedelta(seconds=1)


def differing(found: dict[str, set[str]], meant: dict[str, set[str]]) -> dict[str, tuple[int, int]]:
    """Filter → entries too many, entries too few; empty when all agree."""
    return {text: (len(found[text] - ids), len(ids - found[text])) for text, ids in meant.items() if found[text] != ids}


def test_the_filters_are_worth_asking(meant):
    telling = [text for text in OURS if 0 < len(meant[text]) < len(meant[""])]

    assert len(meant) > 80
    assert len(telling) >= 8


@pytest.fixture(scope="module")
def some(meant: dict[str, set[str]], export: Path) -> dict[str, set[str]]:
    """All filters on the first export; on the others our own, where each costs a reading."""
    return meant if export.name == EXPORTS[0] else {text: meant[text] for text in OURS}


def test_files(export, some):
    found = {text: set(logs.read(export, filter=text).frame["insert_id"]) for text in some}

    assert differing(found, some) == {}


def test_the_api_and_the_cache(served, some, tmp_path):
    store = Store(tmp_path)
    fetched = {text: set(logs.fetch(*served, text, store=store).frame["insert_id"]) for text in some}
    held = {text: set(logs.fetch(*served, text, store=store, offline=True).frame["insert_id"]) for text in some}

    assert differing(fetched, some) == {}
    assert differing(held, some) == {}


def test_duckdb(rows, meant):
    import ibis

    table = ibis.memtable(rows)
    found = {}
    for text in meant:
        parsed = filters.parse(text)
        found[text] = {
            name for batch in keep(parsed, batches(narrow(parsed, table))) for name in batch["insert_id"].to_pylist()
        }

    assert differing(found, meant) == {}


def test_spark(spark, rows, raw, meant, export):
    table = spark.table(f"rows_{export.stem}", rows)
    texts = list(meant)
    pushed = [push(filters.parse(text), table) for text in texts]
    verdicts = {f"yes_{number}": one.surely for number, one in enumerate(pushed)} | {
        f"no_{number}": one.never for number, one in enumerate(pushed)
    }
    answer = spark.answer(table.select("insert_id", **verdicts)).to_pylist()
    entries = {entry["insertId"]: entry for entry in raw}

    found = {}
    for number, text in enumerate(texts):
        selects = filters.predicate(text)
        found[text] = {
            row["insert_id"]
            for row in answer
            if row[f"yes_{number}"] or (not row[f"no_{number}"] and selects(entries[row["insert_id"]]))
        }

    assert differing(found, meant) == {}
