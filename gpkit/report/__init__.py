"""Reports: what a run folder holds, as a page anyone can open, and the list of all runs.

A report is derived: from run.json, results.json and notebook.ipynb, which stay the record. So it can be made again at
any time, and a part that is missing makes the page shorter, never absent.
"""

from __future__ import annotations

from pathlib import Path

HTML_FILE = "report.html"
MARKDOWN_FILE = "report.md"
INDEX_FILE = "index.html"


def render(folder: Path, *, root: Path) -> Path:
    """Writes report.html and report.md into a run folder, and the shared plotly.js under ``root/assets``.

    Args:
        folder: A run folder, ``<run_id>`` or ``<run_id>.partial``, at its final depth under ``root``.
            run.json, results.json and notebook.ipynb may each be missing or cut short.
        root: The outputs folder that all runs share.

    Returns:
        The path of report.html.

    Raises:
        OutputError: The folder cannot be written.
        FarSideError: The notebook has charts and the installed plotly carries no plotly.js.
    """
    from gpkit.report.making import write_report

    folder = Path(folder).absolute()
    write_report(folder, root=Path(root).absolute())
    return folder / HTML_FILE


def prepare() -> None:
    """Makes a small page and drops it, so that everything is imported and compiled when a process renders later.

    A process that waits for a kernel has the time: the first report then takes 0.05 s instead of 0.7 s.
    """
    from nbformat import v4

    from gpkit.report import fitting, making, plain, story
    from gpkit.report.account import Account

    shown = v4.new_output("display_data", {"text/html": "<table></table>"})
    cells = [v4.new_markdown_cell("# a\n\n| b |\n|---|\n| c |"), v4.new_code_cell("d = 1  # e", outputs=[shown])]
    told = story.tell(cells)
    fitting.fitted_page(Account("", Path()), told, making.NO_LIBRARY, budget=fitting.REPORT_BYTES)
    plain.report_markdown(Account("", Path()), told)


def write_index(root: Path) -> Path:
    """Writes ``root/index.html``: all notebooks and targets at a glance, and the newest runs.

    Older runs stand in pages of their own under ``root/index``; one that is as it was is not written again. A folder
    that cannot be read is listed as such. Two processes may call this at once: the later one wins, whole.

    Returns:
        The path of index.html.

    Raises:
        OutputError: The folder cannot be written.
    """
    from gpkit.history import newest
    from gpkit.report.index import locked, write_pages

    root = Path(root).absolute()
    with locked(root):
        return write_pages(root, list(newest(root / "runs")))
