"""Two clocks: intervals against published examples, and what they allow to say about order."""

import numpy as np
import pandas as pd
import pytest

from gpkit.errors import TableError
from gpkit.timeline import clock_drift, clock_offset, order
from gpkit.timeline.offset import fit_line, intersect, marzullo

MS = 1_000_000
S = 1_000_000_000


def attempts(*rows: tuple[int | None, int | None, int | None], resolution_ns: int = 0) -> pd.DataFrame:
    """Each row: sent, server stamp, received."""
    columns = ["requested_ns", "server_stamp_ns", "welcome_received_ns"]
    frame = pd.DataFrame(rows, columns=columns).astype("Int64")
    return frame.assign(server_stamp_resolution_ns=pd.array([resolution_ns] * len(rows), dtype="Int64"))


def test_cristians_example():
    # Asked 5:08:15.100, answered 5:08:15.900, the server said 5:09:25.300: at 15.900 it is 5:09:25.700 ± 0.400.
    low, high = clock_offset(attempts((15_100 * MS, 85_300 * MS, 15_900 * MS)))
    assert (low, high) == (69_400 * MS, 70_200 * MS)
    at_receipt = [15_900 * MS + low, 15_900 * MS + high]
    assert sum(at_receipt) / 2 == 85_700 * MS
    assert (high - low) / 2 == 400 * MS


def test_all_exchanges_are_constraints_together():
    told = attempts((0, 110, 30), (100, 205, 140), (200, 310, 215))
    assert clock_offset(told) == (95, 105)


def test_ntps_example_lies_in_the_middle():
    # t0=1000 t1=1060 t2=1065 t3=1015: offset 55, delay 10. Both stamps bound it.
    interval = intersect([(1060 - 1015, 1060 - 1000), (1065 - 1015, 1065 - 1000)])
    assert interval == (50, 60)


def test_exchanges_that_contradict_each_other_give_no_offset():
    assert clock_offset(attempts((0, 100, 10), (20, 500, 30))) is None


def test_without_a_stamp_there_is_no_offset():
    assert clock_offset(attempts((0, None, 10), (None, 5, 10))) is None


def test_the_resolution_of_the_stamp_widens_the_interval_upwards_since_it_was_cut():
    assert clock_offset(attempts((0, 100 * MS, 10 * MS), resolution_ns=MS)) == (90 * MS, 101 * MS)


def test_a_step_of_the_clients_clock_widens_the_interval():
    stepped = attempts((0, 100, 10)).assign(clock_step_ns=pd.array([7], dtype="Int64"))
    assert clock_offset(stepped) == (83, 107)


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match="server_stamp_ns"):
        clock_offset(attempts((0, 1, 2)).drop(columns="server_stamp_ns"))


@pytest.mark.parametrize(
    ("intervals", "count", "where"),
    [
        ([(8, 12), (11, 13), (10, 12)], 3, [(11, 12)]),
        ([(8, 12), (11, 13), (14, 15)], 2, [(11, 12)]),
        ([(8, 9), (8, 12), (10, 12)], 2, [(8, 9), (10, 12)]),
    ],
)
def test_marzullos_examples_and_the_tie(intervals: list[tuple[int, int]], count: int, where: list[tuple[int, int]]):
    assert marzullo(intervals) == (count, where)


def synthetic(seed: int, count: int) -> list[tuple[int, tuple[int, int]]]:
    """A server 5 ms ahead and gaining 50 ppm; delays of Exp(2 ms) each way, over ten minutes."""
    draw = np.random.default_rng(seed)
    told = []
    for at_s in np.sort(draw.uniform(0, 600, count)):
        out_s, back_s = draw.exponential(0.002, 2)
        theta_s = 0.005 + 50e-6 * at_s
        told.append((int(at_s * S), (int((theta_s - back_s) * S), int((theta_s + out_s) * S))))
    return told


def test_the_linear_programme_finds_offset_and_drift_of_synthetic_clocks():
    told = synthetic(1, 400)
    line = fit_line(told, at_ns=0)
    assert line is not None
    assert line.interval[0] <= 5 * MS <= line.interval[1]
    assert line.low_ppm <= 50 <= line.high_ppm
    assert line.interval[1] - line.interval[0] < 0.2 * MS
    assert line.high_ppm - line.low_ppm < 0.5


def test_the_interval_of_the_line_covers_the_truth_in_every_seed():
    for seed in range(50):
        line = fit_line(synthetic(seed, 40), at_ns=300 * S)
        assert line is not None
        assert line.interval[0] - 1 <= 20 * MS <= line.interval[1] + 1


def test_drifting_clocks_have_a_line_where_they_have_no_offset():
    rows = [(at, at + 100 + at // 10, at + 10) for at in range(0, 10_000, 1000)]
    assert clock_offset(attempts(*rows)) is None
    drift = clock_drift(attempts(*rows))
    assert drift is not None
    assert drift.low_ppm <= 100_000 <= drift.high_ppm


def test_one_exchange_tells_no_drift():
    assert clock_drift(attempts((0, 5, 10))) is None


def test_a_stepped_clock_has_no_line():
    told = [(at * S, (0, MS) if at < 5 else (S, S + MS)) for at in range(10)]
    told += [(at * S + 1, (0, MS)) for at in range(6, 9)]
    assert fit_line(told) is None


@pytest.mark.parametrize(
    ("client_ns", "server_ns", "offset", "verdict"),
    [
        (0, 21, (10, 20), "before"),
        (0, 20, (10, 20), "undecided"),
        (0, 10, (10, 20), "undecided"),
        (0, 9, (10, 20), "after"),
        (0, 9, None, "undecided"),
    ],
)
def test_order_is_told_only_when_the_whole_interval_agrees(
    client_ns: int, server_ns: int, offset: tuple[int, int] | None, verdict: str
):
    assert order(client_ns, server_ns, offset) == verdict
