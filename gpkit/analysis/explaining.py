"""What sets failures apart from successes, other than when a message was sent: whose they are, or one stretch of time.

Pure. Each says so only where outcomes do not mix on either side, and chance is unlikely.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pandas as pd

from gpkit.analysis.cases import ATTRIBUTES
from gpkit.analysis.statistics import Dependence, adjusted, dependence, fisher

CLAIM_P = 0.01  # chosen: a named cause is acted upon
MIN_LEVEL = 5  # chosen: a value that always failed needs this many cases
SEPARATED = 0.02  # share of pairs out of order that still counts as one change in time


@dataclass(frozen=True)
class Mechanism:
    """What one kind of failure is, and what says so."""

    failure: str
    mechanism: str
    explained_by: str
    because: str


def never_mixed(here: pd.DataFrame, failure: str) -> Mechanism:
    """Of cases that all failed alike."""
    if len(here) < MIN_LEVEL:
        return Mechanism(failure, "too few", "", f"{len(here)} of {len(here)}: too few to name a cause")
    clients = here["client"].nunique()
    whose = f"for each of {clients} clients" if clients > 1 else "for the one client"
    return Mechanism(failure, "deterministic", "every case", f"all {len(here)} ended so, {whose}: nothing mixes")


def explained(here: pd.DataFrame) -> tuple[str, str] | None:
    """An attribute, or a pair of them, whose values never mix: those that fail always do, and the others never."""
    found: list[tuple[float, str, str]] = []
    varied = [name for name in ATTRIBUTES if here[name].nunique() > 1]
    for group in [*((name,) for name in varied), *itertools.combinations(varied, 2)]:
        counts = here.groupby(list(group))["failed"].agg(["sum", "count"])
        failing = counts[counts["sum"] > 0]
        if len(counts) < 2 or (failing["sum"] < failing["count"]).any() or len(failing) == len(counts):
            continue
        k, others = int(failing["count"].sum()), int(counts["count"].sum() - failing["count"].sum())
        if k < MIN_LEVEL or others < MIN_LEVEL:
            continue
        names = ", ".join(_cell(value) for value in failing.index[:3])
        text = f"{names}: {k} of {k} ended so; 0 of {others} elsewhere"
        found.append((fisher(k, k, 0, others), " and ".join(group), text))
    if not found:
        return None
    for p, (_, attribute, text) in zip(adjusted([item[0] for item in found]), found, strict=True):
        if p <= CLAIM_P:
            return attribute, text
    return None


def _cell(value: object) -> str:
    """One value, or the values of a pair."""
    parts = value if isinstance(value, tuple) else (value,)
    return " with ".join(str(part) for part in parts)


def changed(here: pd.DataFrame, failure: str) -> Mechanism | None:
    """One change in time: failures while an instance is young and then none, or none and then nothing else."""
    bad = here["failed"].to_numpy(bool)
    youth = dependence(bad, here["age_s"].to_numpy(float), list(here["instance_id"]))
    if _separates(youth) and youth is not None and youth.auc <= SEPARATED:
        last = float(here.loc[here["failed"], "age_s"].max())
        because = f"all {youth.failures} failures within {last:.2f} s of the instance's first request, then none"
        return Mechanism(failure, "start_up", "age of the instance", because)
    return _stretch(here, failure)


def _stretch(here: pd.DataFrame, failure: str) -> Mechanism | None:
    """All failures within one stretch of time in which next to nothing succeeds."""
    bad = here[here["failed"]]
    start_ns, end_ns = bad["at_ns"].min(), bad["at_ns"].max()
    good = here[~here["failed"]]
    inside = int(((good["at_ns"] >= start_ns) & (good["at_ns"] <= end_ns)).sum())
    outside = len(good) - inside
    if len(bad) < MIN_LEVEL or outside < MIN_LEVEL or inside > SEPARATED * len(bad):
        return None
    # How likely it is by chance that so many failures stand together among so many cases.
    if fisher(len(bad), len(bad) + inside, 0, outside) > CLAIM_P:
        return None
    begun, ended = (float(at - here["at_ns"].min()) / 1e9 for at in (start_ns, end_ns))
    because = f"all {len(bad)} failures between {begun:.2f} s and {ended:.2f} s, {inside} successes meanwhile"
    return Mechanism(failure, "outage", "time", f"{because}, {outside} outside")


def _separates(order: Dependence | None) -> bool:
    return order is not None and min(order.failures, order.successes) >= MIN_LEVEL and order.p <= CLAIM_P
