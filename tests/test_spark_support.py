"""The Spark of the tests is a real cluster that gives back what it was given."""

from __future__ import annotations

import ibis
import pyarrow as pa

from tests.spark_support import Spark


def test_two_workers_answer_with_the_rows_they_were_given(spark: Spark) -> None:
    rows = pa.table({"n": pa.array([1, 2, None], pa.int64()), "text": ["a", 'b"\\', "\u212a\n"]})

    table = spark.table("given", rows)
    answer = spark.answer(table.mutate(above=(table.n > 1).fill_null(False)).order_by(ibis.asc("text")))

    assert answer.to_pylist() == [
        {"n": 1, "text": "a", "above": False},
        {"n": 2, "text": 'b"\\', "above": True},
        {"n": None, "text": "\u212a\n", "above": False},
    ]
