"""From a notebook to a report: ``gpkit run`` against ``papermill`` and ``jupyter nbconvert`` from the command line.

Both sides execute the same notebook in the same environment and end with a page whose charts are drawn offline.
Rounds alternate. Run it with ``python benchmarks/report.py [ROUNDS]``; it writes its part of benchmarks/results.md.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
ROUNDS = 7
MARK = "report"
FIGURES = 6

# What a notebook of gpkit does: tables with pandas, figures with plotly, text between them.
SETUP = """
import pandas as pd
import plotly.graph_objects as go
frame = pd.DataFrame({"t_s": [i / 10 for i in range(points)], "latency_ms": [(i * 7919) % 97 for i in range(points)]})
"""
FIGURE = 'go.Figure(go.Scatter(x=frame["t_s"], y=frame["latency_ms"] + {n}), layout={{"title": "Latency {n}"}})'
TABLE = "frame.describe()"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="gpkit-bench-") as folder:
        project = make_project(Path(folder))
        sides: dict[str, Callable[[int], None]] = {
            "gpkit run, one report": lambda n: gpkit(project, n, ["one"]),
            "papermill + nbconvert, one report": lambda n: peers(project, n, ["one"], at_a_time=1),
            "gpkit run --jobs 2, three reports": lambda n: gpkit(project, n, ["one", "two", "three"], "--jobs", "2"),
            "papermill + nbconvert, three in turn": lambda n: peers(project, n, ["one", "two", "three"], at_a_time=1),
            "papermill + nbconvert, three, two at a time": lambda n: peers(
                project, n, ["one", "two", "three"], at_a_time=2
            ),
        }
        took_s: dict[str, list[float]] = {side: [] for side in sides}
        cpu_s: dict[str, list[float]] = {side: [] for side in sides}
        for number in range(rounds + 1):
            for side, make in sides.items():
                began_s, began_cpu_s = time.perf_counter(), children_cpu_s()
                make(number)
                one_s, one_cpu_s = time.perf_counter() - began_s, children_cpu_s() - began_cpu_s
                if number:  # the first round warms the caches of both sides
                    took_s[side].append(one_s)
                    cpu_s[side].append(one_cpu_s)
                print(f"round {number} of {rounds}: {side}: {one_s:.2f} s, processor {one_cpu_s:.2f} s", flush=True)
        sizes = {"gpkit": gpkit_page(project), "papermill + nbconvert": project / "peers" / "1" / "one.html"}
        for page in sizes.values():
            check_charts(page)
        write_results(took_s, cpu_s, {side: page.stat().st_size for side, page in sizes.items()}, rounds)


def make_project(project: Path) -> Path:
    """A project with three equal notebooks."""
    (project / "parameters" / "environments").mkdir(parents=True)
    (project / "notebooks").mkdir()
    cells = [
        nbformat.v4.new_markdown_cell("# How late are the answers?"),
        nbformat.v4.new_code_cell(
            "points: int = 500  # points of a figure [1..10000]", metadata={"tags": ["parameters"]}
        ),
        nbformat.v4.new_code_cell(SETUP.strip()),
        nbformat.v4.new_code_cell(TABLE),
    ]
    for number in range(FIGURES):
        cells += [
            nbformat.v4.new_markdown_cell(f"## Figure {number}\n\nA point is one answer."),
            nbformat.v4.new_code_cell(FIGURE.format(n=number)),
        ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for name in ("one", "two", "three"):
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, project / "notebooks" / f"{name}.ipynb")
    return project


def gpkit(project: Path, number: int, names: list[str], *options: str) -> None:
    """Our side. It also writes the records, the Markdown report and the list of runs."""
    outputs = project / "gpkit" / str(number)
    done = subprocess.run(
        [BIN / "gpkit", "run", *names, "-p", "points=400", "--outputs", outputs, *options],
        cwd=project,
        env={**os.environ, "PLOTLY_RENDERER": "plotly_mimetype"},
        capture_output=True,
    )
    assert done.returncode == 2, done.stderr  # nothing is judged in it: no data


def peers(project: Path, number: int, names: list[str], *, at_a_time: int) -> None:
    """The command lines, with the one renderer whose charts nbconvert's page draws offline."""
    outputs = project / "peers" / str(number)
    outputs.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PLOTLY_RENDERER": "notebook"}

    def one(name: str) -> None:
        executed = outputs / f"{name}.ipynb"
        for command in (
            [BIN / "papermill", f"notebooks/{name}.ipynb", executed, "-p", "points", "400", "--no-progress-bar"],
            [BIN / "jupyter", "nbconvert", "--to", "html", executed],
        ):
            subprocess.run(command, cwd=project, env=environment, capture_output=True, check=True)

    with ThreadPoolExecutor(at_a_time) as pool:
        list(pool.map(one, names))


def gpkit_page(project: Path) -> Path:
    """The report of one of our runs."""
    return next((project / "gpkit" / "1" / "runs").glob("*-one-*")) / "report.html"


def check_charts(page: Path) -> None:
    """A browser without a network draws every figure of the page."""
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += ["--window-size=1200,30000", "--virtual-time-budget=15000", "--dump-dom", page.as_uri()]
    drawn = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout.count('class="main-svg"')
    assert drawn >= FIGURES, f"{drawn} of {FIGURES} figures are drawn in {page}"


def children_cpu_s() -> float:
    """Processor time of every process that has ended below this one, seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_results(
    took_s: dict[str, list[float]], cpu_s: dict[str, list[float]], sizes: dict[str, int], rounds: int
) -> None:
    """Our part of results.md."""
    median = {side: statistics.median(times) for side, times in took_s.items()}
    ours, ours_three = median["gpkit run, one report"], median["gpkit run --jobs 2, three reports"]
    against = {
        "gpkit run, one report": ours,
        "papermill + nbconvert, one report": ours,
        "gpkit run --jobs 2, three reports": ours_three,
        "papermill + nbconvert, three in turn": ours_three,
        "papermill + nbconvert, three, two at a time": ours_three,
    }
    lines = [
        "## From a notebook to a report",
        "",
        f"{rounds} alternating rounds on {os.cpu_count()} cores after one to warm up; seconds.",
        f"Equal: notebook ({FIGURES} figures of 400 points, one table), interpreter, kernel, packages, machine.",
        "Every figure was drawn by Chromium without a network, on both sides.",
        "Not equal: gpkit also checks the parameters, supervises the run, and writes run.json, results.json,",
        "report.md and the list of runs; its pages share one plotly.js, nbconvert's hold one each.",
        "",
        "| side | wall, median | fastest | slowest | gpkit ÷ this | processor, median |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for side, times in took_s.items():
        ratio = against[side] / median[side]
        numbers = [median[side], min(times), max(times), ratio, statistics.median(cpu_s[side])]
        lines.append(f"| {side} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |")
    lines += ["", "| page | KB |", "|---|---:|"]
    lines += [f"| {side} | {size / 1000:.0f} |" for side, size in sizes.items()]
    replace_part(HERE / "results.md", MARK, "\n".join(lines))
    print(json.dumps({"median_s": median, "sizes": sizes}, indent=1))


def replace_part(path: Path, mark: str, text: str) -> None:
    """Put a text between the marks of its benchmark, at the end when they are not there yet."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    whole = path.read_text("utf-8") if path.exists() else "# Measurements\n"
    before, _, rest = whole.partition(begin)
    after = rest.partition(end)[2] if rest else "\n"
    path.write_text(f"{before.rstrip()}\n\n{begin}\n{text}\n{end}{after}", "utf-8")


if __name__ == "__main__":
    main()
