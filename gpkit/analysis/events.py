"""Do users get all five agent events, and where are they lost? Pure. Ratios 0–1.

Success is the joint outcome of one attempt: all five events within its deadline, ``agent_started`` first and
``agent_completed`` last. Five events on one connection are not five trials: only that outcome has a binomial interval.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection

import pandas as pd

from gpkit.analysis.sample import judged
from gpkit.analysis.statistics import rate
from gpkit.errors import TableError
from gpkit.tables import EVENT_COLUMNS

STEPS = ("planned", "open", "ready", "sent", *EVENT_COLUMNS)
COUNTS = ("late", "duplicate", "reordered", "malformed", "foreign", "context_lost")


def succeeded(attempts: pd.DataFrame) -> pd.Series[bool]:
    """Per attempt: all five events within the deadline, started first, completed last."""
    columns = [f"{event}_s" for event in EVENT_COLUMNS]
    missing = [column for column in [*columns, "deadline_s", "outcome"] if column not in attempts.columns]
    if missing:
        raise TableError(f"attempts lacks {', '.join(missing)}.")
    times = attempts[columns].astype(float)
    complete = times.notna().all(axis=1)
    first = times.min(axis=1) == times[columns[0]]
    last = times.max(axis=1) == times[columns[-1]]
    return (complete & first & last & (attempts["outcome"] == "ok")).astype(bool)


def event_funnel(attempts: pd.DataFrame) -> pd.DataFrame:
    """How many attempts reached each step of the golden path.

    One row per step, in path order. Controls are left out.

    Returns:
        ``step``, ``reached`` (attempts), ``of_planned`` with ``low`` and ``high`` (Wilson), ``of_previous`` (ratio of
        those that reached the step before; null for the first), ``lost`` (reached the step before and not this one).
        An attempt that reached a later step without an earlier one counts as missing the earlier one only.

    Raises:
        TableError: A column is missing.
    """
    valid = judged(attempts)
    needed = {"open_s", "welcome_received_ns", "messages_sent", *(f"{event}_s" for event in EVENT_COLUMNS)}
    if needed - set(attempts.columns):
        raise TableError(f"attempts lacks {', '.join(sorted(needed - set(attempts.columns)))}.")
    reached = pd.DataFrame(
        {
            "planned": True,
            "open": valid["open_s"].notna(),
            "ready": valid["welcome_received_ns"].notna(),
            "sent": valid["messages_sent"].fillna(0) > 0,
            **{event: valid[f"{event}_s"].notna() for event in EVENT_COLUMNS},
        },
        index=valid.index,
    ).astype(bool)
    rows = []
    for position, step in enumerate(STEPS):
        k = int(reached[step].sum())
        share = rate(k, len(valid))
        before = reached[STEPS[position - 1]] if position else None
        both = int((reached[step] & before).sum()) if before is not None else None
        of_previous = both / int(before.sum()) if before is not None and both is not None and before.any() else None
        lost = int((before & ~reached[step]).sum()) if before is not None else 0
        rows.append((step, k, share.estimate, share.low, share.high, of_previous, lost))
    return pd.DataFrame(rows, columns=["step", "reached", "of_planned", "low", "high", "of_previous", "lost"])


def event_rates_by(attempts: pd.DataFrame, column: str) -> pd.DataFrame:
    """The joint rate of all five events for each value of a column, most attempts first.

    Returns:
        ``value``, ``k``, ``n``, ``ratio``, ``low``, ``high``. A null value is shown as ``not known``.
    """
    valid = judged(attempts)
    ok = succeeded(valid)
    rows = []
    for value, group in ok.groupby(valid[column].astype("object").fillna("not known"), sort=False):
        share = rate(int(group.sum()), len(group))
        rows.append((str(value), share.k, share.n, share.estimate, share.low, share.high))
    rows.sort(key=lambda row: (-row[2], row[0]))
    return pd.DataFrame(rows, columns=["value", "k", "n", "ratio", "low", "high"])


def event_rates_over_time(attempts: pd.DataFrame, blocks: int = 10) -> pd.DataFrame:
    """The joint rate in equal blocks of time; a block without attempts stays, with null ratios: a gap is a gap.

    Returns:
        ``from_utc``, ``to_utc``, ``k``, ``n``, ``ratio``, ``low``, ``high``.
    """
    valid = judged(attempts)
    names = ["from_utc", "to_utc", "k", "n", "ratio", "low", "high"]
    if valid.empty:
        return pd.DataFrame(columns=names)
    ok = succeeded(valid)
    start, end = valid["started_utc"].min(), valid["started_utc"].max() + pd.Timedelta("1us")
    edges = pd.date_range(start, end, periods=blocks + 1)
    rows = []
    for left, right in itertools.pairwise(edges):
        inside = (valid["started_utc"] >= left) & (valid["started_utc"] < right)
        share = rate(int(ok[inside].sum()), int(inside.sum()))
        rows.append((left, right, share.k, share.n, share.estimate, share.low, share.high))
    return pd.DataFrame(rows, columns=names)


def event_faults(attempts: pd.DataFrame) -> pd.DataFrame:
    """What else was wrong with the events that came.

    One row per kind: ``kind``, ``events`` (how many), ``attempts`` (in how many), ``ratio``, ``low``, ``high``.
    """
    valid = judged(attempts)
    rows: list[tuple[object, ...]] = []
    for kind in COUNTS:
        counts = valid[kind].fillna(0).astype(int)
        share = rate(int((counts > 0).sum()), len(valid))
        rows.append((kind, int(counts.sum()), share.k, share.estimate, share.low, share.high))
    return pd.DataFrame(rows, columns=["kind", "events", "attempts", "ratio", "low", "high"])


def match_claims(messages: pd.DataFrame, claims: pd.DataFrame, users: Collection[str] = ()) -> pd.DataFrame:
    """Events that the server's log claims to have sent, and whether a client received each.

    Args:
        messages: Frames of the attempts.
        claims: From :func:`gpkit.timeline.server_events`; those that the server says it failed to send are left out.
        users: Who the attempts spoke for.

    Returns:
        Our claims with ``received``: true with a frame of the same run and event (the n-th claim needs the n-th frame),
        false without one, null where frames of our users carry no run id, so that nothing can be matched. A claim is
        ours when an attempt saw its run or when it names one of the users; others are left out.
    """
    received = messages[(messages["direction"] == "received") & messages["event"].notna()]
    # A log may write only the beginning of a user's id.
    is_named = claims["user_id"].map(lambda user: any(known.startswith(str(user)) for known in users)).astype(bool)
    is_ours = claims["run_id"].isin(set(received["run_id"].dropna())) | is_named
    mine = claims[is_ours & claims["sent"].astype(bool)].sort_values("at_ns", kind="stable")
    keys = ["run_id", "event"]
    numbered = mine.assign(nth=mine.groupby(keys).cumcount())
    known = received[received["run_id"].notna()]
    frames = known.assign(nth=known.groupby(keys).cumcount())[[*keys, "nth"]].assign(received=True)
    merged = numbered.merge(frames, on=[*keys, "nth"], how="left").drop(columns="nth")
    merged["received"] = merged["received"].astype("boolean").fillna(False)
    if len(received) and received["run_id"].isna().any():
        merged.loc[~merged["received"], "received"] = pd.NA
    return merged.reset_index(drop=True)


def claimed_runs(claims: pd.DataFrame) -> pd.DataFrame:
    """How many runs have each event by the log's own account, of the runs that it says have begun.

    Args:
        claims: From :func:`gpkit.timeline.server_events`.

    Returns:
        ``event``, ``runs``, ``ratio`` with ``low`` and ``high``; the last row, ``all five``, is the joint count.
    """
    sent = claims[claims["sent"].astype(bool)]
    sets = sent.groupby("run_id")["event"].agg(set) if len(sent) else pd.Series([], dtype="object")
    begun = sets[sets.map(lambda events: EVENT_COLUMNS[0] in events).astype(bool)]
    rows = []
    for name, wanted in [*((event, {event}) for event in EVENT_COLUMNS), ("all five", set(EVENT_COLUMNS))]:
        share = rate(int(begun.map(lambda events, need=wanted: need <= events).sum()), len(begun))
        rows.append((name, share.k, share.estimate, share.low, share.high))
    return pd.DataFrame(rows, columns=["event", "runs", "ratio", "low", "high"])
