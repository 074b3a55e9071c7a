"""A papermill engine that tells the truth about a notebook that did not run to its end.

papermill records a dead kernel, a timeout and a kernel that never answered as success: every cell "completed",
no exception. Here the cell that was running is marked failed and carries an error output, the cells after it stay
pending, and the notebook's metadata says that there was an exception.

It also saves at most a twentieth of the time (papermill saves after every cell event, which is quadratic), and redacts
outputs before they reach the disk. What a cell may put out has its limits in caps.py.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from gpkit.printing.cutting import fitting
from gpkit.redaction import redact
from gpkit.runs.machine import kernel
from gpkit.runs.making.caps import CappedClient
from gpkit.runs.recording.folder import write_text
from gpkit.runs.recording.status import is_callers_fault

NAME = "gpkit"
IOPUB_TIMEOUT_S = 60  # nbclient's 4 s fail a cell that printed much on a busy machine
_SAVE_EVERY_S = 2.0
_SAVE_COST = 20  # pause between saves, in units of what the last one took


@dataclass
class Session:
    """What the engine shares with the process that drives it.

    Args:
        kernel: A started kernel manager.
        notebook: The notebook as the record names it.
        output: Where the notebook is written.
        ready_timeout_s: Limit for the kernel's first answer.
        progress: Called with the number of the code cell that starts, and how many there are.
        stopped: Set by the driver when it stops the kernel on purpose: ``timeout`` or ``interrupted``.
        failure: Set by the engine: why the notebook did not run to its end.
        cell: Index of the cell that started last.
    """

    kernel: Any
    notebook: str
    output: Path
    ready_timeout_s: int
    progress: Callable[[int, int], None]
    stopped: str = ""
    failure: Exception | None = None
    cell: int | None = None
    next_save_s: float = field(default=0.0)


class TruthfulEngine(Engine):  # type: ignore[misc]
    """Runs the cells on the session's kernel; whatever ends them early is in the notebook and in the session."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, session: Session, **_: Any
    ) -> None:
        """papermill's hook: run every cell."""
        _watch(nb_man, session)
        client = CappedClient(
            nb_man,
            km=session.kernel,
            iopub_timeout=IOPUB_TIMEOUT_S,
        )
        try:
            client.kc = kernel.connect(session.kernel, session.ready_timeout_s)
            client.execute()
        except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
            # RuntimeError: the kernel ended, or did not answer, before the first cell.
            session.failure = error
            _mark(nb_man, session, error)
        finally:
            if client.kc is not None:  # nbclient closes only the channels of kernels that it started
                client.kc.stop_channels()


def _watch(nb_man: NotebookExecutionManager, session: Session) -> None:
    """Replace papermill's saving, and follow which cell runs."""
    code_cells = [index for index, cell in enumerate(nb_man.nb.cells) if cell.cell_type == "code"]
    number = {index: position for position, index in enumerate(code_cells, start=1)}
    papermill_start, papermill_exception = nb_man.cell_start, nb_man.cell_exception

    def start(cell: Any, cell_index: int, **kwargs: Any) -> None:
        session.cell = cell_index
        if session.stopped:  # a cell may survive its interruption; the ones after it must not run
            raise RuntimeError(f"not run: {session.stopped}")
        if cell_index in number:
            session.progress(number[cell_index], len(code_cells))
        papermill_start(cell, cell_index, **kwargs)

    def exception(cell: Any, cell_index: int, **kwargs: Any) -> None:
        session.failure = kwargs.get("exception") or CellExecutionError("", "", "")
        papermill_exception(cell, cell_index, **kwargs)

    def save(**_: Any) -> None:
        if nb_man.end_time is not None:
            write_notebook(nb_man.nb, session.output)
            return
        started_s = time.monotonic()
        if started_s >= session.next_save_s:
            with contextlib.suppress(OSError):  # the last save says so when the disk is full
                write_notebook(nb_man.nb, session.output)
            ended_s = time.monotonic()
            session.next_save_s = ended_s + max(_SAVE_EVERY_S, _SAVE_COST * (ended_s - started_s))

    nb_man.nb.metadata.papermill.update(input_path=session.notebook, output_path=session.output.name)
    nb_man.cell_start, nb_man.cell_exception, nb_man.save = start, exception, save
    nb_man.autosave_cell = save


def _mark(nb_man: NotebookExecutionManager, session: Session, error: Exception) -> None:
    """Say in the notebook where it stopped. Before the first cell, that is the first code cell."""
    cells = nb_man.nb.cells
    index = session.cell
    if index is None:
        index = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), 0)
    if not cells:
        return
    nb_man.cell_exception(cells[index], index, exception=error)
    if cells[index].cell_type == "code":
        cells[index].outputs.append(
            nbformat.v4.new_output("error", ename=type(error).__name__, evalue=str(error), traceback=[])
        )


def write_notebook(notebook: Any, path: Path) -> None:
    """Write a notebook whole, with its outputs redacted; the notebook in memory is left as it is."""
    kept = [cell.get("outputs") for cell in notebook.cells]
    try:
        for cell, outputs in zip(notebook.cells, kept, strict=True):
            if outputs:
                cell.outputs = [redacted(output) for output in outputs]
        write_text(path, nbformat.writes(notebook))
    finally:
        for cell, outputs in zip(notebook.cells, kept, strict=True):
            if outputs:
                cell.outputs = outputs


def redacted(value: Any) -> Any:
    """A JSON value with every text redacted; numbers and the packed arrays of figures are left alone."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redacted(item) for item in value]
    if isinstance(value, dict):
        if value.get("output_type") == "error" and is_callers_fault(value.get("ename", "")):
            # It says what the caller asked for wrongly; where in gpkit that was noticed helps nobody.
            value = {**value, "traceback": [f"{value['ename']}: {value['evalue']}"]}
        if value.get("output_type") == "stream":
            return type_preserving({**value, "text": fitting(redact(value.get("text", "")))})
        return type_preserving({key: item if key == "bdata" else redacted(item) for key, item in value.items()})
    return value


def type_preserving(mapping: dict[str, Any]) -> Any:
    """A mapping as nbformat's own kind, which it needs to write a notebook."""
    return nbformat.NotebookNode(mapping)


papermill_engines.register(NAME, TruthfulEngine)
