"""What came before what, and how sure that is. Pure.

Within one connection and one clock, order is a fact. Between the client's clock and the server's it is an interval: a
claim needs the whole interval (:func:`gpkit.timeline.order`).

Rules, each a pair that must not be reversed: the verdict before the welcome, the welcome before any event, the message
before any event, the accept before any receive.
"""

from __future__ import annotations

import pandas as pd

from gpkit import timeline
from gpkit.analysis.sample import judged
from gpkit.logs.grammar import classify

NOT_CONNECTED = "WebSocket is not connected"
RECEIVE = "receive before the accept"
_ACCEPTED = {"accepted", "opened"}
_CLOSED = {"closed", "cleanup", "disconnect", "server_rejected"}
COLUMNS = ["rule", "case_id", "evidence_id", "certain", "detail"]


def message_order(attempts: pd.DataFrame, messages: pd.DataFrame) -> pd.DataFrame:
    """Whether each early message was written before the server said that it was ready.

    Args:
        attempts: One row per attempt; those that sent early. Placed are those that were welcomed with a server's stamp.
        messages: Their frames: every stamped one narrows the interval between the two clocks.

    Returns:
        ``attempt_id``, ``order`` (before, after, undecided), ``succeeded``. Undecided where the clock interval does not
        settle it, or the stamps of these attempts contradict each other.
    """
    early = judged(attempts)
    early = early[(early["send"] == "after-open") & early["message_sent_ns"].notna()]
    offset = timeline.clock_offset(attempts, messages) if len(early) else None
    rows = []
    for row in early.to_dict("records"):
        if pd.isna(row["server_stamp_ns"]):  # no welcome to say when the server was ready
            rows.append((str(row["attempt_id"]), "undecided", row["outcome"] == "ok"))
            continue
        # The stamp was cut to its resolution: readiness lies between it and one step later.
        first = int(row["server_stamp_ns"])
        stamps = (first, first + int(row["server_stamp_resolution_ns"]))
        orders = {timeline.order(int(row["message_sent_ns"]), stamp, offset) for stamp in stamps}
        placed = orders.pop() if len(orders) == 1 else "undecided"
        rows.append((str(row["attempt_id"]), placed, row["outcome"] == "ok"))
    return pd.DataFrame(rows, columns=["attempt_id", "order", "succeeded"])


def violations(
    attempts: pd.DataFrame, messages: pd.DataFrame, entries: pd.DataFrame, connections: pd.DataFrame
) -> pd.DataFrame:
    """Every broken ordering rule.

    Returns:
        ``rule``, ``case_id`` (attempt or connection), ``evidence_id`` (to look up the lines), ``certain``, ``detail``.
    """
    found = [
        *_welcome_before_verdict(attempts),
        *_early_events(messages),
        *_receive_before_accept(entries, connections),
    ]
    return pd.DataFrame(found, columns=COLUMNS)


def _welcome_before_verdict(attempts: pd.DataFrame) -> list[tuple[object, ...]]:
    """Greeted, and then refused as not authenticated: one clock, so certain."""
    welcomed = attempts[attempts["welcome_received_ns"].notna() & attempts["outcome"].notna()]
    refused = welcomed[(welcomed["close_code_received"] == 1008) | (welcomed["outcome"] == "refused_after_accept")]
    return [
        ("welcome before the verdict", row.attempt_id, row.attempt_id, True, f"closed with {row.close_code_received}")
        for row in refused.itertuples()
    ]


def _early_events(messages: pd.DataFrame) -> list[tuple[object, ...]]:
    """Events before the welcome or before the message they answer: frames of one connection, so certain."""
    rows: list[tuple[object, ...]] = []
    received = messages[messages["direction"] == "received"]
    events = received[received["kind"] == "event"].groupby("attempt_id")["index"].min()
    welcomes = received[received["kind"] == "welcome"].groupby("attempt_id")["index"].min()
    chats = (
        messages[(messages["direction"] == "sent") & (messages["kind"] == "chat")].groupby("attempt_id")["index"].min()
    )
    for rule, firsts in (("event before the welcome", welcomes), ("event before the message", chats)):
        pairs = pd.concat([events.rename("event"), firsts.rename("first")], axis=1, join="inner")
        for attempt_id, pair in pairs[pairs["event"] < pairs["first"]].iterrows():
            detail = f"frame {int(pair['event'])} before frame {int(pair['first'])}"
            rows.append((rule, attempt_id, attempt_id, True, detail))
    return rows


def _receive_before_accept(entries: pd.DataFrame, connections: pd.DataFrame) -> list[tuple[object, ...]]:
    """A receive on a socket that is not connected: before the accept it is a violation, after the own close it is none.

    The text is the same for both, so only its order among the lines of its own connection decides.
    """
    raised = entries[entries["message"].fillna("").str.contains(NOT_CONNECTED, regex=False)]
    raised = raised[raised["continues"].isna()]
    if raised.empty:
        return []
    known = classify(entries).drop_duplicates("insert_id").set_index("insert_id")
    owner = {item: row for row in connections.to_dict("records") for item in row["evidence"]}
    rows: list[tuple[object, ...]] = []
    for entry in raised.to_dict("records"):
        mine = owner.get(entry["insert_id"])
        if mine is None:
            rows.append((RECEIVE, entry["insert_id"], entry["insert_id"], False, "its connection is not known"))
            continue
        lines = known.loc[[item for item in mine["evidence"] if item in known.index]]
        before = set(lines.loc[lines["timestamp_ns"] < entry["timestamp_ns"], "phase"].dropna())
        if before & _CLOSED:
            continue
        is_certain = not (before & _ACCEPTED) and mine["http_status"] == 500 and not mine["ambiguous"]
        detail = (
            "no accept before it, and the upgrade ended with 500"
            if is_certain
            else "neither accept nor close before it"
        )
        if not before & _ACCEPTED:
            rows.append((RECEIVE, mine["connection_id"], entry["insert_id"], is_certain, detail))
    return rows
