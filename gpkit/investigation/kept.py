"""The evidence that a run has kept, read from its folder: it outlives the log that it came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit import tables
from gpkit.errors import ParameterError, SourceError, nearest
from gpkit.investigation.gathered import Gathered
from gpkit.investigation.pivot import lines_of

if TYPE_CHECKING:
    import pandas as pd


def kept_lines(folder: Path, finding_id: str) -> pd.DataFrame:
    """All lines and frames behind a finding of a past run, case by case, as :func:`lines_of` has them.

    Args:
        folder: Of the run.
        finding_id: As ``results.json`` names it; its evidence there is at most 200 cases.

    Raises:
        ParameterError: The run has no such finding.
        SourceError: The run's results or tables cannot be read.
    """
    found = {str(finding.get("id")): finding for finding in _findings(folder)}
    if finding_id not in found:
        raise ParameterError(
            f"Run '{folder.name}' has no finding '{finding_id}'. {nearest(finding_id, list(found))}".strip(),
            next_step=f"It has: {', '.join(found) or 'none'}.",
        )
    return lines_of(_kept(folder), [str(one) for one in found[finding_id].get("evidence") or ()])


def _findings(folder: Path) -> list[dict[str, Any]]:
    try:
        read = json.loads((folder / "results.json").read_bytes()).get("findings") or []
        return [one for one in read if isinstance(one, dict)]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise SourceError(f"The results of run '{folder.name}' cannot be read: {type(error).__name__}.") from error


def _kept(folder: Path) -> Gathered:
    """The tables of a run; one that it did not need is empty."""
    import pandas as pd

    def table(name: str, columns: tuple[tables.Column, ...]) -> pd.DataFrame:
        path = folder / "evidence" / f"{name}.parquet"
        return tables.read(path, columns) if path.is_file() else tables.empty(columns)

    return Gathered(
        question="",
        environment="",
        source="",
        attempts=table("attempts", tables.ATTEMPTS),
        messages=table("messages", tables.MESSAGES),
        entries=table("entries", tables.ENTRIES),
        connections=table("connections", tables.CONNECTIONS),
        instances=pd.DataFrame(),
        coverage={},
        window={},
        folder=folder,
        run_id=folder.name,
    )
