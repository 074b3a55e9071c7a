"""Which application lines tell of which upgrade: by instance, time, and order within a burst."""

import random

import pytest

from gpkit.timeline.grouping import group
from gpkit.timeline.groups import Group, Line
from gpkit.timeline.pairing import Asked, Pair, Told, _cheapest, _costs, pair, shift_s

US = 1000


def lines(text: str) -> list[Line]:
    """One line each: microseconds, phase, and optionally connection=, own= (microseconds), reason=."""
    made = []
    for number, row in enumerate(filter(None, map(str.strip, text.strip().splitlines()))):
        at, phase, *more = row.split()
        facts = dict(each.split("=") for each in more)
        own = facts.get("own")
        made.append(
            Line(
                at_ns=int(at) * US,
                own_ns=int(own) * US if own else None,
                phase=phase,
                rule=facts.get("rule", phase),
                reason=facts.get("reason"),
                insert_id=f"{number}",
                message=facts.get("message", ""),
                connection=facts.get("connection"),
            )
        )
    return made


def told(groups: list[Group]) -> list[str]:
    return [" ".join(line.insert_id for line in one.lines) for one in groups]


def test_a_refusal_is_one_group_whatever_the_order_of_its_lines():
    groups = group(
        lines("""
            0   access_refused
            100 server_rejected
            110 closed
            120 auth_failed own=10 reason=signature
            130 rejected own=20
            140 cleanup own=30
        """)
    )
    assert told(groups) == ["0 1 2 3 4 5"]
    assert groups[0].was_accepted is False
    assert not groups[0].is_shared


def test_refusals_that_follow_each_other_are_separate_groups():
    groups = group(
        lines("""
            0      access_refused
            20     auth_failed own=1
            30     rejected own=202
            40     server_rejected
            50     cleanup own=403
            60     closed
            400000 access_refused
            400020 auth_failed own=400001
            400030 rejected own=400202
            400040 server_rejected
            400050 cleanup own=400403
            400060 closed
        """)
    )
    assert told(groups) == ["0 1 2 3 4 5", "6 7 8 9 10 11"]


def test_a_late_closed_line_goes_to_the_refusal_that_waits_for_it():
    groups = group(
        lines("""
            0    access_refused
            20   auth_failed own=1
            30   rejected own=2
            40   server_rejected
            50   cleanup own=3
            1000 access_refused
            1020 auth_failed own=1001
            1030 closed
            1040 rejected own=1002
            1050 server_rejected
            1060 cleanup own=1003
            1070 closed
        """)
    )
    assert told(groups) == ["0 1 2 3 4 7", "5 6 8 9 10 11"]


def test_named_connections_interleave_without_mixing():
    groups = group(
        lines("""
            0    initiated connection=main_a
            10   initiated connection=main_b
            20   auth_ok connection=main_b
            30   auth_ok connection=main_a
            40   cleanup connection=main_b
            50   closed
            60   cleanup connection=main_a
            70   closed
        """)
    )
    assert told(groups) == ["0 3 6 7", "1 2 4 5"]


def test_a_verdict_without_a_name_belongs_to_the_connection_that_ends_after_it():
    groups = group(
        lines("""
            0    initiated connection=main_a
            5    initiated connection=main_b
            10   auth_started connection=main_a
            12   auth_started connection=main_b
            5000 auth_failed own=4999 reason=signature
            5001 rejected own=4999
            5002 cleanup connection=main_a
            6000 auth_ok connection=main_b
        """)
    )
    assert told(groups) == ["0 2 4 5 6", "1 3 7"]
    assert all(one.is_shared for one in groups)


def test_a_line_without_a_name_belongs_to_a_connection_that_has_begun():
    groups = group(
        lines("""
            0     initiated connection=main_a
            600   accepted
            620   opened
            3500  initiated connection=main_b
            3700  accepted
            3720  opened
            3740  auth_started connection=main_b
            36000 established connection=main_a
            40000 established connection=main_b
        """)
    )
    assert told(groups) == ["0 1 2 7", "3 4 5 6 8"]


def test_a_line_just_before_the_beginning_of_its_connection_is_not_lost():
    groups = group(
        lines("""
            0     accepted
            500   initiated connection=main_a
            36000 established connection=main_a
        """)
    )
    assert told(groups) == ["0 1 2"]


def test_an_end_without_a_beginning_is_nobodys():
    assert group(lines("0 cleanup\n 10 closed")) == []


def test_a_line_among_several_sessions_without_names_is_nobodys():
    groups = group(
        lines("""
            0       auth_ok
            10      accepted
            20      opened
            1000000 auth_ok
            1000010 accepted
            1000020 opened
            2000000 event
        """)
    )
    assert told(groups) == ["0 1 2", "3 4 5"]


def test_the_event_of_the_only_session_is_its_own():
    assert told(group(lines("0 auth_ok\n 10 accepted\n 20 opened\n 500000 event"))) == ["0 1 2 3"]


def refused(*at_ms: float, sizes: tuple[int, ...] = ()) -> list[Asked]:
    return [Asked(at / 1000, None, 403, sizes[number] if sizes else 1000) for number, at in enumerate(at_ms)]


def speaks(*at_ms: float, lacks_token: tuple[bool, ...] = ()) -> list[Told]:
    return [
        Told(at / 1000, None, 403, lacks_token[number] if lacks_token else False) for number, at in enumerate(at_ms)
    ]


