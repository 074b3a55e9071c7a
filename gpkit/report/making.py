"""The reports of a run folder, written: report.html and report.md in it, or one page that stands alone, anywhere."""

from __future__ import annotations

from pathlib import Path

from gpkit.errors import OutputError
from gpkit.report import HTML_FILE, MARKDOWN_FILE
from gpkit.report.account import read_account
from gpkit.report.assets import NO_LIBRARY, packed_library, shared_library, write_whole
from gpkit.report.fitting import REPORT_BYTES, SINGLE_BYTES, fitted_page
from gpkit.report.plain import report_markdown
from gpkit.report.sizes import Sizes
from gpkit.report.story import read_story

__all__ = ["NO_LIBRARY", "require_replaceable", "write_report", "write_single"]
_OURS = b'<meta name="generator" content="gpkit">'
_HEAD_BYTES = 1_000  # it stands within them


def write_report(folder: Path, *, root: Path, show_sizes: bool = False) -> Sizes:
    """Writes report.html and report.md, and the shared plotly.js; returns what the page weighs.

    Raises:
        OutputError: The folder cannot be written.
        FarSideError: The notebook has charts and the installed plotly carries no plotly.js.
    """
    account, story = read_account(folder), read_story(folder)
    library = shared_library(root, folder) if story.charts else NO_LIBRARY
    page, sizes = fitted_page(account, story, library, budget=REPORT_BYTES, show_sizes=show_sizes)
    write_whole(folder / MARKDOWN_FILE, report_markdown(account, story).encode("utf-8", "replace"))
    write_whole(folder / HTML_FILE, page.encode("utf-8", "replace"))
    return sizes


def write_single(folder: Path, out: Path, *, show_sizes: bool = False) -> Sizes:
    """Writes one page with everything inside that it needs; returns what it weighs.

    A page that gpkit made is replaced. Any other file in its place is left as it is.

    Raises:
        OutputError: It cannot be written, or another file stands there.
        FarSideError: As for :func:`write_report`.
    """
    require_replaceable(out)
    account, story = read_account(folder), read_story(folder)
    library = packed_library() if story.charts else NO_LIBRARY
    page, sizes = fitted_page(account, story, library, budget=SINGLE_BYTES, alone=True, show_sizes=show_sizes)
    write_whole(out, page.encode("utf-8", "replace"))
    return sizes


def require_replaceable(out: Path) -> None:
    """Refuse a place that a page cannot have, before any work is done for it.

    Raises:
        OutputError: A folder, a file that gpkit did not make, or a place in a folder that does not exist.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"'{out.name}' has no ending that a browser opens.", next_step="Use .html.")
    if not out.parent.is_dir():
        raise OutputError(f"The folder of '{out}' does not exist.", next_step=f"mkdir -p '{out.parent}'")
    try:
        with out.open("rb") as file:
            is_ours = _OURS in file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"'{out}' cannot be written: {error.strerror}.", next_step="Choose another name.") from None
    if not is_ours:
        raise OutputError(
            f"'{out}' exists and is no report of gpkit.", "It is left as it is.", "Choose another name, or remove it."
        )
