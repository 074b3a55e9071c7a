"""outputs/index.html and the pages of older runs: derived from the run folders; there is no other record.

The index shows every notebook and target at a glance, and the newest runs. All runs stand in pages of a fixed number,
counted from the oldest, so that a new run changes the last page alone: a page whose folders are as they were when it
was written is left as it is. A folder that cannot be read is listed with what is wrong; none is left out. No page holds
a script. Status (did it run?) and verdict (what did it find?) stand in two columns.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader

from gpkit.errors import OutputError
from gpkit.history.past import RUN_FILE, Past
from gpkit.history.sweeps import Sweep, compared, said, sweeps, values_of
from gpkit.report.account import claim_of
from gpkit.report.assets import NO_LIBRARY, policy, style, write_whole
from gpkit.report.measures import measure
from gpkit.report.overview import MAX_ENTRIES, day, no_verdict, overview
from gpkit.report.place import place
from gpkit.report.prose import markup
from gpkit.report.visible import one_line
from gpkit.report.wording import Word, answer, duration, failure_message, status_sentence, status_word

NEWEST = 200  # chosen: on the index itself; what somebody scrolls through
SWEEPS = 5  # chosen: on the index; gpkit runs --sweep shows any
PAGE = 500  # chosen: rows of a page of older runs; 0.3 MB
PAGES = "index"  # folder of those pages
_TEMPLATES = Path(__file__).parent / "template" / "gpkit"
_MARK = b'<meta name="gpkit-page" content="'
_HEAD_BYTES = 1000  # the mark stands within them


@dataclass(frozen=True)
class Row:
    """One run as the list shows it; ``link`` is empty when there is no report to open."""

    when: str
    notebook: str
    environment: str
    status: Word
    verdict: Word | None
    headline: str
    numbers: str
    took: str
    run_id: str
    link: str


@dataclass(frozen=True)
class Trial:
    """One sweep as the list shows it: what was swept, a row for each run with its values, what the intervals tell."""

    id: str
    title: str
    rows: tuple[tuple[str, Row], ...]
    told: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """One page of older runs: its number, and when its first and last run were made."""

    number: int
    first: str
    last: str


def write_pages(root: Path, pasts: Sequence[Past]) -> Path:
    """Write the index, and those pages of older runs that changed; ``pasts`` come newest first.

    Raises:
        OutputError: The folder cannot be written.
    """
    pages = _older_pages(root, pasts) if len(pasts) > NEWEST else []
    _remove_pages(root, len(pages))
    entries = overview(pasts)
    trials = sweeps(pasts)
    page = _template("runs.html.j2").render(
        rows=[_row(past, "") for past in pasts[:NEWEST]],
        total=sum(past.slots for past in pasts),
        counts=_counts(pasts),
        entries=[
            (
                entry,
                _link(entry.decided or entry.latest, ""),
                [(other, _link(other.last, "")) for other in entry.others],
            )
            for entry in entries[:MAX_ENTRIES]
        ],
        more_entries=max(0, len(entries) - MAX_ENTRIES),
        sweeps=[_trial(sweep) for sweep in trials[:SWEEPS]],
        more_sweeps=max(0, len(trials) - SWEEPS),
        pages=pages[::-1],
        **_around(),
    )
    write_whole(root / "index.html", page.encode("utf-8", "replace"))
    return root / "index.html"


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """One writer of the index at a time: the last one to list the runs is the last one to write.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".index.lock").open("w")
    except OSError as error:
        raise OutputError(f"{root} cannot be written: {error.strerror}.", "", "Choose another folder.") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _older_pages(root: Path, pasts: Sequence[Past]) -> list[Page]:
    oldest_first = pasts[::-1]
    parts = [oldest_first[start : start + PAGE] for start in range(0, len(oldest_first), PAGE)]
    pages = [Page(number, day(part[0]), day(part[-1])) for number, part in enumerate(parts, start=1)]
    for page, part in zip(pages, parts, strict=True):
        file, mark = root / PAGES / f"{page.number}.html", _mark(part, page.number, len(pages))
        if _written_mark(file) != mark:
            rows = [_row(past, "../") for past in part[::-1]]
            made = _template("older.html.j2").render(rows=rows, page=page, of=len(pages), mark=mark, **_around())
            write_whole(file, made.encode("utf-8", "replace"))
    return pages


