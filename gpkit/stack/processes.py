"""One child process: started, listened to a line at a time, and ended. Seconds."""

from __future__ import annotations

import contextlib
import json
import selectors
import subprocess
import time
from pathlib import Path
from typing import IO

from gpkit import errors
from gpkit.errors import EXIT_IMPOSSIBLE, FarSideError, OutputError

START_TIMEOUT_S = 20.0  # chosen: forty times what a start takes on an idle machine
STOP_TIMEOUT_S = 5.0


def prepare(folder: Path, old: tuple[str, ...], stderr: str) -> None:
    """Make a folder that only its owner reads, without what an earlier process left there.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        for name in old:
            (folder / name).unlink(missing_ok=True)
        (folder / stderr).touch()
    except OSError as error:
        raise OutputError(
            f"The local stack cannot write to '{folder}': {error.strerror}.", next_step="Name another folder."
        ) from error


def spawn(command: list[str], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process that is talked to through its standard input and output."""
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
    )


def read_line(process: subprocess.Popen[bytes], timeout_s: float) -> str | None:
    """The last of the lines that a process wrote since the last time; null when none came in time or ever will.

    An earlier line is the late answer to a question that was given up.
    """
    assert process.stdout is not None
    until_s = time.monotonic() + timeout_s
    said = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left_s := until_s - time.monotonic()) > 0:
            if not selector.select(left_s):
                break
            part = process.stdout.read1()  # type: ignore[attr-defined]
            said += part
            if not part or said.endswith(b"\n"):
                return said.decode().rstrip("\n").rpartition("\n")[2] or None
    return None


def did_not_start(process: subprocess.Popen[bytes], stderr: Path, what: str) -> errors.GpkitError:
    """End a process that did not start, and say why: the error that it wrote, or its last words."""
    process.kill() if process.poll() is None else None
    code = process.wait()
    close(process)
    last = last_words(stderr)
    if code == EXIT_IMPOSSIBLE:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            told = json.loads(last)
            raised: errors.GpkitError = getattr(errors, told["kind"])(*told["error"])
            return raised
    return FarSideError(f"The {what} did not start.", last, f"Its standard error is in {stderr.name} of its folder.")


def last_words(stderr: Path) -> str:
    """The last line that a process wrote to its standard error."""
    try:
        lines = stderr.read_text("utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process by ending its standard input; by force when that does not help."""
    if process.poll() is None:
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    close(process)


def close(process: subprocess.Popen[bytes]) -> None:
    """Close this side's ends of a process's pipes."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
