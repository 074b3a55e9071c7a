"""What to measure: the plan of a probe, checked before anything starts.

Pure. Every limit of time is here and has a reason; an attempt waits for nothing without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpkit.errors import ParameterError, nearest
from gpkit.protocol.credentials import CARRIERS, CREDENTIALS, is_negative_control
from gpkit.protocol.events import EVENT_DEADLINES_S, EVENTS

AFTER_READY, AFTER_OPEN, BOTH = "after-ready", "after-open", "both"
ARMS = (AFTER_READY, AFTER_OPEN, BOTH)
"""When the message is sent: after the welcome, early (a delay after OPEN), or both: waiting is one more level."""

CONTROLS = ("none", "garbage", "wrong-secret", "expired")
"""The usual negative controls."""


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        attempts: Planned attempts, controls not counted.
        rate_per_s: Planned starts a second, kept even when the service stalls; by default 50 locally, and what the
            environment allows elsewhere.
        concurrency: Attempts at once; above it they queue, none is dropped. The defaults are like those of the rate.
        carrier: How the credential travels; by default as the environment says.
        credential: What is presented.
        send: ``after-ready``, ``after-open`` or ``both``.
        send_delays_ms: Levels of the delay after OPEN, for early sending.
        messages: Chat messages, one for each attempt in turn; by default a short one of our own.
        controls: Credentials to add as negative controls.
        controls_each: Attempts of each of them.
        users: Who the attempts speak for, in turn; by default the environment's.
        seed: For the schedule and the traces; null for another one each time.
        stop_after_s: No attempt is started later than this after the first.
        yes_load: Allow more than the environment's limits.
        open_timeout_s: From the actual start to OPEN.
        ready_timeout_s: From OPEN to the welcome.
        deadline_s: From the message to the last of its five events.
        event_deadlines_s: From the message to each event, in order; a later one is counted late.
        close_timeout_s: For the closing handshake.
        silence_s: After so long without a frame the probe pings.
        linger_s: After all five events, how long duplicates are waited for.
        straggler_s: After the run's end, how long events that it overtook are waited for.
        verdict_s: After a control was greeted, how long a refusal is waited for.
    """

    attempts: int = 20
    rate_per_s: float | None = None
    concurrency: int | None = None
    carrier: str | None = None
    credential: str = "valid"
    send: str = AFTER_READY
    send_delays_ms: tuple[float, ...] = (0.0,)
    messages: tuple[Mapping[str, Any], ...] = ()
    controls: tuple[str, ...] = ()
    controls_each: int = 1
    users: tuple[str, ...] = ()
    seed: int | None = None
    stop_after_s: float | None = None
    yes_load: bool = False
    open_timeout_s: float = 10.0  # the platform's own client: connect 10 s
    ready_timeout_s: float = 10.0  # the platform's own tests: welcome within 10 s
    deadline_s: float = EVENT_DEADLINES_S[-1]
    event_deadlines_s: tuple[float, ...] = EVENT_DEADLINES_S
    close_timeout_s: float = 2.0  # chosen, not measured
    silence_s: float = 5.0  # chosen: well above a healthy gap between events
    linger_s: float = 0.05  # chosen: ten times the local service's pace
    straggler_s: float = 1.0  # chosen, not measured
    verdict_s: float = 0.5  # chosen: far above a real verdict (milliseconds)


def check(plan: Plan) -> None:
    """Refuse an impossible plan.

    Raises:
        ParameterError: With the parameter, its value and what is possible.
    """
    _one_of("credential", plan.credential, CREDENTIALS)
    _one_of("send", plan.send, ARMS)
    if plan.carrier is not None:
        _one_of("carrier", plan.carrier, CARRIERS)
    for control in plan.controls:
        _one_of("controls", control, CREDENTIALS)
        if not is_negative_control(control, "header"):
            raise ParameterError(
                f"controls = '{control}' is no negative control: a service may rightly accept it.",
                next_step=f"Use some of: {', '.join(CONTROLS)}.",
            )
    positive = ("open_timeout_s", "ready_timeout_s", "deadline_s", "close_timeout_s", "silence_s")
    for name in ("rate_per_s", "stop_after_s", *positive):
        _above_zero(name, getattr(plan, name))
    for name in ("attempts", "concurrency", "controls_each"):
        _whole_above_zero(name, getattr(plan, name))
    for name in ("linger_s", "straggler_s", "verdict_s"):
        _at_least_zero(name, getattr(plan, name))
    for delay_ms in plan.send_delays_ms:
        _at_least_zero("send_delays_ms", delay_ms)
    if not plan.send_delays_ms:
        raise ParameterError("send_delays_ms is empty.", next_step="Give at least one delay, such as 0.")
    if len(plan.event_deadlines_s) != len(EVENTS) or list(plan.event_deadlines_s) != sorted(plan.event_deadlines_s):
        raise ParameterError(
            f"event_deadlines_s = {plan.event_deadlines_s} must be {len(EVENTS)} ascending numbers, one for each event."
        )


def _one_of(name: str, value: object, valid: tuple[str, ...]) -> None:
    if value not in valid:
        raise ParameterError(
            f"{name} = {value!r} is not possible. {nearest(str(value), valid)}".strip(),
            next_step=f"It is one of: {', '.join(valid)}.",
        )


def _above_zero(name: str, value: float | None) -> None:
    if value is not None and not (_is_number(value) and 0 < value < float("inf")):
        raise ParameterError(f"{name} = {value!r} must be above 0.")


def _whole_above_zero(name: str, value: int | None) -> None:
    if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        raise ParameterError(f"{name} = {value!r} must be a whole number above 0.")


def _at_least_zero(name: str, value: float) -> None:
    if not (_is_number(value) and 0 <= value < float("inf")):
        raise ParameterError(f"{name} = {value!r} must be 0 or more.")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
