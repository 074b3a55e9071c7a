"""Rates by window and revision, against a plain count."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import ibis
import pandas as pd
import pytest

from gpkit import tables, timeline
from gpkit.errors import ParameterError, TableError
from gpkit.logs.grammar import PLAIN_PATH, UPGRADE_PATH
from gpkit.timeline.rates import NEEDED, by_window
from tests.many_entries_support import exported, local_log

COUNTS = ("upgrades", "accepted", "refused", "failed", "entries", "errors")


def counted(entries: pd.DataFrame, width_ns: int) -> dict[tuple[object, ...], dict[str, int]]:
    """The same without an engine."""
    found: dict[tuple[object, ...], Counter[str]] = {}
    for row in entries.to_dict("records"):
        if pd.isna(row["timestamp_ns"]):
            continue
        at = row["timestamp_ns"] // width_ns * width_ns
        key = (at, *(None if pd.isna(row[name]) else row[name] for name in ("service", "revision")))
        url = row["http_url"] if isinstance(row["http_url"], str) else ""
        upgrade = bool(re.search(UPGRADE_PATH, url)) and not re.search(PLAIN_PATH, url)
        status = 0 if pd.isna(row["http_status"]) else row["http_status"]
        one = found.setdefault(key, Counter())
        one["entries"] += 1
        one["upgrades"] += upgrade
        one["accepted"] += upgrade and status == 101
        one["refused"] += upgrade and 400 <= status < 500
        one["failed"] += upgrade and status >= 500
        one["errors"] += row["severity"] in ("ERROR", "CRITICAL", "ALERT", "EMERGENCY")
    return {key: {name: one[name] for name in COUNTS} for key, one in found.items()}


def as_counts(rates: pd.DataFrame) -> dict[tuple[object, ...], dict[str, int]]:
    keys = ("window_ns", "service", "revision")
    return {
        tuple(None if pd.isna(row[name]) else row[name] for name in keys): {name: row[name] for name in COUNTS}
        for row in rates.to_dict("records")
    }


@pytest.mark.parametrize("width_s", [60, 3600, 86400, 0.25, 7])
def test_rates_of_real_exports_equal_a_plain_count(exports: Path, width_s: float):
    entries = exported(exports)
    assert as_counts(timeline.rates(entries, width_s=width_s)) == counted(entries, round(width_s * 1e9))


def test_rates_of_the_local_log_equal_a_plain_count_from_a_frame_and_from_a_file(tmp_path: Path):
    entries = local_log()
    tables.write(entries, tmp_path / "entries.parquet")
    found = timeline.rates(tmp_path / "entries.parquet", width_s=1)
    assert as_counts(found) == counted(entries, 10**9)
    pd.testing.assert_frame_equal(found, timeline.rates(entries, width_s=1))
    assert found["accepted"].sum() > 10
    assert found["refused"].sum() > 10


def test_a_window_begins_on_the_clock_in_utc_and_one_without_entries_is_absent():
    at = [pd.Timestamp(text).value for text in ("2025-09-07T13:59:59.999999999Z", "2025-09-07T16:00:00Z")]
    entries = pd.DataFrame(
        {
            "timestamp_ns": pd.array([*at, None], dtype="Int64"),
            "service": pd.array(["s"] * 3, dtype="str"),
            "revision": pd.array(["r"] * 3, dtype="str"),
            "severity": pd.array(["ERROR", None, None], dtype="str"),
            "http_url": pd.array([None, "https://x.test/ws", None], dtype="str"),
            "http_status": pd.array([None, 101, None], dtype="Int64"),
        }
    )
    found = timeline.rates(entries)
    assert [f"{at:%H:%M:%S}" for at in found["window_utc"]] == ["13:00:00", "16:00:00"]
    assert found["errors"].tolist() == [1, 0]
    assert found["accepted"].tolist() == [0, 1]


@pytest.mark.parametrize("width_s", [0, -60])
def test_an_impossible_width_is_refused(width_s: float):
    with pytest.raises(ParameterError, match="is impossible"):
        timeline.rates(local_log(), width_s=width_s)


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match="The table lacks severity"):
        timeline.rates(local_log().drop(columns="severity"))


def test_the_expression_needs_no_function_of_buckets():
    kinds = {"timestamp_ns": "int64", "http_status": "int64"}
    table = ibis.table({name: kinds.get(name, "string") for name in NEEDED}, "entries")
    for dialect in ("bigquery", "pyspark", "duckdb"):
        sql = ibis.to_sql(by_window(table, 3600), dialect=dialect)
        assert "BUCKET" not in sql.upper()
        assert "TRUNC" not in sql.upper()
