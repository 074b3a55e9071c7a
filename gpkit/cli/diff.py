"""``gpkit diff A B``: what differs between two runs, and what became of each finding."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpkit.cli import put_out, tell
from gpkit.cli.listing import aligned, for_people, outputs_of
from gpkit.errors import EXIT_HEALTHY

if TYPE_CHECKING:
    from gpkit.history import Past
    from gpkit.history.difference import Difference, Pairs


def diff(chosen: argparse.Namespace) -> int:
    """Compare two past runs."""
    from gpkit.history.difference import difference
    from gpkit.runs.recording.look import look_at

    outputs = outputs_of(chosen)
    found = difference(look_at(outputs, chosen.a), look_at(outputs, chosen.b))
    if for_people(chosen):
        tell(told(found))
    else:
        put_out(json.dumps(found.as_dict(), ensure_ascii=False) + "\n")
    return EXIT_HEALTHY


def told(found: Difference) -> str:
    """Two runs side by side, for people."""
    from gpkit.history.change import RULE
    from gpkit.report.visible import one_line

    lines = [aligned([_run("A", found.a), _run("B", found.b)])]
    lines += [one_line(note) for note in found.notes]
    lines += ["", "Findings", *_findings(found), "", f"The rule: {RULE}"]
    same = []
    for title in ("parameters", "log", "versions", "code", "window", "coverage"):
        pairs: Pairs = getattr(found, title)
        if pairs:
            rows = [("", one_line(name), f"{_said(a)} → {_said(b)}") for name, (a, b) in pairs.items()]
            lines += ["", f"What differs: {title}", aligned(rows)]
        elif title != "log":  # that of two records without one is not known to be the same
            same.append(title)
    return "\n".join([*lines, *(["", f"The same: {', '.join(same)}."] if same else [])]).replace("\u00a0", " ")


def _run(name: str, past: Past) -> tuple[str, ...]:
    from gpkit.report.visible import one_line

    where = " on ".join(one_line(part) for part in (past.notebook, past.environment) if part)
    return (name, past.run_id, where, past.status, past.verdict or "no verdict")


def _findings(found: Difference) -> list[str]:
    from gpkit.report.visible import one_line

    if not found.findings:
        return ["  Neither run has one."]
    lines = []
    for one in found.findings:
        lines.append(f"  {one.kind.upper()}  {one_line(one.id)}: {one_line(one.why)}")
        lines += [
            f"    {name}  {_numbers(finding)}" for name, finding in (("A", one.before), ("B", one.after)) if finding
        ]
    return lines


def _numbers(finding: Mapping[str, Any]) -> str:
    from gpkit.report.account import claim_of
    from gpkit.report.measures import measure
    from gpkit.report.wording import verdict_word

    claim = claim_of(finding)
    return " ".join(part for part in (verdict_word(claim).word, measure(claim).sentence) if part)


def _said(value: Any) -> str:
    from gpkit.report.visible import one_line

    return "–" if value is None or value == "" else one_line(value)
