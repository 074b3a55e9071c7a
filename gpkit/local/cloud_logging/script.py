"""What goes wrong, as data: faults counted by call, so that a test meets the same ones every time.

Pure. Calls are those that list entries, over REST and gRPC together, counted from 1 since the script was set::

    {"fail": [{"every": 3, "status": 503}, {"first": 5, "status": 429, "retry_after_s": 0}, {"at": [7], "status": 500}],
     "cut_page": {"at": [2]},          # the connection closes in the middle of the page
     "duplicate_page": {"at": [3]},    # the page before is answered again, and its token leads on
     "expire_tokens": {"at": [4]},     # the call's token is refused
     "empty_pages": {"every": 2},      # no entries, and a token that leads on
     "arrive": [{"after_calls": 2, "entries": [...]}],   # entries that come late
     "slow_ms": 20,                    # every call waits so long
     "tail": {"sessions": 1, "entries_per_minute": 100, "unread": 10}}   # smaller limits for tailing

Of several rules of ``fail`` that meet a call the first one acts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from gpkit.errors import ParameterError, nearest
from gpkit.local.cloud_logging.refusals import STATUSES

_WHEN = ("every", "first", "at")
_CALLS = "{every: N}, {first: N} or {at: [N, …]}"


@dataclass(frozen=True, slots=True)
class When:
    """Which calls a fault meets: each N-th, the first N, or those listed."""

    every: int | None = None
    first: int | None = None
    at: tuple[int, ...] = ()

    def meets(self, call: int) -> bool:
        """Whether this call, counted from 1, is one of them."""
        if self.every is not None and call % self.every == 0:
            return True
        return call in self.at or (self.first is not None and call <= self.first)


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that is answered with an HTTP code, or its gRPC name."""

    when: When
    status: int
    retry_after_s: int | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Entries that come when so many calls were answered."""

    after_calls: int
    entries: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class TailLimits:
    """Limits of tailing. The first two are documented; ``unread`` is chosen, not measured."""

    sessions: int = 10
    entries_per_minute: int = 60_000
    unread: int = 10_000


@dataclass(frozen=True, slots=True)
class Script:
    """All faults; nothing goes wrong by default."""

    fail: tuple[Failure, ...] = ()
    cut_page: When = When()
    duplicate_page: When = When()
    expire_tokens: When = When()
    empty_pages: When = When()
    arrive: tuple[Arrival, ...] = ()
    slow_ms: float = 0
    tail: TailLimits = TailLimits()

    def failure(self, call: int) -> Failure | None:
        """What this call is answered with instead of entries."""
        return next((one for one in self.fail if one.when.meets(call)), None)


def parse(values: Mapping[str, Any] | None) -> Script:
    """A script from its names and values.

    Raises:
        ParameterError: A name is unknown or a value impossible.
    """
    given = dict(values or {})
    _only(given, [one.name for one in fields(Script)], "script")
    empty = _when(given.get("empty_pages", {}), "empty_pages")
    if empty.every == 1:
        raise ParameterError("'empty_pages' of every call would never come to an end.", next_step="Take 2 or more.")
    tail = _mapping(given.get("tail", {}), "tail")
    _only(tail, [one.name for one in fields(TailLimits)], "tail")
    fail = given.get("fail", [])
    if isinstance(fail, Mapping):
        raise ParameterError("'fail' is no list.", next_step="Write a list of rules: fail: [{every: 3, status: 503}].")
    return Script(
        fail=tuple(_failure(one) for one in _list(fail, "fail")),
        cut_page=_when(given.get("cut_page", {}), "cut_page"),
        duplicate_page=_when(given.get("duplicate_page", {}), "duplicate_page"),
        expire_tokens=_when(given.get("expire_tokens", {}), "expire_tokens"),
        empty_pages=empty,
        arrive=tuple(_arrival(one) for one in _list(given.get("arrive", []), "arrive")),
        slow_ms=_number(given.get("slow_ms", 0), "slow_ms"),
        tail=TailLimits(**{name: int(_number(value, f"tail.{name}")) for name, value in tail.items()}),
    )


def _failure(value: Any) -> Failure:
    given = _mapping(value, "fail")
    _only(given, [*_WHEN, "status", "retry_after_s"], "fail")
    status = given.get("status")
    if status not in STATUSES:
        raise ParameterError(
            f"'fail' has no status {status!r}.", next_step=f"Take one of {', '.join(map(str, STATUSES))}."
        )
    wait = given.get("retry_after_s")
    return Failure(
        _when({name: given[name] for name in _WHEN if name in given}, "fail"),
        status,
        None if wait is None else int(_number(wait, "retry_after_s")),
    )


def _arrival(value: Any) -> Arrival:
    given = _mapping(value, "arrive")
    _only(given, ["after_calls", "entries"], "arrive")
    entries = _list(given.get("entries", []), "arrive.entries")
    after = int(_number(given.get("after_calls", 0), "after_calls"))
    return Arrival(after, tuple(_mapping(entry, "arrive.entries") for entry in entries))


def _when(value: Any, name: str) -> When:
    if not isinstance(value, Mapping):
        raise ParameterError(
            f"'{name}' = {value!r} names no calls.", next_step=f"Write one of them: {name}: {_CALLS}, not in a list."
        )
    given = dict(value)
    _only(given, list(_WHEN), name)
    every, first = given.get("every"), given.get("first")
    for one in (every, first, *_list(given.get("at", []), f"{name}.at")):
        if one is not None and (isinstance(one, bool) or not isinstance(one, int) or one < 1):
            raise ParameterError(f"'{name}' counts calls from 1; {one!r} is no call.")
    return When(every, first, tuple(given.get("at", [])))


def _only(given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in given:
        if name not in known:
            raise ParameterError(
                f"'{name}' is not known in '{where}' of the logging API.",
                nearest(str(name), known),
                f"Known: {', '.join(known)}.",
            )


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ParameterError(f"'{name}' holds no names and values.")
    return dict(value)


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise ParameterError(f"'{name}' is no list.")
    return list(value)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ParameterError(f"'{name}' = {value!r} is no number from 0 on.")
    return float(value)
