"""Which cases of a finding are shown, and which of their lines: the first in time, and the worst.

What is worst is the finding's to say (``Finding.worst``); where it says nothing, no case is worse than another, and the
first ones are shown. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpkit.findings import Finding
from gpkit.investigation.pivot import Evidence, Line, is_known

if TYPE_CHECKING:
    import pandas as pd

FIRST, WORST = 3, 3  # chosen: enough to see whether all look alike; the commands show the rest
LINES_OF_A_CASE = 8  # chosen: an attempt that got five events has eight frames

_THREAD = re.compile(r"\bthread(?:_id)?[\"']?\s*[=:]\s*[\"']?([A-Za-z0-9_\-]{4,80})")


@dataclass(frozen=True)
class Exhibit:
    """One case that is shown.

    Attributes:
        id: As the finding names it.
        why: ``first``, ``worst``, or both.
        ids: What it is called elsewhere: connection, trace, thread, run, instance, user.
        lines: Those that are shown, in order.
        of: How many lines it has.
    """

    id: str
    why: str
    ids: dict[str, str]
    lines: tuple[Line, ...]
    of: int


def exhibits(evidence: Evidence, finding: Finding) -> tuple[Exhibit, ...]:
    """The first cases of a finding in time, then the worst that are not among them."""
    cases = list(dict.fromkeys(finding.evidence))
    begun = {one: evidence.at_ns(one) for one in cases}
    in_time = sorted(cases, key=lambda one: (begun[one] is None, begun[one] or 0))
    first, worst = in_time[:FIRST], cases[:WORST] if finding.worst else []
    return tuple(
        _exhibit(
            evidence, one, " and ".join(word for word, held in (("first", first), ("worst", worst)) if one in held)
        )
        for one in dict.fromkeys([*first, *worst])
    )


def _exhibit(evidence: Evidence, one: str, why: str) -> Exhibit:
    lines = evidence.lines(one)
    shown = tuple(lines[at] for at in _telling(lines))
    return Exhibit(one, why, _names(evidence, one, lines), shown, len(lines))


def _telling(lines: list[Line]) -> list[int]:
    """Which lines to show, in order: what is grave or was asked before frames, and frames before other entries."""
    rank = [0 if line.kind == "attempt" else 1 if line.kind == "frame" else 2 - 2 * line.is_telling for line in lines]
    return sorted(sorted(range(len(lines)), key=lambda at: rank[at])[:LINES_OF_A_CASE])


def _names(evidence: Evidence, one: str, lines: list[Line]) -> dict[str, str]:
    """The ids under which a case is found elsewhere; what is not known is left out."""
    tables: tuple[tuple[pd.DataFrame, tuple[str, ...]], ...] = (
        (evidence.attempts, ("connection_id", "trace", "run_ids", "server_instance_id", "user")),
        (evidence.connections, ("server_connection_id", "trace", "run_ids", "instance_id", "revision")),
        (evidence.instances, ("revision", "service")),
    )
    row: Any = evidence.entry(one)
    names = _OF_AN_ENTRY
    for table, own in tables:
        if one in table.index:
            row, names = table.loc[one], own
            break
    if row is None:
        return {}
    called = {name: _said(row.get(name)) for name in names}
    threads = dict.fromkeys(found for line in lines for found in _THREAD.findall(line.text))
    called["thread"] = ", ".join(list(threads)[:3])
    return {_NAMES.get(name, name): value for name, value in called.items() if value}


_OF_AN_ENTRY: tuple[str, ...] = ("trace", "instance_id", "revision")
_NAMES = {
    "connection_id": "connection",
    "server_connection_id": "connection",
    "run_ids": "run",
    "server_instance_id": "instance",
    "instance_id": "instance",
}


def _said(value: Any) -> str:
    if not is_known(value):
        return ""
    return str(value) if isinstance(value, str) else ", ".join(map(str, value))
