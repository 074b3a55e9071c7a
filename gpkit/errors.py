"""What can go wrong, split by who must act.

::

    GpkitError
    ├── CallerError          the caller asked for something impossible          exit 4
    │   ├── ParameterError   an unknown, wrongly typed or impossible parameter
    │   ├── TargetError      an unknown environment, a malformed address, a missing secret
    │   ├── SourceError      a file that is missing, empty, or no log export
    │   └── OutputError      a folder that cannot be written, a port in use
    ├── FarSideError         a program that gpkit depends on did not do its part  exit 3
    │   └── KernelError      the machine had no room to start a kernel
    └── TableError           a table lacks a column or breaks its own rule       exit 3

An address that refuses or stays silent is none of these: it is a finding.
A message has three parts: what happened, with the values; the likely cause, when known; the next step,
as a command or a name. It never holds a token, a header, a message body or a local variable.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_HEALTHY = 0
EXIT_FINDINGS = 1
EXIT_INCONCLUSIVE = 2
EXIT_RUN_FAILED = 3
EXIT_IMPOSSIBLE = 4


class GpkitError(Exception):
    """Any error that gpkit raises on purpose.

    Args:
        what: What happened, with the values.
        why: The likely cause, when known.
        next_step: A command to run or a name to use.
    """

    exit_code = EXIT_RUN_FAILED

    def __init__(self, what: str, why: str = "", next_step: str = "") -> None:
        super().__init__(what, why, next_step)
        self.what = what
        self.why = why
        self.next_step = next_step

    def __str__(self) -> str:
        first = " ".join(part for part in (self.what, self.why) if part)
        return f"{first}\n{self.next_step}" if self.next_step else first


class CallerError(GpkitError):
    """The caller asked for something impossible."""

    exit_code = EXIT_IMPOSSIBLE


class ParameterError(CallerError):
    """An unknown, wrongly typed or impossible parameter."""


class TargetError(CallerError):
    """An unknown environment, a malformed address or a missing secret."""


class SourceError(CallerError):
    """A file that is missing, empty, or no log export."""


class OutputError(CallerError):
    """A folder that cannot be written, or a port in use."""


class FarSideError(GpkitError):
    """A program that gpkit depends on did not do its part."""


class KernelError(FarSideError):
    """A kernel that is installed did not start, because the machine had no room for it."""


class TableError(GpkitError):
    """A table lacks a column or breaks its own rule."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """``" Did you mean 'x'?"`` for the nearest valid name, or an empty string."""
    close = difflib.get_close_matches(name, list(valid), n=1)
    return f"Did you mean '{close[0]}'?" if close else ""
