"""What a run folder says about itself: run.json and results.json, read with tolerance.

Either file may be missing, cut short or of an older shape: what can be read is used, what cannot is named in
``problems``. Nothing here raises for the content of a file, because a report of a broken run is needed most.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpkit.history.past import finite

RUN_FILE = "run.json"
RESULTS_FILE = "results.json"

STATUSES = ("ok", "failed", "timeout", "kernel-died", "interrupted", "missed", "running", "unknown")
VERDICTS = ("findings", "inconclusive", "no-data", "healthy")
_FINDING_ORDER = {"fails": 0, "undecided": 1, "meets": 2}


@dataclass(frozen=True)
class Claim:
    """One finding as results.json holds it; every part may be missing."""

    id: str
    claim: str = ""
    verdict: str = ""
    estimate: Any = None
    unit: str = ""
    interval: tuple[Any, Any] | None = None
    n: Any = None
    target: Any = None
    target_is: str = ""
    cause: Any = None
    ruled_out: tuple[Any, ...] = ()
    evidence: tuple[str, ...] = ()
    limits: tuple[Any, ...] = ()
    next_step: str = ""
    lines: tuple[Mapping[str, Any], ...] = ()
    trail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> bool:
        """Whether the next step is a command to paste, not a sentence."""
        return self.next_step.startswith("gpkit ") and not self.next_step.endswith(".")


@dataclass(frozen=True)
class Account:
    """One run: how it ended, what it found, with what it was made.

    Attributes:
        status: One of ``STATUSES``; ``unknown`` when no run.json says.
        verdict: One of ``VERDICTS``, or empty: a run that did not end well has none.
        findings: The headline first, then what fails, what is undecided, what meets.
        failure: What ended the run (``kind``, ``message``), empty when nothing did.
        run: The whole of run.json, for the facts that are only shown.
        results: The whole of results.json, likewise.
        problems: One sentence for each file that could not be read.
    """

    run_id: str
    folder: Path
    notebook: str = ""
    environment: str = ""
    status: str = "unknown"
    verdict: str = ""
    started_utc: str = ""
    duration_s: float | None = None
    window: Any = None
    coverage: Any = None
    headline: Claim | None = None
    findings: tuple[Claim, ...] = ()
    failure: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_account(folder: Path) -> Account:
    """The account of one run folder; an empty folder gives an account with status ``unknown``."""
    problems: list[str] = []
    run = _read_object(folder / RUN_FILE, problems)
    results = _read_object(folder / RESULTS_FILE, problems)
    return _account(folder, run, results, problems)


def _account(folder: Path, run: dict[str, Any], results: dict[str, Any], problems: list[str]) -> Account:
    findings = _findings(results)
    wanted = results.get("headline") or run.get("headline")
    headline_id = wanted.get("id") if isinstance(wanted, Mapping) else wanted
    headline = next((claim for claim in findings if claim.id == headline_id), None)
    findings.sort(key=lambda claim: (claim is not headline, _FINDING_ORDER.get(claim.verdict, 1)))
    status = _one_of(run.get("status") or results.get("status"), STATUSES, "unknown")
    verdict = _one_of(run.get("verdict") or results.get("verdict"), VERDICTS, "")
    failure = run.get("error") or {}
    return Account(
        run_id=_text(run.get("run_id") or results.get("run_id")) or folder.name.removesuffix(".partial"),
        folder=folder,
        notebook=Path(_text(run.get("notebook") or results.get("notebook"))).stem,
        environment=_text(run.get("environment") or results.get("environment")),
        status=status,
        verdict=verdict if status == "ok" else "",
        started_utc=_text(run.get("started_utc") or run.get("started")),
        duration_s=finite(run.get("duration_s")),
        window=run.get("window") or results.get("window"),
        coverage=run.get("coverage") or results.get("coverage"),
        headline=headline or (findings[0] if findings else None),
        findings=tuple(findings),
        failure=failure if isinstance(failure, Mapping) else {"message": _text(failure)},
        run=run,
        results=results,
        problems=tuple(problems),
    )


def _findings(results: Mapping[str, Any]) -> list[Claim]:
    lines, trails = (_mapping(results.get(name)) for name in ("evidence_lines", "evidence_trail"))
    found = results.get("findings")
    return [
        _claim(item, number, lines, trails)
        for number, item in enumerate(found if isinstance(found, list) else [], start=1)
        if isinstance(item, Mapping)
    ]


def claim_of(finding: Mapping[str, Any]) -> Claim:
    """One finding as a record has it."""
    return _claim(finding, 1, {}, {})


def _claim(item: Mapping[str, Any], number: int, lines: Mapping[str, Any], trails: Mapping[str, Any]) -> Claim:
    claim_id = _text(item.get("id")) or f"finding-{number}"
    interval = item.get("interval")
    pair = tuple(interval) if isinstance(interval, list | tuple) and len(interval) == 2 else None
    own_lines = [line for line in _many(lines.get(claim_id)) if isinstance(line, Mapping)]
    return Claim(
        id=claim_id,
        claim=_text(item.get("claim")),
        verdict=_one_of(item.get("verdict"), tuple(_FINDING_ORDER), ""),
        estimate=item.get("estimate"),
        unit=_text(item.get("unit")),
        interval=pair if pair and pair != (None, None) else None,
        n=item.get("n"),
        target=item.get("target"),
        target_is=_one_of(item.get("target_is"), ("at least", "at most"), ""),
        cause=item.get("cause"),
        ruled_out=_many(item.get("ruled_out")),
        evidence=tuple(_text(one) for one in _many(item.get("evidence"))),
        limits=_many(item.get("limits")),
        next_step=_text(item.get("next_step")),
        lines=tuple(own_lines),
        trail=_mapping(trails.get(claim_id)),
    )


def _read_object(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        read = json.loads(path.read_bytes())
    except FileNotFoundError:
        problems.append(f"{path.name} is missing.")
        return {}
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path.name} cannot be read: {type(error).__name__}.")
        return {}
    if not isinstance(read, dict):
        problems.append(f"{path.name} holds no object.")
        return {}
    return read


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _many(value: Any) -> tuple[Any, ...]:
    if value is None or value == "":
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _one_of(value: Any, allowed: tuple[str, ...], otherwise: str) -> str:
    return value if isinstance(value, str) and value in allowed else otherwise


def _text(value: Any) -> str:
    return "" if value is None else str(value)
