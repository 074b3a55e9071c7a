"""What was measured, and what is missing from it. Pure. Attempts or connections in, one small table out.

Everything that judges a service starts from :func:`judged`: attempts with a valid credential that ran to their end.
Controls answer another question, and an attempt that the user interrupted answers none.
"""

from __future__ import annotations

import pandas as pd

from gpkit.analysis.statistics import rate

AFTER_READY = ("event_missing", "closed_mid_run", "silent_mid_run", "ok", "accepted_bad_credential")
"""How the outcomes of attempts begin that were greeted."""


def judged(attempts: pd.DataFrame) -> pd.DataFrame:
    """The attempts that say how the service treats a valid user: no controls, none interrupted."""
    return attempts[~attempts["control"].fillna(False) & attempts["outcome"].notna()]


def sample_check(attempts: pd.DataFrame) -> pd.DataFrame:
    """What the attempts can and cannot say, before any of them is judged.

    One row per fact: ``fact``, ``n``, ``note``.

    Args:
        attempts: One row per attempt (docs/tables.md).
    """
    valid = judged(attempts)
    outcomes = valid["outcome"].astype(str)
    lag = attempts["loop_lag_s"].max()
    facts = [
        ("planned attempts with a valid credential", len(valid), "the denominator of every rate below"),
        ("negative controls", int(attempts["control"].fillna(False).sum()), "refusal is right; judged apart"),
        ("interrupted", int(attempts["outcome"].isna().sum()), "not judged"),
        ("refused or failed before ready", int((~outcomes.str.startswith(AFTER_READY)).sum()), "the service's doing"),
        ("silent until the deadline", int(outcomes.isin(["ready_timeout", "silent_mid_run"]).sum()), "censored"),
        ("measured while the probe itself was slow", int(valid["under_load"].fillna(False).sum()), _lag_note(lag)),
        ("waited for their turn", int((valid["queue_s"] > 0.05).sum()), "started over 50 ms late; counted in queue"),
    ]
    return pd.DataFrame(facts, columns=["fact", "n", "note"])


def outcomes(attempts: pd.DataFrame) -> pd.DataFrame:
    """How the attempts of valid users ended.

    One row per outcome, most frequent first: ``outcome``, ``n``, ``ratio``, ``low``, ``high`` (Wilson, 95 %).
    The outcomes are exclusive, so ``n`` adds up to the number of judged attempts.
    """
    valid = judged(attempts)
    counts = valid["outcome"].astype(str).value_counts()
    rows = []
    for outcome, n in counts.items():
        share = rate(int(n), len(valid))
        rows.append((outcome, int(n), share.estimate, share.low, share.high))
    return pd.DataFrame(rows, columns=["outcome", "n", "ratio", "low", "high"])


def _lag_note(lag: float | None) -> str:
    if lag is None or pd.isna(lag):
        return "the event loop was not sampled"
    return f"largest event loop lag {lag * 1000:.1f} ms; their durations are upper bounds"
