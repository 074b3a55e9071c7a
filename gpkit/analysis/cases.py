"""One shape for what a client measured and what a server logged, so that both are judged by the same rules. Pure.

A case is one attempt of a valid user, or one upgrade in a log. Columns: ``case_id``, ``at_ns`` (when it asked to be let
in), ``failed``, ``failure`` (what happened, null on success), ``known`` (the evidence tells whether it got through to
the welcome), ``let_in`` (it was let in, whatever became of it), ``upgraded`` (the upgrade itself succeeded), ``sent``
(a message was sent), ``arm`` (after-open, after-ready, or logged), ``delay_s`` (message after OPEN, measured, early
sending only), ``planned_delay_s``, ``in_flight`` (others open or waiting at that instant), ``age_s`` (since the first
case of its instance), ``temperature`` (cold or warm), ``reason`` (from the log), and the attributes of
:data:`ATTRIBUTES`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gpkit.analysis.sample import AFTER_READY, judged

ATTRIBUTES = ("client", "credential", "carrier", "revision", "user", "instance_id")
"""In the order in which an explanation is preferred: the coarser first."""

NOT_KNOWN = "not known"
"""An attribute of which the evidence tells nothing."""

UNANSWERED = " before any event"
"""Behind the outcome of an attempt whose message brought nothing at all."""

LOG_WELCOMES = ("B", "C")  # generation A greets without a line

SWITCHED = 101  # RFC 6455, section 4.2.2: the upgrade succeeded

CLOSED_EARLY = "closed_before_ready"
"""Of a logged connection that the server ended before its welcome; of an attempt the close's code stands behind it."""

COLD_S = 1.0  # chosen: an instance's first second, in which caches fill and pools connect


def cases_of_attempts(attempts: pd.DataFrame) -> pd.DataFrame:
    """Cases from probe attempts, joined with the server's rows where there are any.

    A failure is any outcome but ``ok``. What the server knew (``server_revision``, ``server_instance_id``) is used when
    the columns are there.
    """
    valid = judged(attempts)
    outcome = valid["outcome"].astype(str)
    asked = valid["requested_ns"].fillna(valid["started_ns"])
    frame = pd.DataFrame(
        {
            "case_id": valid["attempt_id"].astype(str),
            "at_ns": asked.astype("int64"),
            "end_ns": (valid["started_ns"] + valid["total_ns"] - valid["queue_ns"]).astype("int64"),
            "failed": (outcome != "ok").astype(bool),
            "failure": _failure(valid, outcome),
            "known": True,
            "let_in": outcome.str.startswith(AFTER_READY).astype(bool),
            "upgraded": has_switched(valid),
            "sent": (valid["messages_sent"].fillna(0) > 0).astype(bool),
            "arm": valid["send"].astype(str),
            "delay_s": valid["send_after_open_s"].where(valid["send"] == "after-open").astype(float),
            "planned_delay_s": valid["send_delay_planned_s"].astype(float),
            "client": "probe",
            "credential": valid["credential"].astype(str),
            "carrier": valid["carrier"].astype(str),
            "revision": _known(valid, "server_revision"),
            "user": valid["user"].astype(str),
            "instance_id": _known(valid, "server_instance_id"),
            "reason": _known(valid, "server_reason"),
        }
    )
    return _placed(frame)


def cases_of_connections(connections: pd.DataFrame) -> pd.DataFrame:
    """Cases from logged upgrades; one without an instant is left out.

    A failure is a refusal, a server error, or an end by the server before the welcome. Whether an upgrade that was
    answered 101 got through, only lines tell: without any, or where the service logs no welcome, it is not known.
    """
    placed = connections[connections["requested_ns"].notna() | connections["decided_ns"].notna()]
    at = placed["requested_ns"].fillna(placed["decided_ns"]).astype("int64")
    let_in = placed["outcome"].isin(["accepted", "closed"]).astype(bool)
    greeted = let_in & _was_greeted(placed)
    refused = placed["outcome"].isin(["refused", "failed"]).astype(bool)
    failed = refused | (let_in & ~greeted & _ended_ungreeted(placed))
    failure = _logged_failure(placed).where(refused, CLOSED_EARLY).where(failed)
    frame = pd.DataFrame(
        {
            "case_id": placed["connection_id"].astype(str),
            "at_ns": at,
            "end_ns": at + (placed["http_latency_s"].fillna(0).astype(float) * 1e9).round().astype("int64"),
            "failed": failed,
            "failure": failure,
            "known": failed | greeted,
            "let_in": let_in,
            "upgraded": has_switched(placed) | placed["accepted_ns"].notna(),
            "sent": False,
            "arm": "logged",
            "delay_s": np.nan,
            "planned_delay_s": np.nan,
            "client": placed["client"].astype("object").fillna(NOT_KNOWN).astype(str),
            "credential": NOT_KNOWN,
            "carrier": NOT_KNOWN,
            "revision": placed["revision"].astype("object").fillna(NOT_KNOWN).astype(str),
            "user": NOT_KNOWN,
            "instance_id": placed["instance_id"].astype("object").fillna(NOT_KNOWN).astype(str),
            "reason": _told(placed).where(failed, None),
        }
    )
    return _placed(frame)


