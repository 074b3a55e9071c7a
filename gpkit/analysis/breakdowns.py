"""Cases broken down: by client, and by how early the first message was planned. Pure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gpkit.analysis.statistics import Rate, isotonic, rate


def by_client(cases: pd.DataFrame) -> pd.DataFrame:
    """Whether any client mixes: one row per client, failure and reason.

    Returns:
        ``client``, ``failure`` (or ``went well``, or ``not told``), ``reason``, ``n`` (such cases), ``of`` (cases of
        the client), ``mixes`` (the client also had another result), ``case_ids``.
    """
    rows = []
    for client, group in cases.groupby("client"):
        results = group["failure"].astype("object").fillna(went_well(group))
        reasons = group["reason"].astype("object").where(group["failed"], None).fillna("")
        kinds = group.assign(result=results, why=reasons).groupby(["result", "why"])
        for (result, why), part in kinds:
            rows.append(
                (str(client), str(result), str(why), len(part), len(group), len(kinds) > 1, list(part["case_id"]))
            )
    rows.sort(key=lambda row: (-row[4], row[0], -row[3]))
    return pd.DataFrame(rows, columns=["client", "failure", "reason", "n", "of", "mixes", "case_ids"])


def went_well(cases: pd.DataFrame) -> pd.Series[str]:
    """What is said of cases that did not fail, as far as the evidence tells."""
    return cases["known"].map({True: "went well", False: "not told"})


def delay_levels(cases: pd.DataFrame, kinds: pd.DataFrame | None = None) -> pd.DataFrame:
    """How early sending fares at each planned delay, and beside it what waiting for the welcome does.

    Args:
        cases: From :mod:`gpkit.analysis.cases`.
        kinds: From :func:`gpkit.analysis.mechanisms.mechanisms`: where a race is among them, cases that failed
            otherwise are left out.

    Returns:
        ``level`` (text), ``planned_delay_s`` (null: waited), ``measured_s`` (median), ``k`` (successes), ``n``,
        ``ratio``, ``low``, ``high``, ``isotonic`` (ratio made non-decreasing along the delays; null for the last row).
    """
    races = set() if kinds is None else set(kinds.loc[kinds["mechanism"] == "race", "failure"])
    if races:
        cases = cases[~cases["failed"] | cases["failure"].isin(races)]
    early = cases[cases["arm"] == "after-open"]
    rows: list[dict[str, object]] = []
    for planned, group in early.groupby("planned_delay_s", sort=True):
        share = rate(int((~group["failed"]).sum()), len(group))
        seconds = float(np.median(group["delay_s"].dropna())) if group["delay_s"].notna().any() else None
        rows.append(_level(f"{float(str(planned)) * 1000:g} ms", float(str(planned)), seconds, share))
    if rows:
        for row, smooth in zip(
            rows, isotonic([int(str(r["k"])) for r in rows], [int(str(r["n"])) for r in rows]), strict=True
        ):
            row["isotonic"] = smooth
    waited = cases[cases["arm"] == "after-ready"]
    if len(waited):
        rows.append(_level("after the welcome", None, None, rate(int((~waited["failed"]).sum()), len(waited))))
    names = ["level", "planned_delay_s", "measured_s", "k", "n", "ratio", "low", "high", "isotonic"]
    return pd.DataFrame(rows, columns=names)


def _level(level: str, planned_s: float | None, measured_s: float | None, share: Rate) -> dict[str, object]:
    interval = {"ratio": share.estimate, "low": share.low, "high": share.high}
    row: dict[str, object] = {"level": level, "planned_delay_s": planned_s, "measured_s": measured_s, "isotonic": None}
    return {**row, "k": share.k, "n": share.n, **interval}
