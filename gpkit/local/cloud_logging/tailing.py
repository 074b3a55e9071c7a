"""``TailLogEntries``: entries as they arrive, from when the session began.

An entry waits for the buffer window, so that one that comes late finds its place; each response is in order of the
timestamps, and between responses no order is promised (documented).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from gpkit.local.cloud_logging.listing import Listing
from gpkit.local.cloud_logging.refusals import RefusedError, invalid
from gpkit.local.cloud_logging.resources import admits, parse
from gpkit.local.cloud_logging.selection import Search

DEFAULT_WINDOW_NS = 2_000_000_000  # documented, of TailLogEntriesRequest.buffer_window
LONGEST_WINDOW_NS = 60_000_000_000  # documented
MINUTE_S = 60.0
BLOCKED_S = 0.2  # chosen: a response that waits so long for its reader is one that is not consumed
_LOOK_EVERY_S = 0.01  # chosen: how soon an entry is noticed


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session asks for; a null window takes the default one."""

    resource_names: tuple[str, ...]
    filter: str
    window_ns: int | None


class Tails:
    """The sessions that are open. Their limits come with the script of the listing."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._open = 0

    async def follow(self, asked: AsyncIterator[Wanted]) -> AsyncGenerator[tuple[list[int], int, int], None]:
        """One session.

        Args:
            asked: The first item says what is wanted. That another one is refused is inferred.

        Yields:
            Numbers of entries in order of their instants, how many were left out because the rate was exceeded, and
            how many because nobody read the responses.

        Raises:
            RefusedError: The session is refused.
        """
        listing = self._listing
        try:
            wanted = await anext(asked)
        except StopAsyncIteration:
            raise invalid("The first request of the stream must name what to tail.") from None
        search, window_s = self._checked(wanted)
        if self._open >= listing.script.tail.sessions:
            raise RefusedError(429, f"Too many open live-tailing sessions: {listing.script.tail.sessions} per project.")
        listing.note_tail(wanted.resource_names, wanted.filter)
        second = asyncio.ensure_future(_next(asked))
        self._open += 1
        try:
            async with contextlib.aclosing(_arrivals(listing, search, window_s, second)) as arrivals:
                async for sent in arrivals:
                    yield sent
        finally:
            self._open -= 1
            second.cancel()

    def _checked(self, wanted: Wanted) -> tuple[Search, float]:
        listing = self._listing
        listing.read_from_quota()
        window_ns = DEFAULT_WINDOW_NS if wanted.window_ns is None else wanted.window_ns
        if not 0 <= window_ns <= LONGEST_WINDOW_NS:
            raise invalid("buffer_window must be between 0 and 60000 milliseconds.", "buffer_window")
        listing.catch_up()
        resources = parse(wanted.resource_names, listing.store.parents())
        return Search(resources, listing.filters.compiled(wanted.filter), False), window_ns / 1e9


async def _next(asked: AsyncIterator[Wanted]) -> Wanted | None:
    return await anext(asked, None)


async def _arrivals(
    listing: Listing, search: Search, window_s: float, second: asyncio.Future[Wanted | None]
) -> AsyncGenerator[tuple[list[int], int, int], None]:
    store, at = listing.store, len(listing.store.raws)
    waiting: list[tuple[float, int]] = []
    minute_s, sent, blocked_s = time.monotonic(), 0, 0.0
    while True:
        listing.catch_up()
        now_s, limits = time.monotonic(), listing.script.tail
        new = [number for number in range(at, len(store.raws)) if _selects(listing, search, number)]
        at = len(store.raws)
        # They piled up while nobody read the last responses.
        not_consumed = max(0, len(new) - limits.unread) if blocked_s > BLOCKED_S else 0
        blocked_s = 0.0
        waiting += [(now_s + window_s, number) for number in new[: len(new) - not_consumed]]
        due = [number for until_s, number in waiting if until_s <= now_s]
        waiting = waiting[len(due) :]
        if now_s - minute_s >= MINUTE_S:
            minute_s, sent = now_s, 0
        over_rate = max(0, len(due) - max(0, limits.entries_per_minute - sent))
        due = sorted(due[: len(due) - over_rate], key=lambda number: store.key(number, False))
        sent += len(due)
        if due or over_rate or not_consumed:
            writing_s = time.monotonic()
            yield due, over_rate, not_consumed
            blocked_s = time.monotonic() - writing_s
        if second.done() and second.result() is not None:
            raise invalid("A session takes one request.")
        await asyncio.sleep(_LOOK_EVERY_S)


def _selects(listing: Listing, search: Search, number: int) -> bool:
    at_ns, _, _ = listing.store.key(number, False)
    compiled = search.filter
    return (
        compiled.since_ns <= at_ns < compiled.until_ns
        and admits(search.resources, listing.store.log_names[number])
        and compiled.selects(listing.store, number)
    )
