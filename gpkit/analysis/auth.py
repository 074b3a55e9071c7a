"""How long authentication takes, where it is decided, and who is refused and why. Pure. Seconds.

``auth_s`` runs from the request being sent to the verdict, wherever that is given: a 101 or 4xx at the upgrade, or the
welcome or a close after it. A server's own account of the same instant comes from two clocks and is an interval.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gpkit.analysis.cases import in_flight
from gpkit.analysis.cuts import cuts
from gpkit.analysis.durations import wording
from gpkit.analysis.sample import judged
from gpkit.analysis.statistics import quantile, rate

TAIL_P = 0.95


def decided(attempts: pd.DataFrame) -> pd.DataFrame:
    """Where the verdict on each attempt with a valid credential was given, and after how long.

    Returns:
        ``decided_at`` (welcomed, before-accept, after-accept, silence, not decided), ``n``, ``ratio``, ``low``,
        ``high``, ``auth`` (median with its interval, as text).
    """
    valid = judged(attempts)
    where = valid["decided_at"].astype("object")
    where = where.where(
        where.notna(), valid["welcome_received_ns"].notna().map({True: "welcomed", False: "not decided"})
    )
    rows = []
    for name, group in valid.groupby(where.astype(str)):
        share = rate(len(group), len(valid))
        middle = quantile(group["auth_s"].dropna().to_numpy(float), 0.5)
        rows.append((str(name), share.k, share.estimate, share.low, share.high, wording(middle)))
    rows.sort(key=lambda row: -row[1])
    return pd.DataFrame(rows, columns=["decided_at", "n", "ratio", "low", "high", "auth"])


def controls(attempts: pd.DataFrame) -> pd.DataFrame:
    """What became of each negative control. All must be refused; acceptance is a bypass, not a success.

    Returns:
        ``credential``, ``n``, ``refused``, ``accepted``, ``unclear`` (ended otherwise, such as unreachable),
        ``high`` (upper end of the 95 % Wilson interval of the accepted share), ``attempt_ids`` (accepted ones).
    """
    tried = attempts[attempts["control"].fillna(False) & attempts["outcome"].notna()]
    rows = []
    for credential, group in tried.groupby(tried["credential"].astype(str)):
        accepted = group["outcome"] == "accepted_bad_credential"
        refused = group["decided_at"].isin(["before-accept", "after-accept"]) & ~accepted
        unclear = len(group) - int(accepted.sum()) - int(refused.sum())
        upper = rate(int(accepted.sum()), len(group)).high
        ids = list(group.loc[accepted, "attempt_id"])
        rows.append((str(credential), len(group), int(refused.sum()), int(accepted.sum()), unclear, upper, ids))
    names = ["credential", "n", "refused", "accepted", "unclear", "high", "attempt_ids"]
    return pd.DataFrame(rows, columns=names)


def tail(attempts: pd.DataFrame) -> pd.DataFrame:
    """What the slowest verdicts coincide with. Coincidence, not cause; adjusted for the number of cuts.

    Slow is the slowest twentieth of the verdicts that were measured.

    Returns:
        As :func:`gpkit.analysis.cuts.cuts`, over user, revision, instance, carrier, load and the probe's own slowness.
    """
    measured = judged(attempts)
    measured = measured[measured["auth_s"].notna()].sort_values("started_ns", kind="stable")
    if measured.empty:
        return cuts(measured, measured["control"].astype(bool), [])
    limit = quantile(measured["auth_s"].to_numpy(float), TAIL_P).estimate
    ends = (measured["started_ns"] + measured["total_ns"] - measured["queue_ns"]).astype("int64").sort_values()
    load = in_flight(measured["started_ns"].to_numpy(np.int64), ends.to_numpy(np.int64))
    busy = load > pd.Series(load).median()
    frame = measured.assign(
        busier_than_median=busy,
        under_load=measured["under_load"].fillna(False),
        **{name: measured[name] for name in ("server_revision", "server_instance_id") if name in measured.columns},
    )
    columns = [name for name in ("user", "server_revision", "server_instance_id", "carrier") if name in frame.columns]
    slow = (measured["auth_s"].astype(float) >= float(limit or 0)).astype(bool)
    return cuts(frame, slow, [*columns, "busier_than_median", "under_load"])


def retries(connections: pd.DataFrame) -> pd.DataFrame:
    """How soon each client asks again after an upgrade ended, from the server's log.

    A gap runs from the end of one upgrade of a client family to the start of its next. Several users behind one family
    make gaps shorter than any single user's, so this bounds the retry interval from below.

    Returns:
        ``client``, ``upgrades``, ``gaps``, ``median_s`` with interval as ``text``, ``min_s``, ``max_s``.
    """
    known = connections[connections["requested_ns"].notna()].sort_values("requested_ns", kind="stable")
    rows = []
    for client, group in known.groupby(known["client"].astype("object").fillna("not known").astype(str)):
        start = group["requested_ns"].astype("int64")
        end = start + (group["http_latency_s"].fillna(0).astype(float) * 1e9).astype("int64")
        gaps = ((start - end.shift(1)).dropna() / 1e9).clip(lower=0)
        middle = quantile(gaps.to_numpy(float), 0.5)
        extremes = (float(gaps.min()), float(gaps.max())) if len(gaps) else (None, None)
        rows.append((str(client), len(group), len(gaps), middle.estimate, wording(middle), *extremes))
    rows.sort(key=lambda row: -row[1])
    return pd.DataFrame(rows, columns=["client", "upgrades", "gaps", "median_s", "text", "min_s", "max_s"])


def decision_times(connections: pd.DataFrame) -> pd.DataFrame:
    """From the request's start to the application's own stamp of its decision, by outcome and reason.

    Two clocks: each connection gives an interval. The median lies between the median of the lower and that of the upper
    ends.

    Returns:
        ``outcome``, ``reason``, ``n``, ``low_s``, ``high_s`` (medians of the ends), ``missing`` (no stamp to compare).
    """
    rows = []
    keys = connections["reason"].astype("object").fillna("")
    for (outcome, reason), group in connections.groupby([connections["outcome"].astype(str), keys]):
        low, high = group["request_to_decision_low_s"].dropna(), group["request_to_decision_high_s"].dropna()
        middle = (float(low.median()), float(high.median())) if len(low) else (None, None)
        rows.append((outcome, str(reason), len(group), *middle, len(group) - len(low)))
    rows.sort(key=lambda row: -row[2])
    return pd.DataFrame(rows, columns=["outcome", "reason", "n", "low_s", "high_s", "missing"])
