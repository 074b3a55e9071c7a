"""``gpkit show``: one past run, what it found, and the lines behind it.

JSON on standard output when it is piped or with ``--json``; in a terminal, text for people on standard error.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.cli import put_out, tell
from gpkit.cli.listing import aligned, for_people, outputs_of
from gpkit.errors import EXIT_HEALTHY

if TYPE_CHECKING:
    from gpkit.history import Past
    from gpkit.report.account import Account


def show(chosen: argparse.Namespace) -> int:
    """Show one past run."""
    from gpkit.report.account import read_account
    from gpkit.runs.recording.look import look_at

    past = look_at(outputs_of(chosen), chosen.run)
    if chosen.evidence:
        return _show_evidence(chosen, past.folder)
    account = read_account(past.folder)
    if for_people(chosen):
        tell(told(past, account))
    else:
        put_out(json.dumps(_whole(past, account), ensure_ascii=False) + "\n")
    return EXIT_HEALTHY


def _show_evidence(chosen: argparse.Namespace, folder: Path) -> int:
    """Put out the lines behind a finding, from the tables that the run has kept."""
    from gpkit import tables
    from gpkit.investigation.kept import kept_lines
    from gpkit.report.visible import shown

    lines = kept_lines(folder, chosen.evidence)
    if not for_people(chosen):
        put_out(tables.to_jsonl(lines))
        return EXIT_HEALTHY
    for case, part in lines.groupby("case", sort=False):
        tell(shown(case))
        for line in part.to_dict("records"):
            at = "" if line["at_utc"] is None or line["at_utc"] != line["at_utc"] else f"{line['at_utc']:%H:%M:%S.%f} "
            tell(f"  {at}{shown(line['text'])}")
    return EXIT_HEALTHY


def told(past: Past, account: Account) -> str:
    """One run for people: how it ended, what it found, with what it was made."""
    from gpkit.report import provenance
    from gpkit.report.visible import one_line
    from gpkit.report.wording import failure_message

    verdict = past.verdict or ("no verdict" if past.status == "ok" else "")
    head = [part for part in (past.notebook or "a run", past.environment and f"on {past.environment}") if part]
    lines = [one_line(" ".join(head)) + f": {past.status}" + (f", {verdict}" if verdict else "")]
    lines += [one_line(failure_message(account), 1000)] if account.failure else []
    lines += [one_line(problem) for problem in dict.fromkeys((*past.problems, *account.problems))]
    lines += _findings(account)
    for title, pairs in (
        ("Run", [*provenance.facts(account), *([("Repeats", past.rerun_of)] if past.rerun_of else [])]),
        ("Parameters", _parameters(account)),
        ("Coverage", provenance.coverage(account)),
        ("Versions", provenance.versions(account)),
    ):
        if pairs:
            lines += ["", title, aligned([("", name, value) for name, value in pairs])]
    lines += ["", f"Report: {past.report or 'none'}", f"Folder: {past.folder}"]
    return "\n".join(lines).replace("\u00a0", " ")


def _findings(account: Account) -> list[str]:
    from gpkit.report.changes import against_of
    from gpkit.report.measures import measure
    from gpkit.report.visible import one_line
    from gpkit.report.wording import verdict_word

    if not account.findings:
        return ["", "No finding was recorded."]
    against = against_of(account)
    lines = ["", "Findings" + ("" if account.status == "ok" else " recorded before the run ended")]
    for claim in account.findings:
        lines.append(f"  {verdict_word(claim).word}  {one_line(claim.id)}  {measure(claim).sentence}")
        lines.append(f"    {one_line(claim.claim, 600)}")
        if against and (changed := against.by_id.get(claim.id)):
            was = f" Before: {changed.was}." if changed.was else ""
            lines.append(f"    Against earlier runs: {changed.word.word}. {changed.why}{was} {changed.since}".rstrip())
        lines += [f"    Next step: {one_line(claim.next_step, 600)}"] if claim.next_step else []
    return lines


def _parameters(account: Account) -> list[tuple[str, str]]:
    from gpkit.report import provenance

    given = account.run.get("given") or []
    return [(name, f"{value}  (given)" if name in given else value) for name, value in provenance.parameters(account)]


def _whole(past: Past, account: Account) -> dict[str, Any]:
    names = (
        "parameters",
        "given",
        "window",
        "coverage",
        "python",
        "platform",
        "versions",
        "git",
        "timings",
        "usage",
        "cells",
    )
    results = account.results
    return {
        **past.as_dict(),
        **{name: account.run.get(name) for name in names},
        "findings": results.get("findings") or [],
        "against": results.get("against"),
        "problems": list(dict.fromkeys((*past.problems, *account.problems))),
    }
