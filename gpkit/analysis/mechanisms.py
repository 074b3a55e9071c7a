"""Is it a race? What kind of failure each failure is. Pure. Cases in, one row per kind of failure out.

The rule, in order; the first that holds names the mechanism:

1. ``crash_loop``: the instances that should have answered exited again and again, and the platform answered 503.
2. ``deterministic``: outcomes do not mix. Every case failed like this, or every case of one client, credential,
   carrier, revision, user or instance, or of one pair of these, did and no other.
3. ``start_up``: failures while an instance is young, then none. ``outage``: all failures in one stretch of time, in
   which next to nothing succeeds.
4. ``race``: cases that differ in nothing but when the message was sent end differently, and the sooner it was to be
   sent the more often it fails: a rank test over the planned levels, waiting for the welcome being the latest, within
   strata of revision, adjusted for the number of tests, p at most 0.01. The planned levels were drawn at random, so
   this is fair to what never came to be sent; a failure of which most were over before the message is no such race.
5. ``overload``: outcomes mix and failures come when more connections are open (the same test on the load).
6. ``intermittent``: outcomes mix and depend on nothing that was measured. It may be a race of the server with itself;
   this cannot tell.

A deterministic failure is never called a race, whatever its log text says. Fewer than :data:`MIN_FAILURES` failures
of a kind are ``too few`` to name.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gpkit.analysis.cases import ATTRIBUTES
from gpkit.analysis.statistics import Dependence, adjusted, dependence, fisher, rate
from gpkit.timeline.instances import LOOPS

CLAIM_P = 0.01  # chosen: a named cause is acted upon
MIN_FAILURES = 3  # chosen: two failures line up by chance too often
MIN_LEVEL = 5  # chosen: a value that always failed needs this many cases
LOAD_AUC = 0.65  # chosen: a weaker dependence on load explains too few of the failures
SEPARATED = 0.02  # share of pairs out of order that still counts as one change in time


@dataclass(frozen=True)
class Mechanism:
    """What one kind of failure is, and what says so."""

    failure: str
    mechanism: str
    explained_by: str
    because: str


def mechanisms(cases: pd.DataFrame, *, exits: int = 0) -> pd.DataFrame:
    """Name the mechanism behind each kind of failure.

    Args:
        cases: From :mod:`gpkit.analysis.cases`.
        exits: Container exits with an error in the same window, from the log; 0 where there is no log.

    Returns:
        One row per failure, most frequent first: ``failure``, ``failed``, ``n`` (cases), ``ratio``, ``low``, ``high``,
        ``mechanism``, ``explained_by``, ``because``, ``reasons`` (from the log), ``timing_auc``, ``timing_p``,
        ``load_auc``, ``load_p`` (adjusted; null where there was nothing to compare), ``case_ids`` (the failures).
    """
    kinds = cases.loc[cases["failed"], "failure"].value_counts()
    tests = {str(kind): _tests(cases, str(kind)) for kind in kinds.index}
    corrected = _corrected(tests)
    rows = []
    for kind in kinds.index:
        failure = str(kind)
        here = cases[(cases["failure"] == failure) | ~cases["failed"]]
        timing, load = corrected[failure]
        named = _name(cases, here, failure, timing, load, exits)
        ours = cases[cases["failure"] == failure]
        share = rate(len(ours), len(cases))
        rows.append(
            {
                "failure": failure,
                "failed": share.k,
                "n": share.n,
                "ratio": share.estimate,
                "low": share.low,
                "high": share.high,
                "mechanism": named.mechanism,
                "explained_by": named.explained_by,
                "because": named.because,
                "reasons": _reasons(ours),
                "timing_auc": timing.auc if timing else None,
                "timing_p": timing.p if timing else None,
                "load_auc": load.auc if load else None,
                "load_p": load.p if load else None,
                "case_ids": list(ours["case_id"]),
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    *("failure", "failed", "n", "ratio", "low", "high", "mechanism", "explained_by", "because", "reasons"),
    *("timing_auc", "timing_p", "load_auc", "load_p", "case_ids"),
]


def _name(
    cases: pd.DataFrame,
    here: pd.DataFrame,
    failure: str,
    timing: Dependence | None,
    load: Dependence | None,
    exits: int,
) -> Mechanism:
    bad = here["failed"]
    k, n = int(bad.sum()), len(here)
    if failure.endswith("_503") and exits >= LOOPS:
        return Mechanism(failure, "crash_loop", "instance", f"{exits} container exits with an error in the same window")
    if k < MIN_FAILURES:
        return Mechanism(failure, "too few", "", f"{k} of {n}: too few to name a cause")
    if k == len(cases):
        return _never_mixed(cases, failure)
    explained = _explained(cases.assign(failed=cases["failure"] == failure))
    if explained:
        return Mechanism(failure, "deterministic", *explained)
    if k == n:
        return Mechanism(
            failure, "intermittent", "", "failures of several kinds mix, and no case succeeded to compare with"
        )
    changed = _changed(here, failure)
    if changed:
        return changed
    if timing and timing.p <= CLAIM_P and timing.auc < 0.5 and _waiting_helps(here):
        because = f"the sooner it was due, the more often it failed (AUC {1 - timing.auc:.2f}, p ≤ {timing.p:.2g})"
        return Mechanism(failure, "race", "time between OPEN and the message", because)
    if load and load.p <= CLAIM_P and load.auc >= LOAD_AUC:
        because = f"the more connections were open, the more often it failed (AUC {load.auc:.2f}, p ≤ {load.p:.2g})"
        return Mechanism(failure, "overload", "connections open at the time", because)
    return Mechanism(failure, "intermittent", "", _no_dependence(timing, load))


def _never_mixed(here: pd.DataFrame, failure: str) -> Mechanism:
    if len(here) < MIN_LEVEL:
        return Mechanism(failure, "too few", "", f"{len(here)} of {len(here)}: too few to name a cause")
    clients = here["client"].nunique()
    whose = f"for each of {clients} clients" if clients > 1 else "for the one client"
    return Mechanism(failure, "deterministic", "every case", f"all {len(here)} ended so, {whose}: nothing mixes")


def _explained(here: pd.DataFrame) -> tuple[str, str] | None:
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


def _changed(here: pd.DataFrame, failure: str) -> Mechanism | None:
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


def _waiting_helps(here: pd.DataFrame) -> bool:
    """Cases that waited for the welcome fail less often, or there are none to compare."""
    early, waited = here[here["arm"] == "after-open"], here[here["arm"] == "after-ready"]
    return not early.empty and (waited.empty or waited["failed"].mean() < early["failed"].mean())


def _tests(cases: pd.DataFrame, failure: str) -> tuple[Dependence | None, Dependence | None]:
    here = cases[(cases["failure"] == failure) | ~cases["failed"]]
    timing = _timing(here)
    load = dependence(here["failed"].to_numpy(bool), here["in_flight"].to_numpy(float), list(here["revision"]))
    return timing, load


def _timing(here: pd.DataFrame) -> Dependence | None:
    """Failures against the planned levels; null when most of them were over before a message could be sent."""
    varied = here[here["arm"].isin(["after-open", "after-ready"])]
    failed_early = varied[varied["failed"] & (varied["arm"] == "after-open")]
    if failed_early.empty or failed_early["sent"].mean() < 0.5:
        return None
    levels = varied["planned_delay_s"].where(varied["arm"] == "after-open", np.inf)
    return dependence(varied["failed"].to_numpy(bool), levels.to_numpy(float), list(varied["revision"]))


def _corrected(
    tests: dict[str, tuple[Dependence | None, Dependence | None]],
) -> dict[str, tuple[Dependence | None, Dependence | None]]:
    """p-values adjusted over all tests of all failures."""
    flat = [test for pair in tests.values() for test in pair if test is not None]
    p_values = iter(adjusted([test.p for test in flat]))
    out: dict[str, tuple[Dependence | None, Dependence | None]] = {}
    for failure, pair in tests.items():
        timing, load = (
            None if test is None else Dependence(test.auc, next(p_values), test.failures, test.successes)
            for test in pair
        )
        out[failure] = (timing, load)
    return out


def _no_dependence(timing: Dependence | None, load: Dependence | None) -> str:
    parts = ["outcomes mix under equal conditions"]
    for name, test in (("when the message was to be sent", timing), ("load", load)):
        if test is None:
            continue
        kind = "a weak dependence on" if test.p <= CLAIM_P else "no dependence on"
        parts.append(f"{kind} {name} (AUC {test.auc:.2f}, p ≤ {test.p:.2g})")
    return "; ".join(parts)


def _reasons(ours: pd.DataFrame) -> str:
    """Reasons from the log with their counts; for each client where there are several."""
    known = ours[ours["reason"].notna() & ~ours["reason"].isin(["not known", "None", "<NA>", "nan"])]
    if known["client"].nunique() < 2:
        return ", ".join(f"{reason} {n}" for reason, n in known["reason"].value_counts().items())
    counts = known.groupby(["client", "reason"], as_index=False).size().sort_values("size", ascending=False)
    return ", ".join(f"{row['client']}: {row['reason']} {row['size']}" for row in counts.to_dict("records"))


def failed_boots(instances: pd.DataFrame) -> int:
    """Instances that ended before they could serve, of the revision with most of them."""
    failed = instances[instances["outcome"] == "failed"]
    return int(failed.groupby("revision", dropna=False).size().max()) if len(failed) else 0
