"""What an expression gives, brought from its engine in Arrow batches.

DuckDB and BigQuery stream. Spark collects at its driver: bring small results from it only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

ROWS = 65_536  # chosen: a few MB of lines


def batches(expression: ir.Table, size: int = ROWS) -> Iterator[pa.RecordBatch]:
    """The rows of an expression, this many at a time, in the order that it asks for."""
    backend = expression.get_backend()
    kinds = expression.schema().to_pyarrow()
    if backend.name == "duckdb":
        # Ibis asks DuckDB's connection for a reader, which DuckDB 2 has on its relations only.
        backend._run_pre_execute_hooks(expression)
        for batch in backend.con.sql(backend.compile(expression)).to_arrow_reader(size):
            yield batch.cast(kinds)
    elif backend.name == "pyspark":
        yield from _of_spark(backend.raw_sql(backend.compile(expression))).cast(kinds).to_batches(max_chunksize=size)
    else:
        yield from backend.to_pyarrow_batches(expression, chunk_size=size)


def _of_spark(rows: Any) -> pa.Table:
    """The rows of Spark as Arrow. Ibis goes by way of pandas, which makes floats of whole numbers with nulls."""
    import gc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # pyspark leaves its sockets to the garbage collector
        table = rows.toArrow()
        gc.collect()
    return table


def whole(expression: ir.Table) -> pa.Table:
    """All rows of an expression whose result is small."""
    import pyarrow as pa

    return pa.Table.from_batches(list(batches(expression)), schema=expression.schema().to_pyarrow())
