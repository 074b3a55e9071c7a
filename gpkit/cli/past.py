"""``gpkit runs``: what ran, newest first.

JSON lines on standard output when it is piped or with ``--json``; in a terminal, text for people on standard error.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime

from gpkit.cli import put_out, tell
from gpkit.cli.listing import aligned, for_people, outputs_of, row_of
from gpkit.errors import EXIT_HEALTHY, ParameterError

_SHOWN = 50  # chosen: what a person looks through; a program gets all


def runs(chosen: argparse.Namespace) -> int:
    """List past runs, newest first."""
    from gpkit.instants import instant
    from gpkit.runs.recording.look import look

    if chosen.limit is not None and chosen.limit < 1:
        raise ParameterError(f"--limit {chosen.limit} leaves nothing to list.", next_step="Write --limit 1 or more.")
    is_told = for_people(chosen)
    if chosen.sweep:
        from gpkit.cli.sweep import sweep_runs

        if any((chosen.notebook, chosen.environment, chosen.verdict, chosen.status, chosen.since, chosen.limit)):
            raise ParameterError("--sweep shows a sweep as a whole.", next_step="Leave the other filters out.")
        return sweep_runs(chosen, is_told=is_told)
    found = look(
        outputs_of(chosen),
        notebook=chosen.notebook,
        environment=chosen.environment,
        verdict=chosen.verdict,
        status=chosen.status,
        since=instant(chosen.since, now=datetime.now(UTC), name="--since"),
        limit=chosen.limit or (_SHOWN + 1 if is_told else None),
    )
    if not is_told:
        put_out("".join(json.dumps(past.as_dict(), ensure_ascii=False) + "\n" for past in found))
        return EXIT_HEALTHY
    limit = chosen.limit or _SHOWN
    columns = ("RUN", "ENVIRONMENT", "STATUS", "VERDICT", "HEADLINE")
    tell(aligned([columns, *(row_of(past) for past in found[:limit])]) if found else "No run fits.")
    if len(found) > limit:
        tell(f"Older runs are not shown: gpkit runs --limit {10 * limit}")
    return EXIT_HEALTHY
