"""Phases partition an attempt exactly, and a delay is found in the phase where it was planted."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit.probe import golden_path, run
from gpkit.probe.phases import FLOOR_S, phases
from gpkit.protocol.events import EVENTS
from gpkit.stack import local_stack
from gpkit.tables import PHASES
from tests.probe_endings_support import (
    CLOSE,
    QUICK,
    SECRET,
    Peer,
    assert_phases_partition,
    certificate,
    environment_at,
    listening,
    scripted,
)

CLOCK_RESOLUTION_S = 1e-6
# "ready" begins with a frame that was received: as long as the 101 lay unread on a busy machine, it is measured too
# short, and the wait before it too long by as much. Every other wait begins with something that the probe sent.
BEGINS_WITH_A_FRAME = {"ready": "upgrade_wait"}
SEVERAL = dataclasses.replace(
    QUICK,
    attempts=9,
    rate_per_s=100,
    concurrency=1,
    open_timeout_s=5,
    ready_timeout_s=5,
    deadline_s=5,
    close_timeout_s=5,
    silence_s=5,
    linger_s=0,
)


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("GPKIT_TEST_SECRET", SECRET)


# Pure.

attempts = st.tuples(
    st.integers(-(2**62), 2**62),
    st.lists(st.none() | st.integers(0, 10**12), min_size=len(PHASES), max_size=len(PHASES)),
    st.sampled_from(PHASES),
    st.integers(0, 10**12),
)


@given(attempts)
def test_phases_sum_to_the_total_exactly_whatever_the_attempt_ended_in(attempt):
    planned_ns, elapsed, ended_in, last_ns = attempt
    marks, reached = {}, planned_ns
    for phase, spent_ns in zip(PHASES, elapsed, strict=True):
        if phase == ended_in:
            break
        if spent_ns is not None:
            marks[phase] = reached = reached + spent_ns
    end_ns = reached + last_ns

    found = phases(marks, planned_ns=planned_ns, end_ns=end_ns, ended_in=ended_in)

    assert sum(value for value in found.values() if value is not None) == end_ns - planned_ns
    assert found[ended_in] == last_ns
    for phase, spent_ns in zip(PHASES, elapsed, strict=True):
        if phase == ended_in:
            break
        assert found[phase] == spent_ns
    assert all(found[phase] is None for phase in PHASES[PHASES.index(ended_in) + 1 :])


def test_a_phase_that_did_not_occur_is_null_and_takes_no_time():
    found = phases({"queue": 10, "tcp": 30, "upgrade_send": 35}, planned_ns=0, end_ns=50, ended_in="upgrade_wait")

    assert [found[phase] for phase in PHASES[:6]] == [10, None, 20, None, 5, 15]


def test_time_that_runs_backwards_is_an_error_of_ours():
    with pytest.raises(ValueError, match="tcp would end 5 ns before it began"):
        phases({"queue": 10, "tcp": 5}, planned_ns=0, end_ns=50, ended_in="ready")


# Planted by a scripted server, in each phase.


def delays(phase: str, delay_s: float):
    """A healthy server that waits in one phase."""

    async def script(peer: Peer) -> None:
        await asyncio.sleep(delay_s if phase == "upgrade_wait" else 0)
        peer.accept()
        await peer.writer.drain()
        await asyncio.sleep(delay_s if phase == "ready" else 0)
        peer.welcome()
        await peer.hear()
        await asyncio.sleep(delay_s if phase == "exchange" else 0)
        peer.events(*EVENTS)
        _, body = await peer.hear()
        await asyncio.sleep(delay_s if phase == "close" else 0)
        peer.frame(CLOSE, body)

    return script


def assert_in_phase(rows: pd.DataFrame, phase: str, delay_s: float) -> None:
    """Never early, and at the median late by at most the floor."""
    before = BEGINS_WITH_A_FRAME.get(phase)
    waited = rows[f"{phase}_s"] + (0 if before is None else rows[f"{before}_s"])
    assert waited.min() >= delay_s - CLOCK_RESOLUTION_S
    assert delay_s - FLOOR_S <= rows[f"{phase}_s"].median() <= delay_s + FLOOR_S


def assert_found(rows: pd.DataFrame, phase: str, delay_s: float) -> None:
    """In its phase, and in no other."""
    assert set(rows["outcome"]) == {"ok"}
    for _, row in rows.iterrows():
        assert_phases_partition(row)
    assert_in_phase(rows, phase, delay_s)
    for other in set(PHASES) - {phase, "queue"}:
        assert pd.isna(rows[f"{other}_s"].median()) or rows[f"{other}_s"].median() <= FLOOR_S


@pytest.mark.parametrize("delay_s", [0, 0.005, 0.080])
@pytest.mark.parametrize("phase", ["upgrade_wait", "ready", "exchange", "close"])
async def test_a_planted_delay_is_found_in_its_phase(phase, delay_s):
    async with scripted(delays(phase, delay_s)) as environment:
        evidence = await golden_path(environment, SEVERAL, progress=False)

    assert_found(evidence.attempts, phase, delay_s)


@pytest.mark.parametrize("delay_s", [0, 0.005, 0.080])
async def test_a_slow_lookup_is_found_in_dns(monkeypatch, delay_s):
    async with scripted(delays("none", 0)) as environment:
        port = int(environment.url.split(":")[2].split("/")[0])

        def slow_lookup(*_args, **_kwargs):
            time.sleep(delay_s)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", slow_lookup)
        named = environment_at(f"ws://service.example:{port}/ws")
        evidence = await golden_path(named, SEVERAL, progress=False)

    assert_found(evidence.attempts, "dns", delay_s)


def late_relay(url: str, delay_s: float):
    """A relay to another port that lets nothing through for a while after it has accepted."""
    port_behind = int(url.split(":")[2].split("/")[0])

    async def pump(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader, writer):
        await asyncio.sleep(delay_s)
        reader_behind, writer_behind = await asyncio.open_connection("127.0.0.1", port_behind)
        await asyncio.gather(pump(reader, writer_behind), pump(reader_behind, writer))

    return listening(serve)


@pytest.mark.parametrize("delay_s", [0, 0.005, 0.080])
async def test_a_slow_tls_handshake_is_found_in_tls(tmp_path, delay_s):
    context, pem = certificate(tmp_path)
    async with scripted(delays("none", 0), tls=context) as behind, late_relay(behind.url, delay_s) as port:
        environment = environment_at(f"wss://127.0.0.1:{port}/ws", ca_file=str(pem))
        evidence = await golden_path(environment, SEVERAL, progress=False)

    assert_found(evidence.attempts, "tls", delay_s)


# Planted by the local stack: where a generation authenticates is where its delay is found.

# Where each generation authenticates, and between which of its own instants that is.
WHERE_AUTH_HAPPENS = {
    "A": ("upgrade_wait", "arrived_ns", "accepted_ns"),
    "B": ("ready", "accepted_ns", "ready_sent_ns"),
    "C": ("ready", "accepted_ns", "ready_sent_ns"),
}
NO_PACE = {"auth": 0, "ready": 0, "event": 0}


@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("generation", ["A", "B", "C"])
def test_slow_authentication_is_found_where_the_generation_authenticates(generation, tls):
    # Twenty attempts of each of three delays, told apart by the user that they speak for.
    delays_s = {"none": 0.0, "short": 0.005, "long": 0.080}
    faults = [
        {"fault": "slow_auth", "delay_ms": delay_s * 1000, "schedule": {"users": [user]}}
        for user, delay_s in delays_s.items()
    ]
    plan = dataclasses.replace(SEVERAL, attempts=60, users=tuple(delays_s), seed=1)
    with local_stack({"faults": faults, "pace_ms": NO_PACE}, generation=generation, tls=tls) as stack:
        rows = run(stack.environment, plan, progress=False).attempts
        stack.settle()
        truth = pd.DataFrame(stack.truth()).set_index("trace").loc[rows["trace"]].reset_index()

    phase, began, ended = WHERE_AUTH_HAPPENS[generation]
    assert set(rows["outcome"]) == {"ok"}
    assert rows["tls_s"].notna().all() == tls
    for user, delay_s in delays_s.items():
        of_user = rows["user"] == user
        # Never shorter than what was planted, nor than what the service truly took.
        auth_s = rows.loc[of_user, "auth_s"].astype(float)
        truly_s = (truth.loc[of_user, "verdict_ns"] - truth.loc[of_user, "arrived_ns"]) / 1e9
        assert auth_s.min() >= delay_s - CLOCK_RESOLUTION_S
        assert (auth_s - truly_s).min() >= -CLOCK_RESOLUTION_S
        assert (auth_s - truly_s).median() <= FLOOR_S
        # And in this phase: what the service did there, within the floor.
        phase_truly_s = (truth.loc[of_user, ended] - truth.loc[of_user, began]) / 1e9
        excess_s = rows.loc[of_user, f"{phase}_s"].astype(float) - phase_truly_s
        assert phase_truly_s.min() >= delay_s - CLOCK_RESOLUTION_S
        assert abs(excess_s.median()) <= FLOOR_S


@pytest.mark.parametrize("event_path", [1, 2, 3, 4])
def test_a_late_greeting_and_every_event_path_are_recognised(event_path):
    faults = [{"fault": "slow_ready", "delay_ms": 30}]
    with local_stack({"faults": faults, "pace_ms": NO_PACE, "event_path": event_path}) as stack:
        rows = run(stack.environment, dataclasses.replace(SEVERAL, attempts=5), progress=False).attempts

    assert set(rows["outcome"]) == {"ok"}
    assert set(rows["event_path"]) == {event_path}
    assert_in_phase(rows, "ready", 0.030)
    assert (rows["events"].map(tuple) == EVENTS).all()
