"""Entries → one row for each server-side connection.

Steps: the lines that matter (Ibis), groups of application lines on each instance, pairs of groups and upgrades,
then outcome, reason and the time of the decision. An upgrade without lines and lines without an upgrade are rows too.

Rules of attribution:

* A reason is taken from the application's lines. Without any it is ``unknown``: never guessed.
* 503 and 500 of the platform itself are ``start_failed`` when the entry says so, and ``crash_loop`` when an instance
  of that revision failed to boot within ten minutes of it.
* The decision's instant is the application's own stamp. It and the entry's stamp bound it; the request's start is the
  platform's. The interval holds both clocks' stamps and their resolution.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gpkit.tables import CONNECTIONS, from_rows
from gpkit.timeline.clients import client_family
from gpkit.timeline.groups import Group, Line, group
from gpkit.timeline.instances import boot_failures
from gpkit.timeline.pairing import WINDOW_S, Asked, Told, pair, shift_s
from gpkit.timeline.verdicts import Upgrade, deciding_line, facts, request_to_decision, verdict

if TYPE_CHECKING:
    import pandas as pd


def connections(entries: pd.DataFrame, *, window_s: float = WINDOW_S) -> pd.DataFrame:
    """The server's own account of every connection.

    Args:
        entries: The table ENTRIES.
        window_s: The usual lag from a request to the application's first line.

    Returns:
        The table CONNECTIONS, oldest first. Behind its columns: ``generation`` (of the lines),
        ``server_connection_id`` (as the application names it), ``http_request_size`` (bytes), instants ``accepted_ns``,
        ``auth_started_ns``, ``established_ns``, ``first_message_ns``, ``closed_ns`` (the server's clock), ``bypass``
        (let in without a check), ``events`` (as the server claims to have sent them), ``run_ids``, ``error`` (what the
        application complained of), ``close_code`` (as the server saw the client leave), ``clock_off_s`` (how far the
        instance's clock was found to be off; null when it was not).

    Raises:
        TableError: A column is missing.
    """
    from gpkit.timeline.lines import lines_of

    found = lines_of(entries)
    boots = boot_failures(entries)
    rows: list[dict[str, object]] = []
    found["instance_id"] = found["instance_id"].astype("object").where(found["instance_id"].notna(), None)
    for instance_id, part in found.groupby("instance_id", dropna=False, sort=False):
        upgrades, lines = _read(part)
        rows += _rows_of_instance(instance_id, part, upgrades, lines, boots, window_s)
    rows.sort(key=lambda row: (_as_int(row["sort_ns"]), str(row["connection_id"])))
    for row in rows:
        del row["sort_ns"]
    return from_rows(rows, CONNECTIONS)


def _rows_of_instance(
    instance_id: Any,
    part: pd.DataFrame,
    upgrades: list[Upgrade],
    lines: list[Line],
    boots: dict[str, list[int]],
    window_s: float,
) -> Iterator[dict[str, object]]:
    groups = group(lines)
    origin_ns = min([one.at_ns for one in upgrades] + [one.start_ns for one in groups], default=0)
    asked = [_asked(one, origin_ns) for one in upgrades]
    told = [_told(one, origin_ns) for one in groups]
    pairs = pair(asked, told, window_s=window_s)
    off_s = 0.0
    if len(pairs) < min(len(asked), len(told)) / 2 and (off_s := shift_s(asked, told, window_s=window_s)):
        moved = [replace(one, at_s=one.at_s - off_s, end_s=one.end_s and one.end_s - off_s) for one in told]
        pairs = pair(asked, moved, window_s=window_s)
    by_upgrade = {each.asked: each for each in pairs}
    taken = {each.told for each in pairs}
    for number, upgrade in enumerate(upgrades):
        each = by_upgrade.get(number)
        one = groups[each.told] if each is not None else None
        ambiguous = each is not None and (each.ambiguous or groups[each.told].is_shared)
        yield _row(upgrade, one, ambiguous, boots, off_s)
    service, revision = _text(part["service"].dropna().max()), _text(part["revision"].dropna().max())
    for number, one in enumerate(groups):
        if number not in taken and not all(line.phase in ("error", "traceback") for line in one.lines):
            yield _row_without_request(one, _text(instance_id), service, revision)


def _read(part: pd.DataFrame) -> tuple[list[Upgrade], list[Line]]:
    from gpkit.logs.grammar import grammar

    generations = {rule.id: rule.generation for rule in grammar()}
    upgrades, lines = [], []
    for row in part.to_dict("records"):
        if row["phase"] == "upgrade":
            upgrades.append(
                Upgrade(
                    at_ns=int(row["timestamp_ns"]),
                    insert_id=str(row["insert_id"]),
                    trace=_text(row["trace"]),
                    status=_whole(row["http_status"]),
                    latency_s=_number(row["http_latency_s"]),
                    size=_whole(row["http_request_size"]),
                    user_agent=_text(row["user_agent"]),
                    message=_text(row["message"]),
                    service=_text(row["service"]),
                    revision=_text(row["revision"]),
                    instance_id=_text(row["instance_id"]),
                )
            )
        elif _text(row["continues"]) is None:
            lines.append(
                Line(
                    at_ns=int(row["timestamp_ns"]),
                    own_ns=_whole(row["payload_timestamp_ns"]),
                    phase=row["phase"],
                    rule=row["rule"],
                    reason=_text(row["reason"]),
                    insert_id=str(row["insert_id"]),
                    message=str(row["message"]),
                    connection=_text(row["connection"]),
                    generation=generations[row["rule"]],
                )
            )
    return upgrades, lines


def _asked(one: Upgrade, origin_ns: int) -> Asked:
    at_s = (one.at_ns - origin_ns) / 1e9
    is_session = one.status == 101 and one.latency_s is not None
    return Asked(at_s, at_s + (one.latency_s or 0.0) if is_session else None, one.status, one.size)


def _told(one: Group, origin_ns: int) -> Told:
    accepted = one.was_accepted
    ended = accepted and one.has("closed")
    reasons = {line.reason for line in one.lines if line.reason}
    lacks_token = None if not reasons and not one.has("rejected") else reasons == {"no_token"}
    end_s = (one.last_ns - origin_ns) / 1e9 if ended else None
    return Told((one.start_ns - origin_ns) / 1e9, end_s, _status_told(one), lacks_token)


def _status_told(one: Group) -> int | None:
    """The status that the lines speak of; null when they do not."""
    if one.was_accepted:
        return 101
    for line in one.lines:
        if line.phase in ("access_refused", "server_rejected"):
            found = re.search(r'(?:" |rejected \()(\d{3})', line.message)
            if found:
                return int(found[1])
    return 500 if one.has("error") and not one.has("rejected", "auth_failed") else None


def _row(
    upgrade: Upgrade, one: Group | None, ambiguous: bool, boots: dict[str, list[int]], off_s: float
) -> dict[str, object]:
    outcome, reason = verdict(upgrade, one, boots)
    decided = deciding_line(one)
    evidence = [upgrade.insert_id] + ([line.insert_id for line in one.lines] if one is not None else [])
    return {
        "connection_id": f"request:{upgrade.insert_id}",
        "trace": upgrade.trace.rsplit("/", 1)[-1] if upgrade.trace else None,
        "requested_utc": _instant(upgrade.at_ns),
        "requested_ns": upgrade.at_ns,
        "service": upgrade.service,
        "revision": upgrade.revision,
        "instance_id": upgrade.instance_id,
        "client": client_family(upgrade.user_agent),
        "user_agent": upgrade.user_agent,
        "http_status": upgrade.status,
        "http_latency_s": upgrade.latency_s,
        "http_request_size": upgrade.size,
        "outcome": outcome,
        "reason": reason,
        "decided_ns": (decided.own_ns or decided.at_ns) if decided else None,
        # Between clocks that are known to disagree nothing can be measured.
        **({"clock_off_s": off_s} if off_s and one else request_to_decision(upgrade, decided)),
        "evidence": evidence,
        "ambiguous": ambiguous,
        "sort_ns": upgrade.at_ns,
        **(facts(one) if one is not None else {}),
    }


def _row_without_request(
    one: Group, instance_id: str | None, service: str | None, revision: str | None
) -> dict[str, object]:
    outcome, reason = verdict(None, one, {})
    decided = deciding_line(one)
    return {
        "connection_id": f"lines:{one.connection or one.lines[0].insert_id}",
        "service": service,
        "revision": revision,
        "instance_id": instance_id,
        "outcome": outcome,
        "reason": reason,
        "decided_ns": (decided.own_ns or decided.at_ns) if decided else None,
        "evidence": [line.insert_id for line in one.lines],
        "ambiguous": one.is_shared,
        "sort_ns": one.start_ns,
        **facts(one),
    }


def _instant(ns: int) -> Any:
    import pandas as pd

    return pd.Timestamp(ns // 1000 * 1000, tz="UTC")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return None if _is_null(value) else int(value)


def _number(value: Any) -> float | None:
    return None if _is_null(value) else float(value)


def _is_null(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value != value


def _as_int(value: object) -> int:
    assert isinstance(value, int)
    return value
