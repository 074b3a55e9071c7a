"""The heavy stage on a real Spark cluster, row by row as on DuckDB."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from gpkit import tables, timeline
from gpkit.entries import Extractor
from gpkit.errors import SourceError
from gpkit.logs.warehouse import spark as warehouse
from gpkit.logs.warehouse.engines import whole
from gpkit.timeline.lines import from_frame, story
from tests.many_entries_support import exported, local_log
from tests.spark_support import Spark


@pytest.fixture(params=["local stack", "exports"])
def entries(request: pytest.FixtureRequest) -> pd.DataFrame:
    return local_log() if request.param == "local stack" else exported(request.getfixturevalue("exports"))


@pytest.fixture
def on_spark(entries: pd.DataFrame, spark: Spark, tmp_path: Path) -> Any:
    """The entries as gpkit writes them, read by the cluster."""
    tables.write(entries, tmp_path / "entries.parquet")
    return warehouse.in_parquet(spark.connection, str(tmp_path / "entries.parquet"))


def differences(found: pa.Table, expected: pa.Table) -> list[dict[str, Any]]:
    """Where two tables differ: the columns that do, of each row that does."""
    pairs = zip(rows(found), rows(expected), strict=True)
    return [{name: (a[name], b[name]) for name in a if a[name] != b[name]} for a, b in pairs if a != b]


def rows(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: json.dumps(row, sort_keys=True))


def test_stories_are_equal_row_by_row(entries: pd.DataFrame, on_spark: Any):
    found = whole(story(on_spark))
    assert differences(found, whole(story(from_frame(entries)))) == []
    assert len(found) > 300


def test_rates_are_equal_row_by_row(entries: pd.DataFrame, on_spark: Any):
    pd.testing.assert_frame_equal(timeline.rates(on_spark, width_s=60), timeline.rates(entries, width_s=60))


def test_connections_are_equal_row_by_row(entries: pd.DataFrame, on_spark: Any):
    pd.testing.assert_frame_equal(timeline.connections_of(on_spark), timeline.connections(entries))


HOSTILE = [
    "] connection closed\n",
    "] connection closed",
    "] connection closed\r",
    "] connection closed\u2028",
    "GOLDEN PATH AUTH FAILURE: a\u2028audience",
    "GOLDEN PATH AUTH FAILURE: a\x85audience",
    "GOLDEN PATH AUTH FAILURE: a\raudience",
    "GOLDEN PATH AUTH FAILURE: a\naudience",
    "Authentication failed\n",
    "émain_1 GOLDEN PATH ESTABLISHED: ",
    "one\ntwo GOLDEN PATH ESTABLISHED: \nthree (main_0123-ab)\nfour",
    "main_1 main_2 GOLDEN PATH ESTABLISHED: ",
    "JWT\u00a0expired JWT\tverification failed - likely JWT",
    "JWT\x0bx verification failed - likely JWT",
    "🦆 GOLDEN PATH ESTABLISHED: legacy_🦆",
]


def test_texts_on_which_the_engines_patterns_could_differ_are_read_alike(spark: Spark):
    frame = local_log()[: len(HOSTILE) * 2].copy()
    frame["message"] = pd.array([*HOSTILE, *HOSTILE], dtype="str")
    frame["payload_kind"] = pd.array(["text"] * len(HOSTILE) + ["json"] * len(HOSTILE), dtype="str")
    frame["http_url"] = pd.array([None] * len(frame), dtype="str")
    table = from_frame(frame).to_pyarrow()
    assert differences(whole(story(spark.table("hostile", table))), whole(story(ibis.memtable(table)))) == []


def test_sink_files_give_the_story_that_extraction_gives(entries: pd.DataFrame, spark: Spark, tmp_path: Path):
    raw = [text for text in entries["entry"] if "insertId" in json.loads(text) and "logName" in json.loads(text)]
    (tmp_path / "13.json").write_text("".join(json.dumps(json.loads(text)) + "\n" for text in raw), "utf-8")
    found = whole(story(warehouse.in_sink(spark.connection, str(tmp_path / "*.json"))))
    with Extractor(mask_contacts=False) as extractor:
        table = extractor.extract(raw)
    table = table.append_column("continues", pa.nulls(len(table), pa.string()))
    expected = whole(story(ibis.memtable(table)))
    assert differences(found, expected) == []


@pytest.mark.parametrize(
    ("stamp", "ns"),
    [
        ("2025-09-07T13:00:00Z", 1757250000000000000),
        ("2025-09-07T13:00:00.1Z", 1757250000100000000),
        ("2025-09-07T13:00:00.123456789Z", 1757250000123456789),
        ("2025-09-07T15:00:00.000001+02:00", 1757250000000001000),
        ("yesterday", None),
    ],
)
def test_an_instant_keeps_all_digits(spark: Spark, stamp: str, ns: int | None):
    table = spark.table("stamps", pa.table({"stamp": [stamp]}))
    found = whole(table.select(ns=warehouse.instant_ns(table.stamp)))
    assert found["ns"].to_pylist() == [ns]


def test_what_the_cluster_cannot_read_is_said(spark: Spark, tmp_path: Path):
    with pytest.raises(SourceError, match="Spark cannot read"):
        warehouse.in_parquet(spark.connection, str(tmp_path / "none.parquet"))
