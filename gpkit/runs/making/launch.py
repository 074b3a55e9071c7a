"""Make runs: one supervisor process for each attempt, a few at a time.

This process only orders supervisors and reads what they say. When it is interrupted it asks them to end their runs
and waits; when it is killed they notice by themselves: the line between them is cut. A run whose surroundings broke is
tried again as its plan allows; while it waits for that it keeps its place among the jobs, so that its deadline goes on
for nobody else.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gpkit.errors import OutputError
from gpkit.runs.asking.plan import Plan
from gpkit.runs.machine import preload
from gpkit.runs.making import attempts, warm
from gpkit.runs.making.supervised import Progress, Run, Supervised, ask_to_end, collect, hear, progress_of, start
from gpkit.runs.recording import orphans

_ENDING_LIMIT_S = 60.0  # chosen: stop, report and records of an interrupted run, several times over


@dataclass(frozen=True)
class Retry:
    """A run that is tried again.

    Args:
        failed: The attempt that failed.
        cause: What broke around the notebook, in a few words.
        plan: The next attempt.
        pause_s: How long is waited before it, seconds.
    """

    failed: Run
    cause: str
    plan: Plan
    pause_s: float


@dataclass
class _Work:
    """What is to be done, plans that wait for a place and attempts that wait for their time, and what is done."""

    waiting: list[Plan]
    jobs: int
    on_end: Callable[[Run], None] | None
    on_retry: Callable[[Retry], None] | None
    later: list[tuple[float, Plan]] = field(default_factory=list)
    ended: list[Run] = field(default_factory=list)
    is_over: bool = False

    def take(self, running: int, now_s: float) -> list[Plan]:
        """What can be started now."""
        due = [plan for at_s, plan in self.later if at_s <= now_s]
        self.later = [one for one in self.later if one[0] > now_s]
        room = max(0, self.jobs - running - len(due) - len(self.later))
        due += self.waiting[:room]
        del self.waiting[:room]
        return due

    def nap_s(self, now_s: float) -> float:
        """How long nothing is to be started: at most a second."""
        return max(0.0, min([1.0, *(at_s - now_s for at_s, _ in self.later)]))

    def settle(self, supervised: Supervised) -> None:
        """Take a run that has ended: as it is, or to be tried again."""
        made = collect(supervised)
        retry = None if self.is_over else _retry(supervised, made)
        if retry is not None:
            self.later.append((time.monotonic() + retry.pause_s, retry.plan))
            if self.on_retry is not None:
                self.on_retry(retry)
            return
        self.ended.append(made)
        if self.on_end is not None:
            self.on_end(made)

    def stop(self) -> None:
        """Start nothing more."""
        self.is_over = True
        self.waiting.clear()
        self.later.clear()


def launch(
    plans: Sequence[Plan],
    *,
    jobs: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    on_end: Callable[[Run], None] | None = None,
    on_retry: Callable[[Retry], None] | None = None,
) -> list[Run]:
    """Make the runs, at most ``jobs`` at a time, and return them in the order in which they ended.

    Of a run that was tried again the last attempt is returned; the earlier ones are told to ``on_retry``.

    Raises:
        OutputError: A run folder cannot be made; after the runs in progress have ended.
        KeyboardInterrupt: After the runs in progress were recorded as interrupted.
    """
    work = _Work(list(plans), max(1, jobs), on_end, on_retry)
    unwritable: OutputError | None = None
    # One run imports what it needs side by side, in its worker and its kernel; of several, nobody imports it twice.
    several = len(plans) > 1
    modules = (preload.KERNEL, *preload.wanted({plan.notebook for plan in plans})) if several else ()
    with warm.parent(modules) as parent, selectors.DefaultSelector() as selector:
        for outputs in {plan.outputs for plan in plans}:
            orphans.complete_orphans(outputs)
        interrupted_s: float | None = None
        while work.waiting or work.later or selector.get_map():
            try:
                for plan in work.take(len(selector.get_map()), time.monotonic()):
                    supervised = start(plan, parent)
                    selector.register(supervised.line, selectors.EVENT_READ, supervised)
                for key, _ in selector.select(work.nap_s(time.monotonic())):
                    if hear(key.data):
                        selector.unregister(key.fileobj)
                        work.settle(key.data)
                if on_progress is not None:
                    for key in selector.get_map().values():
                        on_progress(progress_of(key.data))
                if interrupted_s is not None and time.monotonic() - interrupted_s > _ENDING_LIMIT_S:
                    break
            except OutputError as error:
                unwritable = error
                work.stop()
            except KeyboardInterrupt:
                if interrupted_s is not None:
                    raise
                interrupted_s = time.monotonic()
                work.stop()
                for key in selector.get_map().values():
                    ask_to_end(key.data)
        if interrupted_s is not None:
            raise KeyboardInterrupt
    if unwritable is not None:
        raise unwritable
    return work.ended


def _retry(supervised: Supervised, made: Run) -> Retry | None:
    """The next attempt at a run that has ended; null when it stays as it is."""
    plan = supervised.plan
    cause = attempts.cause(made.record, made.results.get("findings") or ()) if plan.retries else ""
    following = attempts.following(plan, made.run_id, time.monotonic() - supervised.began_s) if cause else None
    return Retry(made, cause, following, attempts.pause_s(plan.attempt)) if following is not None else None
