"""The agent events that the server claims to have sent, from its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("event", "user_id", "run_id", "sent", "at_ns", "service", "revision", "instance_id", "insert_id")


def server_events(entries: pd.DataFrame) -> pd.DataFrame:
    """One row for each event that the server logged, oldest first.

    Args:
        entries: The table ENTRIES.

    Returns:
        ``event``, ``user_id`` (as logged, perhaps cut), ``run_id`` (joins to the run ids of an attempt), ``sent``
        (the server's claim; false when it says that the delivery failed), ``at_ns`` (the application's own stamp),
        ``service``, ``revision``, ``instance_id``, ``insert_id``. Null where the line does not tell.

    Raises:
        TableError: A column is missing.
    """
    from gpkit.timeline.lines import lines_of

    lines = lines_of(entries)
    lines = lines[lines["phase"].isin(["event", "event_failed"])].reset_index(drop=True)
    text = lines["message"].str
    events = lines[["service", "revision", "instance_id", "insert_id"]].copy()
    events["event"] = text.extract(r"(agent_started|agent_thinking|tool_executing|tool_completed|agent_completed)")[0]
    events["user_id"] = text.extract(r"(?:user=|user )([^\s.]+)")[0]
    events["run_id"] = text.extract(r"(?:run_id=|turn )([^\s,)]+)")[0]
    events["sent"] = (lines["phase"] == "event").astype("boolean")
    events["at_ns"] = lines["payload_timestamp_ns"].fillna(lines["timestamp_ns"]).astype("Int64")
    return events[list(COLUMNS)]
