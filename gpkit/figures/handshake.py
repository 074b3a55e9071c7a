"""Figures of the handshake: its phases, its races, its refusals, its verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpkit.figures.gaps import shade
from gpkit.figures.style import BLUE, GREEN, GREY, ORANGE, RED, bars, figure, floats, nothing
from gpkit.figures.thinning import FIGURE_POINTS, TRACE_POINTS, kept, shares

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def phase_intervals(phases: pd.DataFrame) -> go.Figure:
    """The time spent in each phase (:func:`gpkit.phases`)."""
    import plotly.graph_objects as go

    shown = phases[phases["n"] > 0]
    if shown.empty:
        return nothing("Time in each phase", "No attempt to show.")
    points = go.Scatter(
        x=[None if value is None else value * 1000 for value in floats(shown["median_s"])],
        y=list(shown["phase"]),
        error_x=bars(shown["low_s"] * 1000, shown["median_s"] * 1000, shown["high_s"] * 1000),
        mode="markers",
        marker={"color": BLUE, "size": 10},
        hovertemplate="%{y}: %{x:.3g} ms<extra></extra>",
    )
    made = figure(
        [points],
        title="Median time in each phase",
        reading="Each phase ends where the next begins, and all are the whole attempt; bars are 95 % intervals.",
        numbers=phases,
        x="milliseconds",
        y="",
    )
    return made.update_yaxes(autorange="reversed")


def delay_sweep(levels: pd.DataFrame) -> go.Figure:
    """Success at each delay between OPEN and the message (:func:`gpkit.delay_levels`)."""
    import plotly.graph_objects as go

    title = "Success by the delay between OPEN and the first message"
    if levels.empty:
        return nothing(title, "No message was sent early: timing was not varied.")
    names = [f"{level} (n={n})" for level, n in zip(levels["level"], levels["n"], strict=True)]
    points = go.Scatter(
        x=names,
        y=floats(levels["ratio"]),
        error_y=bars(levels["low"], levels["ratio"], levels["high"]),
        mode="markers",
        marker={"color": BLUE, "size": 11},
        name="measured",
    )
    fitted = go.Scatter(
        x=names,
        y=floats(levels["isotonic"]),
        mode="lines",
        line={"color": ORANGE, "dash": "dot"},
        name="never falling",
        connectgaps=False,
    )
    made = figure(
        [points, fitted],
        title=title,
        reading="A race shows as success that rises with the delay and is highest after the welcome.",
        numbers=levels,
        x="planned delay",
        y="share of attempts that succeeded",
    )
    return made.update_yaxes(range=[-0.02, 1.05])


def reasons_by_client(clients: pd.DataFrame) -> go.Figure:
    """What became of each client's upgrades and why (:func:`gpkit.by_client`)."""
    import plotly.graph_objects as go

    title = "What became of each client's requests, and why"
    if clients.empty:
        return nothing(title, "No upgrade to show.")
    pairs = zip(clients["failure"], clients["reason"], strict=True)
    labels = [failure if reason in ("", "not known") else f"{failure}: {reason}" for failure, reason in pairs]
    rows = clients.assign(label=labels)
    traces = []
    for label in dict.fromkeys(labels):
        part = rows[rows["label"] == label]
        colours = {"went well": GREEN, "not told": GREY}
        colour = {"marker_color": colours[label]} if label in colours else {}
        traces.append(go.Bar(x=floats(part["n"]), y=list(part["client"]), orientation="h", name=label, **colour))
    made = figure(
        traces,
        title=title,
        reading="A client whose bar has one colour never mixes outcomes: what decides is who asks, not when.",
        numbers=clients.drop(columns="case_ids"),
        x="requests",
        y="",
    )
    height = 150 + 44 * clients["client"].nunique() + 22 * len(traces)
    made.update_layout(
        barmode="stack",
        height=height,
        legend={"orientation": "v", "y": -0.35, "x": 0, "xanchor": "left", "yanchor": "top"},
    )
    return made


