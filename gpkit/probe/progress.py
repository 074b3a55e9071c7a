"""How far a probe is, while it runs: a bar in the terminal, a line updated in place in a notebook, else nothing."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from gpkit.plural import counted

_REFRESH_S = 0.2  # chosen: smooth to the eye, and a notebook's output stays small

Progress = Callable[[int, int, dict[str, Any] | None], None]
"""Called with attempts done, attempts planned, and the last row; with no row once at the start and at the end."""


def for_this_place() -> Progress:
    """The progress that fits where we run: Jupyter, a terminal on standard error, or neither."""
    if _in_kernel():
        return _in_notebook()
    return _in_terminal() if sys.stderr.isatty() else silent


def silent(done: int, planned: int, row: dict[str, Any] | None) -> None:
    """Show nothing."""


def _in_kernel() -> bool:
    # Only when IPython runs already: importing it costs more than a short probe.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _in_terminal() -> Progress:
    from tqdm import tqdm

    bar: tqdm[Any] | None = None

    def show(done: int, planned: int, row: dict[str, Any] | None) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm(total=planned, file=sys.stderr, unit="attempt", mininterval=_REFRESH_S)
        bar.update(done - bar.n)
        if row is None and done:
            bar.close()

    return show


def _in_notebook() -> Progress:
    from IPython.display import display

    outcomes: Counter[str] = Counter()
    handle: Any = None
    shown_s = 0.0

    def show(done: int, planned: int, row: dict[str, Any] | None) -> None:
        nonlocal handle, shown_s
        if row is not None:
            outcomes[row["outcome"] or "interrupted"] += 1
        if handle is not None and row is not None and time.monotonic() - shown_s < _REFRESH_S:
            return
        shown_s = time.monotonic()
        counts = ", ".join(f"{name} {count}" for name, count in outcomes.most_common(4))
        line = {"text/plain": f"{done} of {counted(planned, 'attempt')}{': ' if counts else ''}{counts}"}
        if handle is None:
            handle = display(line, raw=True, display_id=True)
        else:
            handle.update(line, raw=True)

    return show
