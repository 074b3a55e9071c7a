"""Rates by window and revision, in one Ibis expression that runs where the entries are.

A window begins at a multiple of its width since 1970 in UTC, so that minutes, hours and days are those of the clock.
It is found by whole-number arithmetic on nanoseconds: Spark has no function for buckets of time.
A window without entries has no row. That is a gap: nothing was logged, or nothing was read, and no rate is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.errors import ParameterError, TableError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

ERRORS = ("ERROR", "CRITICAL", "ALERT", "EMERGENCY")
NEEDED = ("timestamp_ns", "service", "revision", "severity", "http_url", "http_status")


def by_window(entries: ir.Table, width_s: float) -> ir.Table:
    """One row for each window, service and revision that has entries, in no order. An Ibis expression.

    Args:
        entries: The columns of ``NEEDED``.
        width_s: How long a window is: 60, 3600, 86400 or any other, in whole nanoseconds.

    Returns:
        ``window_ns`` (when it begins), ``service``, ``revision``, ``upgrades``, ``accepted`` (101), ``refused`` (4xx),
        ``failed`` (5xx), ``entries``, ``errors`` (severity as logged, ERROR and above).

    Raises:
        ParameterError: A width that is no positive number of nanoseconds.
        TableError: A column is missing.
    """
    from gpkit.logs.grammar import is_upgrade

    width_ns = round(width_s * 1_000_000_000)
    if width_ns < 1:
        raise ParameterError(f"A window of {width_s} s is impossible.", next_step="Use 60, 3600, or 86400.")
    missing = [name for name in NEEDED if name not in entries.columns]
    if missing:
        raise TableError(f"The table lacks {', '.join(missing)}.", next_step="docs/tables.md lists the columns.")
    table = entries.filter(entries.timestamp_ns.notnull())
    at_ns, status = table.timestamp_ns.cast("int64"), table.http_status.cast("int64")
    upgrade = is_upgrade(table)
    told = {
        "upgrades": upgrade,
        "accepted": upgrade & (status == 101),
        "refused": upgrade & (status >= 400) & (status < 500),
        "failed": upgrade & (status >= 500),
        "entries": table.timestamp_ns.notnull(),
        "errors": table.severity.upper().isin(ERRORS),
    }
    table = table.select(
        service=table.service.nullif(""),
        revision=table.revision.nullif(""),
        window_ns=at_ns - at_ns % width_ns,
        **{name: flag.fill_null(False).ifelse(1, 0).cast("int64") for name, flag in told.items()},
    )
    sums = {name: table[name].sum().cast("int64") for name in told}
    return table.group_by("window_ns", "service", "revision").aggregate(**sums)


def rates(source: Path | str | ir.Table | pd.DataFrame, *, width_s: float = 3600.0) -> pd.DataFrame:
    """:func:`by_window` of entries, brought here: one row for each window, service and revision, oldest first.

    Args:
        source: Parquet of the table ENTRIES (a file, a folder or a pattern; files may overlap), an Ibis table of its
            columns on any engine, or a frame.
        width_s: How long a window is.

    Returns:
        Its columns, and ``window_utc`` beside ``window_ns``. A window without entries is absent.

    Raises:
        ParameterError: An impossible width.
        SourceError: The path leads to no Parquet file, or to one that cannot be read or lacks a column.
        TableError: A column of the Ibis table or the frame is missing.
    """
    import pandas as pd

    from gpkit.entries.arrow import to_frame
    from gpkit.logs.grammar import in_ibis
    from gpkit.logs.warehouse import engines, parquet
    from gpkit.timeline.connections import MEMORY

    if isinstance(source, (str, Path)):
        with parquet.opened(source, memory_limit=MEMORY, needed=NEEDED) as entries:
            return rates(entries, width_s=width_s)
    if isinstance(source, pd.DataFrame):
        present = [name for name in NEEDED if name in source.columns]
        return rates(in_ibis(source[present].reset_index(drop=True)), width_s=width_s)
    found = to_frame(engines.whole(by_window(source, width_s)))
    found.insert(1, "window_utc", pd.to_datetime(found["window_ns"] // 1000, unit="us", utc=True))
    return found.sort_values(["window_ns", "service", "revision"], ignore_index=True)
