"""The evidence of one run, as tables. Data only: nothing is read, judged or written here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.investigation.origin import NOWHERE, Origin

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Gathered:
    """The evidence for one question, as tables (docs/tables.md).

    Attributes:
        question: Which notebook asks.
        environment: Name of the target, or ``log``.
        source: ``probe``, or the path of the log.
        attempts: One row per probe attempt, with ``server_*`` columns where the log has its connection.
        messages: Frames of the attempts.
        entries: Log entries.
        connections: Server-side connections.
        instances: Server instances that the log shows starting or ending.
        coverage: What the evidence covers and what is missing from it.
        window: First and last instant, UTC, as text; null when there is nothing.
        folder: Where results and evidence are written.
        run_id: Of the run, unique.
        origin: Where the log entries can be read again.
    """

    question: str
    environment: str
    source: str
    attempts: pd.DataFrame
    messages: pd.DataFrame
    entries: pd.DataFrame
    connections: pd.DataFrame
    instances: pd.DataFrame
    coverage: dict[str, Any]
    window: dict[str, str | None]
    folder: Path
    run_id: str
    origin: Origin = NOWHERE

    @property
    def is_live(self) -> bool:
        """Whether this is a probe, and not a log alone."""
        return self.source == "probe"

    @property
    def gaps(self) -> pd.DataFrame:
        """Stretches without log entries: ``since_utc``, ``until_utc``, ``kind`` (not read, silence) and ``why``."""
        import pandas as pd

        covered = self.coverage.get("log") or self.coverage
        rows = [(part["since"], part["until"], "not read", part["why"]) for part in covered.get("unread", ())]
        rows += [(gap["since"], gap["until"], "silence", f"{gap['seconds']:.0f} s") for gap in covered.get("gaps", ())]
        made = pd.DataFrame(rows, columns=["since_utc", "until_utc", "kind", "why"])
        for name in ("since_utc", "until_utc"):
            made[name] = pd.to_datetime(made[name], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
        return made.sort_values("since_utc", kind="stable", ignore_index=True)

    @property
    def has_log(self) -> bool:
        """Whether the server's own account is at hand; without it nothing is known of what it claims."""
        return len(self.entries) > 0
