"""Processes that die while they fill a slice: ``python -m tests.cache_dying FOLDER``.

For n = 1, 2, … a child fills one slice in FOLDER/n and is killed at its n-th step: opening, writing, syncing,
renaming, removing. The last child lives to the end. Prints how many died.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import pyarrow.parquet

from gpkit.cache import Read, Store, files
from tests.cache_support import KEY, at, table

ONE = at("13:00")
TRUTH = {"a": "13:01", "b": "13:02", "c": "13:05", "d": "13:10"}
STEPS = ("open", "os.rename", "os.remove", "os.mkdir")
_MOST = 200


def fill(folder: Path) -> None:
    """Two pieces, then the whole slice, beside what was there."""
    shelf = Store(folder, now_ns=lambda: at("18:00")).shelf(KEY)
    with shelf.claim(ONE) as claim:
        assert claim is not None
        shelf.append(claim, table("13:01 a", "13:02 b"), Read(ONE, at("13:03"), at("17:00")))
        shelf.append(claim, table("13:05 c"), Read(at("13:03"), at("13:06"), at("17:00")))
        lines = [f"{time} {name}" for name, time in TRUTH.items()]
        shelf.write(claim, table(*lines), [Read(ONE, at("13:15"), at("17:00"))])


def _die_at(number: int, folder: Path) -> None:
    left = [number]

    def step() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event in STEPS and str(folder) in str(arguments[0]):
            step()

    def sync(descriptor: int, real: object = os.fsync) -> None:
        step()
        real(descriptor)  # type: ignore[operator]

    def write(what: object, where: object, **options: object) -> None:
        """Half of the file, a chance to die, then all of it."""
        whole = pyarrow.BufferOutputStream()
        real_write(what, whole, **options)
        content = whole.getvalue().to_pybytes()
        for half in (content[: len(content) // 2], content[len(content) // 2 :]):
            where.write(half)  # type: ignore[attr-defined]
            where.flush()  # type: ignore[attr-defined]
            step()

    real_write = pyarrow.parquet.write_table
    pyarrow.parquet.write_table = write
    files.os.fsync = sync
    sys.addaudithook(audit)


def main(folder: Path) -> int:
    """How many children died."""
    for number in range(1, _MOST):
        own = folder / str(number)
        earlier = Store(own, now_ns=lambda: at("18:00")).shelf(KEY)
        with earlier.claim(ONE) as claim:
            assert claim is not None
            earlier.write(claim, table("13:01 a"), [Read(ONE, at("13:15"), at("13:02"))])
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                _die_at(number, own)
                fill(own)
                os._exit(0)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            return number - 1
    raise AssertionError("no child lived to the end")


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]))}\n")
