"""Figures: tidy table in, plotly figure out. No statistics, no ``.show()``."""

from gpkit.figures.events import funnel, outcomes, over_time, rates_by
from gpkit.figures.handshake import (
    auth_times,
    delay_sweep,
    phase_intervals,
    reasons_by_client,
    timeline,
    upgrades_over_time,
)
from gpkit.figures.listing import show

__all__ = [
    "auth_times",
    "delay_sweep",
    "funnel",
    "outcomes",
    "over_time",
    "phase_intervals",
    "rates_by",
    "reasons_by_client",
    "show",
    "timeline",
    "upgrades_over_time",
]
