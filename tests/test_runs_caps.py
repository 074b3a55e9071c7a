"""However much a cell puts out, its notebook stays readable, says what is missing, and loses nothing else."""

from __future__ import annotations

import re

import pytest

from gpkit import runs
from gpkit.printing.cutting import cut
from gpkit.runs.making import caps
from tests.runs_support import add_notebook, cells_of, make_project

PRINTS = """
print("the beginning")
lines = ("x" * 999 + "\\n") * 10_000
for _ in range(100):
    print(lines, end="")
print("the end")
"""
SHOWS = """
handle = display("the handle", display_id=True)
for number in range(5000):
    display(number)
last = display("the last handle", display_id=True)
handle.update("updated")
last.update("updated last")
"""
DRAWS = """
def draw(size, title):
    trace = {"type": "histogram", "x": {"dtype": "f8", "bdata": "A" * size}}  # no point of it can be left out
    figure = {"data": [trace], "layout": {"title": {"text": title}}}
    display({"application/vnd.plotly.v1+json": figure}, raw=True)
draw(15_000_000, "Fits")
draw(30_000_000, "Waits by hour")
draw(6_000_000, "No room left")
display({"text/html": "<td>" * 6_000_000, "text/plain": "a table"}, raw=True)
"""
REWRITES = """
from IPython.display import clear_output
for number in range(20):
    clear_output(wait=True)
    print("step", number)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    with pytest.MonkeyPatch.context() as patch:
        project = make_project(tmp_path_factory.mktemp("much") / "project")
        patch.chdir(project)
        return runs.run(add_notebook(project, "much", PRINTS, SHOWS, DRAWS, REWRITES, "print('kept')"))[0]


def test_a_run_that_puts_out_much_ends_well_with_a_small_notebook_and_little_memory(made):
    assert (made.status, made.verdict) == ("ok", "no-data")
    assert (made.folder / "notebook.ipynb").stat().st_size < 17_000_000  # 15 MB are the figure that fits
    assert made.report.stat().st_size < 20_000_000
    assert made.record["usage"]["peak_memory_bytes"] < 700_000_000
    assert cells_of(made.folder)[4].outputs[0].text == "kept\n"


def test_of_a_gigabyte_printed_the_beginning_and_the_end_are_kept_and_the_rest_is_counted(made):
    [printed] = cells_of(made.folder)[0].outputs
    [left_out] = re.findall(r"\n… ([0-9,]+) characters left out here …\n", printed.text)

    assert printed.text.startswith("the beginning\nxxx")
    assert printed.text.endswith("xxx\nthe end\n")
    assert len(printed.text) < 1_000_100
    kept = len(re.sub(r"\n… .* …\n", "", printed.text))
    assert kept + int(left_out.replace(",", "")) == 1_000_000_000 + len("the beginning\nthe end\n")


def test_of_many_outputs_the_first_and_the_last_are_kept_and_an_update_finds_its_own(made):
    outputs = cells_of(made.folder)[1].outputs
    texts = [output.data["text/plain"] for output in outputs if "data" in output]

    assert texts[:2] + texts[249:251] + texts[-2:] == ["'updated'", "0", "248", "4751", "4999", "'updated last'"]
    assert outputs[250].text == "… 4,502 outputs left out here: a cell keeps the first and the last 250.\n"
    assert len(outputs) == 501


def test_a_figure_or_table_that_is_too_large_is_named_with_its_size_and_what_to_do(made):
    fits, *noted = [output.data for output in cells_of(made.folder)[2].outputs]

    assert len(fits[caps._FIGURE]["data"][0]["x"]["bdata"]) == 15_000_000
    assert [one["text/plain"] for one in noted] == [
        "… left out here: the figure “Waits by hour” of 30.0 MB. A cell keeps 20 MB of figures and tables. "
        "Draw counts, windows or quantiles in place of every value.",
        "… left out here: the figure “No room left” of 6.0 MB. A cell keeps 20 MB of figures and tables. "
        "Draw counts, windows or quantiles in place of every value.",
        "… left out here: an output (text/html) of 24.0 MB. A cell keeps 20 MB of figures and tables. "
        "Show fewer rows: table.head(200). A table in evidence/ may have any size.",
    ]
    assert "Waits by hour" in made.report.read_text()


def test_what_a_cell_takes_back_is_not_kept(made):
    assert [output.text for output in cells_of(made.folder)[3].outputs] == ["step 19\n"]


def test_a_text_that_grows_and_is_cut_again_and_again_tells_the_sum():
    text, length = "", 0
    for number in range(300):
        line = f"line {number} " + "x" * (number * 7 % 400) + "\n"
        length += len(line)
        text = cut(text + line, 1000)
        if number % 50 == 0:  # what is added may be cut itself
            length += 5000
            text = cut(text + cut("y" * 5000, 1000), 1000)

    notes = re.findall(r"\n… ([0-9,]+) characters left out here …\n", text)
    kept = re.sub(r"\n… .* …\n", "", text)
    assert len(kept) + sum(int(note.replace(",", "")) for note in notes) == length
    assert text.startswith("line 0 ")
    assert text.endswith(line)


def test_no_word_is_cut_in_two_where_another_is_near():
    text = cut(" ".join(f"secret{number:05}" for number in range(1000)), 1200)

    assert set(re.findall(r"\S+", re.sub(r"… .* …", "", text))) <= {f"secret{number:05}" for number in range(1000)}


def test_a_title_of_any_shape_names_the_figure():
    for figure in ({}, {"layout": []}, {"layout": {"title": None}}, {"layout": {"title": {"text": ""}}}, "x", None):
        assert "“without a title”" in caps.too_large({caps._FIGURE: figure}, 21_000_000)
