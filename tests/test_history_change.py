"""What became of a finding between two runs, by the rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit.history.change import KINDS, better_side, change, changes, interval
from tests.history_support import finding, meets, undecided

LATENCY = {"id": "open.p95", "unit": "s", "target": 2.0}
fast = meets(**LATENCY, estimate=0.2, interval=[0.1, 0.3])
slower = meets(**LATENCY, estimate=1.2, interval=[1.0, 1.5])
slow = finding(**LATENCY, estimate=3.0, interval=[2.5, 3.5])


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, finding(), "new"),
        (finding(), None, "gone"),
        (meets(), finding(), "worse"),
        (finding(), meets(), "recovered"),
        (finding(), finding(estimate=0.7), "same"),
        (finding(), finding(estimate=0.2, interval=[0.15, 0.25]), "worse"),
        (finding(estimate=0.2, interval=[0.15, 0.25]), finding(), "better"),
        (meets(estimate=0.99, interval=[0.98, 1.0]), meets(estimate=0.9, interval=[0.85, 0.94]), "worse"),
        (meets(), undecided(interval=[0.7, 0.92]), "same"),
        (meets(), undecided(interval=[0.7, 0.88]), "worse"),
        (finding(interval=[0.5, 0.6]), undecided(), "better"),
        (undecided(), undecided(), "same"),
        (fast, slow, "worse"),
        (slow, fast, "recovered"),
        (fast, slower, "worse"),
        (slower, fast, "better"),
        (finding(), finding(target=0.9), "not comparable"),
        (finding(), finding(unit="s"), "not comparable"),
        (finding(), finding(n=0), "not comparable"),
        (finding(n=None), finding(), "not comparable"),
        (meets(interval=None), meets(interval=None), "same"),
        (meets(interval=None), finding(interval=None), "worse"),
        (meets(interval=None), undecided(interval=None), "not comparable"),
        (undecided(interval=[None, None]), undecided(), "not comparable"),
        (undecided(interval=[0.9, None]), undecided(interval=[None, 0.5]), "not comparable"),
        (meets(target=None, interval=[1, 2]), meets(target=None, interval=[3, 4]), "not comparable"),
    ],
)
def test_a_pair_of_findings_is_judged_by_the_rule(before, after, kind):
    assert change(before, after).kind == kind


def test_every_judgement_says_by_what_it_is_told():
    assert change(meets(), undecided(interval=[0.7, 0.92])).why == "The intervals overlap: no change is shown."
    assert change(finding(), finding(target=0.9)).why == "The target differs: 0.8, then 0.9."
    assert change(finding(), finding(n=0)).why == "The later run judged no case of it."


def test_a_bound_that_is_met_exactly_does_not_tell_which_way_is_better():
    none_let_in = meets(target=0.0, estimate=0.0, interval=[0.0, 0.28])
    some_let_in = finding(target=0.0, estimate=0.3, interval=[0.29, 0.4])

    assert better_side(none_let_in) == 0
    assert better_side(some_let_in) == -1
    assert change(none_let_in, some_let_in).kind == "worse"


def test_a_finding_that_names_the_side_of_its_target_needs_no_verdict_to_tell():
    assert better_side(undecided(target_is="at least")) == 1
    assert better_side(undecided(target_is="at most")) == -1
    few, many = (undecided(interval=pair, target_is="at most") for pair in ([0.3, 0.4], [0.5, 0.9]))
    assert change(few, many).kind == "worse"


def test_changes_come_worst_first_and_none_is_left_out():
    before = [finding(id="a"), meets(id="b"), finding(id="c"), meets(id="gone")]
    after = [finding(id="a"), finding(id="b"), meets(id="c"), finding(id="new")]

    assert [(one.id, one.kind) for one in changes(before, after)] == [
        ("b", "worse"), ("new", "new"), ("c", "recovered"), ("gone", "gone"), ("a", "same"),
    ]  # fmt: skip


_number = st.none() | st.floats() | st.integers() | st.text(max_size=2) | st.booleans()
_findings = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["a", "b"]), "verdict": st.sampled_from(["meets", "fails", "undecided", "?", None]),
        "estimate": _number, "interval": _number | st.lists(_number, max_size=3), "n": _number, "target": _number,
        "unit": st.sampled_from(["ratio", "s"]),
    },
)  # fmt: skip


@given(_findings, _findings)
def test_findings_of_any_shape_are_judged(before, after):
    assert change(before, after).kind in KINDS


_ends = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(_ends, _ends, st.sampled_from(["meets", "fails", "undecided"]))
def test_turning_the_two_around_turns_worse_and_better_around(old, new, verdict):
    first, second = (finding(verdict=verdict, interval=ends, estimate=ends[0]) for ends in (old, new))
    turned = {"worse": "better", "better": "worse"}
    there, back = change(first, second), change(second, first)
    sides = {better_side(first), better_side(second)} - {0}

    assert len(sides) > 1 or back.kind == turned.get(there.kind, there.kind)


@given(_ends)
def test_a_finding_is_the_same_as_itself(ends):
    one = finding(interval=ends)

    assert change(one, one).kind == "same"
    assert interval(one) == tuple(ends)
