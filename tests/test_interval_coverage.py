"""Reported intervals cover a planted truth as often as theory says they must.

Wilson's interval does not cover 95 % everywhere, so the observed share is compared with the exact coverage at that n
and p, inside the 99.9 % band of that many simulations.
"""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from gpkit.analysis import statistics
from gpkit.analysis.cases import cases_of_attempts
from gpkit.analysis.durations import span_quantile
from gpkit.analysis.mechanisms import mechanisms
from gpkit.findings.auth import judge_refusals
from gpkit.findings.events import judge_events
from gpkit.findings.handshakes import judge_failures

from .attempts_text import attempts_of

SEEDS = 600
ALL = "agent_started agent_thinking tool_executing tool_completed agent_completed"
PROTOTYPES = attempts_of(f"""
    ok       open ready {ALL}
    lost     open ready agent_started agent_thinking tool_executing agent_completed
    refused  refused
""")


def planted(rng, n, p, failing):
    """n attempts of which each fails with probability p, as the failing prototype does."""
    which = np.where(rng.random(n) < p, failing, 0)
    frame = PROTOTYPES.iloc[which].reset_index(drop=True)
    return frame.assign(attempt_id=[f"a{i}" for i in range(n)], attempt_index=range(n))


def exact_wilson_coverage(n, p):
    k = np.arange(n + 1)
    covered = [statistics.rate(int(i), n).low <= p <= statistics.rate(int(i), n).high for i in k]
    return float(scipy.stats.binom.pmf(k, n, p)[covered].sum())


def assert_covers(covered, exact):
    low, high = scipy.stats.binom.interval(0.999, SEEDS, exact)
    assert low <= covered <= high, (covered / SEEDS, exact)


@pytest.mark.parametrize(("n", "p"), [(60, 0.29), (200, 0.1), (50, 0.02)])
def test_the_rate_of_all_five_events_covers_the_planted_one(n, p):
    covered = 0
    for seed in range(SEEDS):
        finding = judge_events(planted(np.random.default_rng(seed), n, p, failing=1))[0]
        covered += finding.interval[0] <= 1 - p <= finding.interval[1]

    assert_covers(covered, exact_wilson_coverage(n, 1 - p))


def test_the_rate_of_those_let_in_covers_the_planted_one():
    n, p, covered = 120, 0.15, 0
    for seed in range(SEEDS):
        finding = judge_refusals(cases_of_attempts(planted(np.random.default_rng(seed), n, p, failing=2)))
        covered += finding.interval[0] <= 1 - p <= finding.interval[1]

    assert_covers(covered, exact_wilson_coverage(n, 1 - p))


def test_the_rate_through_the_handshake_covers_the_planted_one(monkeypatch):
    monkeypatch.setattr(statistics, "PERMUTATIONS", 19)  # the kind of failure is not in question here, only its rate
    n, p, covered, seeds = 80, 0.2, 0, 200
    for seed in range(seeds):
        cases = cases_of_attempts(planted(np.random.default_rng(seed), n, p, failing=2))
        finding = judge_failures(cases, mechanisms(cases))
        covered += finding.interval[0] <= 1 - p <= finding.interval[1]

    low, high = scipy.stats.binom.interval(0.999, seeds, exact_wilson_coverage(n, 1 - p))
    assert low <= covered <= high


@pytest.mark.parametrize(("n", "p"), [(100, 0.5), (120, 0.95)])
def test_a_quantile_covers_the_true_one_of_any_distribution(n, p):
    truth = scipy.stats.lognorm.ppf(p, 1.0, scale=0.08)
    template = PROTOTYPES.iloc[np.zeros(n, int)].reset_index(drop=True)
    covered = 0
    for seed in range(SEEDS):
        drawn = scipy.stats.lognorm.rvs(1.0, scale=0.08, size=n, random_state=seed)
        measured = span_quantile(template.assign(auth_s=pd.array(drawn, dtype="Float64")), "auth_s", p)
        covered += measured.low <= truth <= measured.high

    low_rank, high_rank = statistics._ranks(n, p, 0.025)
    exact = float(scipy.stats.binom.cdf(high_rank - 1, n, p) - scipy.stats.binom.cdf(low_rank - 1, n, p))
    assert_covers(covered, exact)


def test_closures_counted_as_competing_do_not_flatter_the_tail():
    # 22 % are closed before the event: by 3 s at most 78 % have it, whatever the delays of the others are.
    rng = np.random.default_rng(5)
    measured = statistics.quantile(rng.exponential(0.5, 780), 0.9, never=220)

    assert measured.estimate == np.inf
    assert statistics.judge_quantile(measured, 3.0) == "fails"


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_sample_fails_nothing(seed):
    attempts = planted(np.random.default_rng(seed), 400, 0.0, failing=1)
    cases = cases_of_attempts(attempts)
    found = [*judge_events(attempts), judge_refusals(cases), judge_failures(cases, mechanisms(cases))]

    assert {finding.verdict for finding in found} == {"meets"}
