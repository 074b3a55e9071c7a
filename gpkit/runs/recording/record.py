"""The records of a run: ``run.json`` and ``results.json``, written from outside the kernel.

The kernel leaves its findings in ``results.json`` with status ``running``. What became of the run is added here, by
the supervisor or, for an orphan, by the next command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpkit.instants import text
from gpkit.runs.asking.plan import Plan
from gpkit.runs.recording import status
from gpkit.runs.recording.folder import read_json, write_json

RUN_FILE = "run.json"
RESULTS_FILE = "results.json"


@dataclass
class Outcome:
    """How a run went.

    Args:
        status: One of the statuses.
        error: Null, or ``kind``, ``message``, ``stage`` and ``cell`` of what ended it.
        cells: ``run`` and ``of``: code cells started, and how many there are.
        timings: Seconds by stage.
    """

    status: str
    error: dict[str, Any] | None = None
    cells: dict[str, int] = field(default_factory=lambda: {"run": 0, "of": 0})
    timings: dict[str, float] = field(default_factory=dict)


def first(plan: Plan, run_id: str) -> dict[str, Any]:
    """What a run is, before anything of it happened: its folder holds this from the moment it has its name."""
    return {
        "run_id": run_id,
        "notebook": plan.name,
        "notebook_file": plan.notebook_file,
        "environment": plan.environment or None,
        **({"schedule": dict(plan.schedule)} if plan.schedule else {}),
        **({"rerun_of": plan.rerun_of} if plan.rerun_of else {}),
        **({"sweep": dict(plan.sweep)} if plan.sweep else {}),
        **({"retry_of": plan.retry_of, "attempt": plan.attempt} if plan.retry_of else {}),
        "status": "running",
        "verdict": None,
    }


def begin(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the first ``run.json``: everything that is known before the kernel starts."""
    write_json(folder / RUN_FILE, {**facts, "status": "running", "verdict": None})


def has_ended(folder: Path) -> bool:
    """Whether the record already says how the run ended: it did not end well, or everything was done but its name."""
    run = read_json(folder / RUN_FILE)
    if run.get("status") == status.OK:
        usage = run.get("usage")
        return isinstance(usage, dict) and usage.get("until") == "end" and (folder / RESULTS_FILE).is_file()
    return run.get("status") in status.STATUSES


def finish(folder: Path, outcome: Outcome, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write both records with what became of the run; returns ``run.json``.

    A run that did not end well has no verdict, but keeps the findings it had.
    """
    run = read_json(folder / RUN_FILE)
    found = read_json(folder / RESULTS_FILE)
    findings = found.get("findings")
    findings = [one for one in findings if isinstance(one, dict)] if isinstance(findings, list) else []
    verdict = None
    if outcome.status == status.OK:
        verdict = found.get("verdict")
        if verdict not in status.EXIT_OF_VERDICT:
            verdict = status.verdict_of(findings)
    judged = {
        "status": outcome.status,
        "verdict": verdict,
        "exit_code": status.exit_code(outcome.status, verdict, (outcome.error or {}).get("kind", "")),
        "error": outcome.error,
    }
    results = {
        "run_id": run.get("run_id", folder.name),
        "notebook": run.get("notebook"),
        "environment": run.get("environment"),
        "window": None,
        "coverage": None,
        "headline": None,
        "findings": findings,
        **{key: value for key, value in found.items() if key not in ("run_id", "notebook", "findings")},
        **judged,
    }
    results["against"] = _against(folder, run, results) if outcome.status == status.OK else None
    ended = datetime.now(UTC)
    whole = {
        **run,
        **judged,
        "headline": _headline(results),
        "findings": _numbers(findings),
        "window": results["window"],
        "coverage": results["coverage"],
        "selection": _selection(results),
        "cells": outcome.cells if outcome.cells["of"] else run.get("cells", outcome.cells),
        "ended_utc": text(ended),
        "duration_s": outcome.timings.get("total_s") or _duration_s(run.get("started_utc"), ended),
        "timings": outcome.timings,
        **(facts or {}),
    }
    write_json(folder / RESULTS_FILE, results)
    write_json(folder / RUN_FILE, whole)
    return whole


def _selection(results: Mapping[str, Any]) -> str:
    """The filter that chose the entries, here or when their file was written; empty for a whole log."""
    covered = results["coverage"]
    asked = covered.get("asked") if isinstance(covered, Mapping) else None
    return str(asked.get("filter") or "") if isinstance(asked, Mapping) else ""


def _headline(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """The headline finding without its evidence, for lists of runs."""
    for finding in results["findings"]:
        if finding.get("id") == results["headline"]:
            return {key: value for key, value in finding.items() if key not in ("evidence", "ruled_out", "limits")}
    return None


def _numbers(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The numbers of each finding, for lists and trends that read no more than this record."""
    from gpkit.history import past

    return [past.numbers(finding) for finding in findings]


def _against(folder: Path, run: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any] | None:
    """What earlier runs say of this one; null when that cannot be told, which must not take the record with it."""
    if isinstance(known := results.get("against"), dict):
        return known
    told = {**run, "status": results["status"], "window": results["window"], "headline": _headline(results)}
    told["selection"] = _selection(results)
    try:
        from gpkit.history import past
        from gpkit.history.against import against

        return against(folder.parent, past.of_record(folder, {**told, "findings": results["findings"]}))
    except Exception:
        return None


def _duration_s(started_utc: Any, ended: datetime) -> float | None:
    """By the wall clock, for a run whose own clock is gone; null when that was set back meanwhile."""
    try:
        passed_s = (ended - datetime.fromisoformat(started_utc)).total_seconds()
    except (TypeError, ValueError):
        return None
    return round(passed_s, 3) if passed_s >= 0 else None
