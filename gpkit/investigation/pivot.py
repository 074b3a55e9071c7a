"""From any number to the raw lines or frames behind it.

A case is what a finding names as evidence: an attempt, a connection, an instance, or one log entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from gpkit.investigation.gathered import Gathered

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["case", "id", "kind", "at_utc", "text"]
MAX_LINE_CHARS = 2000
MAX_INSTANCE_LINES = 8
GRAVE = ("WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
_FACTS = ("http_status", "close_code_received", "close_reason_received", "error_type", "server_reason")
_PARTS = ("effective_severity", "http_method", "http_url", "http_status", "user_agent")


@dataclass(frozen=True)
class Line:
    """One line or frame: ``id`` (attempt or insert id), ``kind`` (attempt, frame, entry, missing), ``at`` (UTC, null
    where only the order is known), ``text`` (redacted, as recorded), ``is_telling`` (grave, or what was asked)."""

    id: str
    kind: str
    at: Any
    text: str
    is_telling: bool = True


def lines_of(run: Gathered, ids: Iterable[str]) -> pd.DataFrame:
    """The lines behind ids of attempts, connections, instances or log entries, in their order.

    Returns:
        ``case`` (the id looked up), ``id`` (attempt or insert id), ``kind`` (attempt, frame, entry), ``at_utc`` (null
        where only the order is known), ``text`` (redacted, as recorded). Ids that nothing is recorded for give a row
        of kind ``missing``.
    """
    import pandas as pd

    evidence = Evidence(run)
    rows = [(one, line.id, line.kind, line.at, line.text) for one in ids for line in evidence.lines(one)]
    return pd.DataFrame(rows, columns=COLUMNS)


class Evidence:
    """The tables of a run, to look up cases in; each index is made when it is first needed."""

    def __init__(self, run: Gathered) -> None:
        self._run = run

    @cached_property
    def attempts(self) -> pd.DataFrame:
        """By attempt id."""
        return self._run.attempts.drop_duplicates("attempt_id").set_index("attempt_id", drop=False)

    @cached_property
    def connections(self) -> pd.DataFrame:
        """By connection id."""
        return self._run.connections.drop_duplicates("connection_id").set_index("connection_id", drop=False)

    @cached_property
    def instances(self) -> pd.DataFrame:
        """By instance id."""
        known = self._run.instances
        return known.set_index("instance_id", drop=False) if len(known) else self.attempts[:0]

    @cached_property
    def _row_of(self) -> dict[str, int]:
        """Where each insert id stands first. A frame indexed by it would be a copy of every entry's JSON."""
        ids = self._run.entries["insert_id"].tolist()
        return {ids[at]: at for at in range(len(ids) - 1, -1, -1) if isinstance(ids[at], str)}

    @cached_property
    def _behind(self) -> dict[str, list[str]]:
        """Insert ids behind each attempt, connection and instance."""
        behind: dict[str, Any] = dict(zip(self.connections.index, self.connections["evidence"], strict=True))
        if "server_evidence" in self.attempts.columns:
            joined = zip(self.attempts.index, self.attempts["server_evidence"], strict=True)
            behind |= {one: held for one, held in joined if _is_list(held)}
        entries = self._run.entries[["insert_id", "instance_id", "timestamp_ns", "effective_severity"]]
        grave = entries[entries["effective_severity"].isin(GRAVE) & entries["insert_id"].notna()]
        for name, part in grave.sort_values("timestamp_ns", kind="stable").groupby("instance_id"):
            behind.setdefault(str(name), list(part["insert_id"])[-MAX_INSTANCE_LINES:])
        return behind

    @cached_property
    def _begun(self) -> dict[str, Any]:
        """When each attempt, connection and instance began, nanoseconds since 1970."""
        asked = self.connections["requested_ns"].fillna(self.connections["decided_ns"])
        begun: dict[Any, Any] = asked.to_dict() | self.attempts["started_ns"].to_dict()
        return begun | (self.instances["first_ns"].to_dict() if len(self.instances) else {})

    def entry_ids(self, one: str) -> list[str]:
        """The insert ids of the log entries behind a case: of an instance its last grave ones."""
        listed = self._behind.get(one, [] if one in self.attempts.index else [one])
        return [str(item) for item in listed if item in self._row_of]

    def entry(self, insert_id: str) -> pd.Series[Any] | None:
        """A log entry, as a row of its table; null when it is not there."""
        at = self._row_of.get(insert_id)
        return None if at is None else self._run.entries.iloc[at]

    def at_ns(self, one: str) -> int | None:
        """When a case began; null when nothing tells."""
        if one not in self._begun and one in self._row_of:
            stamp = self._run.entries["timestamp_ns"].iloc[self._row_of[one]]
        else:
            stamp = self._begun.get(one)
        return int(cast("int", stamp)) if is_known(stamp) else None

    def lines(self, one: str) -> list[Line]:
        """The lines and frames of a case."""
        found: list[Line] = []
        if one in self.attempts.index:
            found += _attempt(cast("pd.Series[Any]", self.attempts.loc[one]), self._run.messages)
        found += [_entry(self._run.entries.iloc[self._row_of[item]]) for item in self.entry_ids(one)]
        return found or [Line(one, "missing", None, "nothing is recorded for it")]


def _attempt(attempt: pd.Series[Any], messages: pd.DataFrame) -> list[Line]:
    identity = str(attempt["attempt_id"])
    facts = [f"outcome {attempt['outcome']}", f"ended in {attempt['ended_in']}"]
    facts += [f"{name} {attempt[name]}" for name in _FACTS if is_known(attempt.get(name))]
    lines = [Line(identity, "attempt", attempt["started_utc"], ", ".join(facts))]
    return lines + [
        _frame(identity, cast("Mapping[str, Any]", frame))
        for frame in messages[messages["attempt_id"] == identity].sort_values("index").to_dict("records")
    ]


def _frame(identity: str, frame: Mapping[str, Any]) -> Line:
    text = frame["text"] if is_known(frame["text"]) else f"{frame['size_bytes']} bytes"
    shown = f"+{frame['t_ns'] / 1e6:.3f} ms {frame['direction']} {frame['kind']}: {text}"
    return Line(identity, "frame", None, shown[:MAX_LINE_CHARS])


def _entry(entry: pd.Series[Any]) -> Line:
    parts = [str(entry[name]) for name in _PARTS if is_known(entry[name])]
    message = str(entry["message"]) if is_known(entry["message"]) else ""
    text = " ".join([*parts, message])[:MAX_LINE_CHARS]
    telling = entry["effective_severity"] in GRAVE or is_known(entry["http_url"])
    return Line(str(entry["insert_id"]), "entry", entry["timestamp"], text, bool(telling))


def is_known(value: object) -> bool:
    """Whether a cell of a table holds a value."""
    import pandas as pd

    return value is not None and value is not pd.NA and value is not pd.NaT and (_is_list(value) or value == value)


def _is_list(value: object) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str)
