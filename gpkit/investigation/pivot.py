"""From any number to the raw lines or frames behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from gpkit.investigation.gathered import Gathered

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["id", "kind", "at_utc", "text"]
MAX_LINE_CHARS = 2000
MAX_INSTANCE_LINES = 8
GRAVE = ("WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")


def lines_of(run: Gathered, ids: list[str]) -> pd.DataFrame:
    """The lines behind ids of attempts, connections or log entries, in their order.

    Returns:
        ``id`` (attempt or insert id), ``kind`` (attempt, frame, entry), ``at_utc`` (null where only the order is
        known), ``text`` (redacted, as recorded). Ids that nothing is recorded for give a row of kind ``missing``.
    """
    import pandas as pd

    attempts = run.attempts.drop_duplicates("attempt_id").set_index("attempt_id")
    connections = run.connections.drop_duplicates("connection_id").set_index("connection_id")
    wanted = [item for one in ids for item in _entries_of(connections, one)]
    known = run.entries[run.entries["insert_id"].isin(wanted)].drop_duplicates("insert_id").set_index("insert_id")
    instances = set(run.instances["instance_id"]) if len(run.instances) else set()
    rows: list[tuple[object, ...]] = []
    for one in ids:
        if one in attempts.index:
            rows += _attempt(cast("pd.Series[Any]", attempts.loc[one]), run.messages)
            continue
        if one in instances:
            rows += _instance(one, run.entries)
            continue
        found = [item for item in _entries_of(connections, one) if item in known.index]
        rows += [_entry(item, cast("pd.Series[Any]", known.loc[item])) for item in found] or [
            (one, "missing", None, "nothing is recorded for it")
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _entries_of(connections: pd.DataFrame, one: str) -> list[str]:
    return list(cast("list[str]", connections.loc[one, "evidence"])) if one in connections.index else [one]


def _attempt(attempt: pd.Series[Any], messages: pd.DataFrame) -> list[tuple[object, ...]]:
    identity = str(attempt.name)
    facts = [f"outcome {attempt['outcome']}", f"ended in {attempt['ended_in']}"]
    for name in ("http_status", "close_code_received", "close_reason_received", "error_type", "server_reason"):
        value = attempt.get(name)
        if _is_known(value):
            facts.append(f"{name} {value}")
    rows: list[tuple[object, ...]] = [(identity, "attempt", attempt["started_utc"], ", ".join(facts))]
    for frame in messages[messages["attempt_id"] == identity].sort_values("index").to_dict("records"):
        text = frame["text"] if _is_known(frame["text"]) else f"{frame['size_bytes']} bytes"
        shown = f"+{frame['t_ns'] / 1e6:.3f} ms {frame['direction']} {frame['kind']}: {text}"
        rows.append((identity, "frame", None, shown[:MAX_LINE_CHARS]))
    return rows


def _entry(identity: str, entry: pd.Series[Any]) -> tuple[object, ...]:
    parts = [str(entry[name]) for name in ("effective_severity", "http_method", "http_url", "http_status", "user_agent")
             if _is_known(entry[name])]  # fmt: skip
    message = str(entry["message"]) if _is_known(entry["message"]) else ""
    return identity, "entry", entry["timestamp"], " ".join([*parts, message])[:MAX_LINE_CHARS]


def _instance(identity: str, entries: pd.DataFrame) -> list[tuple[object, ...]]:
    """The gravest lines of an instance, in order of time: why it ended stands among them."""
    own = entries[(entries["instance_id"] == identity) & entries["effective_severity"].isin(GRAVE)]
    lines = own.sort_values("timestamp_ns", kind="stable").tail(MAX_INSTANCE_LINES)
    return [_entry(str(row["insert_id"]), row) for _, row in lines.iterrows()]


def _is_known(value: object) -> bool:
    import pandas as pd

    return value is not None and value is not pd.NA and value is not pd.NaT and value == value
