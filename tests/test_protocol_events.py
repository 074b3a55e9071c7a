"""What became of the five events of one run."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit.protocol.events import EVENT_DEADLINES_S, EVENTS, Arrival, judge_events, moves_to_restore


def run_of(text: str) -> list[Arrival]:
    """Arrivals written as ``event@seconds``; ``#x`` gives an identity, ``!`` marks another user, ``?`` lost context."""
    arrivals = []
    for number, word in enumerate(text.split()):
        name, _, rest = word.rstrip("!?").partition("@")
        at, _, identity = rest.partition("#")
        arrivals.append(
            Arrival(
                next(event for event in EVENTS if event.endswith(name)),
                float(at or number),
                (identity or f"n{number}",),
                is_foreign=word.endswith("!"),
                lost_context=word.endswith("?"),
            )
        )
    return arrivals


def test_a_healthy_run_is_complete_and_counts_nothing():
    judged = judge_events(run_of("started@0.1 thinking@0.2 executing@0.3 tool_completed@0.4 agent_completed@0.5"))

    assert judged.is_complete
    assert judged.is_in_order
    assert judged.events == EVENTS
    assert (judged.late, judged.duplicate, judged.reordered, judged.foreign, judged.context_lost) == (0, 0, 0, 0, 0)
    assert judged.first_s["agent_completed"] == 0.5


def test_thinking_and_tool_pairs_may_repeat():
    judged = judge_events(
        run_of(
            "started@0 thinking@1 executing@2 tool_completed@3 thinking@4 executing@5 tool_completed@6"
            " agent_completed@7"
        )
    )

    assert judged.is_complete
    assert judged.is_in_order
    assert judged.duplicate == 0


@pytest.mark.parametrize("lost", EVENTS)
def test_one_lost_event_is_missing_and_reorders_nothing(lost):
    judged = judge_events([Arrival(event, 1.0, (event,)) for event in EVENTS if event != lost])

    assert judged.missing == (lost,)
    assert judged.reordered == 0


def test_an_event_after_its_own_deadline_is_late_and_still_received():
    judged = judge_events(run_of("started@2.1 thinking@4 executing@9 tool_completed@29 agent_completed@46"))

    assert judged.late == 2
    assert judged.is_complete


def test_the_same_identity_again_is_a_duplicate():
    judged = judge_events(run_of("started@0#a started@0.1#a thinking@1#a thinking@1#b"))

    assert judged.duplicate == 1
    assert judged.events == ("agent_started", "agent_started", "agent_thinking", "agent_thinking")


@pytest.mark.parametrize(
    ("arrived", "moves"),
    [
        ("thinking started executing tool_completed agent_completed", 1),
        ("started executing thinking tool_completed agent_completed", 1),
        ("started thinking tool_completed executing agent_completed", 1),
        ("started thinking executing agent_completed tool_completed", 1),
        ("agent_completed started thinking executing tool_completed", 1),
        ("agent_completed tool_completed executing thinking started", 4),
        ("started thinking executing tool_completed agent_completed thinking", 1),
    ],
)
def test_what_overtook_is_counted_as_the_least_number_of_moves(arrived, moves):
    assert judge_events(run_of(arrived)).reordered == moves


def test_another_users_event_is_counted_and_stands_in_for_nothing():
    judged = judge_events(run_of("started thinking! executing tool_completed agent_completed"))

    assert judged.foreign == 1
    assert judged.missing == ("agent_thinking",)
    assert "agent_thinking" not in judged.events


def test_lost_context_is_counted_and_the_event_is_ours():
    judged = judge_events(run_of("started? thinking executing tool_completed agent_completed?"))

    assert judged.context_lost == 2
    assert judged.is_complete


def test_each_event_has_a_deadline_and_they_ascend():
    assert len(EVENT_DEADLINES_S) == len(EVENTS)
    assert list(EVENT_DEADLINES_S) == sorted(EVENT_DEADLINES_S)


@given(st.permutations(range(5)))
def test_moves_to_restore_is_the_least_number(ranks):
    kept = max(
        (mask.bit_count() for mask in range(32) if ascends([r for i, r in enumerate(ranks) if mask >> i & 1])),
    )

    assert moves_to_restore(ranks) == 5 - kept


def ascends(ranks: list[int]) -> bool:
    return all(before < after for before, after in itertools.pairwise(ranks))


arrivals = st.lists(
    st.builds(
        Arrival,
        st.sampled_from(EVENTS),
        st.floats(0, 60),
        st.tuples(st.integers(0, 2)),
        is_foreign=st.booleans(),
        lost_context=st.booleans(),
    ),
    max_size=12,
)


@given(arrivals)
def test_every_arrival_is_counted_once(received):
    judged = judge_events(received)

    assert len(judged.events) + judged.foreign == len(received)
    assert set(judged.missing) | set(judged.first_s) == set(EVENTS)
    assert not set(judged.missing) & set(judged.first_s)
    assert 0 <= judged.duplicate <= len(judged.events)
    assert 0 <= judged.late <= len(judged.first_s)
