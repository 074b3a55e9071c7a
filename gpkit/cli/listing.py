"""What the commands on past runs share: where runs are, who reads, and a run as a row of a list."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpkit.history import Past


def outputs_of(chosen: argparse.Namespace) -> Path:
    """Where runs are kept."""
    from gpkit.environments import project_root

    return (chosen.outputs or project_root() / "outputs").absolute()


def for_people(chosen: argparse.Namespace) -> bool:
    """Whether somebody reads standard output in a terminal, and did not ask for JSON."""
    return not chosen.json and sys.stdout is not None and sys.stdout.isatty()


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of text with their columns one below the other; the last one is as long as it is."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    widths[-1] = 0
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def row_of(past: Past) -> tuple[str, ...]:
    """A run in a list for people: folder, environment and log, status, verdict, headline or what ended it."""
    from gpkit.report.place import place
    from gpkit.report.visible import one_line

    said = " ".join(past.problems) or headline_of(past) or one_line(past.failure.get("message"), 100)
    said = f"attempt {past.attempt}: {said}" if past.retry_of else said
    state = "being made" if past.is_partial and past.status == "running" else past.status
    return (past.folder.name, place(past) or "–", state, past.verdict or "–", said)


def headline_of(past: Past) -> str:
    """The headline finding's id and numbers; empty for a run without a verdict."""
    from gpkit.report.account import claim_of
    from gpkit.report.measures import measure
    from gpkit.report.visible import one_line

    if not (past.headline and past.verdict):
        return ""
    claim = claim_of(past.headline)
    return f"{one_line(claim.id)} {measure(claim).sentence}".replace("\u00a0", " ").strip()