def timeline(cases: pd.DataFrame, gaps: pd.DataFrame | None = None) -> go.Figure:
    """Every case in time: let in, or how it failed (:mod:`gpkit.analysis.cases`); gaps in the evidence are shaded."""
    import pandas as pd
    import plotly.graph_objects as go

    from gpkit.analysis.breakdowns import went_well

    if cases.empty:
        return nothing("Requests over time", "No request in this window.")
    result = cases["failure"].fillna(went_well(cases))
    rows = cases["client"] + ": " + result if cases["client"].nunique() > 1 else result
    names = sorted(set(rows))
    traces = []
    for row, part in zip(names, _fewer([cases[rows == row] for row in names], "at_ns"), strict=True):
        at = pd.to_datetime(part["at_ns"], unit="ns", utc=True).dt.strftime("%Y-%m-%d %H:%M:%S.%f")
        colour = {"color": GREEN} if row.endswith("went well") else {"color": GREY} if row.endswith("not told") else {}
        marks = {"size": 9, "opacity": 0.6, "symbol": "line-ns-open", **colour}
        traces.append(go.Scatter(x=list(at), y=[row] * len(part), mode="markers", showlegend=False, marker=marks))
    counts = cases.assign(result=result).groupby(["client", "result"]).size()
    made = figure(
        traces,
        title=f"How each request ended, over time (n={len(cases)})",
        reading="One mark per request; a row that begins or stops at an instant is a change, mixed rows are not.",
        numbers=counts.reset_index(name="n"),
        x="time (UTC)",
        y="",
        points=len(cases),
    )
    made.update_layout(height=max(220, 150 + 32 * len(traces)))
    return shade(made, gaps)


def upgrades_over_time(windows: pd.DataFrame, gaps: pd.DataFrame | None = None) -> go.Figure:
    """The share of upgrades that were not let in (:func:`gpkit.upgrades_over_time`); gaps in the log are shaded."""
    import plotly.graph_objects as go

    title = "Upgrades that were not let in, over time"
    if windows.empty:
        return nothing(title, "The log holds no upgrade.")
    traces = []
    for revision, part in windows.groupby("revision", dropna=False):
        middle = part["from_utc"] + (part["to_utc"] - part["from_utc"]) / 2
        traces.append(
            go.Scatter(
                x=list(middle.dt.strftime("%Y-%m-%d %H:%M:%S.%f")),
                y=floats(part["ratio"]),
                error_y=bars(part["low"], part["ratio"], part["high"]),
                mode="lines+markers",
                connectgaps=False,
                name=revision if isinstance(revision, str) else "no revision named",
                customdata=list(part["n"]),
                hovertemplate="%{x}: %{y:.3f} of %{customdata}<extra></extra>",
            )
        )
    made = figure(
        traces,
        title=f"{title} (n={int(windows['n'].sum())})",
        reading="Each point is a window with its 95 % interval; a window of a revision without upgrades is a gap. "
        "All upgrades of the log are counted, those of negative controls too.",
        numbers=windows,
        x="time (UTC)",
        y="share refused or failed",
    )
    made.update_yaxes(range=[-0.02, 1.02])
    made.update_layout(
        showlegend=True, legend={"orientation": "v", "y": -0.25, "x": 0, "xanchor": "left", "yanchor": "top"}
    )
    return shade(made, gaps)


def auth_times(attempts: pd.DataFrame) -> go.Figure:
    """When each verdict came, against when the attempt started."""
    import plotly.graph_objects as go

    known = attempts[attempts["auth_s"].notna()]
    if known.empty:
        return nothing("Time to the verdict", "No verdict was given.")
    kind = known["decided_at"].astype("object").fillna("welcomed").where(~known["control"].fillna(False), "control")
    colours = {"welcomed": BLUE, "before-accept": RED, "after-accept": ORANGE, "control": GREY}
    parts = _fewer([known[kind == name] for name in colours], "started_ns", "auth_s")
    traces = []
    for (name, colour), part in zip(colours.items(), parts, strict=True):
        if len(part):
            traces.append(
                go.Scatter(
                    x=list(part["started_utc"].dt.strftime("%Y-%m-%d %H:%M:%S.%f")),
                    y=[None if value is None else round(value * 1000, 3) for value in floats(part["auth_s"])],
                    mode="markers",
                    name=name,
                    marker={"color": colour, "size": 6, "opacity": 0.7},
                )
            )
    numbers = known.assign(kind=kind).groupby("kind")["auth_s"].describe().reset_index()
    made = figure(
        traces,
        title=f"Time from request to verdict (n={len(known)})",
        reading="Each point is one attempt; a rising band is a service that slows down.",
        numbers=numbers,
        x="time of the attempt (UTC)",
        y="milliseconds (log scale)",
        points=int(kind.isin(list(colours)).sum()),
    )
    return made.update_yaxes(type="log")


def _fewer(parts: Sequence[pd.DataFrame], x: str, y: str = "") -> list[pd.DataFrame]:
    """The rows that are drawn of each trace: as many as can be seen, its extremes among them."""
    import numpy as np

    limits = shares([len(part) for part in parts], FIGURE_POINTS)
    found = []
    for part, limit in zip(parts, limits, strict=True):
        heights = part[y].to_numpy(float, na_value=np.nan) if y else np.zeros(len(part))
        stay = kept(part[x].to_numpy(float, na_value=np.nan), heights, min(limit, TRACE_POINTS), is_cloud=bool(y))
        found.append(part.iloc[stay])
    return found
