"""What the notebooks call holds on any table: also on an empty one, as with a log alone or a window of nothing."""

import pandas as pd
import pytest

import gpkit
from gpkit.analysis.cases import cases_of_attempts, cases_of_connections
from gpkit.tables import ATTEMPTS, CONNECTIONS, ENTRIES, MESSAGES, empty

NO_ATTEMPTS = empty(ATTEMPTS).assign(server_revision=pd.Series(dtype="str"))
NO_CASES = cases_of_connections(empty(CONNECTIONS))

CALLS = {
    "sample_check": lambda: gpkit.sample_check(NO_ATTEMPTS),
    "outcomes": lambda: gpkit.outcomes(NO_ATTEMPTS),
    "durations": lambda: gpkit.durations(NO_ATTEMPTS),
    "phases": lambda: gpkit.phases(NO_ATTEMPTS),
    "event_funnel": lambda: gpkit.event_funnel(NO_ATTEMPTS),
    "event_rates_by": lambda: gpkit.event_rates_by(NO_ATTEMPTS, "server_revision"),
    "event_rates_over_time": lambda: gpkit.event_rates_over_time(NO_ATTEMPTS),
    "event_faults": lambda: gpkit.event_faults(NO_ATTEMPTS),
    "match_claims": lambda: gpkit.match_claims(empty(MESSAGES), gpkit.server_events(empty(ENTRIES)), ()),
    "claimed_runs": lambda: gpkit.claimed_runs(gpkit.server_events(empty(ENTRIES))),
    "mechanisms": lambda: gpkit.mechanisms(NO_CASES),
    "mechanisms of attempts": lambda: gpkit.mechanisms(cases_of_attempts(NO_ATTEMPTS)),
    "by_client": lambda: gpkit.by_client(NO_CASES),
    "delay_levels": lambda: gpkit.delay_levels(NO_CASES),
    "cuts": lambda: gpkit.cuts(NO_CASES, NO_CASES["failed"], ["revision", "instance_id", "temperature", "user"]),
    "message_order": lambda: gpkit.message_order(NO_ATTEMPTS, empty(MESSAGES)),
    "violations": lambda: gpkit.violations(NO_ATTEMPTS, empty(MESSAGES), empty(ENTRIES), empty(CONNECTIONS)),
    "decided": lambda: gpkit.decided(NO_ATTEMPTS),
    "controls": lambda: gpkit.controls(NO_ATTEMPTS),
    "tail": lambda: gpkit.tail(NO_ATTEMPTS),
    "retries": lambda: gpkit.retries(empty(CONNECTIONS)),
    "decision_times": lambda: gpkit.decision_times(empty(CONNECTIONS)),
}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_in_gives_a_table_out(name):
    made = CALLS[name]()

    assert isinstance(made, pd.DataFrame)
    assert len(made.columns)
    gpkit.show(made)._repr_html_()


def test_nothing_is_judged_no_data():
    kinds, nothing = gpkit.mechanisms(NO_CASES), gpkit.message_order(NO_ATTEMPTS, empty(MESSAGES))
    found = [
        gpkit.judge_races(NO_CASES, kinds, nothing),
        gpkit.judge_failures(NO_CASES, kinds),
        gpkit.judge_refusals(NO_CASES),
        gpkit.judge_claims(gpkit.server_events(empty(ENTRIES)), NO_CASES),
        gpkit.judge_order(CALLS["violations"](), NO_CASES),
    ]

    assert {(finding.n, finding.verdict) for finding in found} == {(0, "undecided")}
    assert {finding.claim for finding in found} == {"Nothing to judge: no case in this window."}


def test_every_name_that_notebooks_use_is_there():
    for name in gpkit.__all__:
        assert getattr(gpkit, name) is not None
    assert set(dir(gpkit)) == set(gpkit.__all__)
    with pytest.raises(AttributeError, match="gpkit has no 'nothing'"):
        _ = gpkit.nothing
