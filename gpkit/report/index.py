"""outputs/index.html: every run, newest first, derived from the files in the run folders.

There is no other record of the runs. A folder that cannot be read is listed with what is wrong; none is left out.
The page holds no script. Status (did it run?) and verdict (what did it find?) stand in two columns.
"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader

from gpkit.errors import OutputError
from gpkit.report.account import Account, read_summary
from gpkit.report.assets import policy, style
from gpkit.report.measures import measure
from gpkit.report.prose import markup
from gpkit.report.visible import one_line
from gpkit.report.wording import (
    NO_VERDICT,
    Word,
    answer,
    duration,
    failure_message,
    instant,
    status_sentence,
    status_word,
)

_TEMPLATES = Path(__file__).parent / "template" / "gpkit"


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


def read_runs(runs: Path) -> list[Row]:
    """One row for each folder under ``runs``, newest first; a missing folder gives none."""
    try:
        folders = [entry for entry in runs.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    accounts = [read_summary(folder) for folder in folders]
    accounts.sort(key=lambda account: (account.started_utc or account.run_id, account.run_id), reverse=True)
    return [_row(account) for account in accounts]


def index_page(rows: list[Row]) -> str:
    """The page for these rows."""
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True)
    words = Counter((row.verdict or row.status) for row in rows)
    page: str = environment.get_template("runs.html.j2").render(
        rows=rows, counts=words.most_common(), policy=policy(scripts=False), style=markup(style())
    )
    return page


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


def _row(account: Account) -> Row:
    headline = account.headline if account.verdict else None
    report = account.folder / "report.html"
    word = answer(account) if account.verdict else None
    told = failure_message(account) or status_sentence(account) or " ".join(account.problems)
    return Row(
        when=instant(account.started_utc).removesuffix(" UTC") if account.started_utc else "",
        notebook=one_line(account.notebook) or "unknown",
        environment=one_line(account.environment),
        status=status_word(account),
        verdict=word if account.verdict else NO_VERDICT if account.status == "ok" else None,
        headline=one_line(headline.claim, 200) if headline else one_line(told, 200),
        numbers=measure(headline).sentence if headline else "",
        took=duration(account.duration_s),
        run_id=one_line(account.run_id),
        link=f"runs/{quote(account.folder.name)}/report.html" if report.is_file() else "",
    )
