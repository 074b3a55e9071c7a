"""Small projects with small notebooks, run for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

PARAMETERS = 'attempts: int = 5  # planned attempts [1..10]\nlabel: str = "plain"  # a text'
LOCAL = "is_local: true\n"

# What gpkit.investigation leaves for the supervisor, in as few words as possible.
FINISH = """
import json, os, pathlib
finding = {"id": "events.all_five", "claim": "0.71 of 200 attempts got all five.", "verdict": "fails",
           "estimate": 0.71, "unit": "ratio", "interval": [0.64, 0.77], "n": 200, "target": 0.8, "evidence": ["a1"]}
pathlib.Path(os.environ["GPKIT_RUN_FOLDER"], "results.json").write_text(json.dumps(
    {"status": "running", "headline": "events.all_five", "findings": [finding], "coverage": {"entries": 3}}))
"""


def make_project(folder: Path) -> Path:
    """A folder that gpkit takes for a project."""
    (folder / "notebooks").mkdir(parents=True)
    (folder / "parameters" / "environments").mkdir(parents=True)
    (folder / "parameters" / "environments" / "local.yaml").write_text(LOCAL)
    return folder


def add_notebook(
    project: Path, name: str, *cells: str, parameters: str | None = PARAMETERS, kernel: str = "python3"
) -> Path:
    """A notebook with a title, a parameters cell (unless null) and code cells."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
    )
    notebook.cells = [nbformat.v4.new_markdown_cell("# Does it work?")]
    if parameters is not None:
        notebook.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    path = project / "notebooks" / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def start_gpkit(project: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """The command, started in a project."""
    return subprocess.Popen(
        [sys.executable, "-m", "gpkit", *arguments],
        cwd=project,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def gpkit(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end in a project."""
    process = start_gpkit(project, *arguments, **environment)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run_folders(project: Path) -> list[Path]:
    """Everything under ``outputs/runs``, oldest first."""
    return sorted((project / "outputs" / "runs").glob("[0-9]*"))


def read(path: Path) -> dict[str, Any]:
    """A JSON file."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def cells_of(folder: Path) -> list[Any]:
    """The code cells of a run's notebook, without the ones that declare or inject parameters."""
    cells = nbformat.read(folder / "notebook.ipynb", as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code" and not cell.metadata.get("tags")]


def until(is_so: Callable[[], Any], limit_s: float = 30.0) -> Any:
    """Wait for something that another process brings about; what ``is_so`` returned."""
    end = time.monotonic() + limit_s
    while not (found := is_so()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
    return found


def processes_with(text: str) -> list[int]:
    """Pids of the running processes whose command line holds a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if text in command and state not in "ZX":
            found.append(int(folder.name))
    return found


def as_another_user(act: Callable[[], Any]) -> Any:
    """What a function returns, as JSON, to a user who may do nothing here; root may do everything."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(65534)
            os.write(writer, json.dumps(act()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        answer = told.read()
    os.waitpid(child, 0)
    return json.loads(answer)
