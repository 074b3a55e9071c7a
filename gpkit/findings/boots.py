"""The verdict on starts: do instances live to serve?"""

from __future__ import annotations

import pandas as pd

from gpkit.analysis import statistics
from gpkit.analysis.mechanisms import failed_boots
from gpkit.findings.finding import AT_MOST, Finding, of_rate
from gpkit.plural import counted
from gpkit.timeline.instances import LOOPS


def judge_boots(instances: pd.DataFrame) -> Finding | None:
    """Is the service caught in a crash loop? Null when the log shows no instance starting or failing to.

    Args:
        instances: From :func:`gpkit.timeline.instances`; those of which too little was exported are left out.
    """
    instances = instances[instances["outcome"] != "unknown"]
    if instances.empty:
        return None
    failed = instances[instances["outcome"] == "failed"]
    looping = failed_boots(instances) >= LOOPS
    reasons = failed["boot_failure"].dropna().value_counts()
    why = f" Most often: {str(reasons.index[0])[:160]}" if len(reasons) else ""
    measured = statistics.rate(len(failed), len(instances))
    return of_rate(
        measured,
        id="instances.boot",
        claim=f"{measured.k} of {counted(measured.n, 'instance')} ended before they could serve"
        f"{': a boot loop' if looping else ''}.{why}",
        verdict="fails" if looping else "undecided" if len(failed) else "meets",
        target=0.0,
        target_is=AT_MOST,
        cause="crash_loop" if looping else "",
        ruled_out=("race: no instance lived to serve a request that could race",)
        if len(failed) == len(instances)
        else (),
        evidence=tuple(failed["instance_id"].astype(str)),
        limits="Instances whose lines fall outside the window are not seen.",
        next_step="Fix the start of the container; until then every other number is about a server that is not there."
        if looping
        else "",
    )
