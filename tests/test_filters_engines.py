"""Pushed-down filters mean the same on DuckDB and Spark, and are BigQuery's SQL."""

from __future__ import annotations

import functools

import duckdb
import ibis
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from gpkit.filters.engines.patterns import portable
from gpkit.filters.engines.pushdown import push
from gpkit.filters.language.parsing import parse
from gpkit.filters.language.syntax import Filter
from tests import filter_engines_support as engines
from tests import filter_rows_support as rows
from tests.spark_support import Spark

# What the pushed-down expressions may be made of: functions of GoogleSQL with the meaning that DuckDB's have.
BIGQUERY_FUNCTIONS = {
    "COALESCE",
    "LOWER",
    "REGEXP_CONTAINS",
    "INSTR",
    "STARTS_WITH",
    "ENDS_WITH",
    "ROUND",
    "ABS",
    "CAST",
}


@functools.cache
def filters() -> list[Filter]:
    return rows.drawn(rows.filters.filter(rows.meaningful), 25) + [parse(each) for each in rows.ORDINARY]


def test_spark_and_duckdb_say_the_same_of_every_row(spark: Spark) -> None:
    logged = rows.table(rows.drawn(rows.logged, 300))

    on_spark = spark.answer(engines.verdicts(filters(), spark.table("logged", logged)))

    assert on_spark.sort_by("n").to_pydict() == engines.on_duckdb(filters(), logged).to_pydict()


def test_a_verdict_is_never_null_and_never_both() -> None:
    logged = rows.table(rows.drawn(rows.logged, 300))

    answer = engines.on_duckdb(filters(), logged)

    assert all(column.null_count == 0 for column in answer.columns)
    pairs = [(answer[f"s{at}"].to_pylist(), answer[f"n{at}"].to_pylist()) for at in range(len(filters()))]
    assert not any(yes and no for surely, never in pairs for yes, no in zip(surely, never, strict=True))


@pytest.mark.parametrize("filter", filters(), ids=lambda each: each.text or None)
def test_a_filter_is_bigquery_sql(filter: Filter) -> None:
    query = sqlglot.parse_one(engines.verdicts_sql([filter], "bigquery"), dialect="bigquery")

    called = {each.sql(dialect="bigquery").partition("(")[0] for each in query.find_all(exp.Func)} - {"CASE"}
    assert {name for name in called if name.isupper() and name.isidentifier()} <= BIGQUERY_FUNCTIONS


def test_a_column_that_the_table_lacks_leaves_every_row_undecided() -> None:
    table = ibis.memtable(pa.table({"n": [1, 2]}))

    for filter in filters():
        pushed = push(filter, table)
        answer = table.select(surely=pushed.surely, never=pushed.never).to_pyarrow().to_pylist()
        assert answer == [{"surely": False, "never": False}] * 2
        assert not pushed.decides_all


def test_latency_in_seconds_is_compared_to_the_nanosecond() -> None:
    table = ibis.memtable(pa.table({"http_latency_s": [1.5, 1.500000001, None, 1e6]}))

    pushed = push(parse('httpRequest.latency>"1.5s"'), table)

    answer = table.select(surely=pushed.surely, never=pushed.never).to_pyarrow()
    assert answer["surely"].to_pylist() == [False, True, False, False]
    assert answer["never"].to_pylist() == [True, False, True, False]


@pytest.mark.parametrize("pattern", rows.PATTERNS)
def test_a_portable_pattern_finds_what_re2_finds_on_ascii_text(pattern: str) -> None:
    written = portable(pattern) or pattern
    texts = pa.table({"text": [text for text in rows.WORDS if text.isascii()]})

    with duckdb.connect() as connection:
        connection.register("texts", texts)
        found = "SELECT count(*) FROM texts WHERE regexp_matches(text, $1) <> regexp_matches(text, $2)"
        assert connection.execute(found, [pattern, written]).fetchall() == [(0,)]


@pytest.mark.parametrize(
    "pattern",
    ["", "é", "a++", "(?P<n>a)", "(?s).", "[[:alpha:]]", r"\pL", "[a[b]]", "(a|b)*", "a{2,1}", "x{", r"\Qa\E",
     r"\1", "(?=a)", "a**", "^*", "[z-a]", "(?i)[^k]", "\x00", r"\x{41}", "a)", "(a", "[a", "\\"],
)  # fmt: skip
def test_a_pattern_beyond_the_common_ground_is_left_to_the_interpreter(pattern: str) -> None:
    assert portable(pattern) is None
