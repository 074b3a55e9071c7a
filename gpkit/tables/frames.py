"""Frames that keep to their table: types set, columns checked, read back by the ending of the file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gpkit.errors import SourceError, TableError
from gpkit.tables.columns import FLAG, INSTANT, INTEGER, NUMBER, TEXT, TEXTS, Column

if TYPE_CHECKING:
    import pandas as pd


def conform(frame: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """A new frame with exactly these dtypes, known columns first and in order; further columns kept behind them.

    Raises:
        TableError: A column is missing, or holds values of another kind.
    """
    import pandas as pd

    missing = [column.name for column in columns if column.name not in frame.columns]
    if missing:
        raise TableError(
            f"The table lacks {', '.join(missing)}.",
            next_step="docs/tables.md lists the columns of each table.",
        )
    data = {column.name: _cast(frame[column.name], column) for column in columns}
    extra = {str(name): frame[name] for name in frame.columns if name not in data}
    return pd.DataFrame({**data, **extra}, index=frame.index)


def empty(columns: tuple[Column, ...]) -> pd.DataFrame:
    """The table with no rows."""
    import pandas as pd

    return pd.DataFrame({column.name: pd.Series([], dtype=column.dtype) for column in columns})


def from_rows(rows: Iterable[dict[str, object]], columns: tuple[Column, ...]) -> pd.DataFrame:
    """The table from dictionaries, absent keys null.

    Raises:
        TableError: A value is of another kind than its column.
    """
    import pandas as pd

    listed = list(rows)
    if not listed:
        return empty(columns)
    extra = sorted({name for row in listed for name in row} - {column.name for column in columns})
    data = {column.name: _column([row.get(column.name) for row in listed], column) for column in columns}
    data |= {name: pd.Series([row.get(name) for row in listed], dtype="object") for name in extra}
    return pd.DataFrame(data)


_PLAIN_TYPES: dict[str, set[type]] = {
    INTEGER: {int, type(None)},
    NUMBER: {float, int, type(None)},
    TEXT: {str, type(None)},
    FLAG: {bool, type(None)},
}


def _column(values: list[object], column: Column) -> pd.Series[Any]:
    """A typed column; values that are of its kind already are not looked at one by one."""
    import pandas as pd

    if set(map(type, values)) <= _PLAIN_TYPES.get(column.kind, set()):
        try:
            return pd.Series(values, dtype=cast(Any, column.dtype))
        except (TypeError, ValueError, OverflowError) as error:
            raise TableError(f"Column {column.name} holds values that are no {column.kind}: {error}.") from error
    return _cast(pd.Series(values, dtype="object"), column)


def _cast(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    import pandas as pd

    if column.kind == TEXTS:
        return series.map(_as_list)
    if str(series.dtype) == column.dtype:
        return series
    try:
        if column.kind == INSTANT:
            return pd.to_datetime(series, utc=True, format="ISO8601").astype(cast(Any, column.dtype))
        if column.kind == INTEGER and series.dtype == object:
            # Not by way of floats: they hold 53 bits, a nanosecond instant needs 61.
            whole = pd.array([None if pd.isna(value) else int(value) for value in series], dtype="Int64")
            return pd.Series(whole, index=series.index)
        return series.astype(cast(Any, column.dtype))
    except (TypeError, ValueError) as error:
        raise TableError(f"Column {column.name} holds values that are no {column.kind}: {error}.") from error


def read(path: Path, columns: tuple[Column, ...]) -> pd.DataFrame:
    """Read a table written by :func:`gpkit.tables.write`.

    Raises:
        SourceError: The file is missing or of an unknown ending.
        TableError: It is another table.
    """
    if not path.is_file():
        raise SourceError(f"There is no file '{path}'.")
    if path.suffix == ".parquet":
        return conform(_read_parquet(path), columns)
    if path.suffix == ".jsonl":
        return from_rows((json.loads(line) for line in path.read_text("utf-8").splitlines() if line), columns)
    raise SourceError(
        f"'{path.name}' has no ending that says how to read a table.", next_step="Use .parquet or .jsonl."
    )


def _read_parquet(path: Path) -> pd.DataFrame:
    """Whole numbers with nulls stay whole, also in files that somebody else wrote: floats would lose nanoseconds."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int64Dtype()}
    read: pd.DataFrame = pq.read_table(path).to_pandas(types_mapper=whole.get)
    return read


def _as_list(value: object) -> list[object]:
    """Parquet gives arrays back, a row without the key gives null: both mean a list here."""
    return [] if value is None or isinstance(value, float) else list(cast(Iterable[object], value))
