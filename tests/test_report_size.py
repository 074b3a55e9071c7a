"""How large a report becomes: figures thinned, and said so; a budget that holds; what is big."""

from __future__ import annotations

from gpkit.figures.thinning import TRACE_POINTS
from gpkit.report import render
from tests.report_support import drawn_on, notebook_with, run_folder


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
