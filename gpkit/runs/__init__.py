"""Runs: parameters checked, kernel started, truth recorded, report rendered, index updated.

::

    run(...) ──► plan.make_plan      everything a caller can get wrong is refused here
             ──► launch.launch       one process for each run:
                   supervisor        deadline, records, the end of every process
                     worker          papermill and the report
                       kernel        the notebook

A run folder is written once and says what it is: docs/runs.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpkit.runs.launch import Progress, Run, launch
from gpkit.runs.plan import DEADLINE_S, Plan, make_plan

__all__ = ["DEADLINE_S", "Plan", "Progress", "Run", "launch", "make_plan", "run"]


def run(
    notebooks: str | Path | Sequence[str | Path],
    *,
    parameters: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    jobs: int = 1,
    deadline_s: float = DEADLINE_S,
    outputs: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_end: Callable[[Run], None] | None = None,
) -> list[Run]:
    """Run notebooks unattended, and return what became of each.

    All of them are checked before the first one starts.

    Args:
        notebooks: Names in ``notebooks/``, or paths.
        parameters: Values for every one of them, typed.
        texts: Values as text, as on a command line; they win over ``parameters``.
        jobs: How many run at a time.
        deadline_s: Limit of each run from its start to its report, seconds.
        outputs: Where ``runs/`` is kept; ``outputs/`` of the project by default.
        on_progress: Called at least once a second as runs get on.
        on_end: Called with each run as it ends.

    Returns:
        One :class:`Run` for each notebook, in the order in which they ended.

    Raises:
        CallerError: Something impossible was asked for; nothing was started.
        KeyboardInterrupt: After the runs in progress were recorded as interrupted.
    """
    names = [notebooks] if isinstance(notebooks, (str, Path)) else list(notebooks)
    plans = [make_plan(name, texts=texts, values=parameters, outputs=outputs, deadline_s=deadline_s) for name in names]
    return launch(plans, jobs=jobs, on_progress=on_progress, on_end=on_end)
