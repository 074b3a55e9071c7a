"""Sweeps: runs that differ in the values of a few parameters, seen together. Pure.

A sweep is the runs whose records carry its id. Of a run that was tried again the last attempt counts. Values are told
apart by intervals alone, finding by finding; nothing here says which value is best: one finding may be better where
another is worse.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpkit.history.change import interval
from gpkit.history.past import Past

_SHOWN = 6  # chosen: pairs that are named; of more, how many there are


@dataclass(frozen=True)
class Sweep:
    """The runs of one sweep.

    Attributes:
        id: Its id; sorts by time.
        names: The swept parameters.
        of: How many runs were planned.
        runs: Those that there are, in the planned order.
    """

    id: str
    names: tuple[str, ...]
    of: int
    runs: tuple[Past, ...]


def sweeps(pasts: Iterable[Past]) -> list[Sweep]:
    """The sweeps among some runs, newest first."""
    found: dict[str, list[Past]] = {}
    for past in pasts:
        if past.sweep.get("id"):
            found.setdefault(str(past.sweep["id"]), []).append(past)
    return [_sweep(name, found[name]) for name in sorted(found, reverse=True)]


def values_of(past: Past) -> dict[str, Any]:
    """The values of the swept parameters that a run had; empty for a run outside sweeps."""
    values = past.sweep.get("values")
    return dict(values) if isinstance(values, Mapping) else {}


def said(values: Mapping[str, Any]) -> str:
    """Values as text: ``attempts=5, carrier=header``."""
    return ", ".join(f"{name}={_text(value)}" for name, value in values.items())


def leads(runs: Iterable[Past]) -> list[str]:
    """The ids of the findings that lead a run, each once, in the order of the runs."""
    found = (str(past.headline.get("id")) for past in runs if past.headline and past.verdict)
    return list(dict.fromkeys(found))


def finding_of(past: Past, name: str) -> Mapping[str, Any] | None:
    """A run's finding of an id; null when it has none, or did not end well."""
    if past.status != "ok":
        return None
    return next((one for one in past.findings if str(one.get("id")) == name), None)


def compared(sweep: Sweep) -> list[str]:
    """What the intervals of a sweep's headline findings tell, one sentence each, with how far that carries."""
    told, pairs = [], 0
    for notebook in dict.fromkeys(past.notebook for past in sweep.runs):
        own = [past for past in sweep.runs if past.notebook == notebook]
        for name in leads(own):
            numbers = _numbers(name, own)
            pairs += len(numbers) * (len(numbers) - 1) // 2
            several = f"{notebook}, {name}" if len({past.notebook for past in sweep.runs}) > 1 else name
            told.append(f"{several}: {_apart(numbers, len(own))}")
    if pairs > 1:
        told.append(f"{pairs} pairs were compared, each by 95 % intervals: of many, some lie apart by chance.")
    return told


def _apart(numbers: Sequence[tuple[Past, tuple[float, float]]], of: int) -> str:
    lacking = f" {of - len(numbers)} of {of} runs have no such interval." if len(numbers) < of else ""
    if len(numbers) < 2:
        return f"nothing to compare.{lacking}"
    apart = [
        f"{said(values_of(one))} and {said(values_of(other))}"
        for (one, a), (other, b) in itertools.combinations(numbers, 2)
        if a[0] > b[1] or b[0] > a[1]
    ]
    if not apart:
        return (
            f"all intervals overlap: no difference between the values is shown, which is not the same as none.{lacking}"
        )
    more = f" and {len(apart) - _SHOWN} more pairs" if len(apart) > _SHOWN else ""
    others = "; all others overlap" if len(apart) < len(numbers) * (len(numbers) - 1) // 2 else ""
    return f"the intervals lie apart for {'; '.join(apart[:_SHOWN])}{more}{others}.{lacking}"


def _numbers(name: str, runs: Sequence[Past]) -> list[tuple[Past, tuple[float, float]]]:
    """The runs that ended well with an interval for a finding, all in one unit."""
    found = []
    units = set()
    for past in runs:
        finding = finding_of(past, name)
        ends = interval(finding) if finding is not None and finding.get("n") else None
        if finding is not None and ends is not None:
            found.append((past, ends))
            units.add(str(finding.get("unit")))
    return found if len(units) == 1 else []


def _sweep(name: str, pasts: Sequence[Past]) -> Sweep:
    followed = {past.retry_of for past in pasts if past.retry_of}
    runs = sorted((past for past in pasts if past.run_id not in followed), key=_number)
    first = (runs or list(pasts))[0]
    of = first.sweep.get("of")
    return Sweep(name, tuple(values_of(first)), of if isinstance(of, int) else len(runs), tuple(runs))


def _number(past: Past) -> tuple[int, str]:
    number = past.sweep.get("number")
    return (number if isinstance(number, int) else 0, past.run_id)


def _text(value: Any) -> str:
    return "[" + ",".join(map(_text, value)) + "]" if isinstance(value, list) else str(value)
