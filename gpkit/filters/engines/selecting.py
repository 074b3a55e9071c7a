"""The rows that a filter selects: an engine first, the interpreter on what the engine leaves undecided.

One path for every engine: :func:`narrow` is run by the engine, :func:`keep` takes the Arrow batches that come of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gpkit.filters.engines.pushdown import push
from gpkit.filters.language.syntax import Filter
from gpkit.filters.meaning.interpreter import predicate

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

SURELY = "_surely"  # true where the engine has already selected the row; gone from what keep() gives


def narrow(filter: Filter, table: ir.Table) -> ir.Table:
    """The rows that the filter may select, with the column ``_surely``.

    Args:
        filter: A filter as parsed.
        table: Columns of :data:`gpkit.filters.engines.columns.FILTERABLE`, and any others.
    """
    pushed = push(filter, table)
    return table.mutate(**{SURELY: pushed.surely}).filter(~pushed.never)


def keep(filter: Filter, batches: Iterable[pa.RecordBatch], entry_column: str = "entry") -> Iterator[pa.RecordBatch]:
    """What of narrowed rows the filter selects, in order, without the column ``_surely``.

    Args:
        filter: The filter that they were narrowed by.
        batches: Rows of :func:`narrow`, from any engine.
        entry_column: The entry's JSON text; a row without one is selected only where that is sure.

    Raises:
        FilterError: The filter says something of entries that it cannot say.
    """
    import pyarrow as pa

    selects = predicate(filter)
    for batch in batches:
        chosen = batch.column(SURELY).to_pylist()
        for at, (surely, entry) in enumerate(zip(chosen, _asked(batch, entry_column), strict=True)):
            if not surely:
                chosen[at] = entry is not None and selects(json.loads(entry))
        yield batch.filter(pa.array(chosen, pa.bool_())).drop_columns([SURELY])


def _asked(batch: pa.RecordBatch, entry_column: str) -> list[Any]:
    """The entries of a batch; only those of undecided rows are made Python texts."""
    import pyarrow.compute as pc

    undecided = pc.invert(batch.column(SURELY))
    return list(pc.if_else(undecided, batch.column(entry_column), None).to_pylist())
