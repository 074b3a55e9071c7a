"""What a connection came to, and when that was decided: from its request and its lines.

Pure. Null where neither tells; a reason is taken from lines only and never guessed.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpkit.redaction import redact
from gpkit.timeline.groups import Group, Line

RESOLUTION_NS = 1000  # both stamps are written with six digits
NEAR_BOOT_NS = 600_000_000_000  # chosen: a crash loop of the platform tries again every few seconds to minutes


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


def verdict(upgrade: Upgrade | None, one: Group | None, boots: Mapping[str, Sequence[int]]) -> tuple[str, str | None]:
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
        return "unknown", None  # 101 lets in; a later generation refuses after that, and only its lines tell
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


def _platform_reason(upgrade: Upgrade | None, boots: Mapping[str, Sequence[int]]) -> str | None:
    if upgrade is None:
        return None
    if "could not start successfully" in (upgrade.message or ""):
        return "start_failed"
    failures = boots.get(upgrade.revision or "", [])
    place = bisect.bisect_left(failures, upgrade.at_ns - NEAR_BOOT_NS)
    crashed = place < len(failures) and failures[place] <= upgrade.at_ns + NEAR_BOOT_NS
    return "crash_loop" if upgrade.status == 503 and crashed else None


def deciding_line(one: Group | None) -> Line | None:
    """The line that tells when it was decided: the reason for a refusal, the end of authentication for an entry."""
    if one is None:
        return None
    failed = one.first("auth_failed") or one.first("rejected")
    return failed or one.first("auth_ok", "bypass") or one.first("error", "access_refused", "accepted")


def request_to_decision(upgrade: Upgrade, decision: Line | None) -> dict[str, float]:
    """The columns for the time from the request to the deciding line: an interval, and its middle."""
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


def facts(one: Group) -> dict[str, object]:
    """What else the lines tell, for the columns behind those of the table."""

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
        # Lines that come straight from a warehouse were not redacted there.
        "error": redact(error.message) if error else None,
        "close_code": int(code[1]) if code else None,
    }
