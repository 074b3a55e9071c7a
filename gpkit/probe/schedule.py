"""The attempts that a plan means: when each starts, for whom, with what, in which arm.

Pure. The same seed gives the same schedule: order of arms and delays, places of the controls, and traces.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpkit.environments import Environment
from gpkit.errors import ParameterError
from gpkit.probe.plan import AFTER_OPEN, AFTER_READY, BOTH, Plan, check
from gpkit.protocol.credentials import is_negative_control

LOCAL_RATE_PER_S = 50.0  # chosen: a third of what two busy cores keep up with
LOCAL_CONCURRENCY = 20


@dataclass(frozen=True)
class Planned:
    """One attempt to make.

    Attributes:
        index: Order of planned start, from 0.
        at_ns: Planned start, since the first.
        user: Who it speaks for.
        credential, carrier: What is presented, and how.
        is_control: Refusal is right.
        send: ``after-ready`` or ``after-open``.
        delay_s: After OPEN; null unless early.
        message: What is sent; null for a control.
        trace: 32 hex digits.
    """

    index: int
    at_ns: int
    user: str
    credential: str
    carrier: str
    is_control: bool
    send: str
    delay_s: float | None
    message: Mapping[str, Any] | None
    trace: str


@dataclass(frozen=True)
class Schedule:
    """Every attempt to make, and the load that makes."""

    attempts: tuple[Planned, ...]
    rate_per_s: float
    concurrency: int


def schedule(plan: Plan, environment: Environment) -> Schedule:
    """The attempts that a plan means for a target.

    Raises:
        ParameterError: The plan is impossible, or asks a remote target for more than its limits.
    """
    check(plan)
    rate_per_s, concurrency = _load(plan, environment)
    rng = random.Random(plan.seed)  # noqa: S311 - a schedule, not a secret
    users = plan.users or environment.users
    carrier = plan.carrier or environment.carrier
    arms = _arms(plan, rng)
    credentials = _credentials(plan, rng)
    attempts = []
    for index, credential in enumerate(credentials):
        is_control = is_negative_control(credential, carrier)
        send, delay_s = (AFTER_READY, None) if is_control else next(arms)
        message = None if is_control else _message(plan, index)
        attempts.append(
            Planned(
                index=index,
                at_ns=round(index * 1e9 / rate_per_s),
                user=users[index % len(users)],
                credential=credential,
                carrier=carrier,
                is_control=is_control,
                send=send,
                delay_s=delay_s,
                message=message,
                trace=_trace(plan.seed, index),
            )
        )
    return Schedule(tuple(attempts), rate_per_s, concurrency)


def _arms(plan: Plan, rng: random.Random) -> Iterator[tuple[str, float | None]]:
    """Endless pairs of arm and delay: every cell once in each block, in a new random order each time."""
    early: list[tuple[str, float | None]] = [(AFTER_OPEN, delay_ms / 1000) for delay_ms in plan.send_delays_ms]
    late: list[tuple[str, float | None]] = [(AFTER_READY, None)]
    cells = {AFTER_READY: late, AFTER_OPEN: early, BOTH: [*early, *late]}[plan.send]
    while True:
        block = list(cells)
        rng.shuffle(block)
        yield from block


def _credentials(plan: Plan, rng: random.Random) -> list[str]:
    """One credential for each attempt, the controls at random places among them."""
    added = [credential for credential in plan.controls for _ in range(plan.controls_each)]
    total = plan.attempts + len(added)
    places = set(rng.sample(range(total), len(added)))
    rng.shuffle(added)
    return [added.pop() if index in places else plan.credential for index in range(total)]


def _message(plan: Plan, index: int) -> Mapping[str, Any]:
    if plan.messages:
        return plan.messages[index % len(plan.messages)]
    return {"type": "user_message", "payload": {"content": "gpkit probe: please answer briefly."}}


def _trace(seed: int | None, index: int) -> str:
    if seed is None:
        return secrets.token_hex(16)
    return hashlib.sha256(f"gpkit {seed} {index}".encode()).hexdigest()[:32]


def _load(plan: Plan, environment: Environment) -> tuple[float, int]:
    if environment.is_local:
        return plan.rate_per_s or LOCAL_RATE_PER_S, plan.concurrency or LOCAL_CONCURRENCY
    rate_per_s = plan.rate_per_s or environment.max_rate_per_s
    concurrency = plan.concurrency or environment.max_concurrency
    if not plan.yes_load:
        for name, asked, allowed in (
            ("attempts", plan.attempts, environment.max_attempts),
            ("rate_per_s", rate_per_s, environment.max_rate_per_s),
            ("concurrency", concurrency, environment.max_concurrency),
        ):
            if asked > allowed:
                raise ParameterError(
                    f"{name} = {asked:g} is above what '{environment.name}' allows ({allowed:g}).",
                    "A remote service has limits, and every run of its agents costs money.",
                    f"Lower {name}, or add --yes-load (yes_load=True) when its owners agree.",
                )
    return rate_per_s, concurrency
