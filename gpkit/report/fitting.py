"""A page within its budget of bytes: figures share the room that the rest of the page leaves.

Pure. A figure that needs more than its share is thinned further; one that cannot be thinned that far is not drawn, and
says what helps. Text, tables and evidence are never cut for the budget: when they alone exceed it, the page is larger
and says what is big (:mod:`gpkit.report.sizes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gpkit.figures.thinning import length, shares, thin
from gpkit.report.account import Account
from gpkit.report.assets import Library
from gpkit.report.charts import MIME, Chart, drawing
from gpkit.report.page import report_page
from gpkit.report.prose import markup
from gpkit.report.sizes import Sizes, sizes_of, told
from gpkit.report.story import Story

REPORT_BYTES = 1_000_000  # chosen: a second on a phone at 8 Mbit/s; ten reports of a run with its defaults
SINGLE_BYTES = 2_200_000  # the promise for attachments: plotly.js takes 1.84 MB of it
FLOOR_BYTES = 100_000  # chosen: what figures have in any case, so that a page with much text still draws them
_NOTES_BYTES = 6_000  # the table of sizes and the notes under figures, measured at 4 000
_HOPE = 1.3  # a stretch seldom keeps as many points as it may: 0.75 of them, in walks of 20 000 points
_CAUTION = 0.95  # chosen: each further guess is smaller than what would just fit


def fitted_page(
    account: Account, story: Story, library: Library, *, budget: int, alone: bool = False, show_sizes: bool = False
) -> tuple[str, Sizes]:
    """The page, its figures thinned until it fits if that is what it takes, and what it weighs.

    The table of sizes is on the page when the budget is exceeded or ``show_sizes`` asks for it. Charts of ``story``
    are replaced by the ones that are drawn.
    """
    page = report_page(account, story, library, alone=alone)
    charts = list(_charts(story))
    excess = _bytes(page) + _NOTES_BYTES - budget
    if charts and excess > 0:
        _fit(charts, max(sum(chart.size_bytes for _, chart in charts) - excess, FLOOR_BYTES))
        page = report_page(account, story, library, alone=alone)
    sizes = sizes_of(page, budget)
    if show_sizes or sizes.is_exceeded:
        page = report_page(account, story, library, alone=alone, sizes=sizes)
        sizes = sizes_of(page, budget)
    return page, sizes


def fitted(chart: Chart, room_bytes: int) -> Chart:
    """The chart with a drawing of at most so many bytes, or with none and the reason."""
    drawn = sum(length(trace) for trace in chart.figure.get("data") or [] if isinstance(trace, dict))
    points = int(drawn * _HOPE)
    made, bare = chart, drawing(chart, thin(chart.figure, 1)) if chart.size_bytes > room_bytes else chart
    while made.size_bytes > room_bytes >= bare.size_bytes:
        fits = (room_bytes - bare.size_bytes) / (made.size_bytes - bare.size_bytes)
        points = int(points * fits * _CAUTION)
        made = drawing(chart, thin(chart.figure, points)) if points > 1 else bare
    if made.size_bytes <= room_bytes:
        return made
    why = (
        f"This figure is not drawn: it weighs {told(chart.size_bytes)}, and this page has {told(max(room_bytes, 0))} "
        "left for it. Draw counts, windows or quantiles in place of every value, or fewer traces."
    )
    return replace(chart, json=markup(""), undrawn=why, thinned="")


def _fit(charts: list[tuple[Any, Chart]], room_bytes: int) -> None:
    """Every figure within its share of a room, those of few bytes whole."""
    room = shares([chart.size_bytes for _, chart in charts], room_bytes)
    for (data, chart), share in zip(charts, room, strict=True):
        data[MIME] = fitted(chart, share)


def _charts(story: Story) -> Iterator[tuple[Any, Chart]]:
    """Each chart of a story, with the output that holds it."""
    for cell in story.cells:
        for output in cell.get("outputs") or []:
            data = output.get("data") or {}
            if isinstance(data, dict) and isinstance(data.get(MIME), Chart):
                yield data, data[MIME]


def _bytes(page: str) -> int:
    return len(page.encode("utf-8", "replace"))
