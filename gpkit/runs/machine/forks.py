"""Children made by fork: they begin with what this process has imported, and with nothing else of it.

A child leads a session of its own, handles signals as a new process does, has only the file descriptors that it is
given, and ends with its function; nothing that its parent left to be done at its end is done by the child.

Fork from the main thread of a process that has started no other: a lock that another thread holds would be held for
ever in the child. OpenBLAS and Arrow's jemalloc have threads of their own from the moment they are imported; both
stop or reset them around a fork by themselves (``pthread_atfork``).
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_ASIDE_FD = 100  # chosen: above every descriptor that a child is given
_ENDED_BADLY = 70  # EX_SOFTWARE of sysexits.h
_LOOK_EVERY_S = 0.005
_STANDARD = 3  # input, output, errors


@dataclass
class Child:
    """A forked process, with the names that :class:`subprocess.Popen` has for it.

    Attributes:
        returncode: Null while it runs, else its exit code, or minus the signal that ended it.
    """

    pid: int
    returncode: int | None = None
    stdin: None = None
    stdout: None = None
    stderr: None = None

    def poll(self) -> int | None:
        """How it ended; null while it runs."""
        return self._collect(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends; how it did.

        Raises:
            TimeoutError: It still runs after ``timeout`` seconds.
        """
        until_s = None if timeout is None else time.monotonic() + timeout
        while (code := self._collect(os.WNOHANG if until_s is not None else 0)) is None:
            if until_s is not None and time.monotonic() >= until_s:
                raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
            time.sleep(_LOOK_EVERY_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal; one that has ended gets none."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _collect(self, options: int) -> int | None:
        if self.returncode is None:
            try:
                pid, state = os.waitpid(self.pid, options)
            except ChildProcessError:
                pid, state = self.pid, 0  # somebody else collected it: how it ended is not known
            if pid:
                self.returncode = os.waitstatus_to_exitcode(state)
        return self.returncode


def fork(run: Callable[[], int], descriptors: Sequence[int]) -> Child:
    """Run a function in a forked process; its exit code is what the function returns.

    Args:
        run: What the child does. An exception that leaves it is printed, and the exit code is 70.
        descriptors: What the child has as descriptors 0, 1, 2 and so on. They stay open here.

    Raises:
        OSError: There is no room for another process.
    """
    pid = os.fork()
    if pid:
        return Child(pid)
    code = _ENDED_BADLY
    try:
        _begin(descriptors)
        code = run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def _begin(descriptors: Sequence[int]) -> None:
    """Leave behind what the parent had: session, handlers, descriptors, objects that would close them."""
    gc.freeze()  # what the parent left to the collector is never finalized here: it may name descriptors of ours
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    aside = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, _ASIDE_FD) for descriptor in descriptors]
    for wanted, kept in enumerate(aside):
        os.dup2(kept, wanted, inheritable=wanted < _STANDARD)
    for name in os.listdir("/proc/self/fd"):
        if int(name) >= len(aside):
            with contextlib.suppress(OSError):  # the listing's own
                os.close(int(name))
