"""The words of a report: verdicts, statuses, instants, durations. One way on the page, in Markdown and in the index.

Pure. Status (did it run?) and verdict (what did it find?) are two things: a run that did not end well has no verdict,
and its word never looks like an answer.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from gpkit.plural import plural
from gpkit.report.account import Account, Claim
from gpkit.report.visible import one_line


class Ended(Protocol):
    """A run, as far as its words go: an account of its folder, or one row of a list."""

    @property
    def status(self) -> str:
        """How it ended."""

    @property
    def verdict(self) -> str:
        """What it found, or empty."""

    @property
    def failure(self) -> Mapping[str, Any]:
        """What ended it (``kind``, ``message``), empty when nothing did."""


@dataclass(frozen=True)
class Word:
    """How a status or verdict is said: a word, a sign for those who do not see colour, a tone for the style sheet."""

    word: str
    sign: str
    tone: str


_RUN_VERDICTS = {
    "findings": Word("FAILS", "✕", "fails"),
    "inconclusive": Word("CANNOT TELL", "?", "undecided"),
    "no-data": Word("NO DATA", "∅", "none"),
    "healthy": Word("MEETS", "✓", "meets"),
}
_FINDING_VERDICTS = {
    "fails": Word("FAILS", "✕", "fails"),
    "undecided": Word("CANNOT TELL", "?", "undecided"),
    "meets": Word("MEETS", "✓", "meets"),
}
_STATUSES = {
    "ok": Word("ok", "●", "plain"),
    "failed": Word("RUN FAILED", "!", "broken"),
    "timeout": Word("TIMED OUT", "!", "broken"),
    "kernel-died": Word("KERNEL DIED", "!", "broken"),
    "interrupted": Word("INTERRUPTED", "!", "broken"),
    "missed": Word("MISSED", "!", "broken"),
    "running": Word("STILL RUNNING", "…", "none"),
    "unknown": Word("UNKNOWN", "!", "broken"),
}
_STATUS_SENTENCES = {
    "failed": "A cell of the notebook raised an error.",
    "timeout": "The run was ended at its deadline.",
    "kernel-died": "The process that ran the notebook ended by itself.",
    "interrupted": "The run was stopped from outside.",
    "missed": "The run was due and never started.",
    "running": "The run had not ended when this page was written.",
    "unknown": "Nothing says how this run ended.",
}
NO_VERDICT = Word("NO VERDICT", "?", "none")


def answer(run: Ended) -> Word:
    """The one word of a run: its verdict, or how it ended when it did not end well."""
    if run.status != "ok":
        return _STATUSES[run.status]
    return _RUN_VERDICTS.get(run.verdict, NO_VERDICT)


def status_word(run: Ended) -> Word:
    """How the run ended, as it stands in a column of its own: ``failed``, ``kernel died``."""
    return replace(_STATUSES[run.status], word=run.status.replace("-", " "))


def status_sentence(run: Ended) -> str:
    """What the status means; empty for ``ok``."""
    return _STATUS_SENTENCES.get(run.status, "")


def failure_message(run: Ended) -> str:
    """What ended the run, with the name of the error when there was one; empty when the record does not say."""
    message, kind = str(run.failure.get("message") or ""), str(run.failure.get("kind") or "")
    named = kind.endswith(("Error", "Exception")) and not message.startswith(kind)
    return f"{kind}: {message}" if named else message


def again(account: Account) -> str:
    """The command that makes a run once more which began and did not end well; empty for any other."""
    began = account.status in ("failed", "timeout", "kernel-died", "interrupted")
    return f"gpkit rerun {shlex.quote(one_line(account.run_id))}" if began else ""


def verdict_word(claim: Claim) -> Word:
    """The verdict of one finding as a word."""
    return _FINDING_VERDICTS.get(claim.verdict, NO_VERDICT)


def instant(text: str) -> str:
    """``2026-11-20 22:43:55 UTC`` for an ISO-8601 instant; other text as it is."""
    try:
        read = datetime.fromisoformat(text)
        if read.tzinfo is None:
            read = read.replace(tzinfo=UTC)
        return f"{read.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):  # the first day of all days, in an eastern zone
        return one_line(text)


def counted(count: int, thing: str, things: str = "") -> str:
    """``1 line``, ``1,200 lines``; the plural is given where it is more than an s."""
    return f"{count:,} {plural(count, thing, things)}"


def duration(seconds: float | None) -> str:
    """``0.8 s``, ``42 s``, ``3 min 5 s``, ``2 h 7 min``; empty when not measured."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
