"""Figures of fewer points that look the same: extremes, gaps, order and values stay."""

from __future__ import annotations

import itertools
import json

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gpkit.figures.arrays import as_array
from gpkit.figures.thinning import FIGURE_POINTS, TRACE_POINTS, drawn_of, kept, shares, thin

VALUES = st.one_of(st.floats(-1e6, 1e6), st.just(np.nan), st.integers(-3, 3).map(float))
SERIES = arrays.arrays(np.float64, st.integers(0, 150), elements=VALUES)


def plain(figure):
    """The figure as a kernel emits it."""
    return json.loads(figure.to_json())


def column(trace, name):
    return as_array(trace[name]).tolist()


@given(y=SERIES, points=st.integers(1, 90), is_ordered=st.booleans(), seed=st.integers(0, 9))
def test_order_gaps_and_the_extremes_of_each_stretch_stay(y, points, is_ordered, seed):
    x = np.random.default_rng(seed).normal(size=len(y))
    x = np.sort(x) if is_ordered else x
    drawn = np.flatnonzero(np.isfinite(y))

    stay = kept(x, y, points)

    left = stay[np.isfinite(y[stay])]
    assert (np.diff(stay) > 0).all()
    assert len(stay) <= max(points, 12)
    assert stay.tolist() == list(range(len(y))) or len(y) > points
    assert len(left) > 0 or not len(drawn)
    if len(left):
        assert (left[0], left[-1]) == (drawn[0], drawn[-1])
        assert (y[left].min(), y[left].max()) == (y[drawn].min(), y[drawn].max())
        assert (x[left].min(), x[left].max()) == (x[drawn].min(), x[drawn].max())
    for before, after in itertools.pairwise(left):  # a gap stays where there was one, and nowhere else
        assert np.isfinite(y[before:after]).all() == (after in stay[np.flatnonzero(stay == before) + 1])


