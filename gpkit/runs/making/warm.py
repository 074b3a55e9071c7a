"""The process from which the runs of one command are forked, so that what they all import is imported once.

::

    caller ──► warm parent ──fork──► supervisor ──fork──► worker ──fork──► kernel        (one such line for each run)

It is told as arguments what to import, and nothing when there is one run only: then worker and kernel import what
they need side by side, which is faster with two processors. From its standard input, a Unix socket, it takes one
descriptor for each run; that descriptor is the caller's line to the supervisor. It ends with its caller, and the
supervisors do without it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gpkit.runs.machine import labels, preload
from gpkit.runs.machine.forks import fork
from gpkit.runs.making import supervisor, worker

# Without the caller's folder in front of the path, as ``python -P`` has it; but a kernel is forked from this process,
# and kernels are not started with -P.
_CODE = "import sys; sys.path[:1] = [p for p in sys.path[:1] if p]; from gpkit.runs.making.warm import main; main()"
_ORDER = b"r"
_WARM_UP_S = 30  # chosen: ten times what it takes on a busy machine
_END_S = 2.0  # chosen: supervisors that have hung up end within milliseconds; others are not waited for


@dataclass
class Warm:
    """A warm parent, as its caller sees it.

    Args:
        modules: What it imports before it forks anything; none means: fork at once.
        process: The process.
        orders: The socket that is its standard input.
    """

    modules: tuple[str, ...]
    process: subprocess.Popen[bytes]
    orders: socket.socket

    def order(self) -> socket.socket:
        """The line to a new supervisor. One that cannot be made hangs up at once."""
        if self.process.poll() is not None:  # somebody killed it
            self.orders.close()
            self.process, self.orders = _start(self.modules)
        here, there = socket.socketpair()
        with there, contextlib.suppress(OSError):
            socket.send_fds(self.orders, [_ORDER], [there.fileno()])
        return here


@contextlib.contextmanager
def parent(modules: Iterable[str]) -> Iterator[Warm]:
    """A warm parent that imports these modules first. It ends after its supervisors; those under way go on."""
    warm = Warm(tuple(modules), *_start(modules))
    try:
        yield warm
    finally:
        warm.orders.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            warm.process.wait(_END_S)


def _start(modules: Iterable[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    here, there = socket.socketpair()
    command, environment = labels.with_room([sys.executable, "-c", _CODE, *modules])
    with there:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            env=environment,
            stdin=there.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the caller, which then asks the supervisors
        )
    return process, here


def main() -> None:
    """Take orders until the caller is gone."""
    labels.take_room()
    labels.show_as(f"{sys.executable} -m {__name__}")
    orders = socket.socket(fileno=os.dup(0))
    modules = sys.argv[1:-1]
    preload.preload([preload.SHARED])
    kernels_modules = warm_up(modules) if modules else preload.modules_now()
    while True:
        said, received, _, _ = socket.recv_fds(orders, 1, 1)
        _collect_the_ended(os.WNOHANG if said else 0)
        if not said:
            os._exit(0)  # nothing is left to do, and taking everything down in order takes its time
        [line] = received
        with contextlib.suppress(OSError):  # no room for a process: the line hangs up
            fork(lambda: supervisor.main(kernels_modules), [line, line, 2])
        os.close(line)


def warm_up(modules: Sequence[str]) -> frozenset[str]:
    """Import what kernels, workers and supervisors need; the modules with which a kernel begins."""
    kernels_modules = preload.modules_now()
    signal.signal(signal.SIGALRM, _enough)
    signal.alarm(_WARM_UP_S)
    try:
        preload.preload(modules)
        kernels_modules = preload.modules_now()
        supervisor.prepare()
        worker.prepare()
    except _Enough:  # whoever needs the rest imports it, within a run's deadline
        pass
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return kernels_modules


class _Enough(BaseException):
    """The time for warming up is over."""


def _enough(*_: object) -> None:
    raise _Enough


def _collect_the_ended(options: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass
