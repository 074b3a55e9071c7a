"""From the Cloud Logging API to a table: ``gpkit.logs.fetch`` against the official client's ``list_entries``.

All sides read the same local API, which serves generated entries from memory. Every side runs in a fresh process of
its own; rounds alternate. Wall and processor time are of the reading alone, imports apart; memory is the largest
resident set of the process. Run it with ``python benchmarks/logs_api.py [ROUNDS] [ENTRIES]``; it writes its part of
benchmarks/results.md.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import logs_read
import results

from gpkit.stack import cloud_logging

MARK = "logs-api"
ROUNDS = 5
ENTRIES = 100_000
PROJECT = "shop"
SIDES = ("gpkit", "official client, gRPC", "official client, REST")
SINCE, UNTIL = datetime(2025, 9, 7, 13, tzinfo=UTC), datetime(2025, 9, 7, 15, tzinfo=UTC)
UNLIMITED = 1_000_000
BIG = 9_007_199_254_740_993  # the first whole number that a double cannot hold


def generate(path: Path, count: int) -> None:
    """Entries as the service writes them, with nanoseconds, a big whole number, and a field that protobuf lacks."""
    with path.open("w", encoding="utf-8") as file:
        for number, entry in enumerate(logs_read.entries(count)):
            entry["timestamp"] = entry["timestamp"].replace("Z", f"{number % 1000:03d}Z")
            entry["errorGroups"] = [{"id": f"g{number}"}]
            if "jsonPayload" in entry:
                entry["jsonPayload"]["sequence"] = BIG
            file.write(json.dumps(entry) + "\n")


def read_gpkit(rest_url: str, _: str) -> Any:
    """Our own fetch, with an empty cache, and no quota but the server's."""
    from gpkit import logs
    from gpkit.environments import Environment

    target = Environment(
        name="bench",
        logs_project=PROJECT,
        logs_endpoint=rest_url,
        logs_anonymous=True,
        logs_reads_per_minute=UNLIMITED,
    )
    with tempfile.TemporaryDirectory(prefix="gpkit-bench-cache-") as cache:
        os.environ["GPKIT_CACHE"] = cache
        return logs.fetch(target, SINCE, UNTIL).frame


def read_grpc(_: str, grpc_target: str) -> Any:
    """The official client over gRPC."""
    import grpc
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import logging as cloud
    from google.cloud.logging_v2._gapic import _LoggingAPI
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

    client = cloud.Client(project=PROJECT, credentials=AnonymousCredentials())
    options = [("grpc.max_receive_message_length", -1)]
    transport = LoggingServiceV2GrpcTransport(channel=grpc.insecure_channel(grpc_target, options=options))
    client._logging_api = _LoggingAPI(LoggingServiceV2Client(transport=transport), client)
    return _table(client)


