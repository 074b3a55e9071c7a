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
   this cannot tell. ``unnamed``: failures of several kinds, and no case succeeded to compare with.

A deterministic failure is never called a race, whatever its log text says. Fewer than :data:`MIN_FAILURES` failures
of a kind are ``too few`` to name.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gpkit.analysis.cases import ATTRIBUTES, NOT_KNOWN
from gpkit.analysis.explaining import CLAIM_P, Mechanism, changed, explained, never_mixed
from gpkit.analysis.statistics import Dependence, adjusted, dependence, rate
from gpkit.timeline.instances import LOOPS, of_the_path

VAIN_P = 0.995  # chosen: a bound of 1 says nothing
MIN_FAILURES = 3  # chosen: two failures line up by chance too often
LOAD_AUC = 0.65  # chosen: a weaker dependence on load explains too few of the failures


def mechanisms(cases: pd.DataFrame, *, boot_failures: int = 0) -> pd.DataFrame:
    """Name the mechanism behind each kind of failure.

    Args:
        cases: From :mod:`gpkit.analysis.cases`.
        boot_failures: Instances that failed to boot in the same window, from the log; 0 where there is no log.

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
        told = _told(cases, failure)
        here = told[(told["failure"] == failure) | ~told["failed"]]
        timing, load = corrected[failure]
        named = _name(told, here, failure, timing, load, boot_failures)
        ours = told[told["failure"] == failure]
        share = rate(len(ours), len(told))
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


def _told(cases: pd.DataFrame, failure: str) -> pd.DataFrame:
    """The cases of which the evidence tells whether they failed so.

    An upgrade that succeeded did not fail at the upgrade, even where nothing tells what became of it.
    """
    is_told = cases["known"] | (cases["upgraded"] if failure.startswith("upgrade_status_") else False)
    return cases[is_told]


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
    boot_failures: int,
) -> Mechanism:
    bad = here["failed"]
    k, n = int(bad.sum()), len(here)
    if failure.endswith("_503") and boot_failures >= LOOPS:
        because = f"{boot_failures} instances failed to boot in the same window"
        return Mechanism(failure, "crash_loop", "instance", because)
    if k < MIN_FAILURES:
        return Mechanism(failure, "too few", "", f"{k} of {n}: too few to name a cause")
    if k == len(cases):
        return never_mixed(cases, failure)
    apart = explained(cases.assign(failed=cases["failure"] == failure))
    if apart:
        return Mechanism(failure, "deterministic", *apart)
    if k == n:
        return Mechanism(failure, "unnamed", "", "failures of several kinds, and no case succeeded to compare with")
    in_time = changed(here, failure)
    if in_time:
        return in_time
    if timing and timing.p <= CLAIM_P and timing.auc < 0.5 and _waiting_helps(here):
        because = f"the sooner it was due, the more often it failed (AUC {1 - timing.auc:.2f}, p ≤ {timing.p:.2g})"
        return Mechanism(failure, "race", "time between OPEN and the message", because)
    if load and load.p <= CLAIM_P and load.auc >= LOAD_AUC:
        because = f"the more connections were open, the more often it failed (AUC {load.auc:.2f}, p ≤ {load.p:.2g})"
        return Mechanism(failure, "overload", "connections open at the time", because)
    return Mechanism(failure, "intermittent", "", _no_dependence(here, timing, load))


def _waiting_helps(here: pd.DataFrame) -> bool:
    """Cases that waited for the welcome fail less often, or there are none to compare."""
    early, waited = here[here["arm"] == "after-open"], here[here["arm"] == "after-ready"]
    return not early.empty and (waited.empty or waited["failed"].mean() < early["failed"].mean())


def _tests(cases: pd.DataFrame, failure: str) -> tuple[Dependence | None, Dependence | None]:
    told = _told(cases, failure)
    here = told[(told["failure"] == failure) | ~told["failed"]]
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


def _no_dependence(here: pd.DataFrame, timing: Dependence | None, load: Dependence | None) -> str:
    untold = [name for name in ATTRIBUTES if (here[name] == NOT_KNOWN).all()]
    mix = "outcomes mix under equal conditions"
    if untold:  # a log of later generations names no user: a refusal of one user looks like chance
        mix = f"outcomes mix, but the evidence does not tell {_listed(untold)}, which may set them apart"
    parts = [mix]
    for name, test in (("when the message was to be sent", timing), ("load", load)):
        if test is None:
            continue
        kind = "a weak dependence on" if test.p <= CLAIM_P else "no dependence on"
        chance = f", p ≤ {test.p:.2g}" if test.p < VAIN_P else ""
        parts.append(f"{kind} {name} (AUC {test.auc:.2f}{chance})")
    return "; ".join(parts)


def _listed(names: list[str]) -> str:
    words = [name.removesuffix("_id") for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _reasons(ours: pd.DataFrame) -> str:
    """Reasons from the log with their counts; for each client where there are several."""
    known = ours[ours["reason"].notna() & ~ours["reason"].isin(["not known", "None", "<NA>", "nan"])]
    if known["client"].nunique() < 2:
        return ", ".join(f"{reason} {n}" for reason, n in known["reason"].value_counts().items())
    counts = known.groupby(["client", "reason"], as_index=False).size().sort_values("size", ascending=False)
    return ", ".join(f"{row['client']}: {row['reason']} {row['size']}" for row in counts.to_dict("records"))


def failed_boots(instances: pd.DataFrame) -> int:
    """Instances that ended before they could serve, of the revision with most of them; of the golden path's services.

    Args:
        instances: From :func:`gpkit.timeline.instances`.
    """
    known = of_the_path(instances)
    failed = known[known["outcome"] == "failed"]
    return int(failed.groupby("revision", dropna=False).size().max()) if len(failed) else 0
