"""The upgrades and lines of one instance → rows of CONNECTIONS, as plain dictionaries.

Pure. An upgrade without lines and lines without an upgrade are rows too. ``sort_ns`` is the instant that a row stands
at; ``requested_utc`` is left to those who make the table.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from gpkit.timeline.clients import client_family
from gpkit.timeline.grouping import group
from gpkit.timeline.groups import Group, Line
from gpkit.timeline.pairing import Asked, Told, pair, shift_s
from gpkit.timeline.verdicts import Upgrade, deciding_line, facts, request_to_decision, verdict

if TYPE_CHECKING:
    import pyarrow as pa

_family = functools.lru_cache(maxsize=4096)(client_family)


def rows_of_instance(part: pa.Table, boots: dict[str, list[int]], *, window_s: float) -> Iterator[dict[str, object]]:
    """The connections of one instance.

    Args:
        part: Its part of :func:`gpkit.timeline.lines.story`; lines in order of time, and upgrades likewise.
        boots: Instants of failed boots of each revision, in order.
        window_s: The usual lag from a request to the application's first line.
    """
    upgrades, lines = _read(part)
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
    for number, one in enumerate(groups):
        if number not in taken and not all(line.phase in ("error", "traceback") for line in one.lines):
            yield _row_without_request(one, part)


def _read(part: pa.Table) -> tuple[list[Upgrade], list[Line]]:
    """The upgrades and the lines, each in the order in which they stand."""
    upgrades, lines = [], []
    by_id = _rules()
    for (
        at_ns,
        own_ns,
        service,
        revision,
        instance_id,
        insert_id,
        continues,
        trace,
        user_agent,
        status,
        latency_s,
        size,
        message,
        rule,
        connection,
    ) in zip(*(column.to_pylist() for column in part.columns), strict=True):
        phase, reason, generation = by_id[rule]
        if phase == "upgrade":
            upgrades.append(
                Upgrade(
                    at_ns=at_ns,
                    insert_id=insert_id or f"at-{at_ns}",
                    trace=trace,
                    status=status,
                    latency_s=latency_s,
                    size=size,
                    user_agent=user_agent,
                    message=message,
                    service=service,
                    revision=revision,
                    instance_id=instance_id,
                )
            )
        elif continues is None:
            lines.append(
                Line(
                    at_ns=at_ns,
                    own_ns=own_ns,
                    phase=phase,
                    rule=rule,
                    reason=reason,
                    insert_id=insert_id or f"at-{at_ns}",
                    message=message or "",
                    connection=connection,
                    generation=generation,
                )
            )
    return upgrades, lines


@functools.cache
def _rules() -> dict[str, tuple[str, str | None, str]]:
    from gpkit.logs.grammar import grammar

    return {rule.id: (rule.phase, rule.reason, rule.generation) for rule in grammar()}


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
    if (status := _status_of_refusal(one)) is not None:
        return status
    return 500 if one.has("error") and not one.has("rejected", "auth_failed") else None


def _status_of_refusal(one: Group) -> int | None:
    """The status of the server's own line of a refusal at the upgrade."""
    for line in one.lines:
        if line.phase in ("access_refused", "server_rejected"):
            found = re.search(r'(?:" |rejected \()(\d{3})', line.message)
            if found:
                return int(found[1])
    return None


def _row(
    upgrade: Upgrade, one: Group | None, ambiguous: bool, boots: dict[str, list[int]], off_s: float
) -> dict[str, object]:
    outcome, reason = verdict(upgrade, one, boots)
    decided = deciding_line(one)
    evidence = [upgrade.insert_id] + ([line.insert_id for line in one.lines] if one is not None else [])
    return {
        "connection_id": f"request:{upgrade.insert_id}",
        "trace": upgrade.trace.rsplit("/", 1)[-1] if upgrade.trace else None,
        "requested_ns": upgrade.at_ns,
        "service": upgrade.service,
        "revision": upgrade.revision,
        "instance_id": upgrade.instance_id,
        "client": _family(upgrade.user_agent),
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
        **(facts(one) if one is not None else {"events": [], "run_ids": []}),
    }


def _row_without_request(one: Group, part: pa.Table) -> dict[str, object]:
    outcome, reason = verdict(None, one, {})
    decided = deciding_line(one)
    return {
        "connection_id": f"lines:{one.connection or one.lines[0].insert_id}",
        "service": _largest(part, "service"),
        "revision": _largest(part, "revision"),
        "instance_id": part["instance_id"][0].as_py(),
        "http_status": _status_of_refusal(one),
        "outcome": outcome,
        "reason": reason,
        "decided_ns": (decided.own_ns or decided.at_ns) if decided else None,
        "evidence": [line.insert_id for line in one.lines],
        "ambiguous": one.is_shared,
        "sort_ns": one.start_ns,
        **facts(one),
    }


def _largest(part: pa.Table, name: str) -> str | None:
    import pyarrow.compute as pc

    found: str | None = pc.max(part[name]).as_py()
    return found
