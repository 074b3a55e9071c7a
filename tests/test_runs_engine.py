"""The papermill engine, driven in this process."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest
from jupyter_core.utils import run_sync

from gpkit.runs.machine import kernel
from gpkit.runs.making import engine
from tests.runs_support import add_notebook, cells_of, make_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_project(tmp_path / "project")
    monkeypatch.chdir(made)
    return made


def execute(project: Path, notebook: Path) -> engine.Session:
    private = project / "private"
    private.mkdir()
    manager = kernel.start("python3", cwd=project, private=private, run_id="test", run_folder=project)
    session = engine.Session(manager, "n.ipynb", project / "notebook.ipynb", 60, lambda *_: None)
    try:
        papermill.execute_notebook(str(notebook), None, engine_name=engine.NAME, progress_bar=False, session=session)
    finally:
        run_sync(manager.shutdown_kernel)(now=True)
    return session


def test_a_notebook_of_many_cells_is_saved_a_few_times(project, monkeypatch):
    saves = []
    write = engine.write_notebook
    monkeypatch.setattr(engine, "write_notebook", lambda *given: (saves.append(1), write(*given)))

    execute(project, add_notebook(project, "many", *["print('x')"] * 40))

    assert 1 <= len(saves) <= 5
    assert [cell.outputs[0].text for cell in cells_of(project)] == ["x\n"] * 40


def test_the_notebook_names_no_path_of_this_machine(project):
    execute(project, add_notebook(project, "works", "1"))

    notebook = nbformat.read(project / "notebook.ipynb", as_version=4)
    assert notebook.metadata.papermill.input_path == "n.ipynb"
    assert str(project) not in (project / "notebook.ipynb").read_text()


def test_redaction_leaves_numbers_and_packed_figures_alone():
    output = nbformat.v4.new_output(
        "display_data",
        {"application/vnd.plotly.v1+json": {"data": [{"x": {"bdata": "eyJhbGciOiJIUzI1NiJ9.eyJhbGciOiJI", "n": 5}}]}},
    )

    assert engine.redacted(output) == output


def test_redaction_reaches_every_text_of_an_output():
    output = nbformat.v4.new_output(
        "error", ename="ValueError", evalue="Authorization: Bearer abcdefgh12345678", traceback=["?token=abcd1234efgh"]
    )

    assert "12345678" not in str(engine.redacted(output))
    assert "abcd1234" not in str(engine.redacted(output))
