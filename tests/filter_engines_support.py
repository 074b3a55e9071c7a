"""Verdicts of many filters on many rows in one query, on any engine."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gpkit.filters.engines.pushdown import push
from gpkit.filters.language.syntax import Filter
from tests import filter_rows_support as rows

ENTRIES = ibis.table(
    {"n": "int64"} | {each.name: "int64" if each.type == pa.int64() else "string" for each in rows.COLUMNS},
    name="logged",
)


def verdicts_sql(filters: Sequence[Filter], dialect: str) -> str:
    """The query as an engine reads it."""
    return str(ibis.to_sql(verdicts(filters, ENTRIES), dialect=dialect))


def verdicts(filters: Sequence[Filter], table: ir.Table) -> ir.Table:
    """For each row a column ``s0`` (surely) and ``n0`` (never) of each filter, and the row's number ``n``."""
    columns = {}
    for number, each in enumerate(filters):
        pushed = push(each, table)
        columns |= {f"s{number}": pushed.surely, f"n{number}": pushed.never}
    return table.select("n", **columns).order_by("n")


def on_duckdb(filters: Sequence[Filter], logged: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.register("logged", logged)
        return connection.sql(verdicts_sql(filters, "duckdb")).to_arrow_table()
