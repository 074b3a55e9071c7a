"""Each method against numbers that others published, or against another library."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from gpkit.analysis import statistics as s


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (2, 5, 0.1176, 0.7693), (5, 5, 0.5655, 1.0)],
)
def test_a_rate_has_the_published_wilson_interval(k, n, low, high):
    measured = s.rate(k, n)

    assert measured.low == pytest.approx(low, abs=5e-5)
    assert measured.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2527, 0.3676), (0, 20, 0.0, 0.1684), (2, 5, 0.0527, 0.8534), (5, 5, 0.4782, 1.0)],
)
def test_an_exact_interval_is_the_published_one(k, n, low, high):
    assert s.exact_interval(k, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 400), st.integers(1, 400))
def test_intervals_equal_those_of_scipy(k, n):
    k = min(k, n)
    wilson = scipy.stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    exact = scipy.stats.binomtest(k, n).proportion_ci(0.95, method="exact")

    assert (s.rate(k, n).low, s.rate(k, n).high) == pytest.approx((wilson.low, wilson.high), abs=1e-9)
    assert s.exact_interval(k, n) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_a_rate_of_nothing_is_null_and_undecided():
    nothing = s.rate(0, 0)

    assert (nothing.estimate, nothing.low, nothing.high) == (None, None, None)
    assert s.judge_at_least(nothing, 0.8) == "undecided"


def test_few_successes_decide_nothing_and_many_do():
    assert s.judge_at_least(s.rate(5, 5), 0.80) == "undecided"
    assert s.judge_at_least(s.rate(142, 200), 0.80) == "fails"
    assert s.judge_at_least(s.rate(190, 200), 0.80) == "meets"
    assert s.judge_at_most(s.rate(0, 200), 0.01) == "undecided"
    assert s.judge_at_most(s.rate(0, 400), 0.01) == "meets"


def test_the_n_that_would_decide_does_decide():
    measured = s.rate(0, 200)
    needed = s.n_to_decide(measured, 0.01)

    assert needed is not None
    assert s.judge_at_most(s.rate(0, needed), 0.01) == "meets"
    assert s.judge_at_most(s.rate(0, needed - 1), 0.01) == "undecided"


def test_the_order_statistic_interval_is_the_known_one():
    measured = s.quantile(np.arange(1, 101.0), 0.95)

    assert (measured.low, measured.high, measured.kind) == (90, 100, "two-sided")


@given(st.integers(5, 400), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_quantile_intervals_equal_those_of_scipy(n, p):
    values = np.arange(1.0, n + 1)
    ours = s.quantile(values, p)
    theirs = scipy.stats.quantile_test(values, p=p).confidence_interval(0.95)

    if ours.kind == "two-sided":
        assert (ours.low, ours.high) == (theirs.low, theirs.high)
    else:
        assert math.isnan(theirs.low) or math.isnan(theirs.high)


@pytest.mark.parametrize(
    ("n", "p", "kind"),
    [
        (58, 0.95, "not resolvable"),
        (59, 0.95, "one-sided"),
        (71, 0.95, "one-sided"),
        (72, 0.95, "two-sided"),
        (298, 0.99, "not resolvable"),
        (299, 0.99, "one-sided"),
        (367, 0.99, "one-sided"),
        (368, 0.99, "two-sided"),
    ],
)
def test_a_tail_is_resolved_only_from_its_known_n(n, p, kind):
    assert s.quantile(np.arange(n), p).kind == kind


def test_the_estimate_is_an_observed_value_as_in_the_coordinated_omission_example():
    corrected = np.concatenate([np.full(10_000, 0.001), np.arange(0.01, 100.005, 0.01)])

    assert s.quantile(corrected, 0.50).estimate == pytest.approx(0.001)
    assert s.quantile(corrected, 0.75).estimate == pytest.approx(50, abs=0.02)
    assert s.quantile(corrected, 0.99).estimate == pytest.approx(98, abs=0.02)


def test_a_refusal_is_infinitely_late_and_a_timeout_is_at_least_its_limit():
    measured = s.quantile([0.1] * 90, 0.95, never=4, censored_at=[30.0] * 6)

    assert measured.n == 100
    assert (measured.estimate, measured.estimate_is_bound) == (30.0, True)
    assert measured.high == math.inf
    assert s.judge_quantile(measured, 2.0) == "undecided"


def test_a_quantile_is_judged_by_its_whole_interval():
    assert s.judge_quantile(s.quantile([0.1] * 100, 0.95), 2.0) == "meets"
    assert s.judge_quantile(s.quantile([3.0] * 100, 0.95), 2.0) == "fails"
    assert s.judge_quantile(s.quantile([3.0] * 20, 0.95), 2.0) == "undecided"


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_a_difference_has_newcombes_interval(counts, low, high):
    _, ours_low, ours_high = s.newcombe(*counts)
    theirs = confint_proportions_2indep(*counts, method="newcomb", compare="diff")

    assert (ours_low, ours_high) == pytest.approx((low, high), abs=5e-5)
    assert (ours_low, ours_high) == pytest.approx(theirs, abs=1e-9)


def test_fisher_knows_the_lady_tasting_tea():
    assert s.fisher(3, 4, 1, 4) == pytest.approx(0.485714, abs=1e-6)


def test_benjamini_and_hochbergs_own_example_rejects_four():
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]

    assert sum(q <= 0.05 for q in s.adjusted(p)) == 4
    assert s.adjusted([]) == []


def test_isotonic_regression_pools_neighbours_that_fall():
    assert s.isotonic([1, 0, 1, 0, 1, 1], [1] * 6) == pytest.approx([0.5, 0.5, 0.5, 0.5, 1, 1])


def test_failures_at_small_values_are_seen_and_random_ones_are_not():
    rng = np.random.default_rng(3)
    value = np.tile([0.0, 5.0, 20.0, 80.0], 50)
    early = s.dependence(value < 10, value)
    anywhere = s.dependence(rng.random(200) < 0.3, value)

    assert early is not None
    assert early.p < 0.001
    assert early.auc < 0.05
    assert anywhere is not None
    assert anywhere.p > 0.05


def test_a_confounder_that_is_a_stratum_is_no_dependence():
    # One revision always fails and was only probed at small values; within a revision nothing depends on the value.
    failed = [True] * 40 + [False] * 40
    value = [1.0] * 20 + [2.0] * 20 + [11.0] * 20 + [12.0] * 20

    assert s.dependence(failed, value, strata=["a"] * 40 + ["b"] * 40) is None


def test_the_auc_equals_mann_and_whitneys_u():
    rng = np.random.default_rng(1)
    failed = rng.random(60) < 0.4
    value = rng.normal(size=60) + failed
    u = scipy.stats.mannwhitneyu(value[failed], value[~failed]).statistic

    measured = s.dependence(failed, value)

    assert measured is not None
    assert measured.auc == pytest.approx(u / (failed.sum() * (~failed).sum()))
