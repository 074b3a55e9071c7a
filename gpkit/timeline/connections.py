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

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gpkit.tables import CONNECTIONS, from_rows
from gpkit.timeline.groups import Group, Line, group
from gpkit.timeline.pairing import WINDOW_S, Asked, Told, pair, shift_s

if TYPE_CHECKING:
    import pandas as pd

RESOLUTION_NS = 1000  # both stamps are written with six digits
NEAR_BOOT_NS = 600_000_000_000
_EXTRA = (
    "generation",
    "server_connection_id",
    "http_request_size",
    "accepted_ns",
    "auth_started_ns",
    "established_ns",
    "first_message_ns",
    "closed_ns",
    "bypass",
    "events",
    "run_ids",
    "error",
    "close_code",
    "clock_off_s",
)


@dataclass(frozen=True)
class Upgrade:
    """One requests entry of an upgrade."""

    at_ns: int
    insert_id: str
    trace: str | None
    status: int | None
    latency_s: float | None
    size: int | None
    user_agent: str | None
    message: str | None
    service: str | None
    revision: str | None
    instance_id: str | None


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
    boots = _boot_failures(entries)
    rows: list[dict[str, object]] = []
    found["instance_id"] = found["instance_id"].astype("object").where(found["instance_id"].notna(), None)
    for instance_id, part in found.groupby("instance_id", dropna=False, sort=False):
        upgrades, lines = _read(part)
        rows += _rows_of_instance(instance_id, part, upgrades, lines, boots, window_s)
    rows.sort(key=lambda row: (_as_int(row["sort_ns"]), str(row["connection_id"])))
    for row in rows:
        del row["sort_ns"]
    frame = from_rows(rows, CONNECTIONS)
    return frame.reindex(columns=[column.name for column in CONNECTIONS] + list(_EXTRA)) if rows else frame


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
    facts = _facts(one) if one is not None else {}
    outcome, reason = _verdict(upgrade, one, boots)
    decision = _decision(one)
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
        "decided_ns": (decision.own_ns or decision.at_ns) if decision else None,
        # Between clocks that are known to disagree nothing can be measured.
        **({"clock_off_s": off_s} if off_s and one else _request_to_decision(upgrade, decision)),
        "evidence": evidence,
        "ambiguous": ambiguous,
        "sort_ns": upgrade.at_ns,
        **facts,
    }


def _row_without_request(
    one: Group, instance_id: str | None, service: str | None, revision: str | None
) -> dict[str, object]:
    outcome, reason = _verdict(None, one, {})
    decision = _decision(one)
    return {
        "connection_id": f"lines:{one.connection or one.lines[0].insert_id}",
        "service": service,
        "revision": revision,
        "instance_id": instance_id,
        "outcome": outcome,
        "reason": reason,
        "decided_ns": (decision.own_ns or decision.at_ns) if decision else None,
        "evidence": [line.insert_id for line in one.lines],
        "ambiguous": one.is_shared,
        "sort_ns": one.start_ns,
        **_facts(one),
    }


def _verdict(upgrade: Upgrade | None, one: Group | None, boots: dict[str, list[int]]) -> tuple[str, str | None]:
    """Outcome and reason, as the module says."""
    status = upgrade.status if upgrade is not None else None
    reason = _reason(one)
    if status is not None and status >= 500:
        return "failed", _platform_reason(upgrade, boots) or "unknown"
    refused = one is not None and _was_refused(one)
    if status is not None and status >= 400:
        return "refused", reason or "unknown"
    if refused:
        return "refused", reason or "unknown"
    if one is None:
        return ("accepted" if status == 101 else "unknown"), None
    if status is None and one.was_accepted is False:
        return ("failed" if one.has("error") else "refused"), reason or "unknown"
    if _closed_by_server(one):
        return "closed", None
    return ("accepted" if status == 101 or one.was_accepted else "unknown"), None


def _was_refused(one: Group) -> bool:
    """Whether the last word on the credential was no."""
    verdicts = [line for line in one.lines if line.phase in ("rejected", "auth_failed", "auth_ok", "bypass")]
    return bool(verdicts) and verdicts[-1].phase in ("rejected", "auth_failed")


