"""``gpkit rerun RUN``: a past run once more, with its parameters and its window."""

from __future__ import annotations

import argparse

from gpkit.cli import tell
from gpkit.cli.listing import outputs_of


def rerun(chosen: argparse.Namespace) -> int:
    """Make a past run once more; the exit code is that of the new run."""
    from gpkit.cli.run import carry_out
    from gpkit.runs.asking.plan import duration_s
    from gpkit.runs.making.again import plan_again
    from gpkit.runs.recording.look import look_at

    outputs = outputs_of(chosen)
    past = look_at(outputs, chosen.run)
    again = plan_again(
        past,
        offline=chosen.offline,
        deadline_s=duration_s(chosen.deadline) if chosen.deadline else None,
        outputs=outputs,
    )
    tell("\n".join([f"Once more: {past.run_id}", *again.warnings]))
    return carry_out([again.plan], jobs=1, as_json=chosen.json)
