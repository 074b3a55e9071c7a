"""``gpkit report RUN``: the report of a past run made again, or one page of it that stands alone."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.cli import put_out, tell
from gpkit.cli.listing import aligned, for_people, outputs_of
from gpkit.errors import EXIT_HEALTHY, ParameterError

if TYPE_CHECKING:
    from gpkit.report.sizes import Sizes


def report(chosen: argparse.Namespace) -> int:
    """Make the report; where it is and what it weighs is told."""
    from gpkit.report import HTML_FILE
    from gpkit.report.making import require_replaceable, write_report, write_single
    from gpkit.runs.recording.look import look_at

    outputs = outputs_of(chosen)
    alone: Path | None = chosen.single_file.absolute() if chosen.single_file else None
    if alone:
        require_replaceable(alone)
    past = look_at(outputs, chosen.run)
    if past.is_partial and past.status == "running":
        raise ParameterError(
            f"{past.run_id} is being made.", "Its report comes at its end.", f"gpkit show {past.run_id}"
        )
    if alone:
        made, sizes = alone, write_single(past.folder, alone, show_sizes=chosen.sizes)
    else:
        made = past.folder / HTML_FILE
        sizes = write_report(past.folder, root=_root(past.folder), show_sizes=chosen.sizes)
    if for_people(chosen):
        tell(_told(made, sizes, whole=chosen.sizes))
    else:
        put_out(json.dumps(_row(past.run_id, made, sizes), ensure_ascii=False) + "\n")
        if sizes.is_exceeded:
            tell(_told(made, sizes, whole=True))
    return EXIT_HEALTHY


def _root(folder: Path) -> Path:
    """Where a page may keep plotly.js: in its outputs folder, or beside itself in a folder that stands alone."""
    return folder.parent.parent if folder.parent.name == "runs" else folder


def _told(made: Path, sizes: Sizes, *, whole: bool) -> str:
    """Where the page is and what it weighs; its parts when they are asked for, or when it is too large."""
    from gpkit.report.sizes import told

    lines = [f"Report: {made}", sizes.sentence]
    if whole or sizes.is_exceeded:
        rows = [(told(part.size_bytes).rjust(8), part.name) for part in sizes.rows]
        lines += ["", aligned([("", *row) for row in rows]), *sizes.remedies]
    return "\n".join(lines)


def _row(run_id: str, made: Path, sizes: Sizes) -> dict[str, object]:
    parts = [{"kind": part.kind, "name": part.name, "size_bytes": part.size_bytes} for part in sizes.parts]
    return {
        "run_id": run_id,
        "report": str(made),
        "size_bytes": sizes.size_bytes,
        "budget_bytes": sizes.budget_bytes,
        "parts": parts,
    }
