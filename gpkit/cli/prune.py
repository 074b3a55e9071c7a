"""``gpkit prune --keep 30d``: remove past runs that need not be kept."""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.cli import put_out, tell
from gpkit.cli.listing import for_people, outputs_of
from gpkit.errors import EXIT_HEALTHY, EXIT_RUN_FAILED, ParameterError, nearest

if TYPE_CHECKING:
    from gpkit.runs.recording.retention import Pruned


def prune(chosen: argparse.Namespace) -> int:
    """Remove runs; what went and what it freed is told on standard error, the runs on standard output."""
    from gpkit.runs.recording.orphans import complete_orphans
    from gpkit.runs.recording.retention import parse_keep, prune

    keep, outputs = parse_keep(chosen.keep), outputs_of(chosen)
    _require_some(outputs, notebook=chosen.notebook, environment=chosen.environment)
    if not chosen.dry_run:
        complete_orphans(outputs)
    done = prune(outputs, keep, notebook=chosen.notebook, environment=chosen.environment, dry_run=chosen.dry_run)
    if done.removed and not chosen.dry_run:
        with contextlib.suppress(Exception):  # derived from the records: the next run makes it again
            from gpkit.report import write_index

            write_index(outputs)
    if not for_people(chosen):
        rows = ({**past.as_dict(), "size_bytes": done.sizes_bytes[past.run_id]} for past in done.removed)
        put_out("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    elif chosen.dry_run:
        tell("\n".join(past.run_id for past in done.removed))
    tell(told(done, dry_run=chosen.dry_run))
    return EXIT_RUN_FAILED if done.problems else EXIT_HEALTHY


def _require_some(outputs: Path, **chosen: str) -> None:
    """Refuse a choice that no run fits: a slip of the pen would seem to have kept everything on purpose.

    Raises:
        ParameterError: No run is of that notebook, or on that environment.
    """
    from gpkit.history import newest

    if not any(chosen.values()):
        return
    pasts = list(newest(outputs / "runs"))
    for name, wanted in chosen.items():
        known = sorted({getattr(past, name) for past in pasts} - {""})
        if wanted and wanted not in known:
            raise ParameterError(
                f"No run's {name} is '{wanted}'.",
                nearest(wanted, known),
                f"There are: {', '.join(known)}." if known else "No run has been recorded yet.",
            )


def told(done: Pruned, *, dry_run: bool) -> str:
    """What a pruning did, in a sentence or two."""
    count = len(done.removed)
    what = f"{count} {'run' if count == 1 else 'runs'}"
    size = f"{done.freed_bytes / 1e6:.1f} MB"
    removed = f"{what} would be removed, {size} freed." if dry_run else f"{what} removed, {size} freed."
    kept = ", ".join(f"{number} {reason}" for reason, number in done.kept.most_common()) or "none"
    return "\n".join([removed, f"Kept: {kept}.", *done.problems])