def read_rest(rest_url: str, _: str) -> Any:
    """The official client over REST."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import logging as cloud

    client = cloud.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        _use_grpc=False,
        client_options={"api_endpoint": rest_url},
    )
    return _table(client)


def _table(client: Any) -> Any:
    """What a notebook usually does with the official client."""
    import pandas as pd

    window = f'timestamp>="{SINCE.isoformat()}" AND timestamp<"{UNTIL.isoformat()}"'
    listed = client.list_entries(filter_=window, order_by="timestamp asc", page_size=1000)
    rows = []
    for entry in listed:
        http = entry.http_request or {}
        rows.append(
            {
                "timestamp": entry.timestamp,
                "severity": entry.severity,
                "log_name": entry.log_name,
                "insert_id": entry.insert_id,
                "trace": entry.trace,
                "labels": entry.labels,
                "service": entry.resource.labels.get("service_name"),
                "revision": entry.resource.labels.get("revision_name"),
                "status": http.get("status"),
                "url": http.get("requestUrl"),
                "payload": entry.payload,
            }
        )
    return pd.DataFrame(rows)


READERS = dict(zip(SIDES, (read_gpkit, read_grpc, read_rest), strict=True))


def lost(side: str, frame: Any) -> list[str]:
    """What the table no longer has of what the entries had."""
    missing = []
    if side == "gpkit":
        if not (frame["timestamp_ns"] % 1000 > 0).any():
            missing.append("nanoseconds")
        if not frame["entry"].str.contains(str(BIG), regex=False).any():
            missing.append("whole numbers")
        if not frame["entry"].str.contains("errorGroups", regex=False).all():
            missing.append("errorGroups")
        return missing
    if not any(getattr(at, "nanosecond", 0) for at in frame["timestamp"]):
        missing.append("nanoseconds")
    payloads = [payload for payload in frame["payload"] if isinstance(payload, dict)]
    if not any(payload.get("sequence") == BIG for payload in payloads):
        missing.append("whole numbers")
    if not any("errorGroups" in str(payload) for payload in frame["payload"]):
        missing.append("errorGroups")
    return missing


def measure(side: str, rest_url: str, grpc_target: str) -> dict[str, Any]:
    """One reading, in this process."""
    import duckdb  # noqa: F401 - imports are not what is measured
    import google.cloud.logging  # noqa: F401
    import grpc  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401

    began_s, cpu_s = time.perf_counter(), time.process_time()
    frame = READERS[side](rest_url, grpc_target)
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ids = frame["insert_id"].nunique()
    return {"ids": ids, "wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak_mb, "lost": lost(side, frame)}


def main(rounds: int, count: int) -> None:
    """Generate, serve, measure in turn, write."""
    with tempfile.TemporaryDirectory(prefix="gpkit-bench-") as folder:
        path = Path(folder) / "entries.jsonl"
        generate(path, count)
        measured: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
        with cloud_logging([path], project=PROJECT) as api:
            for number in range(rounds + 1):  # one to warm the server up
                for side in SIDES:
                    command = [sys.executable, __file__, "--side", side, api.rest_url, api.grpc_target]
                    answer = subprocess.run(command, check=True, capture_output=True, text=True)
                    result = json.loads(answer.stdout.splitlines()[-1])
                    assert result["ids"] == count, result
                    print(number, side, result, file=sys.stderr)
                    if number:
                        measured[side].append(result)
        results.write(MARK, section(measured, rounds, count, path.stat().st_size / 1e6))


def section(measured: dict[str, list[dict[str, Any]]], rounds: int, count: int, size_mb: float) -> str:
    """Our part of results.md."""
    ours = measured["gpkit"]
    rows = []
    for side in SIDES:
        own = measured[side]
        wall, cpu, peak = ([each[key] for each in own] for key in ("wall_s", "cpu_s", "peak_mb"))
        ratios = [theirs["wall_s"] / mine["wall_s"] for theirs, mine in zip(own, ours, strict=True)]
        memory = [mine["peak_mb"] / theirs["peak_mb"] for theirs, mine in zip(own, ours, strict=True)]
        rows.append(
            f"| {side} | {count / statistics.median(wall):,.0f} | {statistics.median(wall):.2f} | {min(wall):.2f} "
            f"| {max(wall):.2f} | {statistics.median(cpu):.2f} | {statistics.median(peak):.0f} "
            f"| {statistics.median(ratios):.1f} | {statistics.median(memory):.2f} "
            f"| {', '.join(own[0]['lost']) or 'nothing'} |"
        )
    return "\n".join(
        [
            "## From the Cloud Logging API to a table",
            "",
            f"{rounds} alternating rounds after one to warm up, each side in a fresh process; {count:,} generated",
            f"entries, {size_mb:.0f} MB, served by one local API in pages of 1000 without a quota; seconds and MB",
            f"(largest resident set), on {os.cpu_count()} cores. Equal: server, entries, window, page size, order,",
            "libraries imported before the clock starts. Not equal: gpkit redacts, masks, removes copies, links lines,",
            "measures coverage and writes the cache; the official client takes 11 fields, no entry. The server",
            "works on one of the cores, and over gRPC it also builds the messages. Ratios are medians of the rounds'",
            "ratios.",
            "",
            "| side | entries/s | wall, median | fastest | slowest | processor | memory | time ÷ gpkit "
            "| gpkit's memory ÷ this | lost |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        print(json.dumps(measure(*sys.argv[2:5])))
    else:
        given = [int(each) for each in sys.argv[1:]]
        main(*(given + [ROUNDS, ENTRIES][len(given) :]))
