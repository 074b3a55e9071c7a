"""report.md: verdict and findings in Markdown, for an issue, a chat, a terminal.

Pure. The same words, numbers and ids as the page. Whatever may hold log text stands in a fence that is longer than any
run of backticks inside it, or is escaped, so that no line of a log becomes a heading, a link or markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gpkit.history.log_name import log_name
from gpkit.plural import plural
from gpkit.report import covered, provenance
from gpkit.report.account import Account, Claim
from gpkit.report.backing import Case, backing
from gpkit.report.changes import Changed, against_of
from gpkit.report.measures import measure
from gpkit.report.story import Story
from gpkit.report.visible import one_line, terminal
from gpkit.report.wording import (
    again,
    answer,
    counted,
    duration,
    failure_message,
    instant,
    status_sentence,
    verdict_word,
)

MAX_LINES = 5  # chosen, of a record that does not say which case a line belongs to
NAMES = ("connection", "trace", "thread", "run")  # the page has instances, revisions and users too
LINES_OF_A_CASE = 2  # chosen: the page shows more
MAX_WAY_CHARS = 2000  # chosen: what is longer makes an issue unreadable
MAX_IDS = 5
_MEANINGFUL = re.compile(r"([\\`*\[\]<>#|~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_ADDRESS = re.compile(r"(?i)\b(https?|wss?|ftp|www)([:.])")
_LINE_START = re.compile(r"^(\d*)([-+=.)])(?=[-=\s]|$)")


def report_markdown(account: Account, story: Story) -> str:
    """The whole of report.md."""
    return "\n".join([*_head(account, story), *_findings(account), *_foot(account)]) + "\n"


def fenced(text: str) -> str:
    """The text in a fence that nothing inside can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def escaped(value: object, limit: int = 600) -> str:
    """One line in which no character has a meaning for Markdown, and no address becomes a link."""
    text = _MEANINGFUL.sub(r"\\\1", one_line(value, limit))
    text = _ADDRESS.sub(r"\1\\\2", text)
    return _LINE_START.sub(r"\1\\\2", text)


def code(value: object, limit: int = 1000) -> str:
    """An id or a command as code, whatever backticks it holds."""
    text = one_line(value, limit)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _head(account: Account, story: Story) -> Iterator[str]:
    word = answer(account)
    yield f"# {word.sign} {word.word} · {escaped(story.question or account.notebook or account.run_id)}"
    yield ""
    asked = account.run.get("parameters")
    log = log_name(asked.get("logs")) if isinstance(asked, Mapping) else ""
    where = [account.notebook, account.environment, log, account.started_utc and instant(account.started_utc)]
    yield " · ".join(escaped(part) for part in where if part)
    yield ""
    if account.status != "ok":
        yield from _stopped(account, story)
    elif account.headline:
        yield f"**{escaped(account.headline.claim)}**"
        yield ""
        yield escaped(measure(account.headline).sentence)
        yield ""
    yield from _of_what(account)
    for problem in account.problems:
        yield f"{escaped(problem)}\n"


def _of_what(account: Account) -> Iterator[str]:
    """What the numbers are of: the window, a filter that left a part of the log out, and what the evidence lacks."""
    if window := provenance.window_text(account.window, provenance.asked(account)):
        yield f"Window: {escaped(window)}"
        yield ""
    if chosen := provenance.selection(account):
        yield f"**A selection.** Only log entries that this filter selects: {code(chosen)}"
        yield ""
    if told := covered.sentences(account):
        yield "**Before trusting a number:**"
        yield ""
        yield from (f"- {escaped(sentence)}" for sentence in told)
        yield ""


def _stopped(account: Account, story: Story) -> Iterator[str]:
    stop = story.stop
    place = f" It stopped at code cell {stop.cell}" if stop else ""
    under = f", under “{escaped(stop.under)}”" if stop and stop.under else ""
    yield f"**{status_sentence(account)}**{place}{under}{'.' if stop else ''}"
    yield ""
    message = failure_message(account) or (stop.message if stop else "")
    if message:
        yield fenced(terminal(message, 2000))
        yield ""
    cells = f"{story.ran} of {counted(story.code_cells, 'code cell')} {plural(story.ran, 'was', 'were')} started."
    yield f"{cells} No verdict is drawn from what was recorded."
    yield ""
    if command := again(account):
        yield f"Once more, with the same parameters and window: {code(command)}"
        yield ""


