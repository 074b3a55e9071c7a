"""Everything that can happen to a run, as one stream of facts for its supervisor to wait on."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import time
from datetime import datetime
from typing import Any

from gpkit.runs.machine.forks import Child, fork
from gpkit.runs.machine.processes import end_descendants
from gpkit.runs.machine.usage import Usage
from gpkit.runs.making import worker
from gpkit.runs.recording import status

_STDERR_KEPT = 2000


class Watch:
    """The worker's events, the caller, signals and time.

    Attributes:
        started: Start of the run, UTC.
        began_s: The same on the monotonic clock.
        interrupted: Whether the caller went away, or a signal asked for the end.
        stderr: The last that the worker and the kernel wrote there.
        worker: The worker's process, or null.
        usage: What all processes of the run use.
    """

    def __init__(self, started: datetime, kernels_modules: frozenset[str]) -> None:
        self.started = started
        self.began_s = time.monotonic()
        self.interrupted = False
        self.stderr = b""
        self.usage = Usage()
        self.worker: Child | None = None
        self._kernels_modules = kernels_modules
        self._orders = -1
        self._lines: list[dict[str, Any]] = []
        self._buffer = b""
        self._events_ended = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ, "caller")
        wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(wake_read, selectors.EVENT_READ, "signal")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._interrupt)

    def start_worker(self, plan: dict[str, Any]) -> None:
        """Start a worker and hand it its plan."""
        self._lines, self._buffer, self._events_ended = [], b"", False
        (orders, self._orders), (stderr, its_stderr), (events, its_events) = os.pipe(), os.pipe(), os.pipe()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        supervisor = os.getpid()
        its_own = [orders, nowhere, its_stderr, its_events]
        self.worker = fork(lambda: worker.main(plan, supervisor, self._kernels_modules), its_own)
        for descriptor in its_own:
            os.close(descriptor)
        for descriptor, kind in ((events, "events"), (stderr, "stderr")):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, kind)

    def send(self, line: str) -> None:
        """Tell the worker something; one that is gone is noticed by :meth:`wait`."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._orders, line.encode() + b"\n")

    def wait(self, event: str, until_s: float, *, heed_interrupt: bool = True) -> dict[str, Any] | str:
        """The worker's event of that name; or ``timeout``, ``interrupted``, or ``gone`` when it ended without it."""
        while True:
            while self._lines:
                line = self._lines.pop(0)
                self.usage.heard(line.pop("peak_bytes", 0))
                if line["event"] == event:
                    return line
                say(line)
            if heed_interrupt and self.interrupted:
                return status.INTERRUPTED
            if self._events_ended:
                return "gone"
            if (now_s := time.monotonic()) >= until_s:
                return status.TIMEOUT
            self.usage.look()
            for key, _ in self._selector.select(max(0.0, min(until_s, self.usage.next_look_s) - now_s)):
                self._read(key.data, key.fd)

    def end_worker(self, run_id: str) -> None:
        """Kill the worker, the kernel and everything they started."""
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
            for key in list(self._selector.get_map().values()):
                if key.data in ("events", "stderr"):
                    self._selector.unregister(key.fd)
                    os.close(key.fd)
            os.close(self._orders)
            self.worker = None
        end_descendants(run_id)

    def _read(self, kind: str, fd: int) -> None:
        """Take what one source has."""
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return
        if not data:
            self.interrupted = self.interrupted or kind == "caller"
            self._events_ended = self._events_ended or kind == "events"
            self._selector.unregister(fd)
            if kind != "caller":
                os.close(fd)
        elif kind == "stderr":
            self.stderr = (self.stderr + data)[-_STDERR_KEPT:]
        elif kind == "events":
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            self._lines += [json.loads(line) for line in lines]

    def _interrupt(self, *_: Any) -> None:
        self.interrupted = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b".")


def say(event: dict[str, Any]) -> None:
    """Tell the caller; one that is gone is not told."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(event).encode() + b"\n")
