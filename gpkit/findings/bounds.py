"""A rate of cases of which some are not told: what it is at least and at most. Pure.

A case of which nothing tells how it ended may have ended either way. The interval runs from the lower end, had all of
them failed, to the upper end, had none; a verdict needs both to agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gpkit.analysis import statistics
from gpkit.analysis.statistics import Rate
from gpkit.findings.finding import AT_LEAST, UNDECIDED, Finding, of_rate
from gpkit.findings.wording import more, of, percent

FEW = 0.05  # chosen: of a number that is off by more than this nobody should speak


@dataclass(frozen=True)
class Bounds:
    """A rate between two.

    Attributes:
        least: Had every case that is not told failed.
        most: Had every one of them succeeded.
    """

    least: Rate
    most: Rate

    @property
    def untold(self) -> int:
        """Cases that are not told."""
        return self.most.k - self.least.k

    @property
    def estimate(self) -> float | None:
        """What is told to have succeeded, of all; null where so much is not told that no number stands for it."""
        return self.least.estimate if self.untold <= FEW * self.least.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of both together; null when there is no case."""
        if self.least.low is None or self.most.high is None:
            return None
        return self.least.low, self.most.high

    def sentence(self, done: str) -> str:
        """``31 of 40 (…) DONE``, or with its parts where some are not told."""
        if not self.untold:
            return f"{of(self.least)} {done}"
        ends = f"{percent(self.least.low).removesuffix(' %')}–{percent(self.most.high)}"
        failed = self.least.n - self.most.k
        return f"{self.least.k} of {self.least.n} {done}, {failed} not; of {self.untold} nothing tells (95 %: {ends})"

    def judge_at_least(self, target: float) -> str:
        """The verdict that both give, else ``undecided``."""
        verdict = statistics.judge_at_least(self.least, target)
        return verdict if verdict == statistics.judge_at_least(self.most, target) else UNDECIDED

    def more(self, target: float) -> str:
        """How many more cases would decide, as a sentence; empty where it is not their number that is lacking."""
        undecided = not self.untold and self.judge_at_least(target) == UNDECIDED
        return more(statistics.n_to_decide(self.least, target), self.least.n) if undecided else ""


def bounds(told: int, untold: int, n: int) -> Bounds:
    """Of ``n`` cases ``told`` succeeded, and of ``untold`` it is not known."""
    return Bounds(statistics.rate(told, n), statistics.rate(told + untold, n))


def at_least(measured: Bounds, target: float, **fields: Any) -> Finding:
    """A finding that a rate of which some is not told is at least its target: with both ends, and what both decide."""
    return of_rate(
        measured.least,
        estimate=measured.estimate,
        interval=measured.interval,
        verdict=measured.judge_at_least(target),
        target=target,
        target_is=AT_LEAST,
        **fields,
    )