def _findings(account: Account) -> Iterator[str]:
    yield "## Findings"
    yield ""
    if not account.findings:
        yield "None was recorded."
        yield ""
    against = against_of(account)
    for claim in account.findings:
        yield from _finding(claim, against.by_id.get(claim.id) if against else None, account.window)
    if against and against.gone:
        yield from (f"- {one.word.word}: {code(one.id)} {escaped(one.was)}" for one in against.gone)
        yield ""


def _finding(claim: Claim, changed: Changed | None, window: Any) -> Iterator[str]:
    word = verdict_word(claim)
    yield f"### {word.sign} {word.word} · {escaped(claim.claim or claim.id)}"
    yield ""
    sentence = measure(claim).sentence
    if sentence:
        yield f"- {escaped(sentence)}"
    if changed:
        before = f" Before: {changed.was}." if changed.was else ""
        yield f"- Against earlier runs: {changed.word.word}. {escaped(f'{changed.why}{before} {changed.since}', 1000)}"
    told = [("Cause", claim.cause)]
    told += [("Ruled out", item) for item in claim.ruled_out]
    told += [("Cannot tell", item) for item in claim.limits]
    yield from (f"- {name}: {escaped(value, 1000)}" for name, value in told if value)
    if claim.next_step:
        yield f"- Next step: {code(claim.next_step) if claim.command else escaped(claim.next_step, 1000)}"
    yield f"- Finding: {code(claim.id)}"
    yield from _evidence(claim, window)


def _evidence(claim: Claim, window: Any) -> Iterator[str]:
    """How much there is, the ids, the ways to the rest, and the first lines of each case that is shown."""
    behind = backing(claim, "", {}, window)
    if not behind.said:
        yield ""
        return
    worst = f" Shown are the first in time and the worst ({behind.worst})." if behind.worst else ""
    yield f"- Evidence: {escaped(f'{behind.said}.{worst}', 1000)}"
    if claim.evidence:
        ids = ", ".join(code(one) for one in claim.evidence[:MAX_IDS])
        yield f"- Ids: {ids} {behind.more(MAX_IDS)}".rstrip()
    if behind.filter:
        yield f"- Window: {escaped(behind.window)}"
        if behind.explorer or not behind.command:  # else the command shows it
            yield from _way("Filter", behind.filter)
    yield from _way("Command", behind.command)
    if behind.explorer:
        is_short = len(behind.explorer) <= MAX_WAY_CHARS
        yield f"- Logs Explorer: {f'<{behind.explorer}>' if is_short else 'the link stands in report.html'}"
    yield from _way("All of it", behind.rest)
    yield from (f"- {escaped(note)}" for note in behind.notes)
    yield ""
    lines = [line for case in behind.cases for line in _case(case)]
    if any(case.id and len(case.lines) > LINES_OF_A_CASE for case in behind.cases):
        yield f"The first {LINES_OF_A_CASE} lines of each case; report.html has the others."
        yield ""
    if lines:
        yield fenced("\n".join(lines))
        yield ""


def _way(name: str, text: str) -> Iterator[str]:
    """A filter or a command, whole or not at all: half of one is wrong."""
    if len(text) > MAX_WAY_CHARS or one_line(text, MAX_WAY_CHARS) != text:
        yield f"- {name}: {len(text):,} characters, in report.html and results.json"
    elif text:
        yield f"- {name}: {code(text, MAX_WAY_CHARS)}"


def _case(case: Case) -> Iterator[str]:
    if case.id:
        names = ", ".join(f"{name} {value}" for name, value in case.names if name in NAMES)
        yield " · ".join(part for part in (case.why, case.id, names) if part)
    for line in case.lines[: LINES_OF_A_CASE if case.id else MAX_LINES]:
        yield ("  " if case.id else "") + one_line(" ".join((line.at, line.id, line.text)), 1000)


def _foot(account: Account) -> Iterator[str]:
    took = duration(account.duration_s)
    said = " · ".join([f"run {code(account.run_id)}", f"status {account.status}", *([f"took {took}"] if took else [])])
    yield f"{said} · report.html beside this file has the figures and the evidence."
