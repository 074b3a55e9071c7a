"""A window of the log, page by page: retried, resumed, and either complete or declared incomplete."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gpkit.cloud import quota
from gpkit.cloud.call import Failed, Outcome, TokenRefused, call
from gpkit.cloud.credentials import Caller, caller
from gpkit.cloud.cursor import Cursor
from gpkit.cloud.page import Content, Page
from gpkit.cloud.retries import Limits, Pace, wait_s
from gpkit.cloud.sent import sent_filter
from gpkit.cloud.stamps import instant_ns, text
from gpkit.cloud.targets import Target, checked, resources
from gpkit.errors import FarSideError, GpkitError, ParameterError

MAX_PAGE_SIZE = 1000  # documented

OnWait = Callable[[float, str], None]


class Incomplete(FarSideError):  # noqa: N818 - says what a read is
    """A read that ended early. What was handed on before is good.

    Attributes:
        since_ns, until_ns: The stretch that is complete, half-open: every entry of it was handed on.
        reason: Why it ended.
    """

    def __init__(
        self, what: str, why: str = "", next_step: str = "", *, since_ns: int = 0, until_ns: int = 0, reason: str = ""
    ) -> None:
        super().__init__(what, why, next_step)
        self.since_ns = since_ns
        self.until_ns = until_ns
        self.reason = reason


def pages(
    target: Target,
    *,
    filter: str = "",
    since: datetime | int,
    until: datetime | int,
    order: str = "asc",
    page_size: int = MAX_PAGE_SIZE,
    limits: Limits | None = None,
    on_wait: OnWait | None = None,
    pace: Pace | None = None,
    bucket: quota.Quota | None = None,
) -> Iterator[Page]:
    """The entries of a window, in order of time.

    After a fault entries at one instant may come twice: identity (log name, timestamp, insert id) tells.

    Args:
        target: Which log.
        filter: In the language of Cloud Logging; empty for everything.
        since, until: The window, half-open: datetimes with an offset, or whole nanoseconds since 1970.
        order: ``asc`` (oldest first) or ``desc``.
        page_size: Entries of a page at most, 1 to 1000.
        limits: When to give up.
        on_wait: Told of each wait before it begins: seconds, and what for.
        pace: Clock, sleep and dice.
        bucket: The read quota; that of the target by default.

    Returns:
        An iterator; nothing is asked before its first step. It may be closed at any time.

    Raises:
        ParameterError, TargetError: The request is impossible, here or in the service's opinion. After the first
            page every error is an :class:`Incomplete`.
        Incomplete: The read ended early, and says how far it is complete.
    """
    since_ns, until_ns = instant_ns(since, "since"), instant_ns(until, "until")
    if since_ns >= until_ns:
        raise ParameterError(
            f"since = {text(since_ns)} is not before until = {text(until_ns)}.",
            next_step="A window runs from since to until.",
        )
    if order not in ("asc", "desc"):
        raise ParameterError(f"'{order}' is no order.", next_step="Use asc or desc.")
    if isinstance(page_size, bool) or not 1 <= page_size <= MAX_PAGE_SIZE:
        raise ParameterError(f"page_size = {page_size} is not one of 1 to {MAX_PAGE_SIZE}.")
    sent_filter(filter, since_ns, until_ns)
    limits, pace = limits or Limits(), pace or Pace()
    checked(target)
    read = _Read(
        target, filter, page_size, Cursor(since_ns, until_ns, order == "desc", limits), pace, on_wait,
        bucket or quota.of(target, pace=pace),
    )  # fmt: skip
    return _pages(read)


@dataclass
class _Read:
    target: Target
    filter: str
    page_size: int
    cursor: Cursor
    pace: Pace
    on_wait: OnWait | None
    bucket: quota.Quota
    calls: int = 0
    answered: bool = False

    def request(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "resourceNames": resources(self.target),
            "filter": sent_filter(self.filter, *self.cursor.query()),
            "orderBy": "timestamp desc" if self.cursor.descending else "timestamp asc",
            "pageSize": self.page_size,
        }
        return {**body, "pageToken": self.cursor.token} if self.cursor.token else body

    def incomplete(self, reason: str) -> Incomplete:
        since_ns, until_ns = self.cursor.complete()
        held = f"{text(since_ns)} to {text(until_ns)} is complete" if since_ns < until_ns else "nothing is complete"
        return Incomplete(
            f"The log of project '{self.target.project}' was not read to the end: {held}.",
            f"Call {self.calls} was the last: {reason}.",
            "Run it again later, or ask for a shorter window.",
            since_ns=since_ns,
            until_ns=until_ns,
            reason=reason,
        )


def _pages(read: _Read) -> Iterator[Page]:
    cursor = read.cursor
    handed_on = False
    moved_s = read.pace.clock()
    with contextlib.ExitStack() as cleanup:
        signed = caller(read.target)
        cleanup.callback(signed.session.close)
        while not cursor.done:
            try:
                outcome = _answer(read, signed)
            except Incomplete:
                raise
            except GpkitError as error:
                if not handed_on:
                    raise
                raise read.incomplete(error.what.rstrip(".")) from error
            if isinstance(outcome, TokenRefused):
                cursor.restart(outcome.reason.rstrip("."))
            else:
                kept = cursor.take(outcome)
                yield _page(kept, more=not cursor.done, calls=read.calls, served_ns=outcome.served_ns)
                handed_on = True
            if cursor.pages_without_advance == 0:
                moved_s = read.pace.clock()
            cursor.idle(read.pace.clock() - moved_s)
            if cursor.stuck and not cursor.done:
                raise read.incomplete(cursor.stuck)


def _page(kept: Content, *, more: bool, calls: int, served_ns: int | None) -> Page:
    stamps = [stamp for stamp in kept.stamps_ns if stamp is not None]
    return Page(kept.entries, stamps[0] if stamps else None, stamps[-1] if stamps else None, more, calls, served_ns)


def _answer(read: _Read, signed: Caller) -> Content | TokenRefused:
    """The next answer, however many attempts it takes.

    Raises:
        Incomplete: The attempts or the time are used up.
    """
    limits, clock = read.cursor.limits, read.pace.clock
    request, attempt, spent_s = read.request(), 0, 0.0
    while True:
        read.bucket.wait(read.on_wait)
        begun_s = clock()
        read.calls += 1
        attempt += 1
        outcome: Outcome = call(signed, read.target, request, user_filter=read.filter, limits=limits, clock=clock)
        if not isinstance(outcome, Failed):
            read.answered = True
            return outcome
        read.answered = read.answered or not outcome.unreachable
        spent_s += clock() - begun_s
        pause_s = wait_s(
            attempt=attempt,
            max_attempts=limits.max_attempts if read.answered else limits.max_unreachable,
            elapsed_s=spent_s,
            max_s=limits.max_s,
            retry_after_s=outcome.retry_after_s,
            random=read.pace.random(),
        )
        if pause_s is None:
            raise read.incomplete(f"{outcome.reason} ({attempt} attempt{'s' if attempt > 1 else ''})")
        if read.on_wait is not None:
            read.on_wait(pause_s, outcome.reason)
        read.pace.sleep(pause_s)
        spent_s += pause_s
