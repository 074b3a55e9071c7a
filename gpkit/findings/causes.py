"""The mechanism behind a kind of failure, in words. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

NAMES = {
    "deterministic": "a deterministic refusal",
    "start_up": "a start-up",
    "outage": "an outage for a stretch of time",
    "overload": "an overload",
    "crash_loop": "a crash loop",
    "intermittent": "an intermittent failure of unknown cause",
    "unnamed": "a failure with no success to compare it with",
    "too few": "too few failures to name",
    "race": "a race",
}
UNKNOWN = ("intermittent", "unnamed", "too few")
"""Mechanisms that name no cause."""


def name_of(row: Mapping[Hashable, Any]) -> str:
    """The kind in words; a server that breaks does not refuse."""
    name = NAMES[str(row["mechanism"])]
    is_refusal = "refused" in str(row["failure"]) or str(row["failure"]).startswith("upgrade_status_4")
    return name if is_refusal else name.replace("refusal", "failure")


def sentence(row: Mapping[Hashable, Any]) -> str:
    """A kind of failure with its count, the log's reasons, its name and what says so."""
    reasons = f" ({row['reasons']})" if row["reasons"] else ""
    return f"{row['failure']} {row['failed']}{reasons}: {name_of(row)}, {row['because']}"


def ids_of(mechanisms: pd.DataFrame) -> set[str]:
    """The cases that failed of any of them."""
    return {str(item) for ids in mechanisms["case_ids"] for item in ids}


def ruled_out_of(mechanisms: pd.DataFrame) -> tuple[str, ...]:
    """For which failures another named cause rules a race out, a sentence each."""
    return tuple(
        f"race for {row['failure']}: {row['because']}"
        for row in mechanisms.to_dict("records")
        if row["mechanism"] not in ("race", *UNKNOWN)
    )
