"""What an engine says of a filter is what the interpreter says, or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gpkit.filters import keep, narrow
from gpkit.filters.engines.pushdown import push
from gpkit.filters.language.parsing import parse
from gpkit.filters.language.syntax import Filter
from gpkit.filters.meaning.interpreter import predicate
from tests import filter_engines_support as engines
from tests import filter_rows_support as rows


def contradictions(filters: Sequence[Filter], written: Sequence[tuple[Any, Any]], answer: pa.Table) -> list[str]:
    """Where the engine says other than the interpreter, or null, or both."""
    found = []
    for number, each in enumerate(filters):
        selects = predicate(each)
        surely, never = answer[f"s{number}"].to_pylist(), answer[f"n{number}"].to_pylist()
        for (entry, _), yes, no in zip(written, surely, never, strict=True):
            truth = selects(entry)
            if (yes, no) not in ((truth, not truth), (False, False)):
                found.append(f"{each.tree}\n{entry}\nmeans {truth}, surely {yes}, never {no}")
    return found


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(written=st.lists(rows.logged, min_size=1, max_size=12), filters=st.lists(rows.filters, min_size=1, max_size=6))
def test_an_engine_never_contradicts_the_interpreter(
    written: list[tuple[dict[str, Any], dict[str, Any]]], filters: list[Filter]
) -> None:
    sound = [each for each in filters if rows.meaningful(each)]
    assume(sound)

    answer = engines.on_duckdb(sound, rows.table(written))

    assert contradictions(sound, written, answer) == []


def test_ordinary_filters_leave_no_ordinary_row_undecided() -> None:
    stamped = {"timestamp": rows.INSTANTS[0], "receiveTimestamp": rows.INSTANTS[1]}
    written = [(stamped | entry, how) for entry, how in rows.drawn(rows.logged, 300) if ordinary(entry)]
    filters = [parse(each) for each in rows.ORDINARY]
    assert len(written) > 50

    answer = engines.on_duckdb(filters, rows.table(written))

    assert all(push(each, engines.ENTRIES).decides_all for each in filters)
    assert [each.text for at, each in enumerate(filters) if left_open(answer, at)] == []
    assert contradictions(filters, written, answer) == []


def ordinary(entry: Mapping[str, Any]) -> bool:
    """An entry as services log them: in ASCII, labels and the log's id without escapes and brackets."""
    labels = [entry.get("labels", {}), entry.get("resource", {}).get("labels", {})]
    texts = [text for each in labels for pair in each.items() for text in pair]
    return (
        entry.get("logName") in (None, *rows.LOG_NAMES[:2])
        and json.dumps(entry, ensure_ascii=False).isascii()
        and all(text.isprintable() and not set(text) & set('"\\[{') for text in texts)
    )


def left_open(answer: pa.Table, at: int) -> bool:
    return (False, False) in zip(answer[f"s{at}"].to_pylist(), answer[f"n{at}"].to_pylist(), strict=True)


@settings(max_examples=40, deadline=None)
@given(written=st.lists(rows.logged, min_size=1, max_size=12), filter=rows.filters)
def test_what_is_selected_is_what_the_interpreter_selects(
    written: list[tuple[dict[str, Any], dict[str, Any]]], filter: Filter
) -> None:
    assume(rows.meaningful(filter))

    query = ibis.to_sql(narrow(filter, engines.ENTRIES).order_by("n"), dialect="duckdb")
    with duckdb.connect() as connection:
        connection.register("logged", rows.table(written))
        kept = list(keep(filter, connection.sql(str(query)).to_arrow_table().to_batches(max_chunksize=5)))

    selects = predicate(filter)
    expected = [at for at, (entry, _) in enumerate(written) if selects(entry)]
    assert [at for batch in kept for at in batch["n"].to_pylist()] == expected
    assert all(batch.schema.names == ["n", *rows.COLUMNS.names] for batch in kept)
