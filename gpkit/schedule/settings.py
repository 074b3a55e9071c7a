"""What the settings of a schedule may hold: one function for each, from what is written to what is meant.

Pure. Each raises ParameterError for what the setting cannot hold; who calls adds the line and the entry.
"""

from __future__ import annotations

import re
from typing import Any

from gpkit.errors import ParameterError, nearest
from gpkit.runs.asking.plan import duration_s, require_retries
from gpkit.schedule.cron import require_zone
from gpkit.schedule.entry import CATCH_UPS, Retention

_AGE = re.compile(r"(\d+(?:\.\d+)?)([dw])")
_DAY_S = {"d": 86400.0, "w": 604800.0}


def text_of(value: Any, setting: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ParameterError(f"{setting} takes text, not {value!r}.", next_step=f"Put it in quotes: {setting}: '…'")
    return value


def zone_of(value: Any) -> str:
    """The name of a time zone that there is."""
    require_zone(text_of(value, "timezone"))
    return str(value)


def jobs_of(value: Any) -> int:
    """How many run at a time."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ParameterError(f"jobs takes a whole number from 1, not {value!r}.")
    return value


def catch_up_of(value: Any) -> str:
    """What becomes of a missed slot: one of ``CATCH_UPS``."""
    if value not in CATCH_UPS:
        raise ParameterError(
            f"catch_up = {value!r} is not possible.",
            nearest(str(value), CATCH_UPS),
            f"catch_up is one of: {', '.join(CATCH_UPS)}.",
        )
    return str(value)


def duration_of(value: Any, setting: str) -> float:
    """A duration above 0, in seconds."""
    length = duration_s(str(value)) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else 0.0
    if length <= 0:
        raise ParameterError(f"{setting} = {value!r} leaves no time.", next_step=f"Write {setting}: 10m")
    return length


def retries_of(value: Any) -> int:
    """How many more attempts a run may have."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParameterError(f"retries takes a whole number, not {value!r}.")
    return require_retries(value)


def retention_of(value: Any) -> Retention:
    """A number of runs, or an age in days or weeks."""
    if isinstance(value, Retention):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return Retention(runs=value)
    if isinstance(value, str) and (age := _AGE.fullmatch(value.strip())) and float(age[1]) > 0:
        return Retention(age_s=float(age[1]) * _DAY_S[age[2]])
    raise ParameterError(
        f"retention = {value!r} is not possible.", next_step="Write a number of runs, or an age: 100, 90d, 12w."
    )
