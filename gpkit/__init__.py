"""gpkit: do users get through the golden path, and if not, where, since when, why, and how sure are we?

What notebooks use, by the module it comes from. Importing gpkit does nothing: a name is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_NAMES: dict[str, tuple[str, ...]] = {
    # gather evidence, finish with a verdict, go back to the raw lines
    "gpkit.investigation": ("start", "evidence"),
    "gpkit.instants": ("window",),
    # what was measured
    "gpkit.analysis.sample": ("sample_check", "outcomes"),
    "gpkit.analysis.durations": ("durations", "phases"),
    # the five events
    "gpkit.timeline": ("server_events",),
    "gpkit.analysis.events": (
        "event_funnel",
        "event_rates_by",
        "event_rates_over_time",
        "event_faults",
        "match_claims",
        "claimed_runs",
    ),
    # races and what is none
    "gpkit.analysis.cases": ("entry",),
    "gpkit.analysis.breakdowns": ("by_client", "delay_levels"),
    "gpkit.analysis.mechanisms": ("mechanisms", "failed_boots"),
    "gpkit.analysis.ordering": ("message_order", "violations"),
    "gpkit.analysis.cuts": ("cuts",),
    # authentication
    "gpkit.analysis.auth": ("decided", "controls", "tail", "retries", "decision_times"),
    "gpkit.analysis.windows": ("upgrades_over_time",),
    # a table for people; figures are gpkit.figures.…
    "gpkit.figures.listing": ("show",),
    # verdicts
    "gpkit.findings.events": ("judge_events", "judge_claims"),
    "gpkit.findings.auth": ("judge_auth", "judge_refusals"),
    "gpkit.findings.races": ("judge_races",),
    "gpkit.findings.handshakes": ("judge_failures", "judge_order"),
    "gpkit.findings.boots": ("judge_boots",),
}
_ROOMS = ("errors", "figures", "logs", "probe", "stack", "tables", "timeline")
"""Modules that notebooks reach as ``gpkit.logs.read`` and the like."""

_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [*_HOME, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"gpkit.{name}")
    raise AttributeError(f"gpkit has no '{name}'. It has: {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted(__all__)
