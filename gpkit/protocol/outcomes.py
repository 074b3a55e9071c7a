"""How an attempt can end: the one table of outcomes, and the rule that picks one.

Pure. The outcome is the earliest failed step of the golden path; everything finer is counts, ``error_type`` and
``decided_at``. A patterned outcome carries its detail: ``upgrade_status_403``, ``event_missing:tool_completed``,
``closed_mid_run:1011``. An attempt that the user interrupted has none: it was not judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpkit.protocol.closes import ABNORMAL, is_auth_refusal
from gpkit.protocol.events import EVENTS

BEFORE_ACCEPT, AFTER_ACCEPT, SILENCE = "before-accept", "after-accept", "silence"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Outcome:
    """One way to end.

    Attributes:
        name: Of the outcome; a detail follows it where ``detail`` says so.
        step: The phase in which such an attempt ends.
        meaning: What the client saw.
        detail: What follows the name: after ``_`` for a status, after ``:`` otherwise. Empty for none.
    """

    name: str
    step: str
    meaning: str
    detail: str = ""

    @property
    def pattern(self) -> str:
        """As it is written in the column."""
        separator = "_" if self.detail == "NNN" else ":"
        return f"{self.name}{separator}{self.detail}" if self.detail else self.name


OUTCOMES: tuple[Outcome, ...] = (
    Outcome("dns_error", "dns", "The name did not resolve, or not in time."),
    Outcome("tcp_refused", "tcp", "Every address refused the connection or could not be reached."),
    Outcome("tcp_timeout", "tcp", "No address answered in time."),
    Outcome("tls_error", "tls", "The TLS handshake failed: expired, verify or handshake."),
    Outcome("upgrade_status", "upgrade_wait", "The upgrade was answered with another status than 101.", "NNN"),
    Outcome(
        "upgrade_invalid", "upgrade_wait", "The answer was no valid upgrade: not HTTP, a wrong Accept, an early end."
    ),
    Outcome("subprotocol_unoffered", "upgrade_wait", "The server selected a subprotocol that was not offered."),
    Outcome("open_timeout", "upgrade_wait", "Connected, and no answer to the upgrade in time."),
    Outcome(
        "refused_after_accept",
        "ready",
        "Closed with 1008, or 1011 and an authentication reason, before any event.",
    ),
    Outcome("closed_before_ready", "ready", "Closed for another reason before the welcome.", "CODE"),
    Outcome("ready_timeout", "ready", "Open, and no welcome in time."),
    Outcome(
        "event_missing",
        "exchange",
        "The first of the five events that did not come, while the connection lived.",
        "EVENT",
    ),
    Outcome("closed_mid_run", "exchange", "Closed after the welcome and before all five events.", "CODE"),
    Outcome("silent_mid_run", "exchange", "No frame, no pong and no close until the deadline: half-open."),
    Outcome("accepted_bad_credential", "close", "A negative control got the welcome: a bypass."),
    Outcome("ok", "close", "All five events came in time."),
)
"""In path order. A close without a close frame has the code 1006."""

_BY_NAME = {outcome.name: outcome for outcome in OUTCOMES}

FAILURES = {
    "dns": "dns_error",
    "refused": "tcp_refused",
    "unreachable": "tcp_refused",
    "tls_expired": "tls_error",
    "tls_verify": "tls_error",
    "tls_handshake": "tls_error",
    "not_http": "upgrade_invalid",
    "bad_upgrade": "upgrade_invalid",
    "early_end": "upgrade_invalid",
    "reset": "upgrade_invalid",
    "unoffered": "subprotocol_unoffered",
}
"""What can stop an attempt before it is open, and the outcome that makes; timeouts depend on the phase."""

_ERROR_TYPES = {"tls_expired": "expired", "tls_verify": "verify", "tls_handshake": "handshake"}


@dataclass(frozen=True)
class Ending:
    """The facts about how an attempt ended.

    Attributes:
        ended_in: The phase in progress.
        failure: A key of :data:`FAILURES`, ``timeout``, ``interrupted``, or null.
        error_type: A finer name of the failure, such as an errno's.
        http_status: Of the upgrade's answer, other than 101.
        is_closed: The far side closed or dropped an open connection.
        close_code, close_reason: As received; nulls when no close frame came.
        refusal_code: ``error_code`` of a frame that said authentication failed.
        is_ready: The welcome came.
        is_control: Refusal is right.
        missing: Events that did not come.
        is_alive: A ping was answered after the last frame; null when none was sent.
    """

    ended_in: str
    failure: str | None = None
    error_type: str | None = None
    http_status: int | None = None
    is_closed: bool = False
    close_code: int | None = None
    close_reason: str | None = None
    refusal_code: str | None = None
    is_ready: bool = False
    is_control: bool = False
    missing: tuple[str, ...] = ()
    is_alive: bool | None = None


@dataclass(frozen=True)
class Verdict:
    """How an attempt ended.

    Attributes:
        outcome: As written in the column; null when interrupted.
        error_type: A finer name; null on success.
        decided_at: ``before-accept`` for a 4xx at the upgrade, ``after-accept`` for a close that refuses the
            credential, ``silence`` when no answer or no welcome came; null for anything else.
    """

    outcome: str | None
    error_type: str | None = None
    decided_at: str | None = None


def classify(ending: Ending) -> Verdict:
    """The outcome of an attempt: the earliest failed step.

    An attempt that was greeted and then closed as unauthorised, before any event, was refused: the welcome came
    before the verdict.
    """
    if ending.failure == INTERRUPTED:
        return Verdict(None, INTERRUPTED)
    if ending.http_status is not None:
        status = ending.http_status
        decided = BEFORE_ACCEPT if 400 <= status < 500 else None
        return Verdict(f"upgrade_status_{status}", f"http_{status}", decided)
    if ending.failure in FAILURES:
        finer = ending.error_type or _ERROR_TYPES.get(ending.failure, ending.failure)
        return Verdict(FAILURES[ending.failure], finer)
    if ending.failure == "timeout" and ending.ended_in not in ("ready", "exchange", "close"):
        return _opening_timeout(ending.ended_in)
    if ending.is_closed:
        return _closed(ending)
    if not ending.is_ready:
        return Verdict("ready_timeout", "no_pong" if ending.is_alive is False else "no_welcome", SILENCE)
    if ending.is_control:
        return Verdict("accepted_bad_credential", "bypass")
    if not ending.missing:
        return Verdict("ok")
    if ending.is_alive is False:
        return Verdict("silent_mid_run", "no_pong")
    return Verdict(f"event_missing:{ending.missing[0]}", ending.error_type or "event_missing")


def _opening_timeout(phase: str) -> Verdict:
    if phase in ("queue", "dns"):
        return Verdict("dns_error", "timeout")
    if phase == "tcp":
        return Verdict("tcp_timeout", "timeout")
    return Verdict("open_timeout", "timeout", SILENCE if phase.startswith("upgrade") else None)


def _closed(ending: Ending) -> Verdict:
    code = ABNORMAL if ending.close_code is None else ending.close_code
    refused = is_auth_refusal(ending.close_code, ending.close_reason, hinted=ending.refusal_code is not None)
    # A welcome may come before the verdict; an event cannot.
    if refused and (not ending.is_ready or set(ending.missing) == set(EVENTS)):
        return Verdict("refused_after_accept", ending.refusal_code or f"close_{code}", AFTER_ACCEPT)
    if not ending.is_ready:
        return Verdict(f"closed_before_ready:{code}", ending.error_type or f"close_{code}")
    if ending.is_control:
        return Verdict("accepted_bad_credential", "bypass")
    if not ending.missing:
        return Verdict("ok")
    return Verdict(f"closed_mid_run:{code}", ending.error_type or f"close_{code}")


def outcome_of(written: str) -> Outcome:
    """The row of :data:`OUTCOMES` behind a written outcome, detail and all.

    Raises:
        ValueError: It is none of them.
    """
    name = written.partition(":")[0]
    if name.startswith("upgrade_status_") and name.removeprefix("upgrade_status_").isdigit():
        name = "upgrade_status"
    if name not in _BY_NAME:
        raise ValueError(f"{written!r} is no outcome")
    return _BY_NAME[name]
