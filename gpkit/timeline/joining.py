"""Our own attempts beside the server's account of them.

Each of our upgrades carries a trace, and the platform writes it into the requests entry: that joins exactly, or not
at all. Nothing is guessed: an attempt without a server row is ``missing``, and server rows without an attempt of ours
are listed apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpkit.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

SERVER_COLUMNS = (
    "connection_id",
    "outcome",
    "reason",
    "http_status",
    "http_latency_s",
    "requested_ns",
    "decided_ns",
    "request_to_decision_s",
    "request_to_decision_low_s",
    "request_to_decision_high_s",
    "service",
    "revision",
    "instance_id",
    "events",
    "run_ids",
    "evidence",
)


def join(attempts: pd.DataFrame, connections: pd.DataFrame) -> pd.DataFrame:
    """The attempts with the server's row of each.

    One row for each attempt, in the same order.

    Args:
        attempts: The table ATTEMPTS.
        connections: The table CONNECTIONS.

    Returns:
        The attempts, with ``match`` (``trace``, or ``missing``: the server's log holds no request of that trace),
        ``ambiguous`` (of the server's row, null when missing) and the server's columns as ``server_…``;
        ``server_outcome`` and ``server_reason`` beside the probe's own ``outcome``.

    Raises:
        TableError: A column is missing, or a trace belongs to several attempts.
    """
    for frame, name in ((attempts, "trace"), (connections, "trace"), (connections, "connection_id")):
        if name not in frame.columns:
            raise TableError(f"The table lacks {name}.", next_step="docs/tables.md lists the columns of each table.")
    traces = attempts["trace"].dropna()
    if traces.duplicated().any():
        raise TableError(f"The trace {traces[traces.duplicated()].iloc[0]} belongs to several attempts.")
    present = [name for name in SERVER_COLUMNS if name in connections.columns]
    server = connections[connections["trace"].notna()].drop_duplicates("trace").set_index("trace")
    server = server[[*present, "ambiguous"]]
    found = server.reindex(attempts["trace"])
    found.index = attempts.index
    known = attempts["trace"].isin(server.index)
    joined = attempts.copy(deep=False)
    joined["match"] = known.map({True: "trace", False: "missing"}).astype("str")
    joined["ambiguous"] = found["ambiguous"].astype("boolean")
    for name in present:
        joined[f"server_{name}"] = found[name]
    return joined


def unclaimed(attempts: pd.DataFrame, connections: pd.DataFrame) -> pd.DataFrame:
    """The server's rows of which no attempt is ours: other clients, and lines whose request is not in the log."""
    is_ours = connections["trace"].isin(attempts["trace"].dropna())
    return connections[~is_ours].reset_index(drop=True)
