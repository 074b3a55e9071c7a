"""What a client sees of faults that took effect: one row of the table for each, one outcome for all. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpkit.protocol.events import EVENT_DEADLINES_S, EVENTS
from gpkit.protocol.faults import FAULTS, VERDICT_FAULTS, Seen


def seen(
    name: str,
    generation: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    credential: str = "valid",
    greeted: bool = False,
) -> Seen:
    """The row for a fault that took effect.

    Args:
        name: A key of :data:`FAULTS`.
        generation: ``A``, ``B`` or ``C``.
        parameters: The fault's parameters; defaults where missing.
        credential: What the client presented.
        greeted: ``welcome_before_verdict`` took effect too: then generation A also refuses after accept.

    Raises:
        KeyError: There is no such fault, or no row for the generation.
    """
    values = complete(name, parameters) | {"credential": credential}
    if greeted and name in VERDICT_FAULTS and generation == "A":
        generation = "B"
    for row in FAULTS[name].seen:
        if generation in row.generations and all(_matches(values.get(k), v) for k, v in row.when.items()):
            return row
    raise KeyError(f"{name} has no row for generation {generation}")


def complete(name: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A fault's parameters with the defaults filled in."""
    return {parameter.name: parameter.default for parameter in FAULTS[name].parameters} | dict(parameters or {})


def _matches(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, tuple) else value == wanted


def expected(
    applied: Iterable[tuple[str, Mapping[str, Any]]], generation: str, *, credential: str = "valid"
) -> tuple[str, dict[str, int]]:
    """Outcome and counts of an attempt on which these faults took effect.

    The earliest stage of the path decides the outcome; where stages are equal the place in the order of events, then
    the order of :data:`FAULTS`. Counts add up where no two faults touch the same event. The credential is taken to be
    a good one, apart from ``demo_mode``.

    Args:
        applied: Fault name and parameters, as in the truth file.
        generation: ``A``, ``B`` or ``C``.
        credential: What the client presented.

    Returns:
        Outcome (``ok`` when no fault changes it) and counts.
    """
    given = [(name, complete(name, parameters)) for name, parameters in applied]
    greeted = any(name == "welcome_before_verdict" for name, _ in given)
    ranks = {name: rank for rank, name in enumerate(FAULTS)}
    decided: list[tuple[int, int, int, str]] = []
    counts: dict[str, int] = {}
    for name, values in given:
        row = seen(name, generation, values, credential=credential, greeted=greeted)
        for key, number in row.counts.items():
            if name != "event_late" or _is_late(values):
                counts[key] = counts.get(key, 0) + number
        if row.outcome is not None:
            event = str(values.get("event", ""))
            outcome = row.outcome.replace("{event}", event)
            decided.append((row.stage, _place(values), ranks[name], outcome))
    return min(decided)[3] if decided else "ok", counts


def _place(values: Mapping[str, Any]) -> int:
    event = values.get("event", values.get("after"))
    return EVENTS.index(event) if event in EVENTS else 0


def _is_late(values: Mapping[str, Any]) -> bool:
    delay = values["delay_ms"]
    drawn_ms = delay["constant"] if isinstance(delay, Mapping) else delay
    return bool(drawn_ms / 1000 > EVENT_DEADLINES_S[EVENTS.index(values["event"])])
