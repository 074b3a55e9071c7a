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
    import pyarrow.compute as pc

    whole = pa.concat_tables(tables)
    kept = _first_of_each(whole, tables)
    if len(kept) < len(whole):
        whole = whole.take(kept)
    stamps = whole["timestamp_ns"]
    if stamps.null_count == 0 and bool((np.diff(stamps.to_numpy()) >= 0).all()):
        return whole
    # A stable sort, nulls last.
    return whole.take(pc.sort_indices(whole, sort_keys=[("timestamp_ns", "ascending")]))


def _first_of_each(whole: pa.Table, tables: Sequence[pa.Table]) -> np.ndarray[Any, Any]:
    import numpy as np
    import pyarrow as pa

    keys = whole.select(IDENTITY).append_column("row", pa.array(np.arange(len(whole))))
    anonymous = keys["insert_id"].is_null().to_numpy()
    named = keys.filter(pa.array(~anonymous)) if anonymous.any() else keys
    rows = named.group_by(list(IDENTITY)).aggregate([("row", "min")])["row_min"].to_numpy()
    if anonymous.any():
        rows = np.concatenate([rows, _anonymous(tables)])
    return np.sort(rows)


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
