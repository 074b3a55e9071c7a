"""Where a read stands, and how it goes on when the service loses the thread.

Pure: contents of answers in, the next question out. Three rules.

1. Entries come in order of time, to the microsecond: whether the service orders more finely is not published. So
   everything before the microsecond of the furthest timestamp seen is complete, and a read whose page token is refused
   goes on as a new query that begins with it, inclusive: copies have the same identity, and the caller removes them.
2. A read never goes round in circles. A new query where the last one began is allowed a few times only.
   (Continuing behind the last insert id would get past such an instant; but the service compares text with case
   folded and sorts it otherwise, so that entries could be skipped.) The pages without a later timestamp are counted.
3. What is not in order is not trusted: then nothing is taken as complete.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gpkit.cloud.page import Content
from gpkit.cloud.retries import Limits

_GRAIN_NS = 1_000  # all of 3182 entries of real exports are in this order, and none has a finer timestamp
_TOLERANCE_NS = 1_000_000  # chosen: how finely the service itself compares timestamps is not published
_REPEATS = 3  # chosen: a page answered twice brings its token twice, which is harmless; a circle brings it for ever


@dataclass
class Cursor:
    """The state of a read.

    Attributes:
        since_ns, until_ns: The window, half-open.
        descending: Newest first.
        limits: When to give up.
        reached_ns: The furthest timestamp seen; null before the first.
        token: Of the next page; empty at the start of a query.
        done: The last page was taken.
        stuck: Why the read cannot go on; empty while it can.
        trusted: Entries came in order so far.
    """

    since_ns: int
    until_ns: int
    descending: bool = False
    limits: Limits = field(default_factory=Limits)
    reached_ns: int | None = None
    token: str = ""
    done: bool = False
    stuck: str = ""
    trusted: bool = True
    pages_without_advance: int = 0
    _previous: tuple[bytes, ...] = ()
    _query_ns: int | None = None
    _tokens: set[str] = field(default_factory=set)
    _repeats: int = 0
    _restarts: int = 0
    _restarted_ns: int | None = None

    def query(self) -> tuple[int, int]:
        """The window of the current query: part of the whole one after a restart."""
        if self._restarted_ns is None:
            return self.since_ns, self.until_ns
        grain_ns = self._restarted_ns // _GRAIN_NS * _GRAIN_NS
        if self.descending:
            return self.since_ns, min(self.until_ns, grain_ns + _GRAIN_NS)
        return max(self.since_ns, grain_ns), self.until_ns

    def complete(self) -> tuple[int, int]:
        """The half-open stretch that is complete: empty when nothing is."""
        start_ns = self.until_ns if self.descending else self.since_ns
        if self.done and self.trusted:
            return self.since_ns, self.until_ns
        if self.reached_ns is None or not self.trusted:
            return start_ns, start_ns
        grain_ns = self.reached_ns // _GRAIN_NS * _GRAIN_NS
        if self.descending:
            return min(self.until_ns, grain_ns + _GRAIN_NS), self.until_ns
        return self.since_ns, max(self.since_ns, grain_ns)

    def take(self, content: Content) -> Content:
        """Move on by one answer; what of it is to be handed on."""
        kept = self._judged(content)
        if self.stuck or kept is None:
            return Content((), (), "")
        stamps = [stamp for stamp in kept.stamps_ns if stamp is not None]
        self._advance(stamps)
        self._previous = content.entries or self._previous
        self._follow(content)
        return kept

    def restart(self, reason: str) -> None:
        """Begin a new query at the furthest timestamp seen: the present one cannot be continued."""
        if self.reached_ns == self._restarted_ns and self._restarts:
            self._restarts += 1
        else:
            self._restarts = 1
        self._restarted_ns = self.reached_ns
        self.token, self._query_ns, self._previous, self._repeats = "", None, (), 0
        self._tokens.clear()
        if self._restarts > self.limits.max_restarts:
            self.stuck = f"the service did not let the query go on past one instant: {reason}"

    def idle(self, seconds: float) -> None:
        """Give up when no later entry came for too long."""
        if seconds > self.limits.max_idle_s and not self.stuck:
            self.stuck = f"no later entry came for {self.limits.max_idle_s:g} s"

    def _judged(self, content: Content) -> Content | None:
        """What of an answer is new and inside the window; null when it is to be thrown away."""
        if content.entries and content.entries == self._previous:
            self.pages_without_advance += 1
            self._bound()
            self._follow(content)
            return None
        stamps = [stamp for stamp in content.stamps_ns if stamp is not None]
        grains = [stamp // _GRAIN_NS for stamp in stamps]
        if grains != sorted(grains, reverse=self.descending):
            self._distrust("entries of a page are not in order of time")
        elif stamps and self._query_ns is not None and self._is_before(stamps[0], self._query_ns):
            self.restart("a page went back in time")
            return None
        elif stamps and not self._is_inside(min(stamps), max(stamps)):
            self._distrust("entries lie outside the window that was asked for")
        if stamps and not (self.since_ns <= min(stamps) and max(stamps) < self.until_ns):
            return self._clipped(content)
        return content

    def _clipped(self, content: Content) -> Content:
        kept = [
            (entry, stamp)
            for entry, stamp in zip(content.entries, content.stamps_ns, strict=True)
            if stamp is None or self.since_ns <= stamp < self.until_ns
        ]
        return Content(tuple(entry for entry, _ in kept), tuple(stamp for _, stamp in kept), content.next_token)

    def _is_before(self, one_ns: int, other_ns: int) -> bool:
        one, other = one_ns // _GRAIN_NS, other_ns // _GRAIN_NS
        return one > other if self.descending else one < other

    def _is_inside(self, first_ns: int, last_ns: int) -> bool:
        return self.since_ns - _TOLERANCE_NS <= first_ns and last_ns < self.until_ns + _TOLERANCE_NS

    def _distrust(self, reason: str) -> None:
        self.trusted, self.stuck = False, reason

    def _advance(self, stamps: list[int]) -> None:
        before_ns = self.reached_ns
        if stamps:
            self._query_ns = stamps[-1]
            furthest = min if self.descending else max
            self.reached_ns = furthest(stamps if before_ns is None else [before_ns, *stamps])
        self.pages_without_advance = 0 if self.reached_ns != before_ns else self.pages_without_advance + 1
        self._bound()

    def _bound(self) -> None:
        if self.pages_without_advance > self.limits.max_empty_pages:
            self.stuck = f"{self.pages_without_advance} pages in a row brought nothing later"

    def _follow(self, content: Content) -> None:
        token = content.next_token
        self.token, self.done = token, not token
        if self.pages_without_advance == 0:
            self._repeats = 0
        if content.entries and token in self._tokens:  # an empty page may well say: the same again
            self._repeats += 1
            if self._repeats > _REPEATS:
                self.restart("its page tokens go round in a circle")
        elif token:
            self._tokens.add(token)
