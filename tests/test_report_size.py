"""How large a report becomes: figures thinned, and said so; a budget that holds; what is big."""

from __future__ import annotations

import html
import json
import re

import nbformat
import numpy as np
import plotly.graph_objects as go
import pytest

from gpkit.figures.thinning import FIGURE_POINTS, TRACE_POINTS, length
from gpkit.report import render
from gpkit.report.fitting import REPORT_BYTES, SINGLE_BYTES
from gpkit.report.making import write_report, write_single
from tests.report_support import drawn_on, finding, notebook, notebook_with, run_folder
from tests.runs_support import FINISH, add_notebook, gpkit, make_project, read, run_folders

HUGE = """import numpy as np, plotly.graph_objects as go
draw = np.random.default_rng(0)
go.Figure([go.Scatter(y=draw.normal(size=100_000).astype("f4")) for _ in range(100)])"""


def zigzag(points):
    return {"data": [{"y": [index % 100 for index in range(points)], "mode": "lines"}], "layout": {}}


def test_under_a_thinned_figure_stands_how_many_of_its_points_are_drawn(tmp_path):
    report = render(run_folder(tmp_path, notebook=notebook_with(zigzag(30_000), zigzag(300))), root=tmp_path)

    big, small = (len(figure["data"][0]["y"]) for figure in drawn_on(report))

    said = "points are drawn, the first, last, lowest and highest of every stretch among them."
    assert big <= TRACE_POINTS
    assert small == 300
    assert f"{big:,} of 30,000 {said}" in report.read_text()
    assert report.read_text().count(said) == 1


def walk(seed, points=20_000):
    draw = np.random.default_rng(seed)
    return plain(go.Scatter(x=np.sort(draw.uniform(0, 1e6, points)), y=draw.normal(size=points).cumsum()))


def plain(*traces):
    return json.loads(go.Figure(traces).update_layout(template="none").to_json())


def test_a_notebook_of_huge_figures_ends_in_a_report_within_its_budget_that_says_so(tmp_path):
    project = make_project(tmp_path)
    add_notebook(project, "huge", HUGE, FINISH)

    done = gpkit(project, "run", "huge")

    (folder,) = run_folders(project)
    report = folder / "report.html"
    (drawn,) = drawn_on(report)
    points = sum(length(trace) for trace in drawn["data"])
    assert done.returncode == 1, done.stderr
    assert read(folder / "run.json")["status"] == "ok"
    assert f"{points:,} of 10,000,000 points are drawn" in report.read_text()
    assert len(drawn["data"]) == 100
    assert FIGURE_POINTS / 2 < points <= FIGURE_POINTS
    assert report.stat().st_size <= REPORT_BYTES
    assert (folder / "notebook.ipynb").stat().st_size < 1_000_000


@pytest.mark.parametrize("budget", [REPORT_BYTES, SINGLE_BYTES])
def test_many_large_figures_share_the_room_and_small_ones_stay_whole(tmp_path, budget):
    book = notebook_with(*(walk(seed) for seed in range(20)), plain(go.Scatter(y=[3, 1, 2])))
    folder, out = run_folder(tmp_path, notebook=book), tmp_path / "out.html"

    sizes = write_single(folder, out) if budget == SINGLE_BYTES else write_report(folder, root=tmp_path)

    page = out if budget == SINGLE_BYTES else folder / "report.html"
    drawn = [sum(length(trace) for trace in figure["data"]) for figure in drawn_on(page)]
    assert not sizes.is_exceeded
    assert 0.8 * budget < page.stat().st_size <= budget
    assert drawn[-1] == 3
    assert min(drawn[:-1]) > 0.8 * max(drawn[:-1])
    assert re.findall(r"([\d,]+) of 20,000 points are drawn", page.read_text()) == [f"{n:,}" for n in drawn[:-1]]
    assert "What is big" not in page.read_text()


def test_a_figure_that_cannot_be_thinned_is_not_drawn_and_says_what_helps(tmp_path):
    bins = plain(go.Histogram(x=np.random.default_rng(0).normal(size=200_000)))
    bins["layout"]["meta"] = {"gpkit": {"title": "Every wait", "table": {"columns": ["n"], "rows": [[200_000]]}}}

    report = render(run_folder(tmp_path, notebook=notebook_with(bins, walk(1))), root=tmp_path)

    text = report.read_text()
    assert len(drawn_on(report)) == 1
    assert text.count('<div class="plot"') == 1
    assert re.search(
        r"This figure is not drawn: it weighs 2\.13 MB, and this page has 0\.\d+ MB left for it\. Draw", text
    )
    assert "Every wait" in text
    assert "200,000" in text
    assert report.stat().st_size <= REPORT_BYTES


def test_a_page_whose_tables_exceed_the_budget_says_what_is_big_and_what_helps(tmp_path):
    rows = "".join(f"<tr><td>{at}</td><td>{'x' * 50}</td></tr>" for at in range(1_200))
    big = nbformat.v4.new_output("display_data", {"text/html": f"<table>{rows}</table>", "text/plain": "a table"})
    book = notebook_with(walk(1))
    book["cells"] += [nbformat.v4.new_code_cell(f"show({at})", outputs=[big], execution_count=at) for at in range(13)]

    folder = run_folder(tmp_path, notebook=book, results={"findings": [finding()]})
    sizes = write_report(folder, root=tmp_path)

    text = (folder / "report.html").read_text()
    table = text[text.index("What is big") :]
    assert sizes.is_exceeded
    assert len(drawn_on(folder / "report.html")) == 1
    assert sizes.size_bytes == len(text.encode()) == sum(part.size_bytes for part in sizes.parts)
    assert re.search(r"This page weighs 1\.\d\d MB; its budget is 1\.00 MB\.", table)
    assert table.index("tables of code cell") < table.index("smaller parts")
    assert "Show fewer rows: gpkit.show(table, rows=20)." in html.unescape(table)
    assert 'href="#cell-' in table


def test_every_byte_of_a_page_is_in_one_part(tmp_path):
    folder = run_folder(tmp_path, notebook=notebook(stop="A column is missing."))

    sizes = write_report(folder, root=tmp_path, show_sizes=True)

    kinds = {part.kind for part in sizes.parts}
    assert kinds == {"frame", "finding", "evidence", "figure", "table", "output", "text", "code", "style"}
    assert sum(part.size_bytes for part in sizes.parts) == (folder / "report.html").stat().st_size
    figures = [part for part in sizes.parts if part.kind == "figure"]
    assert all(f'id="{part.place}"' in (folder / "report.html").read_text() for part in figures)
    assert len([part for part in sizes.parts if part.kind == "finding"]) == 3
