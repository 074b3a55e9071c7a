"""A notebook as the page tells it: question, cells, headings, charts, and where it stopped.

Pure, and tolerant: a notebook that was cut short while a run was dying is told as far as it goes. What a cell showed
is kept in the notebook's own order; code is kept to be folded away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup

from gpkit.report.charts import MIME, Chart, chart
from gpkit.report.prose import Heading, fits, markup, own_markdown, own_place
from gpkit.report.visible import one_line

NOTEBOOK_FILE = "notebook.ipynb"
# Cells that papermill adds to point at an error: the banner of the page says it better.
_ADDED_BY_PAPERMILL = "papermill-error-cell-tag"
_FIRST_TITLE = re.compile(r"\s*<h2 id=\"[^\"]*\">.*?</h2>\n?", re.DOTALL)


@dataclass(frozen=True)
class Stop:
    """Where a notebook ended: the number of the code cell, the heading above it, what was raised."""

    cell: int
    under: str
    message: str


@dataclass(frozen=True)
class Story:
    """The notebook, ready for the template.

    Attributes:
        question: The title of the notebook, empty when it has none.
        cells: nbformat cells; a Markdown cell carries ``shown``, a code cell its ``number`` among the code cells,
            and a figure's data is a :class:`Chart`.
        code_cells: How many cells hold code, and ``ran`` how many of them were executed.
    """

    question: str
    cells: list[Any]
    headings: list[Heading]
    charts: int
    code_cells: int
    ran: int
    stop: Stop | None
    problem: str = ""


def read_story(folder: Path) -> Story:
    """The story of a run's notebook; a missing or unreadable one has no cells and a ``problem``."""
    try:
        notebook = nbformat.v4.reads((folder / NOTEBOOK_FILE).read_text(encoding="utf-8"))
        return tell(list(notebook.get("cells") or []))
    except FileNotFoundError:
        problem = f"{NOTEBOOK_FILE} is missing."
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        problem = f"{NOTEBOOK_FILE} cannot be read: {type(error).__name__}."
    return Story("", [], [], 0, 0, 0, None, problem)


def tell(read: list[Any]) -> Story:
    """The story of these cells, which it takes over and alters."""
    question, under, code_cells, texts = "", "", 0, 0
    cells: list[Any] = []
    headings: list[Heading] = []
    places: dict[str, int] = {}
    charts: list[Chart] = []
    stop: Stop | None = None
    for cell in read:
        if _ADDED_BY_PAPERMILL in (cell.get("metadata", {}).get("tags") or []):
            continue
        cells.append(cell)
        if cell.get("cell_type") == "markdown":
            texts += 1
            html, found = own_markdown(cell.get("source", ""), f"Table in text {texts}")
            if not question and not headings and found and found[0].level == 2:
                question, html, found = found[0].text, markup(_FIRST_TITLE.sub("", str(html), count=1)), found[1:]
            html, found = _placed(html, found, places)
            cell["shown"] = html
            headings.extend(found)
            under = found[-1].text if found else under
        elif cell.get("cell_type") == "code":
            code_cells += 1
            cell["number"], cell["ran"] = code_cells, _ran(cell)
            cell["outputs"] = _merged(cell.get("outputs") or [])
            for number, output in enumerate(cell["outputs"], start=1):
                _fit(output, charts, places)
                output["called"] = _called(code_cells, number, under)
            stop = stop or _stop_in(cell, under)
    ran = sum(1 for cell in cells if cell.get("ran"))
    return Story(question, cells, headings, len(charts), code_cells, ran, stop)


def _called(cell: int, output: int, under: str) -> str:
    """What an output is called for those who do not see it; no two of a page are called the same."""
    which = f"code {cell}" if output == 1 else f"code {cell}, output {output}"
    return f"Output of {which}: {one_line(under, 80)}" if under else f"Output of {which}"


def _ran(cell: Any) -> bool:
    return bool(cell.get("execution_count") or cell.get("outputs"))


def _placed(html: Markup, headings: list[Heading], places: dict[str, int]) -> tuple[Markup, list[Heading]]:
    """Headings of the same text get places of their own: ``verdict``, ``verdict-2``."""
    placed = []
    for heading in headings:
        place = own_place(heading.anchor, places)
        html = markup(str(html).replace(f'id="{heading.anchor}"', f'id="at-{place}"', 1))
        placed.append(replace(heading, anchor=f"at-{place}"))
    return html, placed


def _merged(outputs: list[Any]) -> list[Any]:
    """What a cell printed piece by piece, as one text: a kernel sends a piece at each flush."""
    merged: list[Any] = []
    for output in outputs:
        before = merged[-1] if merged else {}
        if output.get("output_type") == "stream" and output.get("name") == before.get("name"):
            before["text"] += output.get("text", "")
        else:
            merged.append(output)
    return merged


def _fit(output: Any, charts: list[Chart], places: dict[str, int]) -> None:
    """A figure becomes a chart; an HTML output too long for a page gives way to its plain text."""
    data = output.get("data")
    if not isinstance(data, Mapping):
        return
    if isinstance(data.get(MIME), Mapping):
        drawn = chart(data[MIME], len(charts) + 1)
        charts.append(replace(drawn, name=own_place(drawn.name, places)))
        output["data"] = {MIME: charts[-1]}
    elif not fits(data.get("text/html") or ""):
        output["data"] = {"text/plain": data.get("text/plain") or "(a table too long for this page: see the notebook)"}


def _stop_in(cell: Any, under: str) -> Stop | None:
    """The cell that raised, or the one that was running when everything ended."""
    for output in cell["outputs"]:
        if output.get("output_type") == "error":
            raised = f"{one_line(output.get('ename'))}: {one_line(output.get('evalue'), 1000)}"
            return Stop(cell["number"], under, raised)
    state = cell.get("metadata", {}).get("papermill", {})
    if isinstance(state, Mapping) and (state.get("status") in ("running", "failed") or state.get("exception")):
        return Stop(cell["number"], under, "")
    return None
