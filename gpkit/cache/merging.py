"""Tables of the same entries → one, each entry once, oldest first.

Pure. An entry is identified by (log name, timestamp, insert id): read twice it is one row, and one that was seen
stays, also when a later read does not bring it. An entry without an insert id has no identity: the n-th copy of a
text in one table is the n-th copy in the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

IDENTITY = ("log_name", "timestamp_ns", "insert_id")
NEEDED = (*IDENTITY, "entry")


def merged(tables: Sequence[pa.Table]) -> pa.Table:
    """All rows of tables with the same columns, each entry once, ordered by timestamp; equal instants keep their order.

    Args:
        tables: At least one, with the columns :data:`NEEDED`. Where two rows are the same entry the first stays.
    """
    import numpy as np
    import pyarrow as pa

    whole = pa.concat_tables(tables)
    stamps = stamps_of(whole)
    order = np.argsort(stamps, kind="stable")
    copies = _copies(whole, tables, stamps, order)
    if len(copies):
        order = order[~np.isin(order, copies)]
    elif bool((order[1:] > order[:-1]).all()):
        return whole
    return whole.take(order)


def stamps_of(table: pa.Table) -> np.ndarray[Any, Any]:
    """The timestamps of a table in nanoseconds; one that is null is later than all."""
    import numpy as np
    import pyarrow.compute as pc

    filled: np.ndarray[Any, Any] = pc.fill_null(table["timestamp_ns"], np.iinfo(np.int64).max).to_numpy()
    return filled


def _copies(
    whole: pa.Table, tables: Sequence[pa.Table], stamps: np.ndarray[Any, Any], order: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """The rows that repeat another. Only those that share their instant can: mostly few."""
    import numpy as np
    import pyarrow as pa

    same = stamps[order][1:] == stamps[order][:-1]
    shared = np.sort(order[np.append(same, False) | np.insert(same, 0, False)]) if len(order) else order
    keys = whole.select(IDENTITY).take(shared).append_column("row", pa.array(shared))
    anonymous = keys["insert_id"].is_null().to_numpy()
    named = keys.filter(pa.array(~anonymous))
    kept = named.group_by(list(IDENTITY)).aggregate([("row", "min")])["row_min"].to_numpy()
    if anonymous.any():
        kept = np.concatenate([kept, _anonymous(tables)])
    return np.setdiff1d(shared, kept)


def _anonymous(tables: Sequence[pa.Table]) -> list[int]:
    """The rows without an insert id to keep: of each text as many as the table has that holds most of it."""
    kept: list[int] = []
    held: Counter[str] = Counter()
    begin = 0
    for table in tables:
        own: Counter[str] = Counter()
        for row in table["insert_id"].is_null().to_numpy().nonzero()[0].tolist():
            text = table["entry"][row].as_py()
            own[text] += 1
            if own[text] > held[text]:
                kept.append(begin + row)
        held |= own
        begin += len(table)
    return kept
