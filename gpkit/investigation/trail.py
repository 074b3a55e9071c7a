"""The way from a finding back to its evidence: what is shown of it, and how to see the rest."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from gpkit import environments, redaction
from gpkit.findings import Finding
from gpkit.investigation import explorer, origin
from gpkit.investigation.exhibits import Exhibit, exhibits
from gpkit.investigation.gathered import Gathered
from gpkit.investigation.narrowing import narrowed
from gpkit.investigation.pivot import Evidence


@dataclass(frozen=True)
class Trail:
    """The evidence behind one finding.

    Attributes:
        finding: Whose evidence it is.
        exhibits: The cases that are shown, with their lines.
        cases: How many there are in all.
        entries: Log entries behind all of them.
        filter: Selects these entries; empty when there is none to give.
        selects: How many entries of the run it selects.
        window: What was asked for, null ends for no limit.
        command: Reads the entries from where they came; empty when there is no such place.
        explorer: Address in the Logs Explorer; empty where the entries are not in a project of Google Cloud.
        rest: Shows all lines and frames from the folder of the run; empty for a run that no command finds.
        notes: What to know of filter, command and address, one sentence each.
    """

    finding: Finding
    exhibits: tuple[Exhibit, ...]
    cases: int
    entries: int
    filter: str
    selects: int
    window: dict[str, str | None]
    command: str
    explorer: str
    rest: str
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As it stands in ``results.json``, but for the lines."""
        return {
            "worst": self.finding.worst,
            "cases": self.cases,
            "entries": self.entries,
            "shown": [
                {"id": one.id, "why": one.why, "ids": one.ids, "lines": len(one.lines), "of": one.of}
                for one in self.exhibits
            ],
            "filter": self.filter,
            "selects": self.selects,
            "window": self.window,
            "command": self.command,
            "explorer": self.explorer,
            "rest": self.rest,
            "notes": list(self.notes),
        }

    def lines(self) -> list[dict[str, str]]:
        """The lines that are shown, with the case that each belongs to."""
        return [
            {"case": one.id, "id": line.id, "kind": line.kind, "at": _at(line.at), "text": line.text}
            for one in self.exhibits
            for line in one.lines
        ]


def trail(run: Gathered, evidence: Evidence, finding: Finding) -> Trail:
    """What is shown of a finding's evidence, and how the rest is found."""
    shown = exhibits(evidence, finding)
    cases = list(dict.fromkeys(finding.evidence))
    # The cases that are shown come first: should not all fit into one filter, these do.
    in_order = dict.fromkeys([*(one.id for one in shown), *cases])
    ids = list(dict.fromkeys(item for one in in_order for item in evidence.entry_ids(one)))
    made = narrowed(run.entries, ids, run.origin.filter)
    notes = list(made.notes)
    address = ""
    if made.filter and run.origin.project:
        address, note = explorer.link_or_note(run.origin.project, run.origin.window, made.filter)
        notes += [note] if note else []
    command = origin.command(run.origin, made.filter) if made.filter and run.origin.source else ""
    if redaction.redact(command) != command:
        command = ""
        notes.append("The name of the source reads like a credential, so no command is given.")
    if cases and run.is_live and not run.has_log:
        notes.append("The target's log was not read by this run; the traces join these attempts to it.")
    return Trail(
        finding=finding,
        exhibits=shown,
        cases=len(cases),
        entries=len(ids),
        filter=made.filter,
        selects=made.selects,
        window=run.origin.window.as_dict(),
        command=command,
        explorer=address,
        rest=_rest(run, finding) if cases else "",
        notes=tuple(notes),
    )


def _rest(run: Gathered, finding: Finding) -> str:
    """``gpkit show RUN --evidence ID``, for a run that stands among the others."""
    if run.folder.parent.name != "runs":
        return ""
    words = ["gpkit", "show", run.run_id, "--evidence", finding.id]
    outputs, usual = run.folder.parent.parent, environments.project_root() / "outputs"
    return shlex.join(words if outputs == usual else [*words, "--outputs", origin.from_root(outputs)])


def _at(value: object) -> str:
    isoformat = getattr(value, "isoformat", None)
    return "" if isoformat is None or value != value else str(isoformat()).replace("+00:00", "Z")
