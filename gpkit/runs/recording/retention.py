"""Retention: which runs stay, and removing the others.

Never removed, whatever is asked for: a run that is being made, the last run of each status and verdict for each
notebook and environment (their logs apart), a run that a finding of a kept run names, and a folder that cannot be
read as a run. A folder leaves the list at once and whole: it is renamed to a hidden name in the same folder, then
deleted. What a killed command left under such a name is deleted by the next one. Several may run at once, beside runs
being made.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gpkit.errors import ParameterError
from gpkit.history import Past, newest
from gpkit.history.past import RESULTS_FILE

TRASH = ".trash-"
IN_TIME, LAST, NEWEST, CITED, MADE, UNREADABLE, OTHERS = (
    "asked for", "the last of their verdict", "the last of their schedule", "named by a finding", "being made",
    "not readable as runs", "of others",
)  # fmt: skip
_KEEP = re.compile(r"(\d{1,7})\s*([hdw]?)")
_UNIT_H = {"h": 1, "d": 24, "w": 168}
_WORD = re.compile(rb"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Keep:
    """What is asked to stay: runs no older than ``age``, or the ``count`` newest of each notebook and environment."""

    age: timedelta | None = None
    count: int | None = None


@dataclass
class Pruned:
    """What a pruning did, or would do.

    Attributes:
        removed: The runs, oldest first.
        sizes_bytes: Of each removed run, by its id: the files in its folder.
        kept: How many runs stay, by the reason.
        problems: One sentence for each folder that should have gone and did not.
    """

    removed: list[Past] = field(default_factory=list)
    sizes_bytes: dict[str, int] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def freed_bytes(self) -> int:
        """Of all removed runs together."""
        return sum(self.sizes_bytes.values())


class _Found(msgspec.Struct):
    findings: msgspec.Raw = msgspec.Raw(b"")


_found = msgspec.json.Decoder(_Found)


def parse_keep(written: str) -> Keep:
    """``30d``, ``12h``, ``8w``: by age; ``100``: by number, for each notebook and environment.

    Raises:
        ParameterError: It is neither, or 0: a slip of the pen would remove nearly everything.
    """
    read = _KEEP.fullmatch(written.strip())
    if read is None:
        raise ParameterError(
            f"{written!r} does not say what to keep.", next_step="Write 30d, 12h, 8w, or 100 runs as 100."
        )
    number, unit = int(read[1]), read[2]
    if number == 0:
        raise ParameterError(
            f"--keep {written.strip()} would keep nothing but the last run of each status and verdict.",
            next_step="Write --keep 1 to keep the newest run of each notebook and environment, or an age: 1h, 30d.",
        )
    try:
        return Keep(age=timedelta(hours=number * _UNIT_H[unit])) if unit else Keep(count=number)
    except OverflowError:
        raise ParameterError(f"{written!r} is longer than any time.", next_step="Write 30d, 12h or 8w.") from None


def prune(
    outputs: Path,
    keep: Keep,
    *,
    notebook: str = "",
    environment: str = "",
    folders: Collection[str] | None = None,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Pruned:
    """Remove the runs that need not be kept; nothing is removed when ``dry_run`` is set.

    Args:
        outputs: The folder that holds ``runs/``.
        keep: What stays, beside what is never removed.
        notebook: Only runs of this notebook are removed; empty for all.
        environment: Only runs on this target are removed; empty for all.
        folders: Only these run folders are removed, by name; null for all.
        dry_run: Only say what would be removed.
        now: What ages count from; the present by default.
    """
    runs = outputs / "runs"
    done = Pruned()
    if not dry_run:
        _empty_trash(runs)
    pasts = list(newest(runs))
    reasons = _reasons(pasts, keep, now or datetime.now(UTC))
    for past in pasts:
        mine = (not notebook or past.notebook == notebook) and (not environment or past.environment == environment)
        mine = mine and (folders is None or past.folder.name in folders)
        if past.folder.name not in reasons and not mine:
            reasons[past.folder.name] = OTHERS
    _add_cited(pasts, reasons)
    done.kept.update(reasons.values())
    for past in reversed(pasts):
        if past.folder.name not in reasons:
            _remove(past, done, dry_run=dry_run)
    return done


def _reasons(pasts: Iterable[Past], keep: Keep, now: datetime) -> dict[str, str]:
    """Why a folder stays, by its name; ``pasts`` come newest first."""
    reasons: dict[str, str] = {}
    seen: Counter[tuple[str, str, bool]] = Counter()
    lasts = set()
    entries = set()
    for past in pasts:
        name, series = past.folder.name, past.series
        kind = (*series, past.status, past.verdict)
        seen[series] += 1
        at = past.at
        if past.is_partial:
            reasons[name] = MADE
        elif past.problems or at is None or not past.notebook:
            reasons[name] = UNREADABLE
        elif (keep.age is not None and now - at <= keep.age) or seen[series] <= (keep.count or 0):
            reasons[name] = IN_TIME
        elif kind not in lasts:
            reasons[name] = LAST
        elif past.entry and past.entry not in entries:
            reasons[name] = NEWEST  # where the entry stands is read from it
        lasts.add(kind)
        entries.add(past.entry)
    return reasons


def _add_cited(pasts: Iterable[Past], reasons: dict[str, str]) -> None:
    """Runs that a finding of a kept run names are kept, and so are those that their findings name."""
    folders: Mapping[str, Path] = {past.folder.name: past.folder for past in pasts}
    if len(reasons) == len(folders):
        return
    waiting = list(reasons)
    while waiting:
        for cited in _named_in(folders[waiting.pop()]):
            if cited in folders and cited not in reasons:
                reasons[cited] = CITED
                waiting.append(cited)


def _named_in(folder: Path) -> set[str]:
    """Every word in the findings of a run that may be a run's id."""
    try:
        findings = bytes(_found.decode((folder / RESULTS_FILE).read_bytes()).findings)
    except (OSError, ValueError, RecursionError):
        return set()
    return {word.decode().strip(".") for word in _WORD.findall(findings)}


def _remove(past: Past, done: Pruned, *, dry_run: bool) -> None:
    size_bytes = _size_bytes(past.folder)
    if not dry_run:
        trash = past.folder.with_name(f"{TRASH}{past.folder.name}-{secrets.token_hex(3)}")
        try:
            past.folder.rename(trash)
        except FileNotFoundError:  # another command was faster
            return
        except OSError as error:
            done.problems.append(f"{past.folder.name} cannot be removed: {error.strerror}.")
            return
        try:
            shutil.rmtree(trash)
        except FileNotFoundError:
            pass  # another command empties the trash too
        except OSError as error:
            done.problems.append(f"{past.folder.name} is removed, its files are not: {error.strerror}.")
            size_bytes = 0
    done.removed.append(past)
    done.sizes_bytes[past.run_id] = size_bytes


def _empty_trash(runs: Path) -> None:
    """Delete what a killed command had renamed and not yet deleted."""
    with contextlib.suppress(OSError):
        for left in list(runs.glob(f"{TRASH}*")):
            shutil.rmtree(left, ignore_errors=True)


def _size_bytes(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_size
    return total
