"""A plotly figure of a notebook as a part of the page: title, reading, drawing, numbers.

Pure. The figure is the JSON that the kernel left under ``application/vnd.plotly.v1+json``; it is drawn by the page, of
no more points than can be seen (:mod:`gpkit.figures.thinning`). ``layout.meta["gpkit"]`` holds the title, the sentence
that says how to read it, and the table of its numbers, so that the page says everything without JavaScript too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup

from gpkit.figures.thinning import drawn_of, thin
from gpkit.redaction import redact
from gpkit.report.measures import number
from gpkit.report.prose import anchor, markup
from gpkit.report.visible import one_line

MIME = "application/vnd.plotly.v1+json"
MAX_ROWS = 200  # chosen: a reader's table; results.json and evidence/ hold the rest
_DEFAULT_HEIGHT_PX = 420  # chosen
_HEIGHTS_PX = (160, 1200)


@dataclass(frozen=True)
class Chart:
    """One figure, ready for the template.

    Attributes:
        number: Of the figure on the page, from 1.
        rows: Texts; ``of`` is how many rows the table has.
        thinned: How many points are drawn and of how many, as a sentence; empty when all are.
        json: What plotly.js draws; fits in a script.
        undrawn: Why it is not drawn, and what helps; empty when it is.
        figure: plotly's JSON, thinned.
    """

    number: int
    name: str
    title: str
    reading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    of: int
    height_px: int
    thinned: str
    json: Markup
    figure: Mapping[str, Any] = field(repr=False)
    undrawn: str = ""

    @property
    def size_bytes(self) -> int:
        """Of what plotly.js draws."""
        return len(self.json.encode())


def chart(figure: Mapping[str, Any], index: int) -> Chart:
    """The parts of one figure; ``index`` counts from 1 and names a figure that has no title."""
    layout = _object(figure.get("layout"))
    told = _object(_object(layout.get("meta")).get("gpkit"))
    title = one_line(told.get("title") or _title(layout)) or f"Figure {index}"
    table = _object(told.get("table"))
    rows, of = _list(table.get("rows")), table.get("of")
    made = Chart(
        number=index,
        name=f"figure-{index}-{anchor(title)}",
        title=title,
        reading=one_line(told.get("reading"), 1000),
        columns=tuple(one_line(name) for name in _list(table.get("columns"))),
        rows=tuple(tuple(number(value) for value in _values(row)) for row in rows[:MAX_ROWS]),
        of=max(len(rows), of) if isinstance(of, int) else len(rows),
        height_px=_height(layout),
        thinned="",
        json=markup(""),
        figure={},
    )
    return drawing(made, thin(figure))


def drawing(chart: Chart, figure: Mapping[str, Any]) -> Chart:
    """The same chart with another drawing of it."""
    drawn, of = drawn_of(figure)
    said = (
        f"{drawn:,} of {of:,} points are drawn, the first, last, lowest and highest of every stretch among them. "
        "How dense they lie is not to be read from it."
    )
    return replace(chart, figure=figure, json=_script_json(figure), thinned=said if drawn < of else "")


def _script_json(figure: Mapping[str, Any]) -> Markup:
    """The figure without its table and title (both stand beside it), as JSON that cannot end the script element."""
    layout = {key: value for key, value in _object(figure.get("layout")).items() if key not in ("meta", "title")}
    drawn = _redacted({"data": figure.get("data") or [], "layout": layout})
    text = json.dumps(drawn, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return markup(safe.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _redacted(value: Any) -> Any:
    """Every text of a figure redacted; packed arrays are numbers, and chance must not break them."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): part if key == "bdata" else _redacted(part) for key, part in value.items()}
    return [_redacted(part) for part in value] if isinstance(value, list | tuple) else value


def _title(layout: Mapping[str, Any]) -> Any:
    title = layout.get("title")
    return title.get("text") if isinstance(title, Mapping) else title


def _height(layout: Mapping[str, Any]) -> int:
    height = layout.get("height")
    if not isinstance(height, int | float) or isinstance(height, bool):
        return _DEFAULT_HEIGHT_PX
    return int(min(max(height, _HEIGHTS_PX[0]), _HEIGHTS_PX[1]))


def _values(row: Any) -> list[Any]:
    return list(row.values()) if isinstance(row, Mapping) else _list(row)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
