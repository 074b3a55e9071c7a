"""How every figure looks, and what it carries for those who cannot see it: a title, how to read it, its numbers.

A figure's ``layout.meta["gpkit"]`` holds ``title``, ``reading`` (one sentence) and ``table`` (columns and rows); the
report shows them beside the picture. Colours are Okabe and Ito's (2008), told apart with any colour vision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

BLUE, ORANGE, GREEN, PINK, GREY, RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#7F7F7F", "#D55E00"
CYCLE = (BLUE, ORANGE, RED, PINK, "#56B4E9", GREY)  # green is kept for what went well
MAX_ROWS = 60  # of the table of numbers; of longer ones the first, and the report says how many there are


def figure(
    traces: Sequence[Any], *, title: str, reading: str, numbers: pd.DataFrame, x: str, y: str, points: int = 0
) -> go.Figure:
    """A figure in the house style.

    Args:
        traces: plotly traces.
        title: What it shows, a few words.
        reading: How to read it, one sentence.
        numbers: The numbers drawn, one row per mark.
        x: Axis title with unit.
        y: Axis title with unit.
        points: How many points there are; when fewer are drawn, the title says so.
    """
    import plotly.graph_objects as go

    told: dict[str, Any] = {"title": title, "reading": reading, "table": table(numbers)}
    drawn = sum(len(trace.x) for trace in traces) if points else 0
    if drawn < points:
        told["points"] = {"drawn": drawn, "of": points}
        title = f"{title}, {drawn:,} drawn"
    made = go.Figure(list(traces))
    made.update_layout(
        title={"text": title, "x": 0, "xanchor": "left", "font": {"size": 16}},
        margin={"l": 64, "r": 16, "t": 48, "b": 56},
        height=360,
        font={"family": "system-ui, sans-serif", "size": 13},
        colorway=list(CYCLE),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        hovermode="closest",
        template="none",
        meta={"gpkit": told},
    )
    grid = {"gridcolor": "rgba(127,127,127,0.25)", "zeroline": False, "automargin": True}
    made.update_xaxes(title={"text": x}, **grid)
    made.update_yaxes(title={"text": y}, **grid)
    return made


def nothing(title: str, why: str) -> go.Figure:
    """An empty figure that says why it is empty."""
    import pandas as pd

    made = figure([], title=title, reading=why, numbers=pd.DataFrame({"note": [why]}), x="", y="")
    made.add_annotation(text=why, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", font={"size": 14})
    made.update_xaxes(visible=False)
    made.update_yaxes(visible=False)
    made.update_layout(height=160)
    return made


def table(numbers: pd.DataFrame) -> dict[str, Any]:
    """Columns and rows as text, for the table beside the picture; ``of`` is how many rows there are."""
    rows = [[cell(value) for value in row] for row in numbers.head(MAX_ROWS).itertuples(index=False)]
    return {"columns": [str(name) for name in numbers.columns], "rows": rows, "of": len(numbers)}


def cell(value: object) -> str:
    """A number at the digits that mean something; null as a dash."""
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"
    return str(value)


def floats(series: pd.Series[Any]) -> list[float | None]:
    """For plotly: floats, null where a value is missing, so that a gap is drawn as a gap."""
    return [None if value is None or value != value else float(value) for value in series.astype("object")]


def bars(low: pd.Series[Any], middle: pd.Series[Any], high: pd.Series[Any]) -> dict[str, Any]:
    """Error bars of an interval around a point."""
    triples = list(zip(floats(low), floats(middle), floats(high), strict=True))
    up = [0 if h is None or m is None else h - m for _, m, h in triples]
    down = [0 if low_ is None or m is None else m - low_ for low_, m, _ in triples]
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": GREY, "thickness": 1.5}
