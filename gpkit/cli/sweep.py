"""A sweep for people and programs: ``gpkit runs --sweep ID``, and the end of ``gpkit run … --sweep``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.cli import put_out, tell
from gpkit.cli.listing import aligned, outputs_of, row_of
from gpkit.errors import EXIT_HEALTHY

if TYPE_CHECKING:
    from gpkit.history.sweeps import Sweep


def sweep_runs(chosen: argparse.Namespace, *, is_told: bool) -> int:
    """List the runs of one sweep."""
    from gpkit.runs.recording.look import look_at_sweep

    found = look_at_sweep(outputs_of(chosen), chosen.sweep)
    if is_told:
        tell(sweep_told(found))
    else:
        put_out("".join(json.dumps(past.as_dict(), ensure_ascii=False) + "\n" for past in found.runs))
    return EXIT_HEALTHY


def sweep_told(sweep: Sweep) -> str:
    """A sweep for people: value, status, verdict and headline of each run, then what the intervals tell."""
    from gpkit.history.sweeps import compared, said, values_of
    from gpkit.report.visible import one_line

    is_mixed = len({past.notebook for past in sweep.runs}) > 1
    rows = [
        (one_line(f"{past.notebook} " * is_mixed + said(values_of(past)), 100), *row_of(past)[2:])
        for past in sweep.runs
    ]
    columns = (", ".join(sweep.names).upper(), "STATUS", "VERDICT", "HEADLINE")
    missing = [f"{sweep.of - len(sweep.runs)} of {sweep.of} runs are not there."] if sweep.of > len(sweep.runs) else []
    table = aligned([columns, *rows])
    return "\n".join(
        ["", table, *_by_finding(sweep), *compared(sweep), *missing, f"Together: gpkit runs --sweep {sweep.id}"]
    )


def _by_finding(sweep: Sweep) -> list[str]:
    """Each finding that leads some run, in every run; nothing where one and the same leads them all."""
    from gpkit.history.sweeps import finding_of, leads, said, values_of
    from gpkit.report.account import claim_of
    from gpkit.report.measures import measure

    names = leads(sweep.runs)
    told = []
    for name in names if len(names) > 1 else ():
        found = [(past, finding_of(past, name)) for past in sweep.runs]
        rows = [
            ("", said(values_of(past)), measure(claim_of(one)).sentence.replace("\u00a0", " "))
            for past, one in found
            if one
        ]
        told += [f"{name} in every run:", aligned(rows)]
    return told


def sweep_table(outputs: Path, sweep_id: str) -> str:
    """The runs of a sweep that was just made, one below the other."""
    from gpkit.history import newest
    from gpkit.history.sweeps import sweeps

    made = sweeps(past for past in newest(outputs / "runs") if past.sweep.get("id") == sweep_id)
    return sweep_told(made[0]) if made else "No run of the sweep was made."
