"""Numbers in sentences: never a rate without its interval and n."""

from __future__ import annotations

from gpkit.analysis.statistics import Rate
from gpkit.plural import counted


def percent(value: float | None) -> str:
    """``71 %``; a digit after the point below 10 % and above 90 %, where it matters."""
    if value is None:
        return "not measured"
    shown = value * 100
    digits = 0 if 10 <= shown <= 90 or shown in (0, 100) else 1
    text = f"{shown:.{digits}f}"
    # 99.96 must not read as 100.0, nor 0.04 as 0.0.
    if text == "100.0" and shown < 100:
        text = "over 99.9"
    if text == "0.0" and shown > 0:
        text = "under 0.1"
    return f"{text} %"


def of(measured: Rate) -> str:
    """``31 of 31 (100 %, 95 %: 89–100 %)``."""
    if measured.estimate is None:
        return "0 of 0"
    interval = f"{percent(measured.low).removesuffix(' %')}–{percent(measured.high)}"
    return f"{measured.k} of {measured.n} ({percent(measured.estimate)}, 95 %: {interval})"


def more(needed: int | None, n: int) -> str:
    """How many more attempts would decide, as a sentence; empty when none would."""
    if not needed or needed <= n:
        return ""
    return f"About {counted(needed - n, 'more attempt')} at this ratio would decide."