@given(seed=st.integers(0, 10_000), columns=st.sampled_from([4, 8, 20]))
def test_each_column_of_pixels_keeps_its_first_last_lowest_and_highest_point(seed, columns):
    draw = np.random.default_rng(seed)
    x, y = np.sort(draw.lognormal(size=500)), draw.integers(-9, 9, size=500).astype(float)
    column = np.minimum(((x - x[0]) / (x[-1] - x[0]) * columns).astype(int), columns - 1)

    stay = kept(x, y, 4 * columns * 5 // 4)

    for at in set(column):
        inside, left = np.flatnonzero(column == at), stay[column[stay] == at]
        assert (left[0], left[-1]) == (inside[0], inside[-1])
        assert (y[left].min(), y[left].max()) == (y[inside].min(), y[inside].max())


@given(y=SERIES, points=st.integers(16, 90))
def test_a_cloud_keeps_its_extremes_too(y, points):
    drawn = np.flatnonzero(np.isfinite(y))

    stay = kept(np.arange(len(y), dtype=float), y, points, is_cloud=True)

    left = stay[np.isfinite(y[stay])]
    assert (np.diff(stay) > 0).all()
    assert len(stay) <= points
    if len(drawn):
        assert (left[0], left[-1]) == (drawn[0], drawn[-1])
        assert (y[left].min(), y[left].max()) == (y[drawn].min(), y[drawn].max())


def test_a_cloud_looks_as_dense_as_it_is():
    y = np.random.default_rng(0).lognormal(size=60_000)
    y[::12] = 40.0  # every twelfth is a control

    stay = kept(np.arange(60_000.0), y, TRACE_POINTS, is_cloud=True)

    assert abs((y[stay] == 40.0).mean() - 1 / 12) < 0.12  # the extremes come on top
    for quantile in (0.25, 0.5, 0.75):
        assert abs((y[stay] <= np.quantile(y, quantile)).mean() - quantile) < 0.1


@given(sizes=st.lists(st.integers(0, 1000), max_size=9), room=st.integers(-5, 3000))
def test_a_room_is_shared_so_that_the_small_keep_all_of_theirs(sizes, room):
    granted = shares(sizes, room)

    assert sum(granted) <= max(room, 0)
    assert all(0 <= part <= size for part, size in zip(granted, sizes, strict=True))
    assert granted == sizes or sum(sizes) > max(room, 0)
    level = max(granted, default=0)
    assert all(part == size or part >= level - 1 for part, size in zip(granted, sizes, strict=True))


def test_a_small_figure_is_left_as_it_is():
    figure = plain(go.Figure(go.Scatter(x=list(range(300)), y=list(range(300)))))

    assert thin(figure) == figure
    assert drawn_of(thin(figure)) == (0, 0)


@pytest.mark.parametrize("packed", [True, False])
def test_what_belongs_to_a_point_stays_with_it(packed):
    y = np.random.default_rng(1).normal(size=20_000)
    made = go.Scatter(
        x=np.arange(20_000.0) if packed else list(range(20_000)),
        y=y if packed else y.tolist(),
        text=[f"point {at}" for at in range(20_000)],
        customdata=np.column_stack([np.arange(20_000), y]) if packed else [[at, at] for at in range(20_000)],
        error_y={"array": y if packed else y.tolist()},
        marker={"color": y, "colorscale": [[0, "red"], [1, "blue"]]},
    )
    figure = plain(go.Figure(made))
    assert isinstance(figure["data"][0]["y"], dict) is packed

    small = thin(figure)["data"][0]

    at = [int(text.split()[1]) for text in small["text"]]
    assert len(at) <= TRACE_POINTS
    assert at == sorted(set(at))
    assert column(small, "x") == at
    assert column(small, "y") == y[at].tolist() == column(small["error_y"], "array") == column(small["marker"], "color")
    assert [row[0] for row in as_array(small["customdata"])] == at
    assert small["marker"]["colorscale"] == figure["data"][0]["marker"]["colorscale"]
    assert {y.argmin(), y.argmax(), 0, 19_999} <= set(at)
    go.Figure(thin(figure))  # still a figure to plotly


def test_a_packed_array_keeps_its_type():
    figure = plain(go.Figure(go.Scattergl(x=np.arange(9000, dtype="i4"), y=np.arange(9000, dtype="f4"))))

    small = thin(figure)["data"][0]

    assert [small[name]["dtype"] for name in ("x", "y")] == [figure["data"][0][name]["dtype"] for name in ("x", "y")]
    assert column(small, "y")[-1] == 8999


def test_a_spike_of_one_point_and_the_edges_of_a_gap_are_drawn():
    y: list[float | None] = [1.0] * 50_000
    y[31_234], y[20_000:20_010] = 99.0, [None] * 10
    times = [f"2025-09-07T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z" for at in range(50_000)]

    small = thin(plain(go.Figure(go.Scatter(x=times, y=y))))["data"][0]

    assert small["y"].count(99.0) == 1
    gap = small["y"].index(None)
    assert small["y"].count(None) == 1
    assert small["x"][gap - 1] == times[19_999]
    assert small["x"][gap + 1] == times[20_010]


@pytest.mark.parametrize(
    "trace",
    [
        go.Bar(y=np.arange(30_000)),
        go.Histogram(x=np.arange(30_000)),
        go.Box(y=np.arange(30_000)),
        go.Scatter(y=np.arange(30_000), stackgroup="one"),
        go.Scatter(y=np.arange(30_000), selectedpoints=[1, 2]),
        go.Scatter(x=[f"user {at}" for at in range(30_000)], y=np.arange(30_000)),
        go.Heatmap(z=np.arange(30_000).reshape(150, 200)),
    ],
    ids=lambda trace: trace.type,
)
def test_what_counts_its_values_is_left_alone(trace):
    figure = plain(go.Figure(trace))

    assert thin(figure) == figure


def test_each_name_of_an_axis_of_names_keeps_where_it_begins_and_ends():
    names = ["let in"] * 9000 + ["refused"] * 5 + ["let in"] * 9000

    small = thin(plain(go.Figure(go.Scatter(x=list(range(18_005)), y=names, mode="markers"))))["data"][0]

    refused = [x for x, name in zip(small["x"], small["y"], strict=True) if name == "refused"]
    assert (refused[0], refused[-1]) == (9000, 9004)
    assert small["y"][0] == "let in"


def test_an_x_that_is_only_counted_is_written_out():
    small = json.loads(json.dumps(thin(plain(go.Figure(go.Scatter(y=np.arange(30_000) % 7, x0=10, dx=0.5))))))["data"][
        0
    ]

    assert (small["x"][0], small["x"][-1]) == (10, 10 + 0.5 * 29_999)
    assert "dx" not in small


def test_points_below_zero_of_a_logarithmic_axis_are_gaps():
    y = np.ones(20_000)
    y[10_000] = -5
    figure = go.Figure(go.Scatter(x=np.arange(20_000), y=y)).update_yaxes(type="log")

    small = thin(plain(figure))["data"][0]

    assert column(small, "y").count(-5.0) == 1


def test_a_hundred_traces_share_the_points_and_a_short_one_keeps_its_own():
    draw = np.random.default_rng(0)
    figure = go.Figure([go.Scatter(y=draw.normal(size=5_000)) for _ in range(99)] + [go.Scatter(y=[1, 5, 2])])

    small = thin(plain(figure))

    drawn, of = drawn_of(small)
    assert 0.6 * FIGURE_POINTS < drawn <= FIGURE_POINTS
    assert of == 99 * 5_000 + 3
    assert small["data"][99]["y"] == plain(figure)["data"][99]["y"]


def test_a_thinned_figure_may_be_thinned_again_and_still_says_of_how_many():
    figure = plain(go.Figure(go.Scatter(y=np.arange(90_000) % 1000)).update_layout(meta={"gpkit": {"title": "T"}}))

    small = thin(thin(figure), 100)

    assert drawn_of(small)[1] == 90_000
    assert 25 <= drawn_of(small)[0] <= 100
    assert small["layout"]["meta"]["gpkit"]["title"] == "T"
