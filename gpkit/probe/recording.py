"""Evidence as it is gathered: a line on disk as each attempt ends, and the tables at the end.

A probe that is killed loses only the attempts in flight: each line is complete and flushed before the next begins.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from gpkit.errors import OutputError
from gpkit.protocol.outcomes import BEFORE_ACCEPT
from gpkit.tables import ATTEMPTS, MESSAGES, from_rows

if TYPE_CHECKING:
    import pandas as pd

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
ATTEMPTS_FILE, MESSAGES_FILE = "attempts.jsonl", "messages.jsonl"


@dataclass(frozen=True)
class Evidence:
    """What a probe measured.

    Attributes:
        attempts: One row is one attempt (docs/tables.md), with ``address`` and ``failed_addresses`` behind them.
        messages: One row is one frame.
        planned: Attempts that were planned; those never started have no row.
        interrupted: Whether the user stopped it. An attempt in flight then has a row without an outcome.
        loop_lag_s: Largest lag of the probe's own event loop.
    """

    attempts: pd.DataFrame
    messages: pd.DataFrame
    planned: int
    interrupted: bool
    loop_lag_s: float

    @property
    def started(self) -> int:
        """Attempts that were started: the rows of ``attempts``."""
        return len(self.attempts)


class Recorder:
    """Rows, kept and streamed.

    Args:
        into: Folder for the two files, created when missing; null to keep rows in memory only.

    Raises:
        OutputError: The folder cannot be written.
    """

    def __init__(self, into: Path | None = None) -> None:
        self.attempts: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self._files: list[TextIO] = []
        if into is not None:
            try:
                into.mkdir(parents=True, exist_ok=True)
                self._files = [(into / name).open("a", encoding="utf-8") for name in (ATTEMPTS_FILE, MESSAGES_FILE)]
            except OSError as error:
                raise OutputError(
                    f"'{into}' cannot be written: {error.strerror}.", next_step="Choose another folder."
                ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    def add(self, attempt: dict[str, Any], messages: list[dict[str, Any]]) -> None:
        """Keep one finished attempt. Its messages are on disk before it is: a listed attempt is a whole one.

        Raises:
            OutputError: The disk is full, or the file is gone.
        """
        self.attempts.append(attempt)
        self.messages.extend(messages)
        if not self._files:
            return
        attempts_file, messages_file = self._files
        try:
            if messages:
                messages_file.write("".join(_line(row) for row in messages))
                messages_file.flush()
            attempts_file.write(_line(attempt))
            attempts_file.flush()
        except OSError as error:
            raise OutputError(
                f"'{attempts_file.name}' cannot be written: {error.strerror}.", next_step="Free some space."
            ) from error

    def evidence(self, *, planned: int, interrupted: bool, loop_lag_s: float) -> Evidence:
        """Everything kept, as tables, in order of planned start."""
        attempts = name_generation(sorted(self.attempts, key=lambda row: row["attempt_index"]))
        place = {row["attempt_id"]: row["attempt_index"] for row in attempts}
        messages = sorted(self.messages, key=lambda row: (place[row["attempt_id"]], row["index"]))
        return Evidence(
            attempts=from_rows(attempts, ATTEMPTS),
            messages=from_rows(messages, MESSAGES),
            planned=planned,
            interrupted=interrupted,
            loop_lag_s=loop_lag_s,
        )


def name_generation(attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell generation A from B, which greet alike, by where credentials were refused in the same run.

    A refuses at the upgrade, B after accept. When the run refused nobody, or both ways, ``A/B`` stays.
    A refusal at the upgrade belongs to A when the run's greetings are A's or B's; otherwise its server stays unnamed.
    """
    greeted = {row["generation"] for row in attempts} - {None}
    if greeted != {"A/B"}:
        return attempts
    ways = {row["decided_at"] for row in attempts if _is_refusal(row)}
    named = {frozenset({"before-accept"}): "A", frozenset({"after-accept"}): "B"}.get(frozenset(ways))
    if named is None:
        return attempts
    return [row | {"generation": named} if row["generation"] == "A/B" or _is_refusal(row) else row for row in attempts]


def _is_refusal(row: dict[str, Any]) -> bool:
    at_upgrade = row["decided_at"] == BEFORE_ACCEPT and row["http_status"] in (401, 403)
    return at_upgrade or row["outcome"] == "refused_after_accept"


def _line(row: dict[str, Any]) -> str:
    return _encode(row) + "\n"
