"""Probe the golden path: start attempts when they are due, and gather the evidence.

Arrivals are open-loop: each attempt has a planned start, whatever the service does. When all places are taken an
attempt waits for one; the wait is recorded as its ``queue`` and nothing is dropped, so a service that stalls cannot
hide it by slowing the probe down.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

from gpkit.environments import Environment
from gpkit.probe.attempt import Attempt
from gpkit.probe.lag import LagMonitor
from gpkit.probe.plan import Plan
from gpkit.probe.progress import Progress, for_this_place, silent
from gpkit.probe.recording import Evidence, Recorder
from gpkit.probe.rows import attempt_row, message_rows
from gpkit.probe.schedule import Planned, Schedule, schedule
from gpkit.probe.session import Session
from gpkit.probe.target import Target, make_ready


async def golden_path(
    environment: Environment,
    plan: Plan | None = None,
    *,
    into: Path | None = None,
    progress: Progress | bool | None = None,
    stop: asyncio.Event | None = None,
) -> Evidence:
    """Make the planned attempts and return what was measured.

    Args:
        environment: The target.
        plan: What to measure.
        into: Folder where ``attempts.jsonl`` and ``messages.jsonl`` grow as attempts end.
        progress: Called as attempts end; by default what fits the place, ``False`` for none.
        stop: When set, no further attempt starts, those in flight are interrupted, and what was measured is returned.

    Cancelled, it records the attempts in flight as interrupted and raises on: the files in ``into`` are complete.

    Raises:
        ParameterError: The plan is impossible, or too much for a remote target.
        TargetError: The address is malformed, or a credential is missing.
        OutputError: The folder cannot be written.
    """
    plan = plan or Plan()
    due = schedule(plan, environment)
    target = make_ready(environment)
    show = silent if progress is False else for_this_place() if progress in (None, True) else progress
    assert callable(show)
    lag = LagMonitor()
    with Recorder(into) as recorder:
        run = _Run(target, plan, due, recorder, lag, show, stop or asyncio.Event())
        watching = asyncio.create_task(lag.watch())
        try:
            await run.all_attempts()
        finally:
            watching.cancel()
            show(len(recorder.attempts), len(due.attempts), None)
        return recorder.evidence(
            planned=len(due.attempts), interrupted=run.interrupted, loop_lag_s=lag.largest_ns / 1e9
        )


class _Run:
    """One run of the schedule: who is in flight, and how they end."""

    def __init__(
        self,
        target: Target,
        plan: Plan,
        due: Schedule,
        recorder: Recorder,
        lag: LagMonitor,
        show: Progress,
        stop: asyncio.Event,
    ) -> None:
        self._target, self._plan, self._due = target, plan, due
        self._recorder, self._lag, self._show, self._stop = recorder, lag, show, stop
        self._places = asyncio.Semaphore(due.concurrency)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._started_ns = perf_counter_ns()
        self._failure: BaseException | None = None
        self.interrupted = False

    async def all_attempts(self) -> None:
        """Start what is due, wait for all of it; on ``stop`` or cancellation, interrupt what is in flight."""
        self._show(0, len(self._due.attempts), None)
        dispatching = asyncio.create_task(self._dispatch())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({dispatching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.interrupted = not dispatching.done()
            tasks = (dispatching, stopping, *self._in_flight)
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            self._failure = self._failure or next((end for end in ends if isinstance(end, Exception)), None)
        if self._failure is not None:
            raise self._failure

    async def _dispatch(self) -> None:
        self._started_ns = perf_counter_ns()
        for planned in self._due.attempts:
            due_ns = self._started_ns + planned.at_ns
            await _sleep_until(due_ns)
            await self._places.acquire()
            waited_s = (perf_counter_ns() - self._started_ns) / 1e9
            if self._plan.stop_after_s and waited_s > self._plan.stop_after_s:
                self._places.release()
                break
            task = asyncio.create_task(self._attempt(planned, due_ns))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        while self._in_flight:
            await asyncio.wait(self._in_flight)

    async def _attempt(self, planned: Planned, due_ns: int) -> None:
        attempt = Attempt(self._target, planned, self._plan, due_ns)
        try:
            await Session(attempt).run()
        finally:
            self._places.release()
            self._record(attempt)

    def _record(self, attempt: Attempt) -> None:
        try:
            lag_ns = self._lag.largest_since(attempt.started_ns)
            row = attempt_row(attempt, run_started_ns=self._started_ns, lag_ns=lag_ns)
            self._recorder.add(row, message_rows(attempt))
            self._show(len(self._recorder.attempts), len(self._due.attempts), row)
        except Exception as error:  # raised on by all_attempts, once the others are recorded
            self._failure = self._failure or error
            self._stop.set()


async def _sleep_until(due_ns: int) -> None:
    # A loop: a timer may fire a little early on another clock.
    while (left_ns := due_ns - perf_counter_ns()) > 0:  # noqa: ASYNC110
        await asyncio.sleep(left_ns / 1e9)


def run(
    environment: Environment,
    plan: Plan | None = None,
    *,
    into: Path | None = None,
    progress: Progress | bool | None = None,
) -> Evidence:
    """As :func:`golden_path`, for callers without an event loop, and for those inside a running one, as in Jupyter.

    It runs in a thread of its own. Ctrl-C (or *Interrupt* in Jupyter) returns what was measured, with
    ``interrupted`` set; a second one raises.

    Raises:
        ParameterError: The plan is impossible, or too much for a remote target.
        TargetError: The address is malformed, or a credential is missing.
        OutputError: The folder cannot be written.
    """
    finished: list[Evidence] = []
    raised: list[BaseException] = []
    ask_to_stop: list[Callable[[], object]] = []

    async def probe() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        ask_to_stop.append(lambda: loop.call_soon_threadsafe(stop.set))
        finished.append(await golden_path(environment, plan, into=into, progress=progress, stop=stop))

    # Not Thread.join: interrupted by Ctrl-C, it takes a thread that still runs for one that has ended (Python 3.11).
    ended = threading.Event()

    def work() -> None:
        try:
            asyncio.run(probe())
        except BaseException as error:  # raised on in the caller's thread
            raised.append(error)
        finally:
            ended.set()

    threading.Thread(target=work, name="gpkit-probe", daemon=True).start()
    try:
        ended.wait()
    except KeyboardInterrupt:
        while not ask_to_stop and not ended.wait(0.01):  # it is only just starting
            pass
        with contextlib.suppress(RuntimeError):  # it ended meanwhile
            for ask in ask_to_stop:
                ask()
        ended.wait()
    if raised:
        raise raised[0]
    return finished[0]
