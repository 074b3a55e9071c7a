"""The verdict on starts: do instances live to serve, and which revision never does?"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from gpkit.analysis import statistics
from gpkit.analysis.statistics import Rate
from gpkit.findings.finding import AT_MOST, Finding, of_rate
from gpkit.findings.wording import of
from gpkit.plural import counted, plural
from gpkit.timeline.instances import KILLED, LOOPS, of_the_path

SAID = 160  # characters of what an application said; chosen: two lines of a report
_BEGINNING = ["started_ns", "first_line_ns"]


def judge_boots(instances: pd.DataFrame, *, max_ratio: float = 0.05) -> Finding | None:
    """Do instances start, and is any revision caught in a crash loop?

    Counted are instances of the golden path's services that failed to boot, that served, or whose start the log shows
    together with how it went. A boot loop fails whatever the ratio is. The interval is Clopper and Pearson's: there
    are few instances, and of one or two Wilson's says too much.

    Args:
        instances: From :func:`gpkit.timeline.instances`.
        max_ratio: Instances that failed to boot, of those counted. Chosen: one failed start happens.

    Returns:
        Null when the log shows no instance beginning or ending, as one of requests alone, and when none failed or
        died and there are too few to say that few do.
    """
    ours = of_the_path(instances)
    judged = ours[_is_judged(ours)]
    failed, died = (judged[judged["outcome"] == outcome] for outcome in ("failed", "died"))
    measured = _rate(len(failed), len(judged))
    verdict = statistics.judge_at_most(measured, max_ratio)
    if not _shows_lives(ours) or (failed.empty and died.empty and verdict == "undecided"):
        return None
    sizes = failed["revision"].astype("object").fillna("a revision that is not named").value_counts()
    looping = sizes[sizes >= LOOPS]
    serving = judged[judged["outcome"] != "failed"]
    return of_rate(
        measured,
        id="instances.boot",
        claim=f"{of(measured)} of instances ended before they could serve{_loops(looping)}."
        f"{_why(failed)}{_deaths(died)}",
        verdict="fails" if len(looping) else verdict,
        target=max_ratio,
        target_is=AT_MOST,
        cause="crash_loop" if len(looping) else "",
        ruled_out=("race: no instance lived to serve a request that could race",) if serving.empty else (),
        evidence=tuple(pd.concat([failed, died])["instance_id"].astype(str)),
        limits=_limits(instances, ours, judged),
        next_step=_next_step(looping, failed, serving, died),
    )


def _is_judged(instances: pd.DataFrame) -> pd.Series[bool]:
    """Failed, served, or shown both starting and ending; what is cut off before it says how it went is unknown."""
    is_shown = instances[_BEGINNING].notna().any(axis=1)
    return instances["outcome"].isin(["failed", "died", "serves"]) | (
        (instances["outcome"] == "stopped") & (is_shown | (instances["served"] > 0))
    )


def _shows_lives(instances: pd.DataFrame) -> bool:
    """Whether any instance is seen beginning or ending: else a failed boot would not have been seen either."""
    is_seen = instances[[*_BEGINNING, "failed_ns", "exit_ns"]].notna().any(axis=1)
    return bool(is_seen.any())


def _rate(k: int, n: int) -> Rate:
    measured = statistics.rate(k, n)
    if n == 0:
        return measured
    low, high = statistics.exact_interval(k, n)
    return replace(measured, low=low, high=high)


def _loops(looping: pd.Series[int]) -> str:
    named = ", ".join(f"{revision} {count}" for revision, count in looping.items())
    return f": {plural(len(looping), 'a boot loop', 'boot loops')} of {named}" if named else ""


def _why(failed: pd.DataFrame) -> str:
    reasons = failed["boot_failure"].dropna().value_counts()
    if reasons.empty:
        return ""
    said = str(reasons.index[0])
    return f" Most often: {said[:SAID]}{'…' if len(said) > SAID else '.'}"


def _deaths(died: pd.DataFrame) -> str:
    """How many died after they had started, by exit code; empty for none."""
    if died.empty:
        return ""
    codes = ", ".join(
        f"exit {code} {count}{' (killed, most often out of memory)' if code == KILLED else ''}"
        for code, count in died["exit_code"].value_counts().items()
    )
    had = f" and served {counted(int(died['served'].sum()), 'request')}" if died["served"].sum() else ""
    return f" {counted(len(died), 'instance')} had started{had}, then died: {codes}. That is no failed boot."


def _limits(instances: pd.DataFrame, ours: pd.DataFrame, judged: pd.DataFrame) -> str:
    """What was left out, and why."""
    told = ["Instances whose lines fall outside the window are not seen."]
    left = ours[~ours["instance_id"].isin(judged["instance_id"])]
    begun = int(left[_BEGINNING].notna().any(axis=1).sum())
    if begun:
        was = counted(begun, "instance is left out: the log shows it", "instances are left out: the log shows them")
        told.append(f"{was} starting and not how that ended.")
    if rest := len(left) - begun:
        told.append(
            f"{counted(rest, 'instance is', 'instances are')} left out: neither a start nor an answer is shown."
        )
    if others := len(instances) - len(ours):
        services = ", ".join(sorted(ours["service"].dropna().astype(str).unique()))
        told.append(
            f"{counted(others, 'instance')} of other services than {services} {plural(others, 'is', 'are')} left out."
        )
    return " ".join(told)


def _next_step(looping: pd.Series[int], failed: pd.DataFrame, serving: pd.DataFrame, died: pd.DataFrame) -> str:
    """What to mend first, and which numbers stand meanwhile."""
    if len(looping):
        named = f"Fix the start of the container of {', '.join(str(name) for name in looping.index)}"
        if serving.empty:
            return f"{named}; until then every other number is about a server that is not there."
        return f"{named}. In the same window {_served(serving, set(looping.index))} served."
    if len(died):
        said = (
            "Look at the memory limit of the container" if (died["exit_code"] == KILLED).any() else "See why it exited"
        )
        return f"{said}: gpkit.evidence(finding) shows the last grave lines of each instance."
    return "gpkit.evidence(finding) shows what the instances said." if len(failed) else ""


def _served(serving: pd.DataFrame, looping: set[object]) -> str:
    """Instances that did start and what they answered, by revision."""
    parts = []
    for revision, part in serving.groupby("revision", dropna=False, sort=False):
        served = int(part["served"].sum())
        told = f" with {counted(served, 'request')} answered" if served else ""
        rest = "other instances of " if revision in looping else ""
        parts.append(f"{rest}{revision} ({counted(len(part), 'instance')}{told})")
    return " and ".join(parts)
