"""Rates, quantiles and tests, each with its n. Pure. Ratios are 0–1; everything else keeps the unit it came in.

Methods are from libraries where one has them; each is tested against published numbers.
``scipy.special`` is used rather than ``scipy.stats`` where both serve: it is imported in a third of the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
MEETS, FAILS, UNDECIDED = "meets", "fails", "undecided"


@dataclass(frozen=True)
class Rate:
    """A ratio of ``k`` out of ``n`` with its Wilson interval; estimate and interval are null when n is 0."""

    k: int
    n: int
    estimate: float | None
    low: float | None
    high: float | None


def rate(k: int, n: int, confidence: float = CONFIDENCE) -> Rate:
    """Wilson's score interval (Wilson 1927).

    Raises:
        ValueError: k is not between 0 and n.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no rate.")
    if n == 0:
        return Rate(k, n, None, None, None)
    from scipy.special import ndtri

    z = float(ndtri(0.5 + confidence / 2))
    p = k / n
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    centre, scale = p + z * z / (2 * n), 1 + z * z / n
    low = 0.0 if k == 0 else (centre - spread) / scale
    high = 1.0 if k == n else (centre + spread) / scale
    return Rate(k, n, p, low, high)


def exact_interval(k: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper and Pearson's interval (1934): it covers at least as often as it says."""
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return low, high


def judge_at_least(measured: Rate, target: float) -> str:
    """``meets`` when the whole interval is above the target, ``fails`` when it is below, else ``undecided``."""
    if measured.low is None or measured.high is None:
        return UNDECIDED
    return MEETS if measured.low > target else FAILS if measured.high < target else UNDECIDED


def judge_at_most(measured: Rate, target: float) -> str:
    """``meets`` when the whole interval is below the target, ``fails`` when it is above, else ``undecided``."""
    if measured.low is None or measured.high is None:
        return UNDECIDED
    return MEETS if measured.high < target else FAILS if measured.low > target else UNDECIDED


def n_to_decide(measured: Rate, target: float, limit: int = 1_000_000) -> int | None:
    """The n at which the interval would leave the target, if the ratio stayed as it is; null beyond ``limit``."""
    if measured.estimate is None or measured.estimate == target:
        return None
    low, high = measured.n, limit
    if not _decided(measured.estimate, high, target):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _decided(measured.estimate, middle, target) else (middle + 1, high)
    return low


def _decided(estimate: float, n: int, target: float) -> bool:
    at_n = rate(round(estimate * n), n)
    return at_n.low is not None and at_n.high is not None and not at_n.low <= target <= at_n.high


@dataclass(frozen=True)
class Quantile:
    """A quantile with its order-statistic interval.

    ``estimate``, ``low`` and ``high`` may be infinite: that attempt never got there. ``estimate_is_bound`` says that
    the value is a wait that was in vain, so the quantile is at least that. ``kind`` is ``two-sided``, ``one-sided``
    (``high`` is a one-sided 95 % bound, ``low`` is null) or ``not resolvable``: n is too small to say.
    """

    p: float
    n: int
    estimate: float | None
    low: float | None
    high: float | None
    kind: str
    estimate_is_bound: bool = False
    high_is_bound: bool = False


def quantile(
    values: Sequence[float] | NDArray[np.float64],
    p: float,
    *,
    never: int = 0,
    censored_at: Sequence[float] = (),
    confidence: float = CONFIDENCE,
) -> Quantile:
    """A quantile and the interval between two order statistics, which assumes no distribution.

    Args:
        values: Measured durations.
        p: 0–1.
        never: How many ended otherwise first (refused, closed): their time is infinite, they are not censored.
        censored_at: The limits of those still waiting when their time was up. They are above their limit; where limits
            differ among the measured values this order is an approximation, and Kaplan-Meier is the method.
        confidence: Of the interval.
    """
    measured = np.sort(np.asarray(values, dtype=float))
    limits = np.sort(np.asarray(censored_at, dtype=float))
    merged = np.concatenate([measured, limits, np.full(never, np.inf)])
    bound = np.concatenate([np.zeros(len(measured), bool), np.ones(len(limits), bool), np.zeros(never, bool)])
    order = np.lexsort((bound, merged))
    merged, bound = merged[order], bound[order]
    n = len(merged)
    if n == 0:
        return Quantile(p, 0, None, None, None, "not resolvable")
    at = max(math.ceil(p * n - 1e-9), 1) - 1
    low_rank, high_rank = _ranks(n, p, (1 - confidence) / 2)
    estimate, is_bound = float(merged[at]), bool(bound[at])
    if low_rank >= 1 and high_rank <= n:
        low, high = float(merged[low_rank - 1]), float(merged[high_rank - 1])
        return Quantile(p, n, estimate, low, high, "two-sided", is_bound, bool(bound[high_rank - 1]))
    _, one_sided = _ranks(n, p, 1 - confidence)
    if one_sided <= n:
        high = float(merged[one_sided - 1])
        return Quantile(p, n, estimate, None, high, "one-sided", is_bound, bool(bound[one_sided - 1]))
    return Quantile(p, n, estimate, None, None, "not resolvable", is_bound)


def _ranks(n: int, p: float, tail: float) -> tuple[int, int]:
    """Ranks (from 1) of the order statistics that bound the quantile; 0 or n + 1 where there is none."""
    from scipy.special import bdtr

    cumulative = bdtr(np.arange(n + 1), n, p)  # P(at most k of n are below the quantile)
    low = int(np.searchsorted(cumulative, tail, side="right"))
    high = int(np.searchsorted(cumulative, 1 - tail, side="left")) + 1
    return low, high


def judge_quantile(measured: Quantile, target: float) -> str:
    """``meets`` when the interval or one-sided bound is at most the target, ``fails`` when it is above it."""
    if measured.kind == "not resolvable" or measured.high is None:
        return UNDECIDED
    if measured.high <= target and not measured.high_is_bound:
        return MEETS
    return FAILS if measured.low is not None and measured.low > target else UNDECIDED


def newcombe(k1: int, n1: int, k2: int, n2: int) -> tuple[float, float, float]:
    """Difference of two rates with Newcombe's interval, method 10 (1998): estimate, low, high."""
    a, b = rate(k1, n1), rate(k2, n2)
    if a.estimate is None or b.estimate is None or a.low is None or b.low is None or a.high is None or b.high is None:
        raise ValueError("A rate of nothing cannot be compared.")
    d = a.estimate - b.estimate
    down = math.hypot(a.estimate - a.low, b.high - b.estimate)
    up = math.hypot(a.high - a.estimate, b.estimate - b.low)
    return d, d - down, d + up


def fisher(k1: int, n1: int, k2: int, n2: int) -> float:
    """Two-sided p of Fisher's exact test that two rates are equal."""
    from scipy.stats import fisher_exact

    return float(fisher_exact(np.array([[k1, n1 - k1], [k2, n2 - k2]]))[1])


def adjusted(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Benjamini and Hochberg 1995)."""
    if not p_values:
        return []
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(list(p_values), method="bh")]


@dataclass(frozen=True)
class Dependence:
    """Whether failures come at other values of a number than successes do.

    ``auc`` is P(value of a failure > value of a success), 0.5 for no dependence; ``p`` from permutations within strata.
    """

    auc: float
    p: float
    failures: int
    successes: int


PERMUTATIONS = 1999  # smallest p is 1/2000, below the 0.01 that a claim needs even after several cuts


def dependence(
    failed: Sequence[bool] | NDArray[np.bool_],
    value: Sequence[float] | NDArray[np.float64],
    strata: Sequence[object] | None = None,
    seed: int = 0,
) -> Dependence | None:
    """Rank test of failures against successes, permuted within strata; null when either group is empty."""
    bad = np.asarray(failed, dtype=bool)
    x = np.asarray(value, dtype=float)
    known = ~np.isnan(x)
    bad, x = bad[known], x[known]
    groups = np.zeros(len(bad), int)
    if strata is not None:
        kept = [item for item, is_known in zip(strata, known, strict=True) if is_known]
        codes = {item: code for code, item in enumerate(dict.fromkeys(kept))}
        groups = np.array([codes[item] for item in kept], int)
    rng = np.random.default_rng(seed)
    observed, pairs = 0.0, 0
    shuffled = np.zeros(PERMUTATIONS)
    for group in np.unique(groups):
        at = groups == group
        k, m = int(bad[at].sum()), int((~bad[at]).sum())
        if k == 0 or m == 0:  # nothing to compare here
            continue
        ranks = _ranks_of(x[at]) - (k + 1) / 2
        observed += float(ranks[bad[at]].sum())
        shuffled += rng.permuted(np.tile(bad[at], (PERMUTATIONS, 1)), axis=1) @ ranks
        pairs += k * m
    if pairs == 0:
        return None
    observed, shuffled = observed / pairs, shuffled / pairs
    more = int((np.abs(shuffled - 0.5) >= abs(observed - 0.5) - 1e-12).sum())
    return Dependence(observed, (more + 1) / (PERMUTATIONS + 1), int(bad.sum()), int((~bad).sum()))


def _ranks_of(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, ties averaged."""
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + 1 + ends) / 2)[inverse]


def isotonic(successes: Sequence[int], trials: Sequence[int]) -> list[float]:
    """Success ratios made non-decreasing along the levels, weighted by trials (pool adjacent violators)."""
    from scipy.optimize import isotonic_regression

    ratios = [k / n for k, n in zip(successes, trials, strict=True)]
    return [float(x) for x in isotonic_regression(ratios, weights=list(trials)).x]
