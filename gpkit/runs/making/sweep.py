"""A sweep: the same notebooks once for each value of a parameter, or for each combination of several.

Every run is checked before the first one starts, and carries the sweep's id, so that they can be seen together.
Relative times count from one instant for all of them.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpkit.errors import ParameterError
from gpkit.runs.asking.plan import Plan, make_plan
from gpkit.runs.recording.folder import new_run_id

MOST = 100  # chosen: runs of one sweep; more are not compared by looking
NAME = "sweep"  # stands in the id of a sweep where a run's id has its notebook


def read_axes(written: Sequence[str], taken: Sequence[str] = ()) -> dict[str, list[str]]:
    """The values of each swept parameter, as text, from ``NAME=a,b,c``.

    Semicolons separate the values where there is one, else commas: ``0,5;20`` is the two lists ``0,5`` and ``20`` for a
    parameter that takes a list, and ``0,5,20`` is three values for any parameter.

    Args:
        written: As on the command line.
        taken: Names that were given a value otherwise.

    Raises:
        ParameterError: No name, fewer than two values, or a name that has a value already.
    """
    axes: dict[str, list[str]] = {}
    for one in written:
        name, separator, text = (part.strip() for part in one.partition("="))
        if not separator or not name:
            raise ParameterError(f"--sweep {one!r} names no values.", next_step="Write --sweep NAME=a,b,c.")
        if name in axes or name in taken:
            raise ParameterError(
                f"{name} is swept and given a value as well." if name in taken else f"{name} is swept twice.",
                next_step=f"Write all its values once: --sweep {name}=a,b,c",
            )
        axes[name] = [value.strip() for value in text.split(";" if ";" in text else ",")]
    return axes


def make_plans(
    notebooks: Sequence[str | Path],
    axes: Mapping[str, Sequence[Any]],
    *,
    are_texts: bool = False,
    texts: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    now: datetime | None = None,
    **how: Any,
) -> list[Plan]:
    """A checked plan for each notebook and each combination of values; the last parameter changes first.

    Args:
        notebooks: Names in ``notebooks/``, or paths.
        axes: The values of each swept parameter.
        are_texts: Whether those are text as on a command line; else they are typed.
        texts: The other parameters as text.
        values: The other parameters as typed values.
        now: The instant that relative times count from; defaults to the present.
        how: Whatever else :func:`gpkit.runs.asking.plan.make_plan` takes.

    Raises:
        CallerError: Something impossible was asked for, or two runs would be the same.
    """
    for name, several in axes.items():
        if isinstance(several, str) or len(several) < 2:
            raise ParameterError(
                f"A sweep of {name} needs at least two values.",
                next_step=f"Write --sweep {name}=a,b,c, or -p {name}=a for one run.",
            )
    count = math.prod(map(len, axes.values())) * len(notebooks)
    if count > MOST:
        raise ParameterError(f"That sweep has {count} runs.", f"One has at most {MOST}.", "Sweep fewer values.")
    at = now or datetime.now(UTC)
    sweep_id = new_run_id(NAME, at)
    plans: list[Plan] = []
    for notebook in notebooks:
        own: list[Plan] = []
        for combination in itertools.product(*axes.values()):
            swept = dict(zip(axes, combination, strict=True))
            plan = make_plan(
                notebook,
                texts={**(texts or {}), **(swept if are_texts else {})},
                values={**(values or {}), **({} if are_texts else swept)},
                now=at,
                **how,
            )
            _refuse_a_repetition(plan, own, axes)
            own.append(plan)
        plans += own
    return [
        dataclasses.replace(
            plan,
            sweep={
                "id": sweep_id,
                "number": number,
                "of": len(plans),
                "values": {name: plan.parameters[name] for name in axes},
            },
        )
        for number, plan in enumerate(plans, start=1)
    ]


def _refuse_a_repetition(plan: Plan, others: Sequence[Plan], axes: Mapping[str, Any]) -> None:
    if any(other.parameters == plan.parameters for other in others):
        said = ", ".join(f"{name} = {plan.parameters[name]!r}" for name in axes)
        raise ParameterError(
            f"The sweep names {said} twice.", next_step="Name each value once; for more cases raise attempts."
        )
