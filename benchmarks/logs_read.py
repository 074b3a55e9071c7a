"""Reading a million log entries: ``gpkit.logs.read`` against pandas and against an orjson loop.

Every side runs in a fresh process of its own; rounds alternate. Wall and processor time are of the reading alone,
imports apart; memory is the largest resident set of the process. Run it with
``python benchmarks/logs_read.py [ROUNDS] [ENTRIES]``; it writes its part of benchmarks/results.md.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import results

ROUNDS = 5
ENTRIES = 1_000_000
MARK = "logs-read"
SIDES = ("gpkit", "pandas", "orjson")
INSTANCES = 12


def entries(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Entries as Cloud Run writes them: a third requests, a third JSON lines, a third plain text."""
    draw = random.Random(seed)
    instances = ["0069c7a988" + f"{draw.getrandbits(592):0148x}" for _ in range(INSTANCES)]
    at_us = 1_757_251_200_000_000
    for _ in range(count):
        at_us += draw.randrange(50, 4000)
        seconds = datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        number = draw.randrange(INSTANCES)
        entry: dict[str, Any] = {
            "insertId": f"{at_us:016x}{draw.getrandbits(32):08x}",
            "labels": {"instanceId": instances[number]},
            "logName": "projects/shop/logs/run.googleapis.com%2F",
            "receiveTimestamp": f"{seconds}.{draw.randrange(10**9):09d}Z",
            "resource": {
                "labels": {
                    "configuration_name": "shop-backend",
                    "location": "us-central1",
                    "project_id": "shop",
                    "revision_name": f"shop-backend-{number:05d}-abc",
                    "service_name": "shop-backend",
                },
                "type": "cloud_run_revision",
            },
            "timestamp": f"{seconds}.{at_us % 1_000_000:06d}Z",
        }
        yield draw.choice((_request, _structured, _text))(entry, draw)


