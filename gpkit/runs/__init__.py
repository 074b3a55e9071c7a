"""Runs: parameters checked, kernel started, truth recorded, report rendered, index updated.

::

    run(...) ──► asking        everything a caller can get wrong is refused here
             ──► making        one process for each run:
                   supervisor      deadline, records, the end of every process
                     worker        papermill and the report
                       kernel      the notebook
             ──► recording     what became of it, and how long that is kept
                 machine       under all of them: processes forked, marked, measured, ended

A run folder is written once and says what it is: docs/runs.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpkit.runs.asking.plan import DEADLINE_S, Plan, make_plan
from gpkit.runs.making.launch import Retry, launch
from gpkit.runs.making.supervised import Progress, Run
from gpkit.runs.making.sweep import make_plans

__all__ = ["DEADLINE_S", "Plan", "Progress", "Retry", "Run", "launch", "make_plan", "run"]


def run(
    notebooks: str | Path | Sequence[str | Path],
    *,
    parameters: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    jobs: int = 1,
    deadline_s: float = DEADLINE_S,
    retries: int = 0,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    outputs: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_end: Callable[[Run], None] | None = None,
    on_retry: Callable[[Retry], None] | None = None,
) -> list[Run]:
    """Run notebooks unattended, and return what became of each.

    All of them are checked before the first one starts.

    Args:
        notebooks: Names in ``notebooks/``, or paths.
        parameters: Values for every one of them, typed.
        texts: Values as text, as on a command line; they win over ``parameters``.
        jobs: How many run at a time.
        deadline_s: Limit of each run from its start to its report, with all its attempts, seconds.
        retries: How many more attempts there may be when something around a notebook breaks.
        sweep: Values of parameters, at least two of each; every combination is a run of its own.
        outputs: Where ``runs/`` is kept; ``outputs/`` of the project by default.
        on_progress: Called at least once a second as runs get on.
        on_end: Called with each run as it ends.
        on_retry: Called with each attempt that failed and is followed by another.

    Returns:
        One :class:`Run` for each notebook and swept value, its last attempt, in the order in which they ended.

    Raises:
        CallerError: Something impossible was asked for; nothing was started.
        KeyboardInterrupt: After the runs in progress were recorded as interrupted.
    """
    names = [notebooks] if isinstance(notebooks, (str, Path)) else list(notebooks)
    how: dict[str, Any] = {"texts": texts, "values": parameters, "outputs": outputs}
    how |= {"deadline_s": deadline_s, "retries": retries}
    plans = make_plans(names, sweep, **how) if sweep else [make_plan(name, **how) for name in names]
    return launch(plans, jobs=jobs, on_progress=on_progress, on_end=on_end, on_retry=on_retry)
