"""The slices of one key: what is held, read and written so that nothing is lost and nothing is half there.

::

    key.json                      what the slices beside it are for, for people
    20250907T131500Z.parquet      a slice: its entries, and the reads that filled it
    20250907T131500Z.7.part       a piece of a slice that is being filled
    20250907T131500Z.lock         somebody fills it
    ….tmp, ….broken               being written; set aside

Knows tables, files, locks and clocks, and nothing of where entries come from. Tables arrive redacted.
Who fills a slice claims it first. Pieces are kept as they come, so that the work of a process that dies is not lost:
whoever claims the slice next folds them into it. Nothing is read but whole slices.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gpkit.cache import files
from gpkit.cache.claims import claimed
from gpkit.cache.merging import merged
from gpkit.cache.slices import SLICE_NS, Read, Slice, compact, of_stamp, settled, stamp, starts
from gpkit.errors import OutputError

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
SLICE, PART, LOCK = ".parquet", ".part", ".lock"
KEY_FILE = "key.json"
_OLD_S = 3600.0  # chosen: no key file takes an hour to write


class Held(NamedTuple):
    """The entries of a slice, and the reads that brought them."""

    table: pa.Table
    reads: tuple[Read, ...]


@dataclass(frozen=True)
class Claim:
    """The right to fill one slice, for as long as the context of :meth:`Shelf.claim` lasts."""

    since_ns: int


@dataclass(frozen=True)
class Fault:
    """A file that could not be used, and why. A broken one was set aside under another name."""

    file: str
    why: str


class Shelf:
    """The slices of one key.

    Args:
        folder: Where they are; named for the key.
        label: What its key file says; empty for a folder that has one.
        late_ns: The lag horizon: entries are taken to arrive within this time.
        now_ns: The clock.

    Attributes:
        faults: Files that could not be used since this object was made.
    """

    def __init__(self, folder: Path, label: str = "", *, late_ns: int, now_ns: Callable[[], int]) -> None:
        self.folder = folder
        self.late_ns = late_ns
        self.now_ns = now_ns
        self.faults: list[Fault] = []
        self._label = label

    def slices(self, since_ns: int, until_ns: int) -> tuple[Slice, ...]:
        """All slices that a window touches, in order, and what is held of each."""
        return tuple(self.slice(start) for start in starts(since_ns, until_ns))

    def slice(self, since_ns: int) -> Slice:
        """One slice, and what is held of it."""
        path = self._path(since_ns)
        about = self._usable(path, lambda: files.peek(path, self.folder.name, since_ns))
        if about is None:
            return Slice(since_ns, since_ns + SLICE_NS)
        held = settled(about.reads, late_ns=self.late_ns, now_ns=self.now_ns())
        return Slice(since_ns, since_ns + SLICE_NS, about.reads, held, about.entries)

    def read(self, since_ns: int) -> Held | None:
        """What a slice holds; null when there is nothing that can be used, which :attr:`faults` tells."""
        path = self._path(since_ns)
        found = self._usable(path, lambda: files.read(path, self.folder.name, since_ns))
        if found is None:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # when it was last of use: pruning asks for it
        return Held(found[0], found[1].reads)

    @contextlib.contextmanager
    def claim(
        self, since_ns: int, *, wait_s: float = 0.0, on_wait: Callable[[float], None] | None = None
    ) -> Iterator[Claim | None]:
        """The right to fill a slice. What a dead process left of it is folded in first.

        Args:
            since_ns: The slice's begin.
            wait_s: How long to wait for another holder, at most.
            on_wait: Called about every second while waiting, with the seconds so far.

        Yields:
            The claim; null when another process holds it.

        Raises:
            OutputError: The folder cannot be written.
        """
        with contextlib.ExitStack() as held:
            with self._written():
                self._make()
                lock = self.folder / (stamp(since_ns) + LOCK)
                is_mine = held.enter_context(claimed(lock, wait_s=wait_s, on_wait=on_wait))
            if is_mine:
                self._inherit(Claim(since_ns))
            yield Claim(since_ns) if is_mine else None

    def write(self, claim: Claim, table: pa.Table, reads: Sequence[Read]) -> Held:
        """Put entries into a slice, beside those that are there: an entry once seen stays.

        Args:
            claim: The right to do so.
            table: Entries of that slice; none is knowledge too.
            reads: The stretches of it that they are all of.

        Returns:
            What the slice holds now.

        Raises:
            OutputError: The disk is full, or the folder cannot be written. What was held stays.
        """
        path = self._path(claim.since_ns)
        held = self._usable(path, lambda: files.read(path, self.folder.name, claim.since_ns))
        if held is not None:
            table, reads = merged([held[0], table]), [*held[1].reads, *reads]
        else:
            table = merged([table])
        # A read that begins in the future settles nothing, and must not outlive one that does.
        sound = compact([read for read in reads if read.at_ns <= self.now_ns()])
        with self._written():
            files.write(path, table, files.About(self.folder.name, claim.since_ns, sound, len(table)))
        _remove(self._beside(claim, PART))
        return Held(table, sound)

    def append(self, claim: Claim, table: pa.Table, read: Read) -> None:
        """Keep a piece of a slice that is still being filled.

        Args:
            claim: The right to do so.
            table: Entries of that slice.
            read: The stretch of it that they are all of.

        Raises:
            OutputError: The disk is full, or the folder cannot be written.
        """
        number = 1 + max((_number(part) for part in self._beside(claim, PART)), default=0)
        path = self.folder / f"{stamp(claim.since_ns)}.{number}{PART}"
        about = files.About(self.folder.name, claim.since_ns, (read,), len(table))
        with self._written():
            # What a power cut takes is read again; a process that dies takes nothing.
            files.write(path, table, about, durable=False)

    def tidy(self) -> None:
        """Fold in what dead processes left, and remove their temporary files and locks."""
        names = _names(self.folder)
        for since_ns in sorted({each for path in names if (each := _left_over(path)) is not None}):
            # A folder that cannot be written is no reason not to read it.
            with contextlib.suppress(OutputError), self.claim(since_ns):
                pass
        for path in names:
            if path.name.startswith(KEY_FILE) and path.suffix == files.TEMPORARY:
                with contextlib.suppress(OSError):
                    if abs(self.now_ns() / 1e9 - path.stat().st_mtime) > _OLD_S:
                        path.unlink()

    def _make(self) -> None:
        files.make_folder(self.folder.parent)
        files.make_folder(self.folder)
        if self._label and not (self.folder / KEY_FILE).exists():
            files.write_text(self.folder / KEY_FILE, self._label)

    def _inherit(self, claim: Claim) -> None:
        _remove(self._beside(claim, files.TEMPORARY))
        tables: list[pa.Table] = []
        reads: list[Read] = []
        for path in self._beside(claim, PART):
            kept = self._usable(path, lambda path=path: files.read(path, self.folder.name, claim.since_ns))  # type: ignore[misc]
            if kept is not None:
                tables.append(kept[0])
                reads += kept[1].reads
        if tables:
            with contextlib.suppress(OutputError):  # a full disk: the parts stay for the next
                self.write(claim, merged(tables), reads)

    def _usable(self, path: Path, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.faults.append(Fault(path.name, f"cannot be read: {error.strerror}"))
        except files.Unusable as why:
            if files.set_aside(path):
                self.faults.append(Fault(path.name, f"was set aside: {why}"))
        return None

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"The cache in {self.folder.parent} cannot be written: {error.strerror or error}.",
                next_step="Make room: gpkit cache prune --older-than 30d; or set GPKIT_CACHE to another folder.",
            ) from None

    def _beside(self, claim: Claim, ending: str) -> list[Path]:
        return sorted(self.folder.glob(f"{stamp(claim.since_ns)}.*{ending}"), key=_number)

    def _path(self, since_ns: int) -> Path:
        return self.folder / (stamp(since_ns) + SLICE)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _names(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _left_over(path: Path) -> int | None:
    """The slice that a leftover file belongs to; null for any other file."""
    return of_stamp(path.name.split(".", 1)[0]) if path.suffix in (PART, LOCK, files.TEMPORARY) else None


def _number(path: Path) -> int:
    text = path.name.split(".")[1]
    return int(text) if text.isdigit() else 0
