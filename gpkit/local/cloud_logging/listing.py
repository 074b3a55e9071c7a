"""``entries:list`` and ``ListLogEntries``, apart from how they travel: one call in, one page or refusal out.

The order within a call: a planted failure, the quota, the parameters, the token, the search. That the quota comes
before the parameters is inferred.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from gpkit.local.cloud_logging.held import hold
from gpkit.local.cloud_logging.quota import Quota
from gpkit.local.cloud_logging.refusals import STATUSES, RefusedError, invalid, over_quota
from gpkit.local.cloud_logging.resources import parse
from gpkit.local.cloud_logging.script import Script
from gpkit.local.cloud_logging.selection import Filters, Found, Search, search
from gpkit.local.cloud_logging.sources import Follower
from gpkit.local.cloud_logging.store import Key, Store
from gpkit.local.cloud_logging.tokens import Query, Tokens, expired

DEFAULT_PAGE, LARGEST_PAGE = 50, 1000  # documented, of ListLogEntriesRequest.page_size
ORDERS = {"": False, "timestamp asc": False, "timestamp desc": True}  # documented; the first is the default
LOOK_AT = 200_000  # chosen: entries looked at for one page, after which it ends with what was found and a token
_AT_ONCE = 2_000  # chosen: entries looked at before other calls get their turn
_LOG_KEPT = 100_000  # chosen: calls remembered


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came, over ``REST`` or ``gRPC``."""

    way: str
    query: Query
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What a call is answered with; ``is_cut`` when the connection ends in the middle of it."""

    numbers: list[int]
    next_token: str
    is_cut: bool = False


class Listing:
    """The state of the API: entries, quota, faults and the calls that came.

    Args:
        store: The entries.
        follower: A log that grows; null for none.
        quota: Reads per minute.
        script: What goes wrong.
    """

    def __init__(self, store: Store, follower: Follower | None, quota: Quota, script: Script) -> None:
        self.store = store
        self.filters = Filters()
        self.calls: list[dict[str, Any]] = []
        self._follower = follower
        self._quota = quota
        self._tokens = Tokens()
        self._last: tuple[str, list[int]] = ("", [])
        self.set_script(script)

    def set_script(self, script: Script) -> None:
        """Take a script; its calls are counted from here on."""
        self.script = script
        self._counted = 0
        self._arrivals = sorted(script.arrive, key=lambda one: one.after_calls)
        self._arrive(0)

    def add(self, entries: Iterable[Any]) -> int:
        """Take entries that come now; returns how many are new."""
        held = [hold(msgspec.json.encode(entry), self.store.project) for entry in entries]
        return len(self.store.add(entry for entry in held if entry is not None))

    def _arrive(self, calls: int) -> None:
        while self._arrivals and self._arrivals[0].after_calls <= calls:
            self.add(self._arrivals.pop(0).entries)

    def catch_up(self) -> None:
        """Take what was written to the log."""
        if self._follower is not None and (new := self._follower.new()):
            self.store.add(new)

    def read_from_quota(self) -> None:
        """Count one read.

        Raises:
            RefusedError: The quota is used up.
        """
        wait_s = self._quota.take(time.monotonic())
        if wait_s is not None:
            assert self._quota.per_minute is not None
            raise over_quota(self.store.project, self._quota.per_minute, wait_s)

    async def answer(self, call: Call, size: Callable[[int], int] | None = None, most_bytes: int = 0) -> Page:
        """One page.

        Args:
            call: What is asked.
            size: The size of an entry, where a page must not exceed ``most_bytes``.
            most_bytes: Limit of a page's size; one entry is always answered.

        Raises:
            RefusedError: The call is refused.
        """
        script, self._counted = self.script, self._counted + 1
        number = self._counted
        if script.slow_ms:
            await asyncio.sleep(script.slow_ms / 1000)
        try:
            page = await self._page(call, script, number, size, most_bytes)
        except RefusedError as refused:
            self._note(call, refused.code, 0)
            raise
        else:
            self._note(call, 200, len(page.numbers))
            return page
        finally:
            if script is self.script:
                self._arrive(number)

    async def _page(
        self, call: Call, script: Script, number: int, size: Callable[[int], int] | None, most_bytes: int
    ) -> Page:
        if failure := script.failure(number):
            raise _planted(failure.status, failure.retry_after_s)
        self.read_from_quota()
        wanted, most = self._checked(call.query)
        query, after = call.query, None
        if call.page_token:
            if script.expire_tokens.meets(number):
                raise expired()
            after = self._tokens.read(call.page_token, query, time.time())
        digest = query.digest()
        if script.empty_pages.meets(number):
            return Page([], self._token(query, after))
        if script.duplicate_page.meets(number) and call.page_token and self._last[0] == digest:
            return Page(self._last[1], call.page_token, script.cut_page.meets(number))
        found = await self._search(wanted, after, most)
        if size is not None:
            found = self._shortened(found, wanted, size, most_bytes)
        self._last = (digest, found.numbers)
        token = "" if found.is_all else self._token(query, found.after)
        return Page(found.numbers, token, script.cut_page.meets(number))

    def _checked(self, query: Query) -> tuple[Search, int]:
        if query.page_size < 0 or query.page_size > LARGEST_PAGE:
            # Documented: such a request is rejected. The words are inferred.
            raise invalid(f"page_size must be between 0 and {LARGEST_PAGE}.", "page_size")
        if query.order_by not in ORDERS:
            raise invalid(
                f"Invalid order_by '{query.order_by[:200]}'. Valid: {' or '.join(list(ORDERS)[1:])}.", "order_by"
            )
        self.catch_up()
        resources = parse(query.resource_names, self.store.parents())
        wanted = Search(resources, self.filters.compiled(query.filter), ORDERS[query.order_by])
        return wanted, query.page_size or DEFAULT_PAGE

    async def _search(self, wanted: Search, after: Key | None, most: int) -> Found:
        numbers: list[int] = []
        left = LOOK_AT
        while True:
            look_at = min(left, _AT_ONCE)
            found = search(self.store, wanted, after, most - len(numbers), look_at)
            numbers += found.numbers
            after, left = found.after, left - look_at
            if found.is_all or len(numbers) >= most or left <= 0:
                return Found(numbers, after, found.is_all)
            await asyncio.sleep(0)

    def _shortened(self, found: Found, wanted: Search, size: Callable[[int], int], most_bytes: int) -> Found:
        total = 0
        for kept, number in enumerate(found.numbers):
            total += size(number)
            if kept and total > most_bytes:
                return Found(found.numbers[:kept], self.store.key(found.numbers[kept - 1], wanted.newest_first), False)
        return found

    def _token(self, query: Query, after: Key | None) -> str:
        return self._tokens.make(query, after, time.time())

    def _note(self, call: Call, code: int, count: int) -> None:
        query = asdict(call.query)
        self._remember({"method": call.way, **query, "page_token": call.page_token, "status": code, "count": count})

    def note_tail(self, resource_names: tuple[str, ...], text: str) -> None:
        """Remember a session that began."""
        self._remember({"method": "tail", "resource_names": resource_names, "filter": text, "status": 200})

    def _remember(self, call: dict[str, Any]) -> None:
        if len(self.calls) < _LOG_KEPT:
            self.calls.append(call)


def _planted(code: int, retry_after_s: int | None) -> RefusedError:
    return RefusedError(code, f"A planted failure: {STATUSES[code]}.", (), retry_after_s)
