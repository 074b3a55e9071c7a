"""The report of last resort: what is known about a run, without nbconvert and without a template engine.

Written when the real report could not be made, so that a link to a run never leads to nothing.
"""

from __future__ import annotations

import html
from pathlib import Path

from gpkit.redaction import redact
from gpkit.runs.recording.folder import read_json, write_text
from gpkit.runs.recording.record import RESULTS_FILE, RUN_FILE


def write(folder: Path) -> None:
    """Write ``report.html`` and ``report.md`` from the two records."""
    lines = _lines(folder)
    items = "\n".join(f"<li>{html.escape(line)}</li>" for line in lines[1:])
    write_text(
        folder / "report.html",
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">\n'
        f"<title>{html.escape(lines[0])}</title>\n</head>\n<body>\n<h1>{html.escape(lines[0])}</h1>\n"
        f"<ul>\n{items}\n</ul>\n</body>\n</html>\n",
    )
    # Indented: Markdown shows it as it is, whatever a log line or an error holds.
    write_text(folder / "report.md", "".join(f"    {line}\n" for line in lines))


def _lines(folder: Path) -> list[str]:
    run, results = read_json(folder / RUN_FILE), read_json(folder / RESULTS_FILE)
    error = run.get("error") or {}
    lines = [
        f"{run.get('notebook')}: {run.get('status')}",
        "The full report could not be made. The notebook and the records are beside this file.",
        f"Run: {run.get('run_id')}",
        f"Environment: {run.get('environment')}",
        f"Verdict: {run.get('verdict') or 'none, because the run did not end well'}",
        f"Started: {run.get('started_utc')}",
    ]
    if error:
        lines.append(f"Error: {error.get('kind')}: {error.get('message')}")
    lines += [
        f"{finding.get('verdict')}: {finding.get('claim')} (estimate {finding.get('estimate')}, "
        f"interval {finding.get('interval')}, n {finding.get('n')}, "
        f"target {finding.get('target_is') or 'is'} {finding.get('target')})"
        for finding in results.get("findings", [])
    ]
    return [redact(" ".join(line.split())) for line in lines]
