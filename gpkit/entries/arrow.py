"""Between Arrow and pandas without losing digits: whole numbers with nulls stay whole, texts stay in Arrow's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def to_series(column: pa.ChunkedArray) -> pd.Series[Any]:
    """A column as pandas. Its plain way makes floats of whole numbers with nulls, and Python strings of texts."""
    import pandas as pd
    import pyarrow as pa

    text = pd.StringDtype(na_value=float("nan"))
    kinds = {
        pa.int64(): pd.Int64Dtype(),
        pa.int32(): pd.Int64Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.string(): text,
        pa.large_string(): text,
    }
    series: pd.Series[Any] = column.to_pandas(types_mapper=kinds.get)
    return series


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A table as pandas, column by column as :func:`to_series` does it."""
    import pandas as pd

    return pd.DataFrame({name: to_series(table[name]) for name in table.column_names}, copy=False)
