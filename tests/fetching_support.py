"""Fetching from the local logging API, on 7 September 2025."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gpkit import cloud
from gpkit.cache import Store
from gpkit.entries import Entries
from gpkit.environments import Environment
from gpkit.logs.fetching import fetch
from gpkit.stack import LoggingApi
from tests.cache_support import at

_numbers = itertools.count(1)


def instant(text: str) -> datetime:
    """``13:00`` as an instant in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at(text) // 1000)


class Clock:
    """A wall clock that stands at a time of the day, and a monotonic one that sleeping moves."""

    def __init__(self, time: str) -> None:
        self.now = at(time)
        self.slept_s = 0.0

    def pace(self) -> cloud.Pace:
        """For the client: nobody waits."""
        return cloud.Pace(clock=lambda: self.slept_s, sleep=self._sleep, random=lambda: 0.5)

    def _sleep(self, seconds: float) -> None:
        self.slept_s += seconds


class Log:
    """A project of its own in the API, a cache of its own, and a clock that stands at 18:00."""

    def __init__(self, api: LoggingApi, folder: Path) -> None:
        self.api = api
        self.project = f"fetch-{next(_numbers)}"
        self.clock = Clock("18:00")
        self.store = Store(folder, now_ns=lambda: self.clock.now)
        self.environment = Environment(
            name="test",
            logs_project=self.project,
            logs_endpoint=api.rest_url,
            logs_anonymous=True,
            logs_reads_per_minute=1_000_000,
        )
        self.truth: set[str] = set()
        self._calls = 0
        api.script({})
        self.calls()

    def entry(self, time: str, insert_id: str, **fields: Any) -> dict[str, Any]:
        """An entry of this project; ``time`` as ``13:00:01.5``."""
        stamp = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at(time) // 10**9)
        return {
            "insertId": insert_id,
            "logName": f"projects/{self.project}/logs/app",
            "timestamp": f"{stamp:%Y-%m-%dT%H:%M:%S}.{at(time) % 10**9:09d}Z",
            "textPayload": f"line {insert_id}",
            **fields,
        }

    def add(self, *entries: Mapping[str, Any]) -> None:
        """Entries that arrive now, and are part of the truth."""
        self.api.add(entries)
        self.truth |= {entry["insertId"] for entry in entries}

    def add_hour(self, count: int) -> None:
        """So many entries, evenly from 13:00 to 14:00."""
        step_s = 3600 / count
        times = [divmod(int(number * step_s), 60) for number in range(count)]
        self.add(*(self.entry(f"13:{m:02d}:{s:02d}.{n}", f"id{n:05d}") for n, (m, s) in enumerate(times)))

    def fetch(self, since: str = "13:00", until: str = "14:00", filter: str = "", **options: Any) -> Entries:
        """A fetch with this clock."""
        options = {"store": self.store, "pace": self.clock.pace(), **options}
        environment = options.pop("environment", self.environment)
        return fetch(environment, instant(since), instant(until), filter, **options)

    def calls(self) -> list[dict[str, Any]]:
        """The calls since this was last asked."""
        made = self.api.requests()
        new = made[self._calls :]
        self._calls = len(made)
        return new

    def files(self, pattern: str = "*") -> list[str]:
        """The names of the files in the cache."""
        return sorted(path.name for path in self.store.folder.rglob(pattern) if path.is_file())


def ids(entries: Entries) -> list[str]:
    """The insert ids, in order."""
    return [str(each) for each in entries.frame["insert_id"]]


def windows(calls: list[dict[str, Any]]) -> list[str]:
    """The window of each call's filter: ``13:00:00–13:15:00``."""
    found = []
    for call in calls:
        stamps = [part.split('"')[1] for part in call["filter"].split("timestamp")[1:]]
        found.append("–".join(stamp[11:].removesuffix("Z").split(".000000000")[0] for stamp in stamps))
    return found


def as_json(entries: Entries) -> list[dict[str, Any]]:
    """The whole entries."""
    return [json.loads(each) for each in entries.frame["entry"]]
