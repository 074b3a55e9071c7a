"""The numbers of a report as text, said one way on the page, in Markdown and in the index.

Pure. A number is never said without its interval and n when the finding has them. Ratios are said in percent,
durations in the unit that fits (they come in seconds), everything else with the unit it came with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpkit.report.account import Claim
from gpkit.report.visible import one_line

_LARGEST = 1e100  # beyond it a number is said as it stands: arithmetic would overflow
_NEAR = 0.2  # chosen: an interval of 0–4 % is a dot on an axis of 0–100 %
_SECONDS = (("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("min", 60.0))


@dataclass(frozen=True)
class Measure:
    """A finding's numbers as text, and where they lie on a scale of 0–100 for the drawn interval (null: not drawn)."""

    estimate: str = ""
    interval: str = ""
    n: str = ""
    target: str = ""
    scale: Mapping[str, float] | None = None
    scale_from: str = ""
    scale_to: str = ""

    @property
    def sentence(self) -> str:
        """``71 % (95 % interval 64–77 %, n = 200), target 80 %``; parts that are missing are left out."""
        inside = ", ".join(part for part in (self.interval, self.n) if part)
        parts = " ".join(part for part in (self.estimate, inside and f"({inside})") if part)
        return ", ".join(part for part in (parts, self.target and f"target {self.target}") if part)


def measure(claim: Claim) -> Measure:
    """The numbers of one finding, all in one unit and with as many digits as its interval deserves."""
    low, high = claim.interval or (None, None)
    numbers: list[Any] = [value for value in (claim.estimate, low, high) if _is_number(value)]
    factor, unit = _unit_of(claim.unit, numbers)
    digits = _digits([value * factor for value in numbers], low, high, factor)
    if unit == "%":
        digits = _short_of_the_ends([value * factor for value in numbers], digits)
    scale, ends = _scale(claim)

    def say(value: Any) -> str:
        if not _is_number(value):
            return one_line(value)
        return f"{_plain(value * factor, digits)}{_spaced(unit)}"

    return Measure(
        estimate=say(claim.estimate) if claim.estimate is not None else "",
        interval=_interval(low, high, factor, digits, unit),
        n=f"n = {claim.n:,}" if isinstance(claim.n, int) else f"n = {one_line(claim.n)}" if claim.n else "",
        target=" ".join(part for part in (claim.target_is, _target(claim.target, claim.unit)) if part),
        scale=scale,
        scale_from=ends[0],
        scale_to=ends[1],
    )


def number(value: Any) -> str:
    """One number of a table with at most six significant digits; other values as text."""
    if isinstance(value, bool) or not _is_number(value):
        return one_line(value) if value is not None else "–"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**12 else str(value)
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}" if abs(value) < 1e15 else f"{value:g}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _unit_of(unit: str, numbers: list[Any]) -> tuple[float, str]:
    if unit in ("ratio", "share", "probability"):
        return 100.0, "%"
    if unit in ("s", "seconds"):
        largest = max((abs(value) for value in numbers), default=1.0)
        fitting = [(name, size) for name, size in _SECONDS[1:] if largest >= size] or [_SECONDS[0]]
        name, size = fitting[-1] if largest >= 120 or fitting[-1][0] != "min" else ("s", 1.0)
        return 1.0 / size, name
    return 1.0, one_line(unit)


def _digits(numbers: list[float], low: Any, high: Any, factor: float) -> int:
    """Decimals so that the interval's width shows two digits; without an interval, three significant digits."""
    if all(float(value).is_integer() for value in numbers):
        return 0
    if _is_number(low) and _is_number(high) and high > low:
        return min(6, max(0, 1 - math.floor(math.log10((high - low) * factor))))
    largest = max((abs(value) for value in numbers), default=0.0)
    return min(6, max(0, 2 - math.floor(math.log10(largest)))) if largest else 0


def _short_of_the_ends(percents: list[float], digits: int) -> int:
    """As many decimals as keep 99.96 from reading as 100 and 0.04 as 0."""
    inside = [value for value in percents if 0 < value < 100]
    while digits < 6 and any(round(value, digits) in (0, 100) for value in inside):
        digits += 1
    return digits


def _plain(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}".replace("-", "−")


def _spaced(unit: str) -> str:
    return f"\u00a0{unit}" if unit else ""


def _interval(low: Any, high: Any, factor: float, digits: int, unit: str) -> str:
    if _is_number(low) and _is_number(high):
        return f"95 % interval {_plain(low * factor, digits)}–{_plain(high * factor, digits)}{_spaced(unit)}"
    if _is_number(low):
        return f"at least {_plain(low * factor, digits)}{_spaced(unit)}, one-sided 95 %"
    if _is_number(high):
        return f"at most {_plain(high * factor, digits)}{_spaced(unit)}, one-sided 95 %"
    return ""


def _target(target: Any, stored_unit: str) -> str:
    if _is_number(target):
        factor, unit = _unit_of(stored_unit, [target])
        return f"{target * factor:,.10g}{_spaced(unit)}"
    return one_line(target) if target is not None else ""


def _scale(claim: Claim) -> tuple[dict[str, float] | None, tuple[str, str]]:
    """Positions in percent of the drawn axis, and what its two ends are called."""
    low, high = claim.interval or (None, None)
    if not _is_number(claim.estimate) or (low is None and high is None):
        return None, ("", "")
    numbers = {"at": claim.estimate, "low": low, "high": high, "target": claim.target}
    values = {name: float(value) for name, value in numbers.items() if _is_number(value)}
    start, end = _axis(list(values.values()), is_ratio=_unit_of(claim.unit, [])[1] == "%")
    values.setdefault("low", start)
    values.setdefault("high", end)
    places = {name: round(100 * (value - start) / (end - start), 2) for name, value in values.items()}
    factor, unit = _unit_of(claim.unit, [start, end])
    first, last = (f"{value * factor:,.4g}{_spaced(unit)}".replace("-", "−") for value in (start, end))
    return places, (first, last)


def _axis(values: list[float], *, is_ratio: bool) -> tuple[float, float]:
    """Both ends of the axis. A ratio's is 0 to 1, unless all lies so near one end that nothing could be told apart."""
    least, most = min(values), max(values)
    if is_ratio and least >= 0 and most <= 1:
        start = 1 - _round_up(1 - least) if least >= 1 - _NEAR else 0.0
        end = _round_up(most) if most <= _NEAR else 1.0
        return start, end
    reach = _round_up(max(abs(least), abs(most)))
    return (-reach if least < 0 else 0.0), reach


def _round_up(value: float) -> float:
    """The next number above that reads well: 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15) if step * power > value * 1.02)
