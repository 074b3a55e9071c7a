"""The command line. Thin: every command is a call of the library, and imports what it needs when it runs.

Tables and results go to standard output, what is meant for people to standard error. What a caller got wrong is one
message and exit code 4; anything unforeseen is exit code 3, never a code that means "healthy".
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from gpkit.cli.arguments import parser
from gpkit.errors import EXIT_RUN_FAILED, GpkitError, OutputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    with contextlib.suppress(ValueError):  # not in the main thread: somebody else's signals
        signal.signal(signal.SIGTERM, _interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON lines are UTF-8 wherever they are written; a lone surrogate becomes its escape.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        chosen = parser().parse_args(arguments)
        return int(chosen.command(chosen))
    except GpkitError as error:
        tell(f"{type(error).__name__}: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        tell("Interrupted.")
        return EXIT_RUN_FAILED
    except Exception as error:  # whatever it is, it must not look like an answer
        tell(_unforeseen(error))
        return EXIT_RUN_FAILED


def tell(text: str) -> None:
    """Say something to the person at the terminal."""
    from gpkit.redaction import redact

    if sys.stderr is None:  # closed by the caller; print would take standard output instead
        return
    try:
        print(redact(text), file=sys.stderr, flush=True)  # noqa: T201 - this is the command line
    except OSError:  # nobody listens any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def put_out(text: str) -> None:
    """Write to standard output. A reader that had enough, such as ``head``, is no error.

    Raises:
        OutputError: It is closed, or its disk is full.
    """
    if sys.stdout is None:
        raise OutputError("Standard output is closed.", next_step="Send it to a file.")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            raise OutputError(
                f"Standard output cannot be written: {error.strerror}.", next_step="Send it to another place."
            ) from None


def _unforeseen(error: Exception) -> str:
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({os.path.basename(last[0].filename)}, line {last[0].lineno})" if last else ""
    return f"{type(error).__name__}: {error}{where}\nThis is a fault of gpkit, not an answer about the service."


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
