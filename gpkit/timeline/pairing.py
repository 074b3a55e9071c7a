"""Upgrades × application groups of one instance: which group tells of which upgrade.

Pure. The requests entry carries the trace and the client, the application's lines carry the reason, and nothing but
time joins them. Each pair costs the square of how far its lag is from the usual one, so that in a burst the first
asked is the first answered, as in a queue; a session's end costs likewise. Leaving both alone costs more than any
allowed lag, so that a missing line costs one pair and does not shift all that follow. The cheapest set of pairs is
found exactly, for each stretch of time that no possible pair crosses by itself.

A pair is ambiguous when another pairing would have been possible within the usual lag, or when it was made of what
was left alone because its ends are told far apart.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Indices = np.ndarray[Any, np.dtype[np.intp]]
    Costs = np.ndarray[Any, np.dtype[np.float64]]

WINDOW_S = 0.030  # the usual lag from request to the application's first line: up to 30 ms, typically 6
LIMIT_S = 0.500  # chosen: twice the largest lag seen in a burst
EARLY_S = 0.002  # chosen: two clocks of one platform; nothing earlier was seen
END_S = 0.020  # chosen: a session's last line against the end of its request
NEIGHBOURS = 24  # chosen: groups looked at for each upgrade; more than any burst seen, and the work stays linear
SAMPLE = 200  # chosen: upgrades and groups that tell how far a clock is off
CLOSE_S = 0.003  # chosen: a size that tells of a token outweighs an order this close, and no more
TOKEN_BYTES = 80  # chosen: the shortest token with its header name is longer
CELLS = 4_000_000  # chosen: a matrix of 32 MB, for 2000 upgrades of which each could be the next one's
STEP_S2 = 1e-9  # chosen: squares of lags that differ by less are alike; 16 s at a tenth of it, where this takes 1 ms


@dataclass(frozen=True)
class Asked:
    """One upgrade: when its request started, when it ended (sessions only), its status and size."""

    at_s: float
    end_s: float | None
    status: int | None
    size: int | None


@dataclass(frozen=True)
class Told:
    """One application group: its first and last line, the status it tells of, and whether a token was missing."""

    at_s: float
    end_s: float | None
    status: int | None
    lacks_token: bool | None


@dataclass(frozen=True)
class Pair:
    """An upgrade and a group that belong together, by their places; ambiguous when others could as well."""

    asked: int
    told: int
    ambiguous: bool


def pair(asked: Sequence[Asked], told: Sequence[Told], *, window_s: float = WINDOW_S) -> list[Pair]:
    """The pairs of one instance.

    Args:
        asked: Upgrades, in order of time.
        told: Groups, in order of time.
        window_s: The usual lag; pairs with a larger one are possible up to half a second more.
    """
    costs = _costs(asked, told, window_s, usual_s=0.0)
    chosen = _cheapest(len(asked), len(told), costs)
    # Once more, measured from the usual lag: otherwise a missing request makes all lags after it look shorter.
    lags_s = [told[j].at_s - asked[i].at_s for i, j in chosen]
    usual_s = min(statistics.median(lags_s), window_s) if lags_s else 0.0
    costs = _costs(asked, told, window_s, usual_s=usual_s)
    chosen = _cheapest(len(asked), len(told), costs)
    late, doubtful = _late_ends(asked, told, chosen, window_s=window_s, usual_s=usual_s)
    by_asked: dict[int, list[int]] = {}
    by_told: dict[int, list[int]] = {}
    for i, j in costs:
        by_asked.setdefault(i, []).append(j)
        by_told.setdefault(j, []).append(i)
    pairs = []
    for i, j in chosen:
        reach_s = max(window_s, told[j].at_s - asked[i].at_s)
        others = [(i, other) for other in by_asked[i] if other != j]
        others += [(other, j) for other in by_told[j] if other != i]
        is_open = any(told[b].at_s - asked[a].at_s <= reach_s for a, b in others)
        pairs.append(Pair(i, j, is_open or (i, j) in doubtful))
    return sorted([*pairs, *(Pair(i, j, ambiguous=True) for i, j in late)], key=lambda each: each.asked)


def _late_ends(
    asked: Sequence[Asked], told: Sequence[Told], chosen: list[tuple[int, int]], *, window_s: float, usual_s: float
) -> tuple[list[tuple[int, int]], set[tuple[int, int]]]:
    """Pairs of what was left alone on both sides because ends disagree, and the pairs that these cast doubt on.

    An instance without processor time tells of an end long after the platform saw it.
    """
    owner = {j: i for i, j in chosen}
    free_asked = sorted({i for i, one in enumerate(asked) if one.end_s is not None} - set(owner.values()))
    free_told = [j for j, one in enumerate(told) if j not in owner and one.end_s is not None]
    sides = [asked[i] for i in free_asked], [told[j] for j in free_told]
    costs = _costs(*sides, window_s, usual_s=usual_s, end_limit_s=LIMIT_S)
    late = {free_asked[a]: free_told[b] for a, b in _cheapest(len(sides[0]), len(sides[1]), costs)}
    possible = _costs(asked, told, window_s, usual_s=usual_s, end_limit_s=LIMIT_S) if late else {}
    doubtful = {(owner[j], j) for a, j in possible if a in late and j in owner and (owner[j], late[a]) in possible}
    return list(late.items()), doubtful


def shift_s(asked: Sequence[Asked], told: Sequence[Told], *, window_s: float = WINDOW_S) -> float:
    """How far the instance's clock is off, in seconds; 0 unless the lags say so clearly.

    A wrong clock moves all groups of an instance alike. Of all distances between groups and upgrades, the stretch of
    one window that holds most of them tells how far, if at least three and more than half fall into it.
    """
    few, many = asked[:SAMPLE], told[:SAMPLE]
    distances = sorted(other.at_s - one.at_s for one in few for other in many if _agree(one, other))
    best, begin_s, first = 0, 0.0, 0
    for last, distance in enumerate(distances):
        while distance - distances[first] > window_s:
            first += 1
        if last - first + 1 > best:
            best, begin_s = last - first + 1, distances[first]
    usual = sum(-EARLY_S <= distance <= window_s for distance in distances)
    is_clear = best >= max(3, min(len(few), len(many)) / 2) and best > 2 * usual
    # The earliest of them had the shortest lag, which is close to none.
    return begin_s if is_clear else 0.0


def _costs(
    asked: Sequence[Asked],
    told: Sequence[Told],
    window_s: float,
    *,
    usual_s: float,
    end_limit_s: float = END_S,
) -> dict[tuple[int, int], float]:
    tokenless = _tokenless(asked, told)
    costs: dict[tuple[int, int], float] = {}
    first = 0
    for i, one in enumerate(asked):
        while first < len(told) and told[first].at_s < one.at_s - EARLY_S:
            first += 1
        until_s = _latest_s(one, window_s)
        for j in range(first, min(first + NEIGHBOURS, len(told))):
            other = told[j]
            if other.at_s > until_s:
                break
            if not _agree(one, other):
                continue
            lag_s = other.at_s - one.at_s
            cost = (lag_s - usual_s if lag_s >= 0 else window_s - lag_s) ** 2
            if one.end_s is not None and other.end_s is not None:
                off_s = abs(one.end_s - other.end_s)
                if off_s > end_limit_s + window_s:
                    continue
                cost += off_s**2
            if tokenless is not None and other.lacks_token is not None and (i in tokenless) != other.lacks_token:
                cost += CLOSE_S**2
            costs[i, j] = cost
    return costs


def _latest_s(one: Asked, window_s: float) -> float:
    """The last instant at which the application may first speak of an upgrade."""
    return (one.end_s if one.end_s is not None else one.at_s) + window_s + LIMIT_S


def _agree(one: Asked, other: Told) -> bool:
    return one.status is None or other.status is None or one.status == other.status


def _tokenless(asked: Sequence[Asked], told: Sequence[Told]) -> set[int] | None:
    """Upgrades without a token, by their size; null when the sizes do not fall apart.

    A token makes a request larger. If the k smallest refused requests, k being the number of groups that say a token
    was missing, are clearly smaller than all others, those are the ones.
    """
    refused = sorted(
        (one.size, i) for i, one in enumerate(asked) if one.size is not None and one.status not in (None, 101)
    )
    k = sum(other.lacks_token is True for other in told)
    if not 0 < k < len(refused) or refused[k][0] - refused[k - 1][0] < TOKEN_BYTES:
        return None
    return {i for _, i in refused[:k]}


def _cheapest(rows: int, columns: int, costs: dict[tuple[int, int], float]) -> list[tuple[int, int]]:
    """The set of pairs of least total cost, where leaving one alone costs as much as the largest lag allowed."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not costs:
        return []
    alone = max(LIMIT_S**2, max(costs.values()))
    edges = np.array(list(costs))
    i, j, cost = edges[:, 0], edges[:, 1], np.array(list(costs.values()))
    size = rows + columns
    linked = coo_array((np.ones(len(i)), (i, j + rows)), shape=(size, size))
    _, part = connected_components(linked, directed=False)
    by_part = np.argsort(part[i], kind="stable")
    ends = np.flatnonzero(np.diff(part[i][by_part])) + 1
    chosen: list[tuple[int, int]] = []
    for some in np.split(by_part, ends):
        if len(some) == 1:
            chosen.append((int(i[some[0]]), int(j[some[0]])))
            continue
        some_rows, row = np.unique(i[some], return_inverse=True)
        some_columns, column = np.unique(j[some], return_inverse=True)
        solve = _dense if len(some_rows) * len(some_columns) <= CELLS else _sparse
        found = solve(row, column, cost[some], alone)
        chosen += [(int(some_rows[a]), int(some_columns[b])) for a, b in found]
    return sorted(chosen)


