"""What a run will do, decided and checked before anything starts: notebook, parameters, target, deadline.

Everything a caller can get wrong is refused here, so that nothing half-done is left behind.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from gpkit.environments import Environment, load, of_log, project_root, require_credentials
from gpkit.errors import OutputError, ParameterError, nearest
from gpkit.protocol import scenarios
from gpkit.runs.asking.declarations import read_declarations
from gpkit.runs.asking.of_log import require_log, require_readable
from gpkit.runs.asking.parameters import check
from gpkit.stack import find_faults

DEADLINE_S = 600.0  # chosen: several times the longest notebook with its defaults
MOST_RETRIES = 10  # chosen: what is still broken then must be looked at
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Plan:
    """One run to be made.

    Args:
        notebook: The notebook's file.
        root: The project's folder; the kernel works there.
        outputs: Folder that holds ``runs/``.
        parameters: Every parameter with its checked value.
        given: Names of the parameters that were given; the others have the notebook's default.
        deadline_s: Limit for everything from the start to the finished report, seconds.
        schedule: Null, or what of the schedule this run stands for: ``name`` of the entry and ``slot_utc``.
        rerun_of: The past run that this one repeats, or empty.
        sweep: Null, or what of a sweep this run is: ``id``, ``number`` ``of`` how many, and the swept ``values``.
        retries: How many more attempts there may be when something around the notebook breaks.
        attempt: Which attempt this is, from 1.
        retry_of: The attempt that failed before this one, or empty.
        spent_s: What earlier attempts and the pauses between them took of the deadline, seconds.
    """

    notebook: Path
    root: Path
    outputs: Path
    parameters: Mapping[str, Any]
    given: tuple[str, ...] = ()
    deadline_s: float = DEADLINE_S
    schedule: Mapping[str, Any] | None = None
    rerun_of: str = ""
    sweep: Mapping[str, Any] | None = None
    retries: int = 0
    attempt: int = 1
    retry_of: str = ""
    spent_s: float = 0.0

    @property
    def name(self) -> str:
        """The notebook's name, as in ``gpkit run NAME``."""
        return self.notebook.stem

    @property
    def notebook_file(self) -> str:
        """The notebook as records name it: relative to the project where it is inside."""
        inside = self.notebook.is_relative_to(self.root)
        return str(self.notebook.relative_to(self.root) if inside else self.notebook)

    @property
    def environment(self) -> str:
        """The target's name, of a log the one that was named for it or ``log``; empty when the notebook has none."""
        written = str(self.parameters.get("environment", ""))
        name = (
            Path(written).stem if written.endswith((".yaml", ".yml")) else written
        )  # a file's own name, as load has it
        return of_log(name) if self.parameters.get("logs") else name

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return asdict(self) | {
            "notebook": str(self.notebook),
            "notebook_file": self.notebook_file,
            "root": str(self.root),
            "outputs": str(self.outputs),
        }


def plan_of(content: Mapping[str, Any]) -> Plan:
    """The plan that :meth:`Plan.as_dict` described."""
    told = {field.name: content[field.name] for field in fields(Plan)}
    places = {name: Path(told[name]) for name in ("notebook", "root", "outputs")}
    return Plan(**{**told, **places, "given": tuple(told["given"])})


def make_plan(
    notebook: str | Path,
    *,
    texts: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    outputs: Path | None = None,
    deadline_s: float = DEADLINE_S,
    now: datetime | None = None,
    schedule: Mapping[str, Any] | None = None,
    retries: int = 0,
) -> Plan:
    """Check everything about a run that can be checked without a kernel.

    Args:
        notebook: A name in ``notebooks/`` or a path.
        texts: Parameters as text; they win over ``values``.
        values: Parameters as typed values.
        outputs: Where runs are kept; ``outputs/`` of the project by default.
        deadline_s: Limit of the whole run, with all its attempts, seconds.
        now: The instant that relative times count from.
        schedule: The entry and slot of the schedule that the run stands for.
        retries: How many more attempts there may be when something around the notebook breaks.

    Raises:
        ParameterError: No such notebook, a parameter that is unknown or does not fit, a choice among the entries of
            a log that is not named, or impossible faults.
        TargetError: An unknown environment, a malformed address, or no credential for a remote target.
        SourceError: A given file is missing, unreadable or empty.
        OutputError: The outputs folder cannot be written.
    """
    root = project_root()
    path = find_notebook(notebook, root)
    declarations = read_declarations(path)
    parameters = check(path.stem, declarations, texts=texts, values=values, now=now)
    if deadline_s <= 0:
        raise ParameterError(f"A deadline of {deadline_s} s leaves no time.", next_step="Write --deadline 10m")
    require_retries(retries)
    require_log(declarations, parameters)
    named = parameters.get("environment")
    target = load(named) if named else Environment(name="")
    if parameters.get("logs"):  # an account in logs is read instead of probing
        require_readable(target, parameters)
    elif named:
        require_credentials(target)
        if target.is_local:
            scenarios.read(find_faults(parameters.get("faults") or ""))
    folder = (outputs or root / "outputs").absolute()
    _require_writable(folder)
    given = tuple(name for name in parameters if name in {**(values or {}), **(texts or {})})
    return Plan(path, root, folder, parameters, given, deadline_s, schedule, retries=retries)


def find_notebook(notebook: str | Path, root: Path) -> Path:
    """The notebook that a name in ``notebooks/`` or a path means.

    Raises:
        ParameterError: There is none.
    """
    known = {path.stem: path for path in sorted((root / "notebooks").glob("*.ipynb"))}
    name = str(notebook).removesuffix(".ipynb")
    if name in known:
        return known[name]
    written = Path(notebook).expanduser()
    if written.suffix == ".ipynb" and written.is_file():
        return written.resolve()
    raise ParameterError(
        f"There is no notebook '{notebook}'.",
        nearest(name, known),
        f"There are: {', '.join(known)}." if known else "The folder notebooks/ holds none.",
    )


def duration_s(text: str) -> float:
    """A duration such as ``90s``, ``10m``, ``1.5h`` or ``45``, in seconds.

    Raises:
        ParameterError: It is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ParameterError(f"{text!r} is no duration.", next_step="Write 45s, 10m or 1.5h.")
    return float(found[1]) * _UNIT_S[found[2]]


def require_retries(count: int) -> int:
    """A number of retries.

    Raises:
        ParameterError: It is below zero, or too many.
    """
    if not 0 <= count <= MOST_RETRIES:
        raise ParameterError(f"{count} retries are not possible.", f"There may be 0 to {MOST_RETRIES}.")
    return count


def _require_writable(folder: Path) -> None:
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(
            f"{folder} cannot be written.",
            f"{existing} is no folder that this user may write to.",
            "Give another folder: gpkit run … --outputs DIR",
        )