def _mark(part: Sequence[Past], number: int, of: int) -> str:
    """What a page is made of: the folders with their last changes, the way it is drawn, and its neighbours."""
    made = hashlib.blake2b(digest_size=16)
    made.update(f"{_drawn()} {number} {number == of}".encode())
    for past in part:
        changes = []
        for path in (past.folder, past.folder / RUN_FILE):
            try:
                told = os.stat(path)
                changes.append((told.st_mtime_ns, told.st_size))
            except OSError:
                changes.append((0, 0))
        made.update(f"{past.folder.name!r} {changes}".encode("utf-8", "surrogateescape"))
    return made.hexdigest()


@cache
def _drawn() -> str:
    here = Path(__file__).parent
    sources = [_TEMPLATES / "older.html.j2", _TEMPLATES / "list.html.j2", _TEMPLATES / "report.css"]
    sources += [here / name for name in ("index.py", "place.py", "wording.py", "measures.py", "visible.py")]
    sources.append(here.parent / "history" / "log_name.py")
    return hashlib.blake2b(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _written_mark(file: Path) -> str:
    with suppress(OSError), file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
        if _MARK in head:
            return head.split(_MARK, 1)[1].split(b'"', 1)[0].decode("ascii", "replace")
    return ""


def _remove_pages(root: Path, count: int) -> None:
    """Pages beyond the last one: there were more runs once."""
    with suppress(OSError):
        for file in list((root / PAGES).glob("*.html")):
            if file.stem.isdigit() and int(file.stem) > count:
                file.unlink(missing_ok=True)


def _around() -> dict[str, Any]:
    return {"policy": policy(NO_LIBRARY), "style": markup(style())}


@cache
def _template(name: str) -> Any:
    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True).get_template(name)


def _counts(pasts: Sequence[Past]) -> list[tuple[Word, int]]:
    """How many runs there are of each word, most first; each missed slot counts."""
    kinds: dict[tuple[str, str], Past] = {}
    counted: Counter[tuple[str, str]] = Counter()
    for past in pasts:
        counted[past.status, past.verdict] += past.slots
        kinds.setdefault((past.status, past.verdict), past)
    return [(answer(kinds[kind]), count) for kind, count in counted.most_common()]


def _trial(sweep: Sweep) -> Trial:
    rows = tuple((one_line(said(values_of(past)), 200), _row(past, "")) for past in sweep.runs)
    missing = sweep.of - len(sweep.runs)
    told = [*compared(sweep), *([f"{missing} of {sweep.of} runs are not there."] if missing > 0 else [])]
    notebooks = ", ".join(dict.fromkeys(past.notebook for past in sweep.runs))
    title = one_line(f"{notebooks} by {', '.join(sweep.names)}")
    return Trial(one_line(sweep.id), title, rows, tuple(one_line(sentence, 600) for sentence in told))


def _link(past: Past, above: str) -> str:
    return f"{above}runs/{quote(os.fsencode(past.folder.name))}/report.html" if past.report else ""


def _row(past: Past, above: str) -> Row:
    headline = claim_of(past.headline) if past.headline and past.verdict else None
    told = failure_message(past) or " ".join([status_sentence(past), *past.problems])
    said = headline.claim if headline else told
    return Row(
        when=f"{past.at:%Y-%m-%d %H:%M:%S}" if past.at else "",
        notebook=one_line(past.notebook) or "unknown",
        environment=place(past),
        status=status_word(past),
        verdict=no_verdict(past),
        headline=one_line(f"Attempt {past.attempt}. {said}" if past.retry_of else said, 200),
        numbers=measure(headline).sentence if headline else "",
        took=duration(past.duration_s),
        run_id=one_line(past.run_id),
        link=_link(past, above),
    )
