"""What of the clock is held, as arithmetic."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpkit.cache import SLICE_NS, Read, Slice, Stretch, missing, union
from gpkit.cache.slices import compact, of_stamp, settled, stamp, starts
from tests.cache_support import at

SMALL = st.integers(0, 60)
STRETCHES = st.lists(st.tuples(SMALL, SMALL).map(lambda pair: Stretch(*sorted(pair))), max_size=8)
READS = st.lists(
    st.tuples(SMALL, SMALL, SMALL).map(lambda three: Read(*sorted(three[:2]), three[2])), max_size=8
)  # fmt: skip
INSTANTS = st.integers(0, 4 * 10**18)


def points(stretches):
    return {point for each in stretches for point in range(each.since_ns, each.until_ns)}


@given(INSTANTS, st.integers(1, 200 * SLICE_NS))
def test_slices_partition_the_window(since_ns, length_ns):
    begins = starts(since_ns, since_ns + length_ns)

    assert begins[0] <= since_ns < begins[0] + SLICE_NS
    assert begins[-1] < since_ns + length_ns <= begins[-1] + SLICE_NS
    assert all(begin % SLICE_NS == 0 for begin in begins)
    assert begins.step == SLICE_NS


@given(STRETCHES, STRETCHES)
def test_what_is_missing_and_what_is_held_make_up_what_is_wanted(held, wanted):
    for each in wanted:
        absent = missing(each, held)

        assert points(absent) == points([each]) - points(held)
        assert absent == union(absent)


@given(STRETCHES)
def test_a_union_is_the_same_time_in_order_with_nothing_touching(stretches):
    found = union(stretches)

    assert points(found) == points(stretches)
    assert all(one.until_ns < next_one.since_ns for one, next_one in itertools.pairwise(found))


@given(READS, SMALL, SMALL)
@settings(max_examples=300)
def test_fewer_reads_never_settle_less(reads, late_ns, now_ns):
    sound = [read for read in reads if read.at_ns <= now_ns]

    assert points(settled(compact(sound), late_ns=late_ns, now_ns=now_ns)) >= points(
        settled(reads, late_ns=late_ns, now_ns=now_ns)
    )


@given(READS, SMALL, SMALL)
def test_nothing_is_settled_behind_the_horizon_or_that_was_not_read(reads, late_ns, now_ns):
    held = points(settled(reads, late_ns=late_ns, now_ns=now_ns))

    for point in held:
        assert any(
            read.since_ns <= point < read.until_ns and point < read.at_ns - late_ns and read.at_ns <= now_ns
            for read in reads
        )


@given(INSTANTS)
def test_the_name_of_a_slice_tells_its_begin(instant_ns):
    begin = instant_ns // SLICE_NS * SLICE_NS

    assert of_stamp(stamp(begin)) == begin


@pytest.mark.parametrize(
    "name", ["", "key", "20250907T131501Z", "20250907", "../20250907T131500Z", "20250907T131500Z.7"]
)
def test_another_name_is_no_slice(name):
    assert of_stamp(name) is None


def test_names_are_readable():
    assert stamp(at("13:15")) == "20250907T131500Z"


@pytest.mark.parametrize(
    ("reads", "state"),
    [
        ([], "missing"),
        ([("13:00", "13:15", "13:25")], "final"),
        ([("13:00", "13:15", "13:24")], "young"),
        ([("13:00", "13:10", "13:25")], "part"),
        ([("13:00", "13:10", "13:25"), ("13:10", "13:15", "14:00")], "final"),
        ([("13:00", "13:15", "13:07")], "young"),
        ([("13:00", "13:15", "20:00")], "young"),  # the clock says 15:00
    ],
)
def test_a_slice_is_final_once_it_was_read_a_horizon_behind_its_end(reads, state):
    found = tuple(Read(*(at(instant) for instant in read)) for read in reads)
    held = settled(found, late_ns=600 * 10**9, now_ns=at("15:00"))

    assert Slice(at("13:00"), at("13:15"), found, held).state == state
