"""A figure of fewer points that looks the same: extremes, gaps and order stay. Pure: plotly's JSON in, the same out.

A line or cloud of more points than a page has pixels is cut into stretches of consecutive points: those of one column
of pixels, cut once more so that no stretch holds more than its share. Of each stretch the first, the last, the lowest
and the highest point stay (Jugel et al., "M4", 2014); where x goes back and forth, the leftmost and rightmost too. A
gap between two points that stay, stays. A cloud without lines keeps its extremes with a quarter of the points, and with
the others a fair sample of itself, so that it does not become its own outline. No value is altered.

Thinned are ``scatter`` and ``scattergl``, each trace by itself. What counts or stacks its values (bar, histogram, box,
heatmap …) is left alone, because there a point left out is a number changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gpkit.figures.arrays import as_array, chosen, count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

TRACE_POINTS = 4_000  # 800 columns of pixels on the widest page, 4 points each, and a fifth for uneven spacing
FIGURE_POINTS = 10_000  # chosen: Chromium draws so many marks in about a second
MAX_NAMES = 20  # chosen: of an axis of names; more are a table, not a figure
_LINES = (None, "scatter", "scattergl")
_GOLDEN = 0.6180339887498949  # steps of it never fall in step with what repeats: users in turn, every tenth a control
_ZONE = re.compile(r"(?<=\d)(?:Z|[+-]\d{2}:?\d{2})$")  # plotly.js draws a time as written and ignores its zone


def thin(figure: Mapping[str, Any], points: int = FIGURE_POINTS) -> dict[str, Any]:
    """The figure with at most about ``points`` points, and no trace with more than ``TRACE_POINTS``.

    Traces share the points: a short one keeps all of its own. ``layout.meta["gpkit"]["points"]`` says how many are
    ``drawn`` and ``of`` how many; it is left out when nothing was thinned. A thinned figure may be thinned again.

    Args:
        figure: plotly's JSON, arrays packed or not. Not altered.
        points: At least one stretch of each trace stays, up to 12 points with its gaps.
    """
    layout = figure.get("layout") if isinstance(figure.get("layout"), Mapping) else {}
    traces = [trace for trace in figure.get("data") or [] if isinstance(trace, Mapping)]
    most = [count(trace.get("y")) for trace in traces]
    if sum(most) <= points and max(most, default=0) <= TRACE_POINTS:  # as nearly always, and numpy is not loaded for it
        return dict(figure)
    sizes = [length(trace) for trace in traces]
    room = shares(sizes, points)
    kept = [
        _thinned(trace, min(limit, TRACE_POINTS), layout or {})
        for trace, limit in zip(traces, room, strict=True)
    ]  # fmt: skip
    drawn = sum(length(trace) for trace in kept)
    if drawn == sum(sizes):
        return dict(figure)
    of = max(sum(sizes), drawn_of(figure)[1])
    return {**figure, "data": kept, "layout": _noted(layout or {}, drawn, of)}


def drawn_of(figure: Mapping[str, Any]) -> tuple[int, int]:
    """How many points are drawn, and of how many, as a thinned figure says; (0, 0) for a whole one."""
    told: Any = figure
    for name in ("layout", "meta", "gpkit", "points"):
        told = told.get(name) if isinstance(told, Mapping) else None
    if not isinstance(told, Mapping) or not all(isinstance(told.get(name), int) for name in ("drawn", "of")):
        return 0, 0
    return told["drawn"], told["of"]


def shares(sizes: Sequence[int], room: int) -> list[int]:
    """What each may have of a room: all it needs, or the level at which the rest is used up."""
    granted = [0] * len(sizes)
    order = sorted(range(len(sizes)), key=lambda at: sizes[at])
    for done, at in enumerate(order):
        granted[at] = min(sizes[at], max(room, 0) // (len(order) - done))
        room -= granted[at]
    return granted


def kept(x: Floats, y: Floats, points: int, names: Sequence[Places] = (), *, is_cloud: bool = False) -> Places:
    """Which points of a trace stay, ascending.

    Args:
        x: One number a point; not finite where nothing is drawn.
        y: Likewise.
        points: About how many stay; all, when there are no more.
        names: For each coordinate that is a name, its number (from 0): the first and last of each name stay too.
        is_cloud: No line joins the points, and how dense they lie is looked at.
    """
    import numpy as np

    if len(x) <= points:
        return np.arange(len(x))
    is_drawn = np.isfinite(x) & np.isfinite(y)
    places, gaps = np.flatnonzero(is_drawn), np.flatnonzero(~is_drawn)
    if not len(places):
        return gaps[:1]
    x, y = x[places], y[places]
    steps = np.diff(x)
    is_ordered = bool((steps >= 0).all() or (steps <= 0).all())
    numbers = (y,) if is_ordered else (y, x)
    each = 2 + 2 * len(numbers) + 2 * sum(int(name.max()) + 1 for name in names)
    sample = points * 3 // 4 if is_cloud else 0
    stretches = max((points - sample) // (2 * each if len(gaps) and not is_cloud else each), 1)
    starts = _starts(x if is_ordered else None, len(x), stretches)
    found = [starts, np.append(starts[1:], len(x)) - 1]
    found += [at for number in numbers for at in _extremes(number, starts)]
    found += [at for name in names for at in _ends_of_each(name[places], starts)]
    found.append((np.arange(sample) * _GOLDEN % 1 * len(x)).astype(np.intp))
    stay = places[np.unique(np.concatenate(found))]
    return stay if is_cloud else _with_gaps(stay, gaps)


def length(trace: Mapping[str, Any]) -> int:
    """How many points a trace has, when it is one that can be thinned; else 0."""
    if trace.get("type") not in _LINES or trace.get("stackgroup") or trace.get("selectedpoints") is not None:
        return 0
    if trace.get("fill") in ("toself", "tonext") or (trace.get("x") is None and not _counts(trace)):
        return 0
    y = as_array(trace.get("y"))
    x = as_array(trace.get("x")) if trace.get("x") is not None else y
    return len(y) if y is not None and x is not None and y.ndim == x.ndim == 1 and len(x) == len(y) else 0


def _thinned(trace: Mapping[str, Any], points: int, layout: Mapping[str, Any]) -> Mapping[str, Any]:
    """One trace; every array of it that has a value for each point is thinned alike."""
    import numpy as np

    size = length(trace)
    if size <= points:
        return trace
    if trace.get("x") is None:
        counted = (trace.get("x0") or 0) + (1 if trace.get("dx") is None else trace["dx"]) * np.arange(size)
        trace = {key: value for key, value in trace.items() if key not in ("x0", "dx")} | {"x": counted.tolist()}
    told = [_coordinate(trace, layout, name) for name in ("x", "y")]
    if any(names is not None and names.max(initial=0) >= MAX_NAMES for _, names in told):
        return trace
    (x, _), (y, _) = told
    mode = str(trace.get("mode") or "lines")
    named = [names for _, names in told if names is not None]
    stay = kept(x, y, points, named, is_cloud="lines" not in mode and not named)
    return chosen(trace, stay, size) if len(stay) < size else trace


def _coordinate(trace: Mapping[str, Any], layout: Mapping[str, Any], name: str) -> tuple[Floats, Places | None]:
    """A coordinate as numbers, not finite where nothing is drawn; and the number of each name, when it holds names."""
    import numpy as np

    values = as_array(trace[name])
    axis = layout.get(f"{name}axis" + str(trace.get(f"{name}axis") or name)[1:])
    kind = axis.get("type") if isinstance(axis, Mapping) else None
    assert values is not None
    for read in (_numbers, _times) if kind not in ("category", "multicategory") else ():
        try:
            numbers = read(values)
        except (ValueError, TypeError):
            continue
        return (_logarithms(numbers) if kind == "log" else numbers), None
    texts = np.array(["" if value is None else str(value) for value in values])
    _, names = np.unique(texts, return_inverse=True)
    return np.where([value is None for value in values], np.nan, names), names


def _numbers(values: NDArray[Any]) -> Floats:
    return values.astype("float64")


def _logarithms(numbers: Floats) -> Floats:
    """As a logarithmic axis draws them: nothing at zero and below."""
    import numpy as np

    return np.log10(numbers, out=np.full(len(numbers), np.nan), where=numbers > 0)


def _times(values: NDArray[Any]) -> Floats:
    """Instants as microseconds; not a number where there is none.

    Raises:
        ValueError: A text is no instant.
    """
    import numpy as np

    texts = ["NaT" if value is None else str(value) for value in values]
    instants = np.array([_ZONE.sub("", text) if ":" in text else text for text in texts], dtype="datetime64[us]")
    is_none = np.isnat(instants)
    if is_none.all():
        raise ValueError("no instant")
    return np.where(is_none, np.nan, instants.astype(np.int64).astype(np.float64))


def _starts(x: Floats | None, size: int, stretches: int) -> Places:
    """Where stretches begin: up to four in five at columns of pixels, when x has an order, and the others by count."""
    import numpy as np

    edges = np.zeros(1, dtype=np.intp)
    if x is not None and x[0] != x[-1] and np.isfinite(x[-1] - x[0]):
        columns = max(stretches * 4 // 5, 1)
        column = np.minimum(((x - x[0]) / (x[-1] - x[0]) * columns).astype(np.intp), columns - 1)
        edges = np.append(edges, np.flatnonzero(np.diff(column)) + 1)
    left = stretches - len(edges)
    return np.union1d(edges, np.arange(1, left + 1) * size // (left + 1))


def _extremes(numbers: Floats, starts: Places) -> list[Places]:
    """Of each stretch the first of its lowest points, and the first of its highest."""
    import numpy as np

    sizes = np.diff(np.append(starts, len(numbers)))
    found = []
    for extreme in (np.minimum, np.maximum):
        at = np.flatnonzero(numbers == np.repeat(extreme.reduceat(numbers, starts), sizes))
        stretch = np.searchsorted(starts, at, side="right")
        found.append(at[np.unique(stretch, return_index=True)[1]])
    return found


def _ends_of_each(names: Places, starts: Places) -> list[Places]:
    """Of each stretch the first and the last point of each name."""
    import numpy as np

    stretch = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(names))))
    key = stretch * (int(names.max()) + 1) + names
    first = np.unique(key, return_index=True)[1]
    last = len(key) - 1 - np.unique(key[::-1], return_index=True)[1]
    return [first, last]


def _with_gaps(stay: Places, gaps: Places) -> Places:
    """The points that stay, and between two of them one gap where there was one."""
    import numpy as np

    after = np.searchsorted(gaps, stay)
    between = after[:-1][after[1:] > after[:-1]]
    return np.union1d(stay, gaps[between])


def _counts(trace: Mapping[str, Any]) -> bool:
    """Whether x is counted from a number, as plotly.js does when a trace has none."""
    return all(isinstance(trace.get(name), int | float | None) for name in ("x0", "dx"))


def _noted(layout: Mapping[str, Any], drawn: int, of: int) -> dict[str, Any]:
    meta = layout.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    told = meta.get("gpkit")
    told = told if isinstance(told, Mapping) else {}
    return {**layout, "meta": {**meta, "gpkit": {**told, "points": {"drawn": drawn, "of": of}}}}