def _closed_by_server(one: Group) -> bool:
    if one.has("disconnect"):
        return True
    left = one.first("client_disconnect")
    if left is not None:
        return "1006" in left.message.rsplit("code", 1)[-1]
    return one.has("error")


def _reason(one: Group | None) -> str | None:
    if one is None:
        return None
    given = [line.reason for line in one.lines if line.phase in ("auth_failed", "rejected") and line.reason]
    return given[0] if given else None


def _platform_reason(upgrade: Upgrade | None, boots: dict[str, list[int]]) -> str | None:
    if upgrade is None:
        return None
    if "could not start successfully" in (upgrade.message or ""):
        return "start_failed"
    failures = boots.get(upgrade.revision or "", [])
    place = bisect.bisect_left(failures, upgrade.at_ns - NEAR_BOOT_NS)
    crashed = place < len(failures) and failures[place] <= upgrade.at_ns + NEAR_BOOT_NS
    return "crash_loop" if upgrade.status == 503 and crashed else None


def _decision(one: Group | None) -> Line | None:
    """The line that tells when it was decided: the reason for a refusal, the end of authentication for an entry."""
    if one is None:
        return None
    failed = one.first("auth_failed") or one.first("rejected")
    return failed or one.first("auth_ok", "bypass") or one.first("error", "access_refused", "accepted")


def _request_to_decision(upgrade: Upgrade, decision: Line | None) -> dict[str, float]:
    if decision is None:
        return {}
    stamps = [decision.at_ns, decision.own_ns if decision.own_ns is not None else decision.at_ns]
    low_s = (min(stamps) - upgrade.at_ns - RESOLUTION_NS) / 1e9
    high_s = (max(stamps) - upgrade.at_ns + RESOLUTION_NS) / 1e9
    if high_s >= 0:
        low_s = max(low_s, 0.0)  # nothing is decided before it is asked
    return {
        "request_to_decision_s": (low_s + high_s) / 2,
        "request_to_decision_low_s": low_s,
        "request_to_decision_high_s": high_s,
    }


def _facts(one: Group) -> dict[str, object]:
    def at(*phases: str) -> int | None:
        line = one.first(*phases)
        return None if line is None else line.own_ns or line.at_ns

    sent = [line for line in one.lines if line.phase == "event"]
    found = [re.search(r"(?:EMISSION SUCCESS|GOLDEN PATH EVENT): (\w+)", line.message) for line in sent]
    runs = [re.search(r"(?:run_id=|turn )([^\s,)]+)", line.message) for line in sent]
    error = one.first("error")
    left = one.first("client_disconnect")
    code = re.search(r"code: (\d+)", left.message) if left else None
    generations = [set(line.generation) for line in one.lines]
    common = set.intersection(*generations) if generations else set()
    return {
        "generation": "".join(sorted(common)) if len(common) == 1 else None,
        "server_connection_id": one.connection,
        "accepted_ns": at("accepted", "opened"),
        "auth_started_ns": at("auth_started"),
        "established_ns": at("established"),
        "first_message_ns": at("message"),
        "closed_ns": at("closed", "cleanup"),
        "bypass": one.has("bypass"),
        "events": [match[1] for match in found if match],
        "run_ids": sorted({match[1] for match in runs if match}),
        "error": error.message if error else None,
        "close_code": int(code[1]) if code else None,
    }


def client_family(user_agent: str | None) -> str | None:
    """The family of a user agent: a browser's name, a library's, or its own first word."""
    if not user_agent:
        return None
    for token, family in (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Firefox/", "Firefox"),
        ("Safari/", "Safari"),
        ("websockets/", "Python websockets"),
        ("aiohttp/", "Python aiohttp"),
        ("httpx/", "Python httpx"),
    ):
        if token in user_agent:
            return family
    if "AppleWebKit/" in user_agent:
        return "Chrome"  # a user agent cut before the browser's own name; WebKit's frozen version is Chromium's
    return user_agent.split("/", 1)[0].split(" ", 1)[0]


def _boot_failures(entries: pd.DataFrame) -> dict[str, list[int]]:
    """Instants at which an instance of each revision failed to boot or ended with an error."""
    from gpkit.timeline.instances import boot_failures

    return boot_failures(entries)


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
