"""The read quota of one project, kept by all processes of this host together.

A bucket of as many tokens as calls are allowed a minute; a token comes back a minute after it was taken. So no minute,
wherever it begins, holds more calls than allowed, and a whole minute's calls may be made at once.

The state is a file: when each token out was taken, on the monotonic clock, which all processes of a host share and no
change of the wall clock moves. Each change is made under a lock that the system gives back when its holder dies. The
folder is private. Seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gpkit.cloud.retries import Pace
from gpkit.cloud.targets import Target
from gpkit.errors import FarSideError, OutputError
from gpkit.plural import counted

PERIOD_S = 60.0  # the service counts by the minute
# Chosen: calls travel at different speeds, so that two a minute apart here may be nearer together there.
_MARGIN = 1 / 60
_FORGOTTEN_S = 86_400.0  # chosen: a bucket is full again after a minute, whatever is thought of the wall clock
_LOCK_TIMEOUT_S = 30.0  # chosen: a holder needs a millisecond; only a stopped process keeps the lock longer


@dataclass(frozen=True)
class Quota:
    """A bucket of tokens.

    Attributes:
        file: Its state.
        calls: Allowed in a period.
        period_s: A minute; shorter in tests.
        pace: Clock and sleep.
    """

    file: Path
    calls: int
    period_s: float = PERIOD_S
    pace: Pace = field(default_factory=Pace)

    def wait(self, on_wait: Callable[[float, str], None] | None = None) -> float:
        """Take a token as soon as there is one; how long that took, 0 when there was one.

        Args:
            on_wait: Told of each wait, in seconds and words, before it begins.

        Raises:
            OutputError: The state cannot be written.
            FarSideError: Another process keeps the lock.
        """
        waited_s = 0.0
        while (missing_s := self._take()) > 0:
            if on_wait is not None:
                on_wait(missing_s, f"the read quota ({counted(self.calls, 'call')} in {self.period_s:g} s)")
            self.pace.sleep(missing_s)
            waited_s += missing_s
        return waited_s

    def left(self) -> int:
        """Calls that could be made now without waiting."""
        with self._locked():
            return max(0, self.calls - len(self._out(self.pace.clock())))

    def _take(self) -> float:
        """0 when a token was taken, else the seconds until one comes back."""
        with self._locked():
            now_s = self.pace.clock()
            out = self._out(now_s)
            if len(out) < self.calls:
                self._write([*out, now_s])
                return 0.0
            # The one that has to come back before there is one again: more may be out where the limit was lowered.
            return max(out[len(out) - self.calls] + self._life_s - now_s, 0.001)

    @property
    def _life_s(self) -> float:
        return self.period_s * (1 + _MARGIN)

    def _out(self, now_s: float) -> list[float]:
        """When each token that is not back yet was taken, oldest first.

        A stamp that lies ahead is from a clock that began anew: it counts as taken now, so that too few calls are made
        for a minute rather than too many.
        """
        try:
            read = json.loads(self.file.read_bytes())
            stamps = [float(at) for at in read["taken_s"]]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return []  # none yet, or damaged: replaced by the next call
        taken = [min(at, now_s) for at in stamps if math.isfinite(at) and now_s - at < self._life_s]
        if any(at > now_s for at in stamps):
            self._write(taken)  # now stays the same now for the next process
        return sorted(taken)

    def _write(self, taken_s: list[float]) -> None:
        new = self.file.with_suffix(".new")  # one writer at a time: the lock is held
        try:
            new.write_text(json.dumps({"taken_s": taken_s}), "utf-8")
            new.replace(self.file)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink()
            raise OutputError(
                f"The state of the read quota cannot be written to '{self.file.parent}': {error.strerror}.",
                next_step="Make room there, or set TMPDIR to a folder that can be written.",
            ) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        import filelock

        lock = filelock.FileLock(
            self.file.with_suffix(".lock"), timeout=_LOCK_TIMEOUT_S, mode=0o600, poll_interval=0.005
        )
        try:
            lock.acquire()
        except filelock.Timeout:
            raise FarSideError(
                f"Another process has kept the lock of the read quota for {_LOCK_TIMEOUT_S:g} s.",
                "It is probably stopped.",
                f"End it, or remove '{lock.lock_file}'.",
            ) from None
        except OSError as error:
            raise OutputError(f"The lock of the read quota cannot be taken in '{self.file.parent}'.") from error
        try:
            yield
        finally:
            lock.release()


def of(target: Target, *, folder: Path | None = None, pace: Pace | None = None) -> Quota:
    """The bucket that every process of this host and user takes from for a target's project and address.

    Raises:
        OutputError: The private folder is not to be had.
    """
    name = hashlib.sha256(f"{target.endpoint.rstrip('/')}\n{target.project}".encode()).hexdigest()[:24]
    file = (folder or _private_folder()) / f"reads-{name}.json"
    if not file.exists():
        _sweep(file.parent)
    return Quota(file, target.reads_per_minute, pace=pace or Pace())


def _sweep(folder: Path) -> None:
    """Remove buckets that nobody took from for a day: each local server has an address, and so a bucket, of its own."""
    with contextlib.suppress(OSError):
        for file in folder.glob("reads-*.json"):
            if time.time() - file.stat().st_mtime > _FORGOTTEN_S:
                file.unlink()
                file.with_suffix(".lock").unlink(missing_ok=True)


def _private_folder() -> Path:
    """A folder of this user alone. Not the session's (XDG_RUNTIME_DIR): a scheduler has none, and must share it."""
    folder = Path(tempfile.gettempdir()) / f"gpkit-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise OutputError(f"The folder '{folder}' cannot be made: {error.strerror}.") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise OutputError(
            f"'{folder}' is not a private folder of this user.",
            "Somebody else made it, or opened it to others.",
            "Remove it, or set TMPDIR to a folder of your own.",
        )
    return folder
