"""Figures of the five events: where they are lost, for whom, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpkit.figures.style import BLUE, GREEN, RED, bars, figure, floats, nothing

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def funnel(steps: pd.DataFrame) -> go.Figure:
    """Attempts that reached each step (:func:`gpkit.event_funnel`)."""
    import plotly.graph_objects as go

    if steps.empty or not steps["reached"].max():
        return nothing("Steps of the golden path", "No attempt to show.")
    bar = go.Bar(
        x=list(steps["step"]),
        y=floats(steps["of_planned"]),
        error_y=bars(steps["low"], steps["of_planned"], steps["high"]),
        marker_color=BLUE,
        customdata=list(zip(steps["reached"], steps["lost"], strict=True)),
        hovertemplate="%{x}: %{customdata[0]} attempts, %{customdata[1]} lost here<extra></extra>",
    )
    made = figure(
        [bar],
        title=f"Attempts that reached each step (n={int(steps['reached'].iloc[0])})",
        reading="Each bar is the share of planned attempts that got this far (95 % interval); a step down is loss.",
        numbers=steps,
        x="step of the golden path",
        y="share of planned attempts",
    )
    return made.update_yaxes(range=[0, 1.02])


def rates_by(rates: pd.DataFrame, what: str, target_ratio: float | None = None) -> go.Figure:
    """A rate for each value of something (:func:`gpkit.event_rates_by`)."""
    import plotly.graph_objects as go

    if rates.empty:
        return nothing(f"Rate by {what}", "No attempt to show.")
    points = go.Scatter(
        x=floats(rates["ratio"]),
        y=[f"{value} (n={n})" for value, n in zip(rates["value"], rates["n"], strict=True)],
        error_x=bars(rates["low"], rates["ratio"], rates["high"]),
        mode="markers",
        marker={"color": BLUE, "size": 10},
        name="rate",
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )
    made = figure(
        [points],
        title=f"All five events, by {what}",
        reading="Each point is a rate with its 95 % interval; intervals that do not touch differ.",
        numbers=rates,
        x="share of planned attempts with all five events",
        y="",
    )
    made.update_layout(height=max(200, 100 + 36 * len(rates)))
    _target(made, target_ratio, vertical=True)
    return made.update_xaxes(range=[-0.02, 1.02])


def over_time(rates: pd.DataFrame, target_ratio: float | None = None) -> go.Figure:
    """The rate in blocks of time (:func:`gpkit.event_rates_over_time`); gaps stay gaps."""
    import plotly.graph_objects as go

    if rates.empty:
        return nothing("All five events over time", "No attempt to show.")
    middle = rates["from_utc"] + (rates["to_utc"] - rates["from_utc"]) / 2
    line = go.Scatter(
        x=list(middle.dt.strftime("%Y-%m-%d %H:%M:%S.%f")),
        y=floats(rates["ratio"]),
        error_y=bars(rates["low"], rates["ratio"], rates["high"]),
        mode="lines+markers",
        connectgaps=False,
        marker={"color": BLUE, "size": 8},
        line={"color": BLUE},
        customdata=list(rates["n"]),
        hovertemplate="%{x}: %{y:.3f} of %{customdata}<extra></extra>",
    )
    made = figure(
        [line],
        title="All five events over time",
        reading="Each point is a block of time with its 95 % interval; a block without attempts is a gap in the line.",
        numbers=rates,
        x="time (UTC)",
        y="share with all five events",
    )
    _target(made, target_ratio, vertical=False)
    return made.update_yaxes(range=[-0.02, 1.02])


def outcomes(counts: pd.DataFrame) -> go.Figure:
    """How attempts ended (:func:`gpkit.outcomes`)."""
    import plotly.graph_objects as go

    if counts.empty:
        return nothing("How attempts ended", "No attempt to show.")
    rows = counts.iloc[::-1]
    colours = [GREEN if outcome == "ok" else RED for outcome in rows["outcome"]]
    bar = go.Bar(
        x=floats(rows["n"]),
        y=list(rows["outcome"]),
        orientation="h",
        marker_color=colours,
        hovertemplate="%{y}: %{x}<extra></extra>",
    )
    made = figure(
        [bar],
        title=f"How attempts ended (n={int(counts['n'].sum())})",
        reading="Each attempt is in one bar: its earliest failed step, or ok.",
        numbers=counts,
        x="attempts",
        y="",
    )
    made.update_layout(height=max(200, 110 + 30 * len(rows)))
    return made


def _target(made: go.Figure, target: float | None, *, vertical: bool) -> None:
    if target is None:
        return
    line = {"line": {"color": RED, "dash": "dash", "width": 1.5}, "annotation_text": f"target {target:g}"}
    if vertical:
        made.add_vline(x=target, **line)
    else:
        made.add_hline(y=target, **line)