def _request(entry: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
    entry["logName"] += "requests"
    entry["severity"] = "INFO"
    entry["httpRequest"] = {
        "latency": f"{draw.random() / 50:.9f}s",
        "protocol": "HTTP/1.1",
        "remoteIp": f"203.0.113.{draw.randrange(255)}",
        "requestMethod": "GET",
        "requestSize": str(draw.randrange(300, 2500)),
        "requestUrl": "https://api.example.test/" + draw.choice(("ws", "health", "api/mcp/servers")),
        "responseSize": "95",
        "serverIp": "198.51.100.5",
        "status": draw.choice((101, 200, 403, 404)),
        "userAgent": draw.choice((browser, "shop-e2e/1.0", "python-httpx/0.28.1")),
    }
    entry["spanId"] = f"{draw.getrandbits(64):016x}"
    entry["trace"] = f"projects/shop/traces/{draw.getrandbits(128):032x}"
    return entry


def _structured(entry: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    entry["logName"] += "stderr"
    entry["severity"] = draw.choice(("INFO", "INFO", "INFO", "WARNING", "ERROR"))
    message = draw.choice(("GOLDEN PATH ESTABLISHED: Connection main_{0} ready", "turn {0} done", "cache {0} filled"))
    entry["jsonPayload"] = {
        "context": {"name": "api"},
        "labels": {"function": "handle", "line": str(draw.randrange(999)), "module": "logging"},
        "message": message.format(f"{draw.getrandbits(48):012x}"),
        "timestamp": entry["timestamp"].replace("Z", "+00:00"),
    }
    return entry


def _text(entry: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    entry["logName"] += draw.choice(("stdout", "stderr"))
    port = draw.randrange(60000)
    entry["textPayload"] = draw.choice(
        (
            f'169.254.169.126:{port} - "GET /health HTTP/1.1" 200',
            f'[2025-09-07 13:34:00 +0000] [15] [INFO] 169.254.169.126:{port} - "WebSocket /ws" 403',
            f"2025-09-07 13:34:00 - app.clients.auth - INFO - Token {port} checked",
            f"\x1b[32m2025-09-07 13:34:00.725\x1b[0m | \x1b[1mINFO    \x1b[0m | app:f:{port} | \x1b[1mok\x1b[0m",
        )
    )
    return entry


def read_gpkit(path: Path) -> int:
    """Our own reader."""
    from gpkit import logs

    return len(logs.read(path).frame)


def read_pandas(path: Path) -> int:
    """What a notebook usually does."""
    import pandas as pd

    raw = pd.read_json(path, lines=True, dtype=False)
    return len(pd.json_normalize(raw.to_dict("records")))


def read_orjson(path: Path) -> int:
    """A loop over the lines that takes the columns it wants, and keeps the whole entry beside them."""
    import orjson
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    with path.open("rb") as file:
        for line in file:
            entry = orjson.loads(line)
            request, payload = entry.get("httpRequest") or {}, entry.get("jsonPayload") or {}
            resource_labels = entry["resource"]["labels"]
            rows.append(
                (
                    entry["timestamp"],
                    entry.get("receiveTimestamp"),
                    entry.get("severity"),
                    entry.get("logName"),
                    resource_labels.get("service_name"),
                    resource_labels.get("revision_name"),
                    entry["labels"].get("instanceId"),
                    entry.get("trace"),
                    entry.get("insertId"),
                    request.get("requestMethod"),
                    request.get("requestUrl"),
                    request.get("status"),
                    request.get("latency"),
                    request.get("userAgent"),
                    entry.get("textPayload") or payload.get("message"),
                    line.decode(),
                )
            )
    frame = pd.DataFrame(rows)
    frame[0] = pd.to_datetime(frame[0], format="ISO8601", utc=True)
    frame[1] = pd.to_datetime(frame[1], format="ISO8601", utc=True)
    return len(frame)


def measure(side: str, path: Path) -> dict[str, float]:
    """One reading, in this process."""
    import duckdb  # noqa: F401 - imports are not what is measured
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401

    import gpkit.logs  # noqa: F401

    reader = {"gpkit": read_gpkit, "pandas": read_pandas, "orjson": read_orjson}[side]
    began_s, cpu_s = time.perf_counter(), time.process_time()
    count = reader(path)
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"entries": count, "wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak_mb}


def main(rounds: int, count: int) -> None:
    """Generate, measure in turn, write."""
    with tempfile.TemporaryDirectory(prefix="gpkit-bench-") as folder:
        path = Path(folder) / "entries.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in entries(count))
        size_mb = path.stat().st_size / 1e6
        measured: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for number in range(rounds + 1):  # one to warm the file up
            for side in SIDES:
                command = [sys.executable, __file__, "--side", side, str(path)]
                answer = subprocess.run(command, check=True, capture_output=True, text=True)
                result = json.loads(answer.stdout.splitlines()[-1])
                assert result["entries"] == count
                print(number, side, {key: round(value, 2) for key, value in result.items()}, file=sys.stderr)
                if number:
                    measured[side].append(result)
    results.write(MARK, section(measured, rounds, count, size_mb))


def section(measured: dict[str, list[dict[str, float]]], rounds: int, count: int, size_mb: float) -> str:
    """Our part of results.md."""
    ours = measured["gpkit"]
    rows = []
    for side in SIDES:
        own = measured[side]
        wall, cpu, peak = ([each[key] for each in own] for key in ("wall_s", "cpu_s", "peak_mb"))
        ratios = [theirs["wall_s"] / mine["wall_s"] for theirs, mine in zip(own, ours, strict=True)]
        memory = [mine["peak_mb"] / theirs["peak_mb"] for theirs, mine in zip(own, ours, strict=True)]
        rows.append(
            f"| {side} | {statistics.median(wall):.2f} | {min(wall):.2f} | {max(wall):.2f} "
            f"| {statistics.median(cpu):.2f} | {statistics.median(peak):.0f} "
            f"| {statistics.median(ratios):.1f} | {statistics.median(memory):.2f} |"
        )
    return "\n".join(
        [
            "## Reading log entries",
            "",
            f"{rounds} alternating rounds after one to warm up, each side in a fresh process; {count:,} generated",
            f"entries, {size_mb:.0f} MB, one a line; seconds and MB (largest resident set), on {os.cpu_count()} cores.",
            "Equal: file, interpreter, machine, libraries imported before the clock starts.",
            "Not equal: gpkit redacts, masks, removes copies, links lines and measures coverage, and uses both cores;",
            "pandas makes floats of whole numbers with nulls and cleans nothing; the orjson loop takes 15 columns and",
            "the line. Ratios are medians of the rounds' ratios.",
            "",
            "| side | wall, median | fastest | slowest | processor | memory | time ÷ gpkit | gpkit's memory ÷ this |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
        ]
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        given = [int(each) for each in sys.argv[1:]]
        main(*(given + [ROUNDS, ENTRIES][len(given) :]))