def _logged_failure(known: pd.DataFrame) -> pd.Series[Any]:
    """Where logged connections failed, as far as their requests and lines tell: a bare outcome where they do not."""
    outcome, status, switched = known["outcome"].astype("object").astype(str), known["http_status"], has_switched(known)
    at_upgrade = status.notna() & ~switched
    failure = outcome.where(~(switched | known["accepted_ns"].notna()), outcome + "_after_accept")
    answered = status.map(lambda value: "" if pd.isna(value) else f"upgrade_status_{int(value)}").astype("object")
    return failure.where(~at_upgrade, answered)


def has_switched(rows: pd.DataFrame) -> pd.Series[bool]:
    """Whether an upgrade was answered 101."""
    return (rows["http_status"] == SWITCHED).fillna(False).astype(bool)


def _was_greeted(connections: pd.DataFrame) -> pd.Series[bool]:
    """Whether a line tells of the welcome, or of what only follows it."""
    has_events = connections["events"].map(lambda events: not _is_null(events) and len(events) > 0)
    later = connections["established_ns"].notna() | connections["first_message_ns"].notna()
    return (later | has_events).astype(bool)


def _ended_ungreeted(connections: pd.DataFrame) -> pd.Series[bool]:
    """Whether a service that logs its welcomes ended it without one, for certain."""
    logs_welcomes = connections["generation"].isin(LOG_WELCOMES) | connections["auth_started_ns"].notna()
    # Which request a named connection answers may be open; that it ended so is not.
    is_certain = connections["server_connection_id"].notna() | ~connections["ambiguous"].astype("boolean").fillna(False)
    return ((connections["outcome"] == "closed") & logs_welcomes & is_certain).astype(bool)


def _is_null(value: object) -> bool:
    return value is None or value is pd.NA or value != value


def entry(cases: pd.DataFrame) -> pd.DataFrame:
    """The same cases, judged by whether they were let in: what went wrong after that is no failure here."""
    failed = cases["failed"] & ~cases["let_in"]
    return cases.assign(failed=failed, failure=cases["failure"].where(failed), known=failed | cases["let_in"])


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    """In order of time, with the load and the instance's age at each."""
    ordered = frame.sort_values("at_ns", kind="stable").reset_index(drop=True)
    starts, ends = ordered["at_ns"].to_numpy("int64"), np.sort(ordered["end_ns"].to_numpy("int64"))
    ordered["in_flight"] = in_flight(starts, ends)
    first = ordered.groupby("instance_id")["at_ns"].transform("min")
    ordered["age_s"] = (ordered["at_ns"] - first) / 1e9
    ordered["temperature"] = (ordered["age_s"] < COLD_S).map({True: "cold", False: "warm"})
    return ordered


def in_flight(starts: NDArray[np.integer[Any]], sorted_ends: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """How many others had begun and not ended when each began; ``starts`` ascending."""
    begun = np.arange(len(starts))
    ended = np.searchsorted(sorted_ends, starts, side="right")
    open_then: NDArray[np.int64] = np.maximum(begun - ended, 0).astype(np.int64)
    return open_then


def _failure(attempts: pd.DataFrame, outcome: pd.Series[str]) -> pd.Series[str]:
    """The outcome, and whether it came before any event: then the message was not answered at all."""
    unanswered = attempts["events_count"].fillna(0) == 0
    is_late = outcome.str.startswith(AFTER_READY[:3])
    return outcome.where(~(is_late & unanswered), outcome + UNANSWERED).where(outcome != "ok", None)


def _told(connections: pd.DataFrame) -> pd.Series[Any]:
    """The reason, and where none is known what the application complained of."""
    reason = connections["reason"].astype("object")
    error = (
        connections["error"].astype("object").map(lambda text: None if pd.isna(text) else f"error: {str(text)[:80]}")
    )
    return reason.where((reason != "unknown") | error.isna(), error)


def _known(frame: pd.DataFrame, column: str) -> pd.Series[str]:
    if column not in frame.columns:
        return pd.Series(NOT_KNOWN, index=frame.index, dtype="object")
    return frame[column].astype("object").fillna(NOT_KNOWN).astype(str)
