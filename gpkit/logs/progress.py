"""How far a fetch is, in one sentence. Pure. Seconds."""

from __future__ import annotations

from dataclasses import dataclass

from gpkit.plural import plural


@dataclass(frozen=True)
class Progress:
    """How far a fetch is.

    Attributes:
        slices_done: Slices of the window that are held by now.
        slices: Slices of the window.
        entries: Entries that came from the far side so far.
        left_s: How long the rest takes at the quota; null when nothing tells yet.
        waiting: What is being waited for; empty when nothing is.
    """

    slices_done: int
    slices: int
    entries: int
    left_s: float | None = None
    waiting: str = ""

    def __str__(self) -> str:
        said = [
            f"slice {self.slices_done}/{self.slices}",
            f"{self.entries:,} {plural(self.entries, 'entry', 'entries')}".replace(",", " "),
        ]
        if self.left_s is not None:
            said.append(f"{_duration(self.left_s)} left at the quota")
        return ", ".join(said) + (f" (waiting: {self.waiting})" if self.waiting else "")


def left_s(*, calls: int, read_ns: int, missing_ns: int, reads_per_minute: int) -> float | None:
    """How long the quota makes the rest take, if it is as dense as what was read; null before anything was."""
    if not calls or read_ns <= 0:
        return None
    return calls * (max(0, missing_ns) / read_ns) * 60 / reads_per_minute


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
