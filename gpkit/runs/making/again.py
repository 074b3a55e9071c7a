"""A past run once more: the same notebook, parameters and window, and what is no longer as it was then.

Relative times were resolved when the run was made, so the window is that of then. What was read from a log's cache is
read from it again; with ``offline`` nothing else is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gpkit.environments import project_root
from gpkit.errors import CallerError, ParameterError
from gpkit.history import Past
from gpkit.history.past import RUN_FILE, read_object
from gpkit.runs.asking.declarations import Declaration, read_declarations
from gpkit.runs.asking.plan import DEADLINE_S, Plan, make_plan
from gpkit.runs.recording.fingerprint import differences, fingerprint
from gpkit.runs.recording.provenance import provenance

OFFLINE = "offline"  # the parameter by which a notebook reads the cache alone
_SHOWN = 6  # chosen: of packages that differ


@dataclass(frozen=True)
class Again:
    """A past run, planned once more.

    Attributes:
        plan: What will be done; it names the run that it repeats.
        warnings: What differs from then, one sentence each: code, packages, parameters, the log.
    """

    plan: Plan
    warnings: tuple[str, ...]


def plan_again(
    past: Past,
    *,
    offline: bool = False,
    deadline_s: float | None = None,
    outputs: Path | None = None,
    now: datetime | None = None,
) -> Again:
    """Plan a past run once more, and say what is no longer as it was.

    Args:
        past: The run.
        offline: Read logs from the cache alone.
        deadline_s: Limit of the new run; that of the past one by default.
        outputs: Where the new run is kept; ``outputs/`` of the project by default.
        now: What relative times count from that the past run did not resolve.

    Raises:
        CallerError: The notebook is gone, the record does not say enough, or a parameter no longer fits.
    """
    run = read_object(past.folder / RUN_FILE)
    notebook = _notebook(past, run)
    declared = {declaration.name: declaration for declaration in read_declarations(notebook)}
    values, warnings = _values(past, declared)
    if offline:
        values[OFFLINE] = True
    try:
        plan = make_plan(notebook, values=values, outputs=outputs, deadline_s=_deadline_s(deadline_s, run), now=now)
    except CallerError as error:
        raise type(error)(f"{past.run_id} cannot be made again: {error.what}", error.why, error.next_step) from None
    warnings += _differences(run, provenance(plan.root))
    warnings += differences(run.get("log"), fingerprint(plan.parameters.get("logs"), plan.root))
    return Again(dataclasses.replace(plan, rerun_of=past.run_id), tuple(warnings))


def _notebook(past: Past, run: Mapping[str, Any]) -> Path:
    written = run.get("notebook_file")
    if not isinstance(written, str) or not written:
        raise ParameterError(
            f"{past.run_id} cannot be made again: its record does not say which notebook it ran.",
            " ".join(past.problems),
            "gpkit runs lists the others.",
        )
    path = project_root() / written
    if not path.is_file():
        raise ParameterError(
            f"{past.run_id} cannot be made again: its notebook {written} is gone.",
            next_step=f"git log --follow -- {written} tells where it went.",
        )
    return path


def _values(past: Past, declared: Mapping[str, Declaration]) -> tuple[dict[str, Any], list[str]]:
    """The values of then that must be given now, because they were given or because the default changed."""
    values, warnings = {}, []
    for name, value in past.parameters.items():
        if name not in declared and name not in past.given:
            warnings.append(f"The notebook no longer takes {name}; it had its default, {value!r}.")
        elif name not in declared or name in past.given or value != declared[name].default:
            values[name] = value
    for name, declaration in declared.items():
        if name not in past.parameters:
            warnings.append(
                f"The notebook takes {name} now, and did not then; it has its default, {declaration.default!r}."
            )
    return values, warnings


def _deadline_s(asked: float | None, run: Mapping[str, Any]) -> float:
    recorded = run.get("deadline_s")
    if asked is not None:
        return asked
    return float(recorded) if isinstance(recorded, int | float) and recorded > 0 else DEADLINE_S


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What made the past run and is another now: code, Python, packages."""
    told = []
    old, new = (run["git"] if isinstance(run.get("git"), Mapping) else {} for run in (then, now))
    if old.get("revision") != new.get("revision"):
        told.append(f"The code is another: {_short(old.get('revision'))} then, {_short(new.get('revision'))} now.")
    elif old.get("dirty") or new.get("dirty"):
        told.append("The code may be another: there were local changes then, or there are now.")
    before, after = ({"python": run.get("python"), **_packages(run)} for run in (then, now))
    changed = [
        f"{name} {before.get(name) or 'none'} → {after.get(name) or 'none'}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        told.append(f"Packages are others: {', '.join(changed[:_SHOWN])}{more}.")
    return told


def _packages(run: Mapping[str, Any]) -> dict[str, Any]:
    versions = run.get("versions")
    return dict(versions) if isinstance(versions, Mapping) else {}


def _short(revision: Any) -> str:
    return str(revision)[:12] if revision else "no revision"