def _dense(row: Indices, column: Indices, cost: Costs, alone: float) -> Iterable[tuple[int, int]]:
    """The cheapest pairs by way of a whole matrix: each pair saves what leaving both alone would cost."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    saved = np.zeros((row.max() + 1, column.max() + 1))
    saved[row, column] = cost - 2 * alone
    rows, columns = linear_sum_assignment(saved)
    return [(a, b) for a, b in zip(rows.tolist(), columns.tolist(), strict=True) if saved[a, b] < 0]


def _sparse(row: Indices, column: Indices, cost: Costs, alone: float) -> Iterable[tuple[int, int]]:
    """The cheapest pairs where a matrix would be too large; alike but for differences below :data:`STEP_S2`.

    Made a full matching by one substitute for each row and column. The library takes a zero for a missing edge, and
    may need minutes for costs that are no whole numbers.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    at = np.concatenate([row, np.arange(rows), rows + np.arange(columns), rows + column])
    to = np.concatenate([column, columns + np.arange(rows), np.arange(columns), columns + row])
    weight = np.concatenate([cost, np.full(rows + columns, alone), np.zeros(len(row))])
    size = rows + columns
    matrix = coo_array((np.round(weight / STEP_S2) + 1.0, (at, to)), shape=(size, size)).tocsr()
    matched = (places.tolist() for places in min_weight_full_bipartite_matching(matrix))
    return [(a, b) for a, b in zip(*matched, strict=True) if a < rows and b < columns]
