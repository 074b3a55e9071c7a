"""Record what was found, and show the verdict: ``results.json`` for programs, a short card for people."""

from __future__ import annotations

import html
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.errors import OutputError
from gpkit.findings import Finding, headline, run_verdict
from gpkit.investigation.gathered import Gathered
from gpkit.investigation.pivot import Evidence
from gpkit.investigation.trail import trail

if TYPE_CHECKING:
    import pandas as pd

WORDS = {
    "findings": "FAILS",
    "inconclusive": "CANNOT TELL",
    "no-data": "NO DATA",
    "healthy": "MEETS EVERY TARGET",
    "fails": "FAILS",
    "undecided": "CANNOT TELL",
    "meets": "MEETS",
}


@dataclass(frozen=True)
class Verdict:
    """The verdict of a run and the findings behind it; shows itself in a notebook and as text."""

    verdict: str
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        lines = [WORDS[self.verdict]]
        lines += [f"{WORDS[item.verdict]}: {item.claim}" for item in self.findings]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        items = "".join(_item(finding) for finding in self.findings)
        return f"<p><strong>{WORDS[self.verdict]}</strong></p><ul>{items}</ul>"


def record(run: Gathered, findings: tuple[Finding, ...]) -> Verdict:
    """Write ``results.json`` into the run's folder, whole or not at all. The status is the supervisor's to set."""
    lead = headline(findings)
    verdict = run_verdict(findings)
    evidence = Evidence(run)
    trails = {finding.id: trail(run, evidence, finding) for finding in findings}
    results: dict[str, Any] = {
        "run_id": run.run_id,
        "notebook": run.question,
        "environment": run.environment,
        "status": "running",
        "verdict": verdict,
        "window": run.window,
        "coverage": run.coverage,
        "headline": lead.id if lead else None,
        "findings": [finding.as_dict() for finding in findings],
        "evidence_lines": {name: one.lines() for name, one in trails.items()},
        "evidence_trail": {name: one.as_dict() for name, one in trails.items()},
    }
    path = run.folder / "results.json"
    partial = path.with_suffix(".json.partial")
    try:
        partial.write_text(json.dumps(results, ensure_ascii=False, indent=1, allow_nan=False) + "\n", "utf-8")
        Path(partial).replace(path)
    except OSError as error:
        raise OutputError(f"The results cannot be written: {os.strerror(error.errno or 0)}.") from error
    return Verdict(verdict, findings)


def facts(run: Gathered) -> pd.DataFrame:
    """What there is to judge: one row per fact."""
    import pandas as pd

    since, until = run.window["since"] or "–", run.window["until"] or "–"
    rows = [
        ("target", run.environment),
        ("evidence", "probe" if run.is_live else f"log: {run.source}"),
        *_asked(run),
        ("window of the evidence (UTC)", f"{since} to {until}"),
        ("attempts", str(len(run.attempts))),
        ("log entries", str(len(run.entries))),
        ("connections in the log", str(len(run.connections))),
    ]
    if run.is_live and len(run.connections) and "server_connection_id" in run.attempts.columns:
        matched = int(run.attempts["server_connection_id"].notna().sum())
        rows.append(("attempts found in the log", f"{matched} of {len(run.attempts)}"))
    rows += [("note", str(note)) for note in run.coverage.get("notes", [])]
    return pd.DataFrame(rows, columns=["fact", "value"])


def _asked(run: Gathered) -> list[tuple[str, str]]:
    """The window and the filter that a log was asked for, where it was."""
    asked = run.coverage.get("asked", {})
    since, until = (asked.get("window", {}).get(end) for end in ("since", "until"))
    told = [("window asked for (UTC)", f"{since or 'no limit'} to {until or 'no limit'}")] if since or until else []
    return told + ([("selection", f"only entries that match {asked['filter']}")] if asked.get("filter") else [])


def _item(finding: Finding) -> str:
    parts = [f"<strong>{WORDS[finding.verdict]}</strong> {html.escape(finding.claim)}"]
    parts += [f"Not a {html.escape(text)}." for text in finding.ruled_out]
    if finding.limits.strip():
        parts.append(f"<em>{html.escape(finding.limits.strip())}</em>")
    if finding.next_step:
        parts.append(f"Next: {html.escape(finding.next_step)}")
    return f"<li>{'<br>'.join(parts)}</li>"
