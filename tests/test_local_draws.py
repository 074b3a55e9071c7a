"""Draws depend on seed, trace and position only, and have the distributions that the file names."""

from __future__ import annotations

import statistics

import pytest

from gpkit.local.draws import Visitor, concerns, delay_ms, draw, is_lost, unit
from gpkit.protocol import scenarios
from gpkit.protocol.scenarios import Schedule


def visitor(number: int = 0, **known) -> Visitor:
    defaults = {
        "trace": f"{number:032x}",
        "index": number,
        "elapsed_s": 0.0,
        "user": "ann",
        "user_agent": "probe/1",
        "revision": "r1",
    }
    return Visitor(**(defaults | known))


def test_a_draw_does_not_depend_on_the_order_of_arrival():
    scenario = scenarios.read({"faults": [{"fault": "event_lost", "probability": 0.5}]})

    def hits(numbers):
        return {n for n in numbers if draw(scenario, 7, visitor(n, index=0))}

    assert hits(range(200)) == hits(reversed(range(200)))


def test_a_rate_is_met_within_what_chance_allows():
    scenario = scenarios.read({"faults": [{"fault": "event_lost", "probability": 0.3}]})

    hit = sum(bool(draw(scenario, 1, visitor(n))) for n in range(2000))

    assert 0.3 * 2000 - 80 < hit < 0.3 * 2000 + 80  # four standard deviations


def test_two_entries_draw_independently():
    scenario = scenarios.read({"faults": [{"fault": "event_lost", "probability": 0.5}] * 2})

    both = sum(len(draw(scenario, 1, visitor(n))) == 2 for n in range(2000))

    assert 420 < both < 580


def test_another_seed_draws_anew():
    assert unit(1, "a", 0) != unit(2, "a", 0)
    assert unit(1, "a", 0) == unit(1, "a", 0)


@pytest.mark.parametrize(
    ("distribution", "median"),
    [
        ({"constant": 80}, 80),
        ({"uniform": [20, 120]}, 70),
        ({"exponential": {"mean": 50}}, 34.66),
        ({"lognormal": {"median": 80, "sigma": 0.5}}, 80),
    ],
)
def test_a_distribution_has_its_median(distribution, median):
    values = [delay_ms(distribution, unit(1, str(n), 0), unit(1, str(n), 1)) for n in range(4000)]

    assert statistics.median(values) == pytest.approx(median, rel=0.06)
    assert min(values) >= 0


@pytest.mark.parametrize(
    ("schedule", "who", "concerned"),
    [
        (Schedule(), visitor(0), True),
        (Schedule(first=3), visitor(2), True),
        (Schedule(first=3), visitor(3), False),
        (Schedule(every=4, offset=1), visitor(5), True),
        (Schedule(every=4, offset=1), visitor(4), False),
        (Schedule(every=4, offset=9), visitor(5), False),
        (Schedule(from_s=1, until_s=2), visitor(elapsed_s=1.5), True),
        (Schedule(from_s=1, until_s=2), visitor(elapsed_s=2.0), False),
        (Schedule(traces=("x",)), visitor(trace="x"), True),
        (Schedule(traces=("x",)), visitor(), False),
        (Schedule(users=("ann",)), visitor(), True),
        (Schedule(users=("ann",)), visitor(user=None), False),
        (Schedule(clients=("probe/",)), visitor(), True),
        (Schedule(clients=("Chrome",)), visitor(), False),
        (Schedule(revisions=("r2",)), visitor(), False),
        (Schedule(users=("ann",), first=1), visitor(4), False),
    ],
)
def test_a_schedule_holds_when_all_its_conditions_do(schedule, who, concerned):
    assert concerns(schedule, who) is concerned


def test_a_fault_listed_twice_acts_once_unless_it_stacks():
    twice = scenarios.read({"faults": ["clean_close", "clean_close", "event_lost", "event_lost"]})

    assert [d.fault for d in draw(twice, 0, visitor())] == ["clean_close", "event_lost", "event_lost"]


def test_the_loss_window_is_sharp_without_a_width_and_logistic_with_one():
    sharp = {"window_ms": 20, "width_ms": 0}
    soft = {"window_ms": 20, "width_ms": 5}

    assert [is_lost(sharp, at, 0.5) for at in (0, 19.9, 20.1)] == [True, True, False]
    assert is_lost(soft, 20, 0.49)
    assert not is_lost(soft, 20, 0.51)
    assert not is_lost(soft, 1000, 1e-9)
    assert is_lost({"window_ms": None, "width_ms": 0}, 1e9, 0.99)
