"""How long each phase and each event took, with what never got there. Pure. Seconds.

A timeout is censored at the time that was really waited. A refusal or a close is a competing event: the later phase is
infinitely late.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gpkit.analysis.sample import judged
from gpkit.analysis.statistics import Quantile, quantile
from gpkit.tables import EVENT_COLUMNS, PHASES

QUANTILES = (0.5, 0.95, 0.99)
_SILENT = ("open_timeout", "ready_timeout", "silent_mid_run", "tcp_timeout")


def durations(attempts: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Quantiles of spans that every attempt should have reached.

    Args:
        attempts: One row per attempt; controls are left out.
        columns: Spans, such as ``open_s``; that, ``auth_s`` and the five events by default.

    Returns:
        One row per span and quantile: ``span``, ``p``, ``n``, ``measured``, ``never`` (ended otherwise first),
        ``censored`` (still waiting at the limit), ``estimate_s``, ``low_s``, ``high_s``, ``kind``, ``text``.
    """
    valid = judged(attempts)
    names = list(columns or ("open_s", "auth_s", *(f"{event}_s" for event in EVENT_COLUMNS)))
    rows = []
    for name in names:
        for p in QUANTILES:
            measured = span_quantile(valid, name, p)
            missing = valid[valid[name].isna()]
            censored = int(_is_silent(missing, name).sum())
            counts = (int(valid[name].notna().sum()), len(missing) - censored, censored)
            interval = (measured.estimate, measured.low, measured.high)
            rows.append((name, p, measured.n, *counts, *interval, measured.kind, wording(measured)))
    columns_out = ["span", "p", "n", "measured", "never", "censored", "estimate_s", "low_s", "high_s", "kind", "text"]
    return pd.DataFrame(rows, columns=columns_out)


def span_quantile(attempts: pd.DataFrame, column: str, p: float) -> Quantile:
    """One quantile of one span over these attempts, with its missing ones ranked where they belong."""
    missing = attempts[attempts[column].isna()]
    silent = _is_silent(missing, column)
    return quantile(
        attempts[column].dropna().to_numpy(float),
        p,
        never=int((~silent).sum()),
        censored_at=_waited_s(missing[silent], column).tolist(),
    )


def _waited_s(attempts: pd.DataFrame, column: str) -> pd.Series[float]:
    """How long each was really waited for in vain: events since the message, anything else since the start."""
    whole = (attempts["total_ns"] - attempts["queue_ns"] - attempts["close_ns"].fillna(0)).astype("Int64")
    if column.removesuffix("_s") in EVENT_COLUMNS:
        whole = whole - (attempts["message_sent_ns"] - attempts["started_ns"]).fillna(0)
    return (whole.clip(lower=0) / 1e9).astype(float)


def phases(attempts: pd.DataFrame) -> pd.DataFrame:
    """The phases of the attempts that had them.

    One row per phase, in order: ``phase``, ``n``, ``missing`` (never entered), ``median_s``, ``low_s``, ``high_s``,
    ``min_s``, ``max_s``, ``share`` (of all time spent; shares add up to 1).
    """
    valid = judged(attempts)
    total = float(valid["total_s"].sum())
    rows = []
    for phase in PHASES:
        values = valid[f"{phase}_s"].dropna()
        middle = quantile(values.to_numpy(float), 0.5)
        share = float(values.sum()) / total if total else None
        ends = (float(values.min()), float(values.max())) if len(values) else (None, None)
        rows.append(
            (phase, len(values), len(valid) - len(values), middle.estimate, middle.low, middle.high, *ends, share)
        )
    names = ["phase", "n", "missing", "median_s", "low_s", "high_s", "min_s", "max_s", "share"]
    return pd.DataFrame(rows, columns=names)


def wording(measured: Quantile) -> str:
    """A quantile as a reader needs it: value, interval and n, or why there is none."""
    if measured.kind == "not resolvable" or measured.estimate is None:
        return f"not resolvable from n={measured.n}"
    value = seconds(measured.estimate, at_least=measured.estimate_is_bound)
    if measured.estimate == float("inf"):
        return f"never: over {1 - measured.p:.2g} of {measured.n} ended before it"
    if measured.kind == "one-sided":
        is_bounded = measured.high not in (None, float("inf")) and not measured.high_is_bound
        bound = f"at most {seconds(measured.high)}, one-sided 95 %" if is_bounded else "no upper bound"
        return f"{value} ({bound}, n={measured.n})"
    upper = seconds(measured.high, at_least=measured.high_is_bound)
    return f"{value} (95 %: {seconds(measured.low)}–{upper}, n={measured.n})"


def seconds(value: float | None, *, at_least: bool = False) -> str:
    """A duration in the unit that suits it; ``never`` when it is infinite."""
    if value is None or pd.isna(value):
        return "not measured"
    if value == float("inf"):
        return "never"
    shown = f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    return f"over {shown}" if at_least else shown


def _is_silent(attempts: pd.DataFrame, column: str) -> pd.Series[bool]:
    """Still waited for when their time was up. An event that its run ended without is lost, and not waited for."""
    outcome = attempts["outcome"].astype(str)
    silent = outcome.isin(_SILENT)
    if column.removesuffix("_s") in EVENT_COLUMNS:
        silent = silent | (outcome.str.startswith("event_missing") & attempts[f"{EVENT_COLUMNS[-1]}_s"].isna())
    return silent.astype(bool)
