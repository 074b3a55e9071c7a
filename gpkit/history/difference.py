"""Two runs side by side: what was asked, with what, over what, and what became of each finding.

``difference`` reads the records of both folders; everything else is pure. Values that are equal are left out, and
what one run does not record is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpkit.history.change import RULE, Change, changes, not_comparable
from gpkit.history.past import RESULTS_FILE, RUN_FILE, Past, read_object

Pairs = dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Difference:
    """The earlier named run and the later named one, in the order in which they were named.

    Attributes:
        a, b: The runs.
        notes: What a reader must know before comparing them.
        verdicts: Of both; null where a run has none.
        findings: What became of each, worst first.
        parameters, log, versions, code, window, coverage: What differs, by name: the value of ``a`` and that of ``b``.
    """

    a: Past
    b: Past
    notes: tuple[str, ...]
    verdicts: tuple[str | None, str | None]
    findings: tuple[Change, ...]
    parameters: Pairs
    log: Pairs
    versions: Pairs
    code: Pairs
    window: Pairs
    coverage: Pairs

    def as_dict(self) -> dict[str, Any]:
        """As JSON values, with the rule by which findings are compared."""
        return {
            "a": self.a.as_dict(),
            "b": self.b.as_dict(),
            "notes": list(self.notes),
            "verdict": list(self.verdicts),
            "findings": [
                {"id": one.id, "change": one.kind, "why": one.why, "a": one.before, "b": one.after}
                for one in self.findings
            ],
            "rule": RULE,
            **{
                name: {key: list(pair) for key, pair in getattr(self, name).items()}
                for name in ("parameters", "log", "versions", "code", "window", "coverage")
            },
        }


def difference(a: Past, b: Past) -> Difference:
    """What differs between two runs; ``a`` is taken for the earlier one, whatever their clocks say."""
    old, new = (read_object(past.folder / RUN_FILE) for past in (a, b))
    found = tuple(_findings(past) for past in (a, b))
    ended = [name for name, past in (("The first run", a), ("The second run", b)) if past.status != "ok"]
    told = changes(*found)
    if _selection(a, old) != _selection(b, new):
        why = "The runs looked at different selections of a log: logs_filter differs, or that of its files."
        told = tuple(not_comparable(one.before, one.after, why) for one in told)
    if ended:
        why = f"{' and '.join(ended)} did not end well.".replace(" and The", " and the")
        told = tuple(not_comparable(one.before, one.after, why) for one in told)
    return Difference(
        a,
        b,
        (*_notes(a, b), *_same_log(old.get("log"), new.get("log"))),
        (a.verdict or None, b.verdict or None),
        told,
        parameters=_pairs(old.get("parameters"), new.get("parameters")),
        log=_pairs(old.get("log"), new.get("log")),
        versions=_pairs(_versions(old), _versions(new)),
        code=_pairs(old.get("git"), new.get("git")),
        window=_pairs(old.get("window"), new.get("window")),
        coverage=_pairs(old.get("coverage"), new.get("coverage")),
    )


def _selection(past: Past, run: Mapping[str, Any]) -> str:
    """What selected the log entries of a run: the filter asked for, and those with which its files were written."""
    covered = run.get("coverage")
    asked = covered.get("asked") if isinstance(covered, Mapping) else None
    told = asked.get("filter") if isinstance(asked, Mapping) else None
    return str(told or past.parameters.get("logs_filter") or "")


def flat(value: Any, under: str = "") -> dict[str, Any]:
    """Names and values of a mapping; one inside another is named ``outer.inner``."""
    if not isinstance(value, Mapping):
        return {under: value} if under else {}
    told: dict[str, Any] = {}
    for name, inner in value.items():
        whole = f"{under}.{name}" if under else str(name)
        told |= flat(inner, whole) if isinstance(inner, Mapping) and inner else {whole: inner}
    return told


def _pairs(a: Any, b: Any) -> Pairs:
    old, new = flat(a), flat(b)
    names = [*old, *(name for name in new if name not in old)]
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def _versions(run: Mapping[str, Any]) -> dict[str, Any]:
    return {name: run.get(name) for name in ("python", "platform")} | flat(run.get("versions"))


def _findings(past: Past) -> list[Mapping[str, Any]]:
    """From results.json, which has the claims; from run.json when that is gone."""
    listed = read_object(past.folder / RESULTS_FILE).get("findings")
    found = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else list(past.findings)
    kept = ("id", "claim", "verdict", "estimate", "unit", "interval", "n", "target", "target_is", "cause")
    return [{name: item.get(name) for name in kept} for item in found]


def _same_log(a: Any, b: Any) -> list[str]:
    if not isinstance(a, Mapping) or not a or a != b:
        return []
    return [f"Both read the same files of a log, by {a.get('digest_of')}."]


def _notes(a: Past, b: Past) -> list[str]:
    told = [
        f"They are of different {what}s: {first or '(none)'}, then {second or '(none)'}."
        for what, first, second in (
            ("notebook", a.notebook, b.notebook),
            ("environment", a.environment, b.environment),
        )
        if first != second
    ]
    for past in (a, b):
        told += [f"{past.run_id}: {problem}" for problem in past.problems]
    if a.at and b.at and a.at > b.at:
        told.append("The first run is the later one.")
    return told