def pairs(asked: list[Asked], groups: list[Told]) -> list[tuple[int, int, bool]]:
    return [(each.asked, each.told, each.ambiguous) for each in pair(asked, groups)]


def test_an_upgrade_alone_is_paired_for_certain():
    assert pairs(refused(0, 400), speaks(6, 407)) == [(0, 0, False), (1, 1, False)]


def test_a_slow_answer_alone_is_paired_for_certain():
    assert pairs(refused(0), speaks(230)) == [(0, 0, False)]


def test_in_a_burst_the_first_asked_is_the_first_answered_and_all_are_marked():
    assert pairs(refused(0, 10, 14, 18), speaks(15, 18, 24, 31)) == [(n, n, True) for n in range(4)]


def test_a_burst_whose_end_is_answered_late_keeps_its_order():
    found = pairs(refused(0, 10, 13, 26, 27), speaks(15, 18, 24, 185, 253))
    assert [(asked, told) for asked, told, _ in found] == [(n, n) for n in range(5)]


def test_a_missing_answer_costs_its_own_upgrade_only():
    assert pairs(refused(0, 400, 800), speaks(407, 806)) == [(1, 0, False), (2, 1, False)]


def test_a_missing_request_costs_its_own_lines_only():
    assert pairs(refused(400, 800), speaks(6, 407, 806)) == [(0, 1, False), (1, 2, False)]


def test_nothing_is_answered_before_it_is_asked():
    assert pairs(refused(100), speaks(50)) == []


def test_nothing_is_paired_over_more_than_half_a_second():
    assert pairs(refused(0), speaks(600)) == []


def test_the_size_of_requests_tells_who_sent_no_token():
    asked = refused(0, 1, 2, 3, sizes=(1016, 524, 1015, 522))
    groups = speaks(6, 7, 8, 9, lacks_token=(True, False, True, False))
    found = {(asked, told) for asked, told, _ in pairs(asked, groups)}
    assert found == {(0, 1), (1, 0), (2, 3), (3, 2)}


def test_a_session_is_told_by_its_end_where_starts_are_close():
    asked = [Asked(0.000, 2.000, 101, None), Asked(0.001, 1.000, 101, None)]
    groups = [Told(0.004, 1.001, 101, None), Told(0.005, 2.001, 101, None)]
    assert pairs(asked, groups) == [(0, 1, False), (1, 0, False)]


def test_ends_that_are_told_late_are_paired_last_and_never_for_certain():
    asked = [Asked(0.0, 0.1, 101, None), Asked(0.01, 0.25, 101, None)]
    told = [Told(0.02, 0.13, 101, None), Told(0.03, 0.4, 101, None)]
    assert pair(asked, told) == [Pair(0, 0, ambiguous=True), Pair(1, 1, ambiguous=True)]
    assert pair(asked[1:], told[1:]) == [Pair(0, 0, ambiguous=True)]


def test_an_end_that_is_told_more_than_half_a_second_off_is_another_ones():
    assert pair([Asked(0.0, 0.1, 101, None)], [Told(0.02, 0.7, 101, None)]) == []


def test_a_refusal_is_never_paired_with_an_accepted_upgrade():
    assert pairs([Asked(0, 1, 101, None)], speaks(5)) == []


@pytest.mark.parametrize("off_s", [3.0, -45.0])
def test_a_wrong_clock_is_seen_from_the_lags(off_s: float):
    asked = refused(0, 130, 420, 700, 1300)
    moved = [Told(one.at_s + 0.006 + off_s, None, 403, False) for one in asked]
    assert shift_s(asked, moved) == pytest.approx(off_s, abs=0.03)


def test_a_right_clock_shows_no_shift():
    asked = refused(0, 130, 420, 700, 1300)
    assert shift_s(asked, speaks(6, 137, 425, 706, 1307)) == 0.0


def test_a_line_looks_at_few_groups_however_many_are_unfinished():
    # Refusals whose last lines are all missing: none is ever complete, and yet each is left behind.
    unfinished = [
        Line(number * 1_000_000, None, "access_refused", "access-refused", None, str(number), "")
        for number in range(5000)
    ]
    assert len(group(unfinished)) == 5000


def test_near_equal_costs_are_decided_at_once():
    # Costs that differ in the last digits only keep scipy's sparse matching busy for a quarter of a minute.
    draw = random.Random(1)
    asked_ms = sorted(draw.uniform(0, 10) + 2500 * (number % 5) for number in range(90))
    found = pairs(refused(*asked_ms), speaks(*(at + draw.uniform(6, 7) for at in asked_ms)))
    assert len(found) == 90


@pytest.mark.parametrize("seed", range(20))
def test_both_ways_to_the_cheapest_pairs_agree_whatever_may_be_paired(seed: int, monkeypatch: pytest.MonkeyPatch):
    draw = random.Random(seed)
    asked = refused(*sorted(draw.randrange(300) for _ in range(draw.randrange(1, 40))))
    told = speaks(*sorted(draw.randrange(400) + 0.5 for _ in range(draw.randrange(1, 40))))
    costs = _costs(asked, told, 0.03, usual_s=0.006)

    def total() -> float:
        chosen = _cheapest(len(asked), len(told), costs)
        assert len({i for i, _ in chosen}) == len({j for _, j in chosen}) == len(chosen)
        return sum(costs[one] for one in chosen) - 0.5 * len(chosen)

    whole = total()
    monkeypatch.setattr("gpkit.timeline.pairing.CELLS", 0)
    assert total() == pytest.approx(whole, abs=1e-6)
