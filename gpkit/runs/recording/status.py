"""Did it run, what did it find, and which exit code says so. Pure.

Status and verdict are two things: a run that worked may have found trouble, and a run that failed found nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpkit.errors import (
    EXIT_FINDINGS,
    EXIT_HEALTHY,
    EXIT_IMPOSSIBLE,
    EXIT_INCONCLUSIVE,
    EXIT_RUN_FAILED,
    CallerError,
)

OK = "ok"
FAILED = "failed"
TIMEOUT = "timeout"
KERNEL_DIED = "kernel-died"
INTERRUPTED = "interrupted"
MISSED = "missed"
STATUSES = (OK, FAILED, TIMEOUT, KERNEL_DIED, INTERRUPTED, MISSED)

EXIT_OF_VERDICT = {
    "healthy": EXIT_HEALTHY,
    "findings": EXIT_FINDINGS,
    "inconclusive": EXIT_INCONCLUSIVE,
    "no-data": EXIT_INCONCLUSIVE,
}
# What the caller can only mend by asking for something else comes first, then what did not run.
_WORST_FIRST = (EXIT_IMPOSSIBLE, EXIT_RUN_FAILED, EXIT_FINDINGS, EXIT_INCONCLUSIVE, EXIT_HEALTHY)


def verdict_of(findings: Iterable[Mapping[str, Any]]) -> str:
    """The verdict of a run that worked: any ``fails``, else any ``undecided``, else nothing, else healthy.

    A finding with nothing behind it (n = 0) judges nothing.
    """
    verdicts = [finding.get("verdict") for finding in findings if finding.get("n")]
    if "fails" in verdicts:
        return "findings"
    if "undecided" in verdicts:
        return "inconclusive"
    return "healthy" if "meets" in verdicts else "no-data"


def exit_code(status: str, verdict: str | None, error_kind: str = "") -> int:
    """The exit code of one run.

    Args:
        status: One of :data:`STATUSES`.
        verdict: Null when the run failed.
        error_kind: Name of the exception that ended it, when there was one.
    """
    if status == OK:
        return EXIT_OF_VERDICT.get(verdict or "", EXIT_RUN_FAILED)
    return EXIT_IMPOSSIBLE if is_callers_fault(error_kind) else EXIT_RUN_FAILED


def is_callers_fault(error_kind: str) -> bool:
    """Whether an exception of this name says that the caller asked for something impossible."""
    from gpkit.filters import FilterError  # a subclass must be loaded to be known

    kinds: list[type[CallerError]] = [CallerError, *CallerError.__subclasses__(), FilterError]
    return error_kind in {kind.__name__ for kind in kinds}


def worst(codes: Iterable[int]) -> int:
    """The exit code of several runs: 4 before 3 before 1 before 2 before 0; none ran is 3."""
    found = set(codes)
    return next((code for code in _WORST_FIRST if code in found), EXIT_RUN_FAILED)
