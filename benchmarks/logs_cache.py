"""A window of one hour from the cache: ``gpkit.logs.fetch`` again, against the first fetch at the read quota.

The local API serves generated entries and counts the calls. The first fetch keeps to the quota of 60 reads a minute,
as Cloud Logging allows it; then come repeats and offline ones, alternating. Wall time is of ``fetch`` alone, imports
apart. Run it with ``python benchmarks/logs_cache.py [ROUNDS] [ENTRIES]``; it writes its part of benchmarks/results.md.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import logs_read
import results

from gpkit.cache import Store
from gpkit.environments import LOGS_READS_PER_MINUTE, Environment
from gpkit.logs.fetching import fetch
from gpkit.stack import LoggingApi, cloud_logging

ROUNDS = 9
ENTRIES = 100_000
MARK = "logs-cache"
PROJECT = "shop"
SINCE, UNTIL = datetime(2025, 9, 7, 13, 20, tzinfo=UTC), datetime(2025, 9, 7, 14, 20, tzinfo=UTC)
SPAN_S = 3600


def generate(path: Path, count: int) -> None:
    """Entries as Cloud Run writes them, evenly over the hour."""
    begin_ns = int(SINCE.timestamp()) * 10**9
    step_ns = SPAN_S * 10**9 // count
    with path.open("w", encoding="utf-8") as file:
        for number, entry in enumerate(logs_read.entries(count)):
            seconds, rest_ns = divmod(begin_ns + number * step_ns, 10**9)
            stamp = datetime.fromtimestamp(seconds, UTC)
            entry["timestamp"] = f"{stamp:%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}Z"
            file.write(json.dumps(entry) + "\n")


def timed(read: Callable[[], Any], api: LoggingApi, count: int) -> tuple[float, int]:
    """Seconds of one fetch, and the calls it made."""
    before = len(api.requests())
    began_s = time.perf_counter()
    entries = read()
    wall_s = time.perf_counter() - began_s
    assert len(entries.frame) == count
    assert entries.coverage.unread == ()
    return wall_s, len(api.requests()) - before


def main(rounds: int, count: int) -> None:
    """Generate, fetch once at the quota, repeat, write."""
    measured: dict[str, list[tuple[float, int]]] = {"first fetch": [], "repeat": [], "offline": []}
    with tempfile.TemporaryDirectory(prefix="gpkit-bench-") as folder:
        export, store = Path(folder) / "entries.jsonl", Store(Path(folder) / "cache")
        generate(export, count)
        with cloud_logging([export], project=PROJECT) as api:
            target = Environment(name="bench", logs_project=PROJECT, logs_endpoint=api.rest_url, logs_anonymous=True)

            def read(*, offline: bool = False) -> Any:
                return fetch(target, SINCE, UNTIL, offline=offline, store=store)

            measured["first fetch"].append(timed(read, api, count))
            for number in range(rounds + 1):  # one to warm up
                for name in ("repeat", "offline"):
                    result = timed(lambda name=name: read(offline=name == "offline"), api, count)
                    print(number, name, result, file=sys.stderr)
                    if number:
                        measured[name].append(result)
        held = store.listing().iloc[0]
    results.write(MARK, section(measured, rounds, count, int(held["slices"]), held["size_bytes"] / 1e6))


def section(measured: dict[str, list[tuple[float, int]]], rounds: int, count: int, slices: int, size_mb: float) -> str:
    """Our part of results.md."""
    rows = []
    for name, read in measured.items():
        walls = [wall_s for wall_s, _ in read]
        rows.append(
            f"| {name} | {len(read)} | {statistics.median(walls):.2f} | {min(walls):.2f} | {max(walls):.2f} "
            f"| {max(calls for _, calls in read)} |"
        )
    return "\n".join(
        [
            "## A window of an hour from the cache",
            "",
            f"{count:,} generated entries in one hour, {slices} slices of {size_mb:.1f} MB together; seconds of",
            f"`logs.fetch`, on {os.cpu_count()} cores. The first fetch is made once, with an empty cache; it keeps",
            f"to the quota of {LOGS_READS_PER_MINUTE} reads a minute; {rounds} alternating rounds follow,",
            "after one to warm up. Calls are counted by the local API. Equal: window, entries, process, machine.",
            "",
            "| fetch | n | wall, median | fastest | slowest | calls, most |",
            "|---|---:|---:|---:|---:|---:|",
            *rows,
        ]
    )


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*(given + [ROUNDS, ENTRIES][len(given) :]))
