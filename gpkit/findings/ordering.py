"""Which evidence to read first. Pure: tables in, tables out."""

from __future__ import annotations

import pandas as pd


def one_of_each(failed: pd.DataFrame, kinds: list[str]) -> pd.DataFrame:
    """The same rows: one of each kind, the most frequent kind first, then a second of each, and so on.

    Args:
        failed: Cases in order of time, with ``case_id``.
        kinds: Columns whose values make a kind together.
    """
    groups = failed.groupby(kinds, dropna=False, sort=False)["case_id"]
    place = pd.DataFrame({"nth": groups.cumcount(), "fewer": -groups.transform("size")}, index=failed.index)
    return failed.loc[place.sort_values(["nth", "fewer"], kind="stable").index]
