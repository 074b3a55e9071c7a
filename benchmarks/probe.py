"""What the probe costs and adds: client CPU of a session, and time added to each phase on loopback.

CPU: a probe session against bare ``websockets`` doing the same session with the same options, alternating rounds in
one process; the local stack serves both from a process of its own. Run it with ``python benchmarks/probe.py [ROUNDS]``;
it writes its part of benchmarks/results.md.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import results
import websockets
from websockets.asyncio.client import connect

from gpkit.environments import Environment
from gpkit.probe import Plan, golden_path, measure, run
from gpkit.probe.phases import FLOOR_S
from gpkit.protocol.credentials import mint
from gpkit.redaction import read_secret
from gpkit.stack import local_stack
from gpkit.tables import PHASES

MARK = "probe"
ROUNDS = 9
SESSIONS = 500
AT_ONCE = 8
EVENTS = 5
NO_PACE = {"auth": 0, "ready": 0, "event": 0}
MESSAGE = json.dumps({"type": "user_message", "payload": {"content": "gpkit probe: please answer briefly."}})

Side = Callable[[Environment], Awaitable[None]]


async def bare(environment: Environment, read: Callable[[str | bytes], object] = len) -> None:
    """The same sessions with nothing measured, judged or recorded: frames are counted, not even parsed."""
    token = mint(read_secret(environment.secret), environment.users[0], "valid", int(time.time()))
    headers = {"Authorization": f"Bearer {token}"}
    places = asyncio.Semaphore(AT_ONCE)

    async def session() -> None:
        try:
            async with connect(
                environment.url, additional_headers=headers, proxy=None, compression=None, ping_interval=None
            ) as client:
                read(await client.recv())
                await client.send(MESSAGE)
                for _ in range(EVENTS):
                    read(await client.recv())
        finally:
            places.release()

    running = []
    for _ in range(SESSIONS):
        await places.acquire()
        running.append(asyncio.create_task(session()))
    await asyncio.gather(*running)


async def bare_and_parsed(environment: Environment) -> None:
    """The same, each frame through ``json.loads``: the least that any script does."""
    await bare(environment, json.loads)


async def probe(environment: Environment) -> None:
    """Every row and message recorded, streamed to disk and made a table."""
    with tempfile.TemporaryDirectory() as folder:
        evidence = await golden_path(environment, at_full_speed(), into=Path(folder), progress=False)
    assert set(evidence.attempts["outcome"]) == {"ok"}


async def probe_in_memory(environment: Environment) -> None:
    """The same without the files."""
    evidence = await golden_path(environment, at_full_speed(), progress=False)
    assert set(evidence.attempts["outcome"]) == {"ok"}


def at_full_speed() -> Plan:
    return Plan(attempts=SESSIONS, rate_per_s=100_000, concurrency=AT_ONCE, linger_s=0, open_timeout_s=60)


async def session_alone(environment: Environment) -> None:
    """Connected, stamped, parsed and judged as it happens; no row is made of it."""
    kept = measure._Run._record
    measure._Run._record = lambda run, attempt: None  # type: ignore[method-assign]
    try:
        await golden_path(environment, at_full_speed(), progress=False)
    finally:
        measure._Run._record = kept  # type: ignore[method-assign]


SIDES: dict[str, Side] = {
    "bare websockets": bare,
    "bare websockets, frames parsed": bare_and_parsed,
    "probe, no rows made": session_alone,
    "probe, in memory": probe_in_memory,
    "probe, streamed to disk": probe,
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with local_stack({"pace_ms": NO_PACE}) as stack:
        cpu_us = measure_cpu(stack.environment, rounds)
    results.write(MARK, cpu_section(cpu_us, rounds) + floor_section(measure_floor()))


def measure_cpu(environment: Environment, rounds: int) -> dict[str, list[float]]:
    """Client CPU of one session in µs, by side; the order changes from round to round."""
    cpu_us: dict[str, list[float]] = {side: [] for side in SIDES}
    for number in range(rounds + 1):
        names = list(SIDES)[number % len(SIDES) :] + list(SIDES)[: number % len(SIDES)]
        for name in names:
            gc.collect()
            before_s = time.process_time()
            asyncio.run(SIDES[name](environment))  # type: ignore[arg-type]
            spent_us = (time.process_time() - before_s) / SESSIONS * 1e6
            if number:  # the first round warms up
                cpu_us[name].append(spent_us)
            print(f"round {number} of {rounds}: {name}: {spent_us:.0f} µs", flush=True)
    return cpu_us


def cpu_section(cpu_us: dict[str, list[float]], rounds: int) -> str:
    base = cpu_us["bare websockets"]
    rows = "".join(
        f"| {side} | {statistics.median(values):.0f} | {min(values):.0f} | {max(values):.0f} "
        f"| {statistics.median(a / b for a, b in zip(values, base, strict=True)):.2f} |\n"
        for side, values in cpu_us.items()
    )
    return f"""## What a probe session costs

{rounds} alternating rounds of {SESSIONS} sessions, {AT_ONCE} at once, after one round to warm up; client CPU of one
session in µs (`time.process_time`), on {os.cpu_count()} cores, websockets {websockets.__version__}.
Equal: the local stack (its own process, no pace), token, message, options (`proxy=None, compression=None,
ping_interval=None`), number at once, process. Not equal: bare websockets measures and keeps nothing and does not parse
a frame; the probe stamps every phase, parses and judges every frame, redacts, and makes both tables; it drives the
library's sans-I/O layer without a task for each message. The ratio is the median of the rounds' ratios.

| side | median | least | most | ÷ bare |
|---|---:|---:|---:|---:|
{rows}
"""


def measure_floor() -> list[tuple[str, str, int, float, float, float]]:
    """Scheme, phase, n, least, median and 95th percentile in ms, one attempt at a time, nothing planted."""
    found = []
    for tls in (False, True):
        with local_stack({"pace_ms": NO_PACE}, tls=tls) as stack:
            plan = Plan(attempts=200, rate_per_s=50, concurrency=1, linger_s=0, open_timeout_s=60)
            rows = run(stack.environment, plan, progress=False).attempts
        for phase in PHASES:
            spent_ms = rows[f"{phase}_s"].dropna().astype(float) * 1000
            if len(spent_ms) and phase != "queue":
                at = (spent_ms.min(), spent_ms.median(), spent_ms.quantile(0.95, interpolation="higher"))
                found.append(("wss" if tls else "ws", phase, len(spent_ms), *map(float, at)))
    return found


def floor_section(found: list[tuple[str, str, int, float, float, float]]) -> str:
    rows = "".join(
        f"| {scheme} | {phase} | {n} | {least:.3f} | {median:.3f} | {tail:.3f} |\n"
        for scheme, phase, n, least, median, tail in found
    )
    worst = max(median for *_, median, _ in found)
    return f"""## What the probe adds by itself

Time in each phase on loopback with nothing planted, in ms: the probe's own time and the local stack's together, one
attempt at a time. A planted delay is reported within the stated floor (`FLOOR_S` = {FLOOR_S * 1000:.0f} ms) of the
truth at the median; the largest median here is {worst:.1f} ms.

| scheme | phase | n | least | median | 95th percentile |
|---|---|---:|---:|---:|---:|
{rows}"""


if __name__ == "__main__":
    main()
