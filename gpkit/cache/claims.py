"""One slice, one writer: a claim is a lock between processes, gone with the process that holds it.

Only who holds the claim writes, and what lies beside a slice (temporary files, parts) is then its own or a dead
process's. The lock file is removed while it is held; who waited for it meets a new one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

POLL_S = 0.02  # chosen: short beside the second that a page takes at the quota


@contextlib.contextmanager
def claimed(path: Path, *, wait_s: float = 0.0, on_wait: Callable[[float], None] | None = None) -> Iterator[bool]:
    """Hold the lock of a path for as long as the context lasts.

    Args:
        path: The lock file; its folder exists.
        wait_s: How long to wait for another holder, at most.
        on_wait: Called about every second while waiting, with the seconds so far.

    Yields:
        Whether it is held.

    Raises:
        OSError: The folder cannot be written, or its file system knows no locks.
    """
    import filelock

    # Without flock a lock would be a file that outlives its holder.
    lock = filelock.FileLock(path, mode=0o600, thread_local=False, fallback_to_soft=False, poll_interval=POLL_S)
    try:
        lock.acquire(timeout=wait_s, cancel_check=_telling(on_wait))
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        lock.release()


def _telling(on_wait: Callable[[float], None] | None) -> Callable[[], bool]:
    began_s = time.monotonic()
    told_s = [began_s]

    def check() -> bool:
        now_s = time.monotonic()
        if on_wait is not None and now_s - told_s[0] >= 1.0:
            told_s[0] = now_s
            on_wait(now_s - began_s)
        return False

    return check
