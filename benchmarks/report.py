"""From a notebook to a report: ``gpkit run`` against ``papermill`` and ``jupyter nbconvert`` from the command line.

Both sides execute the same notebooks in the same environment and end with pages whose charts are drawn offline: one
report, five reports two at a time, and a parameter that the notebook does not take. Rounds alternate, so that what else
the machine does meets both sides. Run it with ``python benchmarks/report.py [ROUNDS]``; it writes its part of
benchmarks/results.md.
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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import nbformat
import results

BIN = Path(sys.executable).parent
ROUNDS = 7
MARK = "report"
FIGURES = 6
NAMES = ("one", "two", "three", "four", "five")
WRONG = "pionts=400"
ONE, FIVE, REFUSED = "gpkit run, one report", "gpkit run --jobs 2, five reports", "gpkit run, wrong parameter"
ONE_THERE, FIVE_THERE = "papermill + nbconvert, one report", "papermill + nbconvert, five, two at a time"
REFUSED_THERE = "papermill, wrong parameter (warns and runs)"

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
            ONE: lambda n: gpkit(project, n, ["one"]),
            ONE_THERE: lambda n: peers(project, n, ["one"], at_a_time=1),
            FIVE: lambda n: gpkit(project, n, NAMES, "--jobs", "2"),
            FIVE_THERE: lambda n: peers(project, n, NAMES, at_a_time=2),
            REFUSED: lambda _: refused(project),
            REFUSED_THERE: lambda _: not_refused(project),
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
    """A project with five equal notebooks."""
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
    for name in NAMES:
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, project / "notebooks" / f"{name}.ipynb")
    return project


def gpkit(project: Path, number: int, names: Sequence[str], *options: str) -> None:
    """Our side. It also writes the records, the Markdown report and the list of runs."""
    outputs = project / "gpkit" / str(number)
    done = subprocess.run(
        [BIN / "gpkit", "run", *names, "-p", "points=400", "--outputs", outputs, *options],
        cwd=project,
        env={**os.environ, "PLOTLY_RENDERER": "plotly_mimetype"},
        capture_output=True,
    )
    assert done.returncode == 2, done.stderr  # nothing is judged in it: no data


def peers(project: Path, number: int, names: Sequence[str], *, at_a_time: int) -> None:
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


def refused(project: Path) -> None:
    """A parameter that the notebook does not declare: nothing is started."""
    done = subprocess.run([BIN / "gpkit", "run", "one", "-p", WRONG], cwd=project, capture_output=True, text=True)
    assert done.returncode == 4, done.stderr
    assert "points" in done.stderr


def not_refused(project: Path) -> None:
    """papermill runs the notebook with its defaults, and says in its log that it did not know the parameter."""
    command = [BIN / "papermill", "notebooks/one.ipynb", project / "wrong.ipynb", "-p", *WRONG.split("=")]
    done = subprocess.run([*command, "--no-progress-bar"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0
    assert "unknown parameter" in done.stderr


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
    stores = "" if find_spec("gcsfs") else "not "
    against = {ONE: ONE, ONE_THERE: ONE, FIVE: FIVE, FIVE_THERE: FIVE, REFUSED: REFUSED, REFUSED_THERE: REFUSED}
    lines = [
        "## From a notebook to a report",
        "",
        f"{rounds} alternating rounds on {os.cpu_count()} cores after one to warm up; seconds. Load of the",
        f"machine: {os.getloadavg()[2]:.1f} over the last quarter of an hour, with this benchmark's own.",
        f"Equal: notebooks ({FIGURES} figures of 400 points, one table), interpreter, kernel, packages, machine.",
        f"Among the packages, gcsfs, which papermill imports when it is there, is {stores}installed.",
        "Every figure was drawn by Chromium without a network, on both sides.",
        "Not equal: gpkit also checks the parameters, supervises the run, records what it used, and writes run.json,",
        "results.json, report.md and the list of runs; its pages share one plotly.js, nbconvert's hold one each.",
        "Ratios are medians of the rounds' ratios, with the least and the most.",
        "",
        "| side | wall, median | fastest | slowest | gpkit ÷ this | processor, median | gpkit ÷ this |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for side in took_s:
        wall, used = took_s[side], cpu_s[side]
        wall_ratio, used_ratio = ratios(took_s[against[side]], wall), ratios(cpu_s[against[side]], used)
        numbers = [f"{number:.2f}" for number in (statistics.median(wall), min(wall), max(wall))]
        lines.append(
            f"| {side} | {' | '.join(numbers)} | {wall_ratio} | {statistics.median(used):.2f} | {used_ratio} |"
        )
    lines += ["", "| page | KB |", "|---|---:|"]
    lines += [f"| {side} | {size / 1000:.0f} |" for side, size in sizes.items()]
    results.write(MARK, "\n".join(lines))
    print(json.dumps({"wall_s": took_s, "processor_s": cpu_s, "sizes": sizes}))


def ratios(ours: list[float], theirs: list[float]) -> str:
    """Ours by theirs, round by round: median, least and most."""
    if ours is theirs:
        return "1.00"
    found = [a / b for a, b in zip(ours, theirs, strict=True)]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


if __name__ == "__main__":
    main()
