"""Which attribute separates some rows from the rest. Pure. Many cuts, so the false discovery rate is controlled.

Ranked by the difference of two shares with its Newcombe interval, not by raw lift: lift picks singletons.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gpkit.analysis.statistics import adjusted, fisher, newcombe

MIN_CASES = 5  # chosen: a value seen fewer times explains nothing


def cuts(frame: pd.DataFrame, flag: pd.Series[bool], columns: Sequence[str]) -> pd.DataFrame:
    """Compare each value of each column with all other rows.

    Args:
        frame: One row per case.
        flag: Which rows are in question (slow, failed), index as in ``frame``.
        columns: Attributes; those with one value are passed over.

    Returns:
        ``column``, ``value``, ``k`` and ``n`` (flagged, all, with the value), ``k_rest`` and ``n_rest``, ``difference``
        with ``low`` and ``high``, ``p_adjusted`` (Benjamini-Hochberg over all rows), largest difference first.
    """
    rows: list[list[object]] = []
    p_values: list[float] = []
    for column in columns:
        values = frame[column].astype("object").fillna("not known").astype(str)
        counts = values.value_counts()
        if len(counts) < 2:
            continue
        for value in counts.index:
            here = values == value
            k, n = int(flag[here].sum()), int(here.sum())
            k_rest, n_rest = int(flag[~here].sum()), int((~here).sum())
            if min(n, n_rest) < MIN_CASES:
                continue
            difference, low, high = newcombe(k, n, k_rest, n_rest)
            p_values.append(fisher(k, n, k_rest, n_rest))
            rows.append([column, value, k, n, k_rest, n_rest, difference, low, high])
    names = ["column", "value", "k", "n", "k_rest", "n_rest", "difference", "low", "high", "p_adjusted"]
    corrected = adjusted(p_values)
    table = pd.DataFrame([[*row, p] for row, p in zip(rows, corrected, strict=True)], columns=names)
    return table.sort_values("difference", ascending=False, key=abs, kind="stable").reset_index(drop=True)
