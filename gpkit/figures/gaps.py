"""Stretches of time without data, drawn as such: nothing was read there, or nothing was logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpkit.figures.style import GREY, ORANGE

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_COLOURS = {"not read": ORANGE, "silence": GREY}
_WORDS = {"not read": "was not read", "silence": "is silent"}


def shade(made: go.Figure, gaps: pd.DataFrame | None) -> go.Figure:
    """The figure, whose x axis is time, with each gap as a shaded stretch, and said so in how to read it.

    Args:
        made: Changed in place.
        gaps: ``since_utc``, ``until_utc`` and ``kind`` (``not read`` or ``silence``); null or empty for none.
    """
    if gaps is None or gaps.empty:
        return made
    for row in gaps.to_dict("records"):
        made.add_vrect(
            x0=_text(row["since_utc"]),
            x1=_text(row["until_utc"]),
            fillcolor=_COLOURS[row["kind"]],
            opacity=0.18,
            line_width=0,
            layer="below",
        )
    told = [
        f"{count} shaded {'stretch' if count == 1 else 'stretches'} {_WORDS[str(kind)]}"
        for kind, count in gaps["kind"].value_counts(sort=False).items()
    ]
    meta = made.layout.meta
    meta["gpkit"]["reading"] += f" {'; '.join(told)}."
    made.layout.meta = meta
    return made


def _text(instant: pd.Timestamp) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f")
