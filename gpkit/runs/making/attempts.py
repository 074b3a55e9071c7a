"""Whether a run that failed is tried again, when, and as what. Pure.

Only what broke around the notebook is tried again: the kernel did not start or died, the process that drives it died,
or memory ran out. Everything else is an answer, or would come out the same:

- a verdict, whatever it is, and a finding that fails, even when the kernel died after it was recorded: trying until it
  is gone would be choosing an answer;
- what the caller asked for wrongly, and an error that a cell raised;
- an address that refuses or stays silent is a finding, and a log that cannot be had was asked for several times, within
  limits, by :mod:`gpkit.cloud` already;
- an interruption: somebody wanted it to end;
- a timeout: the deadline holds for all attempts together, so nothing of it is left;
- a report that cannot be made: a fresh process has tried that too; and a run whose record could not be written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from gpkit.runs.asking.plan import Plan
from gpkit.runs.recording import status

PAUSE_S = 2.0  # chosen: what the system needs to take back the memory and the processes of a run
LONGEST_PAUSE_S = 30.0  # chosen: beyond it somebody must look
# How Python, NumPy, Arrow and DuckDB say that memory ran out, as a cell raises it.
_OUT_OF_MEMORY = ("MemoryError", "_ArrayMemoryError", "ArrowMemoryError", "OutOfMemoryException")


def cause(record: Mapping[str, Any], findings: Iterable[Any] = ()) -> str:
    """What broke around the notebook, in a few words; empty when trying again would be wrong.

    Args:
        record: ``run.json`` of the attempt.
        findings: What it recorded before it ended.
    """
    if any(isinstance(finding, Mapping) and finding.get("verdict") == "fails" for finding in findings):
        return ""
    error = record.get("error")
    error = error if isinstance(error, Mapping) else {}
    kind, stage = error.get("kind"), error.get("stage")
    if record.get("status") == status.KERNEL_DIED:
        return "the kernel died"
    if record.get("status") != status.FAILED:
        return ""
    if stage == "kernel" and kind == "KernelError":
        return "the kernel did not start"
    if stage == "run" and kind == "WorkerEnded":
        return "the process that drives the notebook died"
    return "memory ran out" if stage == "cells" and kind in _OUT_OF_MEMORY else ""


def pause_s(attempt: int) -> float:
    """How long to wait after an attempt, counted from 1: twice as long each time, up to a limit."""
    return float(min(LONGEST_PAUSE_S, PAUSE_S * 2 ** (attempt - 1)))


def following(plan: Plan, run_id: str, took_s: float) -> Plan | None:
    """The next attempt at a run, or null when there is none left, or too little time.

    At least as much time must be left as the attempt took: a shorter one would only end as a timeout.

    Args:
        plan: Of the attempt that failed.
        run_id: Of that attempt.
        took_s: How long it took, seconds.
    """
    spent_s = plan.spent_s + took_s + pause_s(plan.attempt)
    if plan.attempt > plan.retries or plan.deadline_s - spent_s < took_s:
        return None
    return dataclasses.replace(plan, attempt=plan.attempt + 1, retry_of=run_id, spent_s=spent_s)
