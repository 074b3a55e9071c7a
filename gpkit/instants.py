"""Instants as a caller writes them: absolute, or relative to now. Resolved once, to absolute UTC.

Pure: "now" is an argument. An empty text means no limit. A relative time is a number and a unit (``-15m``,
``-1h``, ``-7d``, ``-2w``, ``-90s``), ``now``, ``today`` or ``yesterday`` (UTC midnights); an absolute one is
ISO 8601, and without an offset it is UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gpkit.errors import ParameterError

_RELATIVE = re.compile(r"-\s*(\d+(?:\.\d+)?)\s*([smhdw])")
_FINER = re.compile(r"[.,]\d{6}0*[1-9]")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Window:
    """A half-open stretch of time, ``since`` ≤ t < ``until``, in UTC. Null means no limit on that side."""

    since: datetime | None
    until: datetime | None

    def as_dict(self) -> dict[str, str | None]:
        """Both ends as ISO 8601 text, for records."""
        return {
            "since": None if self.since is None else text(self.since),
            "until": None if self.until is None else text(self.until),
        }


def window(since: str = "", until: str = "", *, now: datetime | None = None) -> Window:
    """The window between two instants as a caller wrote them.

    Args:
        since: First instant inside, or empty.
        until: First instant outside, or empty.
        now: What relative times count from; defaults to the present.

    Raises:
        ParameterError: A text is no instant, or the window is empty or reversed.
    """
    at = now or datetime.now(UTC)
    found = Window(instant(since, now=at, name="since"), instant(until, now=at, name="until"))
    if found.since is not None and found.until is not None and found.since >= found.until:
        raise ParameterError(
            f"since = {text(found.since)} is not before until = {text(found.until)}.",
            next_step="A window runs from since to until.",
        )
    return found


def instant(written: str, *, now: datetime, name: str = "time") -> datetime | None:
    """One instant in UTC; null for an empty text.

    Raises:
        ParameterError: The text is no instant.
    """
    stripped = written.strip()
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"": None, "now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    if stripped.lower() in named:
        return named[stripped.lower()]
    try:
        if relative := _RELATIVE.fullmatch(stripped):
            return now - timedelta(seconds=float(relative[1]) * _UNIT_S[relative[2]])
        _refuse_nanoseconds(stripped, name)
        at = datetime.fromisoformat(stripped)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError(
            f"{name} = {written!r} is no time.",
            next_step="Write -1h, -7d, today, yesterday, or 2025-09-07T13:20:00Z.",
        ) from None


def _refuse_nanoseconds(written: str, name: str) -> None:
    if _FINER.search(written):
        raise ParameterError(
            f"{name} = {written!r} is finer than a microsecond.",
            "Limits are told to the microsecond; the rest would be cut off.",
            'For single nanoseconds use a filter: timestamp>="…"',
        )


def resolve(parameters: Mapping[str, str], *, now: datetime | None = None) -> dict[str, str]:
    """The parameters ``since`` and ``until`` with absolute UTC text in place of relative times.

    Raises:
        ParameterError: A text is no instant, or the window is empty or reversed.
    """
    found = window(parameters.get("since", ""), parameters.get("until", ""), now=now).as_dict()
    return {name: found[name] or "" for name in parameters}


def text(at: datetime) -> str:
    """An instant as ISO 8601 in UTC, to the microsecond where it has any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
