"""How many upgrades were let in, window by window and revision by revision, as the log tells. Pure."""

from __future__ import annotations

import pandas as pd

from gpkit.analysis.statistics import rate

WIDTHS_S = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)
"""Widths that begin with the clock."""
WINDOWS = 60  # chosen: as many points as a picture bears


def width_s(entries: pd.DataFrame) -> float:
    """The least of :data:`WIDTHS_S` that cuts the entries' stretch of time into :data:`WINDOWS` windows at most."""
    stamps = entries["timestamp_ns"].dropna()
    span_s = float(stamps.max() - stamps.min()) / 1e9 if len(stamps) else 0.0
    return next((width for width in WIDTHS_S if span_s <= width * WINDOWS), WIDTHS_S[-1])


def upgrades_over_time(entries: pd.DataFrame) -> pd.DataFrame:
    """The share of upgrades that were not let in.

    One row for each window and revision; a window of a revision between its first and its last without an upgrade
    stays, with null ratios: a gap is a gap.

    Args:
        entries: The table ENTRIES.

    Returns:
        ``from_utc``, ``to_utc``, ``revision`` (null where the log names none), ``n`` (upgrades), ``refused`` (4xx),
        ``failed`` (5xx), ``ratio`` (refused and failed of n), ``low``, ``high`` (Wilson, 95 %).
    """
    from gpkit.timeline import rates

    names = ["from_utc", "to_utc", "revision", "n", "refused", "failed", "ratio", "low", "high"]
    width = width_s(entries)
    found = rates(entries, width_s=width)
    found = found[found["upgrades"] > 0]
    rows = []
    for revision, part in found.groupby("revision", dropna=False):
        counts = {
            int(row["window_ns"]): (int(row["upgrades"]), int(row["refused"]), int(row["failed"]))
            for row in part.groupby("window_ns", as_index=False)[["upgrades", "refused", "failed"]]
            .sum()
            .to_dict("records")
        }
        step_ns = int(width * 1e9)
        for at_ns in range(min(counts), max(counts) + step_ns, step_ns):
            n, refused, failed = counts.get(at_ns, (0, 0, 0))
            share = rate(refused + failed, n)
            ends = (pd.Timestamp(at_ns, tz="UTC"), pd.Timestamp(at_ns + step_ns, tz="UTC"))
            rows.append((*ends, revision, n, refused, failed, share.estimate, share.low, share.high))
    return pd.DataFrame(rows, columns=names)
