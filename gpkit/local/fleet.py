"""Which revision serves, on which instance, and what those log when they start or fail to."""

from __future__ import annotations

import time

from gpkit.local import boot
from gpkit.local.draws import unit
from gpkit.local.entries import Instance, Journal, instance
from gpkit.protocol.scenarios import Revision, Scenario

BOOT_EVERY_S = 0.25  # chosen: how often a crash loop tries again while requests come
DEFAULT_REVISION = "golden-path-00001-gpk"


class Fleet:
    """The revisions of a scenario, one after the other, and their instances.

    Args:
        scenario: What the faults file says.
        seed: Of all draws.
        journal: Where start lines go.
    """

    def __init__(self, scenario: Scenario, seed: int, journal: Journal) -> None:
        self.revisions = scenario.revisions or (Revision(DEFAULT_REVISION, scenario.generation),)
        self._seed = seed
        self._journal = journal
        self._current = 0
        self._served = 0
        self._failed = 0
        self._failed_perf_ns = 0
        self._bring_up(self.revisions[0], boot.MANUAL)

    def next_revision(self, elapsed_s: float) -> Revision:
        """The revision that serves the next connection; a switch to the next one happens here."""
        now = self.revisions[self._current]
        while self._current + 1 < len(self.revisions) and _is_over(now, self._served, elapsed_s):
            self._current += 1
            self._served = 0
            now = self.revisions[self._current]
            self._bring_up(now, boot.AUTOSCALING)
        self._served += 1
        return now

    def current(self) -> Revision:
        """The revision that serves now; asking changes nothing."""
        return self.revisions[self._current]

    def serving(self, revision: Revision, trace: str) -> Instance:
        """The instance that serves a trace: the same for the same seed and trace."""
        return instance(self._seed, revision.name, int(unit(self._seed, trace, -1, "instance") * revision.instances))

    def failing(self, revision: str, fault: str) -> Instance:
        """The instance that just failed to start; its boot is logged, but not more often than a boot takes."""
        now_ns = time.perf_counter_ns()
        is_new = self._failed == 0 or now_ns - self._failed_perf_ns >= BOOT_EVERY_S * 1e9
        self._failed += is_new
        source = instance(self._seed, revision, f"{fault}-{self._failed}")
        if is_new:
            self._failed_perf_ns = now_ns
            write = boot.crashed if fault == "crash_loop" else boot.gave_up
            write(self._journal, source, time.time_ns())
        return source

    def _bring_up(self, revision: Revision, reason: str) -> None:
        for number in range(revision.instances):
            boot.started(self._journal, instance(self._seed, revision.name, number), time.time_ns(), reason)


def _is_over(revision: Revision, served: int, elapsed_s: float) -> bool:
    by_count = revision.first is not None and served >= revision.first
    return by_count or (revision.until_s is not None and elapsed_s >= revision.until_s)
