"""A run of attempts: open-loop starts, evidence as it is gathered, and every way to stop early."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import pytest

from gpkit import redaction
from gpkit.errors import OutputError, ParameterError, TargetError
from gpkit.probe import Plan, golden_path, measure, run
from gpkit.probe.lag import LagMonitor
from gpkit.probe.recording import name_generation
from gpkit.protocol.events import EVENTS
from gpkit.tables import ATTEMPTS, MESSAGES, read
from tests.probe_endings_support import (
    QUICK,
    SECRET,
    STAMP,
    USER,
    Peer,
    environment_at,
    healthy,
    scripted,
)


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("GPKIT_TEST_SECRET", SECRET)


# Arrivals.


async def test_when_the_service_stalls_starts_stay_planned_and_the_wait_is_recorded():
    """Ten starts 10 ms apart, two places, 100 ms each: the last one waits about 400 ms for its place."""

    async def stalls(peer: Peer) -> None:
        await asyncio.sleep(0.1)
        await healthy(peer)

    plan = dataclasses.replace(QUICK, attempts=10, rate_per_s=100, concurrency=2, open_timeout_s=5, linger_s=0)
    async with scripted(stalls) as environment:
        rows = (await golden_path(environment, plan, progress=False)).attempts

    assert len(rows) == 10
    assert set(rows["outcome"]) == {"ok"}
    assert list(rows["planned_start_ns"]) == [index * 10_000_000 for index in range(10)]
    assert rows["queue_s"].iloc[0] < 0.05
    assert rows["queue_s"].iloc[-1] >= 0.3
    assert (rows["total_ns"] >= rows["queue_ns"] + 100_000_000).all()


async def test_never_more_at_once_than_allowed():
    open_now = most = 0

    async def counts(peer: Peer) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.01)
        open_now -= 1
        peer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    async with scripted(counts) as environment:
        plan = dataclasses.replace(QUICK, attempts=30, concurrency=3)
        rows = (await golden_path(environment, plan, progress=False)).attempts

    assert len(rows) == 30
    assert most == 3


async def test_no_attempt_starts_after_the_limit_and_the_evidence_says_how_many_were_planned():
    async with scripted(healthy) as environment:
        plan = dataclasses.replace(QUICK, attempts=1000, rate_per_s=50, stop_after_s=0.2)
        evidence = await golden_path(environment, plan, progress=False)

    assert evidence.planned == 1000
    assert 5 <= evidence.started < 20
    assert not evidence.interrupted


# Early sending.


async def greets_late(peer: Peer) -> None:
    peer.accept()
    await peer.writer.drain()
    await asyncio.sleep(0.05)
    peer.welcome()
    await peer.converse(*EVENTS)


async def test_an_early_message_leaves_after_its_delay_whatever_the_welcome_does():
    plan = dataclasses.replace(QUICK, attempts=9, send="both", send_delays_ms=(0, 20), concurrency=1, seed=4)
    async with scripted(greets_late) as environment:
        rows = (await golden_path(environment, plan, progress=False)).attempts

    early, late = rows[rows["send"] == "after-open"], rows[rows["send"] == "after-ready"]
    assert (len(early), len(late)) == (6, 3)
    assert set(rows["outcome"]) == {"ok"}
    assert (early["send_after_open_s"] >= early["send_delay_planned_s"]).all()
    assert (early["send_after_open_s"] < 0.05).all()
    assert late["send_delay_planned_s"].isna().all()
    # Nothing waits for a task to be scheduled: the message leaves in the callback that read the 101 or the welcome.
    assert early.loc[early["send_delay_planned_s"] == 0, "send_after_open_s"].median() < 0.005
    assert (late["send_after_open_s"] - late["ready_s"]).median() < 0.005


# What is recorded.


async def test_what_is_streamed_is_what_is_returned(tmp_path):
    async with scripted(healthy) as environment:
        evidence = await golden_path(
            environment, dataclasses.replace(QUICK, attempts=3), into=tmp_path / "new", progress=False
        )

    attempts = read(tmp_path / "new" / "attempts.jsonl", ATTEMPTS).sort_values("attempt_index")
    messages = read(tmp_path / "new" / "messages.jsonl", MESSAGES)
    pd.testing.assert_frame_equal(attempts.reset_index(drop=True), evidence.attempts)
    assert len(messages) == len(evidence.messages) == 3 * 7


async def test_messages_are_in_order_and_carry_what_stood_on_the_wire():
    async with scripted(healthy) as environment:
        messages = (await golden_path(environment, QUICK, progress=False)).messages

    assert list(messages["kind"]) == ["welcome", "chat", *["event"] * 5]
    assert list(messages["direction"]) == ["received", "sent", *["received"] * 5]
    assert list(messages["event"].dropna()) == list(EVENTS)
    assert messages["t_ns"].is_monotonic_increasing
    assert json.loads(messages["text"].iloc[2])["run_id"] == messages["run_id"].iloc[2] == "run_1"
    assert messages["server_stamp_ns"].iloc[2] == 1_757_252_040_739_584_000


async def test_the_welcome_is_a_clock_exchange():
    before_ns = time.time_ns()
    async with scripted(healthy) as environment:
        row = (await golden_path(environment, QUICK, progress=False)).attempts.iloc[0]

    assert (row.server_stamp_ns, row.server_stamp_resolution_ns) == (1_757_252_040_739_584_000, 1000)
    assert before_ns <= row.started_ns <= row.requested_ns <= row.welcome_received_ns <= time.time_ns()
    assert row.welcome_received_ns <= row.message_sent_ns


async def test_a_step_of_the_wall_clock_is_noticed_and_moves_no_duration(monkeypatch):
    real, calls = time.time_ns, []

    def stepping() -> int:
        calls.append(None)
        return real() + (5_000_000_000 if len(calls) > 1 else 0)

    monkeypatch.setattr(time, "time_ns", stepping)
    async with scripted(healthy) as environment:
        row = (await golden_path(environment, QUICK, progress=False)).attempts.iloc[0]

    assert abs(row.clock_step_ns - 5_000_000_000) < 100_000_000
    assert row.total_s < 1


async def test_what_another_user_gets_and_what_lost_its_context_is_counted():
    async def mixed(peer: Peer) -> None:
        peer.accept()
        peer.welcome()
        await peer.hear()
        event = {"type": "agent_thinking", "run_id": "run_9", "timestamp": STAMP, "data": {}}
        peer.say({**event, "user_id": "somebody-else"})
        peer.say({**event, "user_id": "unknown_user"})
        peer.events(*EVENTS)
        await peer.converse()

    async with scripted(mixed) as environment:
        row = (await golden_path(environment, QUICK, progress=False)).attempts.iloc[0]

    assert (row.foreign, row.context_lost, row.outcome) == (1, 1, "ok")


async def test_server_pings_and_heartbeats_are_answered():
    heard = []

    async def pings(peer: Peer) -> None:
        peer.accept()
        peer.welcome()
        await peer.hear()
        peer.say({"type": "ping"})
        peer.say({"type": "heartbeat", "data": {}})
        heard.extend([json.loads((await peer.hear())[1])["type"] for _ in range(2)])
        peer.events(*EVENTS)
        await peer.converse()

    async with scripted(pings) as environment:
        await golden_path(environment, QUICK, progress=False)

    assert heard == ["pong", "heartbeat_ack"]


# Secrets.


@pytest.mark.parametrize("carrier", ["header", "subprotocol-b64", "subprotocol-raw", "query", "ticket"])
async def test_a_token_that_the_server_echoes_everywhere_is_written_nowhere(carrier, tmp_path):
    seen = []

    async def echoes(peer: Peer) -> None:
        head = peer.head.decode()
        seen.append(head)
        offered = peer.header("Sec-WebSocket-Protocol")
        chosen = offered.split(", ")[-1] if offered else ""
        peer.accept(*([f"Sec-WebSocket-Protocol: {chosen}"] if chosen else []))
        peer.welcome()
        await peer.hear()
        peer.say({"type": "agent_thinking", "user_id": USER, "run_id": chosen or "r", "reasoning": head})
        peer.bye(1011, (chosen or "bye")[:100])
        await peer.hear()

    async with scripted(echoes) as environment:
        evidence = await golden_path(
            environment, dataclasses.replace(QUICK, carrier=carrier), into=tmp_path, progress=False
        )

    token = next(word for word in seen[0].replace("token=", " ").replace("ticket=", " ").split() if len(word) > 100)
    written = "".join(path.read_text("utf-8") for path in tmp_path.iterdir())
    tables = evidence.attempts.to_csv() + evidence.messages.to_csv()
    for part in (token[:60], token[-40:]):
        assert part not in written
        assert part not in tables
    assert "[redacted:" in written


async def test_a_secret_read_through_a_reference_is_written_nowhere(monkeypatch, tmp_path):
    async def blabs(peer: Peer) -> None:
        peer.accept()
        peer.say({"type": "connection_established", "data": {"connection_id": f"x-{SECRET}"}})
        await peer.converse(*EVENTS)

    async with scripted(blabs) as environment:
        await golden_path(environment, QUICK, into=tmp_path, progress=False)

    assert SECRET not in "".join(path.read_text("utf-8") for path in tmp_path.iterdir())


async def test_contacts_in_messages_are_masked_unless_the_environment_says_otherwise():
    async def chats(peer: Peer) -> None:
        peer.accept()
        peer.say({"type": "connection_established", "data": {"note": "ada@example.com from 203.0.113.77"}})
        await peer.converse(*EVENTS)

    async with scripted(chats) as environment:
        masked = (await golden_path(environment, QUICK, progress=False)).messages["text"].iloc[0]
        open_one = dataclasses.replace(environment, mask_contacts=False)
        shown = (await golden_path(open_one, QUICK, progress=False)).messages["text"].iloc[0]

    assert "ada@" not in masked
    assert "203.0.113.77" not in masked
    assert "ada@example.com from 203.0.113.77" in shown


async def test_a_long_text_is_cut_with_a_note_after_it_was_redacted():
    token = "eyJ" + "a" * 40 + "." + "b" * 40 + "." + "c" * 40

    async def long_winded(peer: Peer) -> None:
        peer.accept()
        peer.welcome()
        await peer.hear()
        peer.say({"type": "agent_thinking", "user_id": USER, "reasoning": "x" * 4000 + token + "y" * 50_000})
        await peer.converse()

    async with scripted(long_winded) as environment:
        text = (await golden_path(environment, QUICK, progress=False)).messages["text"].iloc[2]

    assert len(text) < 4200
    assert "aaaaaaaa" not in text
    assert text.endswith("bytes]")


async def test_bytes_in_a_header_that_no_text_can_hold_are_replaced(tmp_path):
    async def odd(peer: Peer) -> None:
        peer.accept("Sec-WebSocket-Protocol: caf\N{LATIN SMALL LETTER E WITH ACUTE}")

    async with scripted(odd) as environment:
        evidence = await golden_path(environment, QUICK, into=tmp_path, progress=False)

    assert evidence.attempts["outcome"].iloc[0] in ("subprotocol_unoffered", "upgrade_invalid")
    assert (tmp_path / "attempts.jsonl").read_text("utf-8").count("\n") == 1


async def test_hostile_text_is_kept_as_data(tmp_path):
    hostile = "<script>alert(1)</script>\x1b[31m\x00\u202e\ud800"

    async def attacks(peer: Peer) -> None:
        peer.accept()
        peer.say({"type": "connection_established", "data": {"connection_id": hostile, "user_id": hostile}})
        await peer.hear()
        peer.say({"type": hostile, "run_id": hostile})
        peer.events(*EVENTS)
        await peer.converse()

    async with scripted(attacks) as environment:
        evidence = await golden_path(environment, QUICK, into=tmp_path, progress=False)

    evidence.attempts.to_parquet(tmp_path / "attempts.parquet")
    evidence.messages.to_parquet(tmp_path / "messages.parquet")
    assert evidence.attempts["outcome"].iloc[0] == "ok"
    assert evidence.attempts["connection_id"].iloc[0].startswith("<script>")


# Slowness of our own.


async def test_an_attempt_under_lag_says_so():
    async def blocks(peer: Peer) -> None:
        peer.accept()
        time.sleep(0.06)  # noqa: ASYNC251 - blocking the loop is the point
        await peer.writer.drain()
        peer.welcome()
        await peer.converse(*EVENTS)

    async with scripted(blocks) as environment:
        evidence = await golden_path(environment, QUICK, progress=False)

    row = evidence.attempts.iloc[0]
    assert row.loop_lag_s >= 0.045
    assert row.under_load
    assert evidence.loop_lag_s >= 0.045


async def test_lag_before_an_attempt_is_not_charged_to_it():
    monitor = LagMonitor()
    watching = asyncio.create_task(monitor.watch())
    await asyncio.sleep(0.02)
    time.sleep(0.05)  # noqa: ASYNC251 - blocking the loop is the point
    await asyncio.sleep(0.03)
    start_ns = time.perf_counter_ns()

    assert monitor.largest_since(0) >= 35_000_000
    assert monitor.largest_since(start_ns) < 20_000_000
    watching.cancel()


# Stopping early.


async def test_cancelled_it_has_recorded_the_attempts_in_flight_and_raises_on(tmp_path):
    async with scripted(lambda peer: peer.forever()) as environment:
        plan = dataclasses.replace(QUICK, attempts=50, rate_per_s=100, open_timeout_s=30)
        task = asyncio.create_task(golden_path(environment, plan, into=tmp_path, progress=False))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    rows = read(tmp_path / "attempts.jsonl", ATTEMPTS)
    assert 5 <= len(rows) <= 30
    assert set(rows["error_type"]) == {"interrupted"}
    assert rows["outcome"].isna().all()
    assert set(rows["ended_in"]) <= {"queue", "tcp", "upgrade_send", "upgrade_wait"}


async def test_asked_to_stop_it_returns_what_was_measured():
    async with scripted(healthy) as environment:
        stop = asyncio.Event()
        plan = dataclasses.replace(QUICK, attempts=1000, rate_per_s=100)
        task = asyncio.create_task(golden_path(environment, plan, stop=stop, progress=False))
        await asyncio.sleep(0.3)
        stop.set()
        evidence = await task

    assert evidence.interrupted
    assert 0 < evidence.started < 1000
    assert set(evidence.attempts["outcome"].dropna()) == {"ok"}


def test_ctrl_c_keeps_what_was_measured(tmp_path):
    """A real process, a real SIGINT, a server that never answers."""
    program = textwrap.dedent(f"""
        import os, signal, socket, threading
        from pathlib import Path
        from gpkit.environments import Environment
        from gpkit.probe import Plan, run

        server = socket.create_server(("127.0.0.1", 0), backlog=100)
        url = f"ws://127.0.0.1:{{server.getsockname()[1]}}/ws"
        environment = Environment("test", url=url, secret="env:GPKIT_TEST_SECRET", is_local=True)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        plan = Plan(attempts=500, rate_per_s=50, open_timeout_s=60)
        evidence = run(environment, plan, into=Path({str(tmp_path)!r}), progress=False)
        print(evidence.interrupted, evidence.started, evidence.planned, set(evidence.attempts["error_type"]))
    """)
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).resolve().parent.parent,
        env={**os.environ, "GPKIT_TEST_SECRET": SECRET},
        check=True,
    )

    interrupted, started, planned, errors = ended.stdout.split(maxsplit=3)
    assert (interrupted, planned, errors.strip()) == ("True", "500", "{'interrupted'}")
    assert int(started) == len((tmp_path / "attempts.jsonl").read_text().splitlines()) > 0
    assert ended.stderr == ""


async def test_it_runs_inside_a_running_loop_as_in_jupyter():
    async with scripted(healthy) as environment:
        evidence = await asyncio.to_thread(run, environment, QUICK, progress=False)

    assert list(evidence.attempts["outcome"]) == ["ok"]


# Bad input.


def test_a_malformed_address_is_an_impossible_request():
    with pytest.raises(TargetError, match="is no WebSocket address"):
        run(environment_at("http://127.0.0.1/ws"), QUICK)


def test_an_impossible_plan_starts_nothing(tmp_path):
    with pytest.raises(ParameterError):
        run(environment_at("ws://127.0.0.1:9/ws"), Plan(attempts=0), into=tmp_path / "x")

    assert not (tmp_path / "x").exists()


def test_a_missing_secret_for_a_remote_target_is_an_impossible_request(tmp_path):
    remote = environment_at("wss://staging.example/ws", is_local=False, secret="env:GPKIT_TEST_ABSENT")
    with pytest.raises(TargetError, match="needs a credential"):
        run(remote, QUICK_REMOTE, into=tmp_path / "x")

    assert not (tmp_path / "x").exists()


QUICK_REMOTE = dataclasses.replace(QUICK, rate_per_s=None)


def test_a_folder_that_cannot_be_one_is_an_impossible_request(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        run(environment_at("ws://127.0.0.1:9/ws"), QUICK, into=tmp_path / "file" / "x")


async def test_a_disk_that_is_full_stops_the_run_with_its_reason(monkeypatch, tmp_path):
    def full(*_):
        raise OutputError("'attempts.jsonl' cannot be written: No space left on device.")

    monkeypatch.setattr(measure.Recorder, "add", full)
    async with scripted(healthy) as environment:
        with pytest.raises(OutputError, match="No space left"):
            await golden_path(environment, dataclasses.replace(QUICK, attempts=500), into=tmp_path, progress=False)


def test_a_ready_token_is_used_and_its_user_expected(monkeypatch):
    from gpkit.probe.schedule import schedule
    from gpkit.probe.target import make_ready
    from gpkit.protocol.credentials import mint

    token = mint(SECRET, "grace", "valid", int(time.time()))
    monkeypatch.setenv("GPKIT_TEST_NO_TOKEN", token)
    environment = environment_at("ws://127.0.0.1:9/ws")
    target = make_ready(environment)
    planned = schedule(QUICK, environment).attempts[0]

    assert target.presented(planned)[1].headers == {"Authorization": f"Bearer {token}"}
    assert target.speaks_for(planned) == "grace"
    assert token not in redaction.redact(f"token {token}")


# Generations that greet alike.


@pytest.mark.parametrize(
    ("refusal", "named"),
    [
        ({"outcome": "upgrade_status_403", "http_status": 403, "decided_at": "before-accept"}, "A"),
        ({"outcome": "refused_after_accept", "http_status": 101, "decided_at": "after-accept"}, "B"),
        ({"outcome": "upgrade_status_503", "http_status": 503, "decided_at": None}, "A/B"),
    ],
)
def test_where_a_run_refuses_tells_a_from_b(refusal, named):
    greeted = {"generation": "A/B", "outcome": "ok", "http_status": 101, "decided_at": None}
    rows = name_generation([greeted, {"generation": None, **refusal}])

    assert rows[0]["generation"] == named


# Progress.


def test_a_notebook_gets_one_line_updated_in_place():
    """A real kernel, whose loop runs already; a server that never answers."""
    import nbformat
    from nbclient import NotebookClient

    code = textwrap.dedent("""
        import os, socket
        os.environ["GPKIT_TEST_SECRET"] = "a secret for these tests only, 32+"
        from gpkit.environments import Environment
        from gpkit.probe import Plan, run
        server = socket.create_server(("127.0.0.1", 0), backlog=100)
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/ws"
        target = Environment("test", url=url, secret="env:GPKIT_TEST_SECRET", is_local=True)
        evidence = run(target, Plan(attempts=8, open_timeout_s=0.3, rate_per_s=20))
    """)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(Path(__file__).parent.parent)}}).execute()

    outputs = notebook.cells[0].outputs
    assert [output.output_type for output in outputs] == ["display_data"]
    assert outputs[0].data["text/plain"] == "8 of 8 attempts: open_timeout 8"


async def test_progress_is_told_of_every_attempt():
    told = []
    async with scripted(healthy) as environment:
        plan = dataclasses.replace(QUICK, attempts=3)
        await golden_path(environment, plan, progress=lambda done, planned, row: told.append((done, planned, row)))

    assert [(done, planned) for done, planned, _ in told] == [(0, 3), (1, 3), (2, 3), (3, 3), (3, 3)]
    assert [row and row["outcome"] for _, _, row in told] == [None, "ok", "ok", "ok", None]


async def test_without_a_terminal_nothing_is_printed(capfd):
    async with scripted(healthy) as environment:
        await golden_path(environment, QUICK)

    assert capfd.readouterr() == ("", "")


async def test_a_terminal_gets_a_bar_on_standard_error(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    async with scripted(healthy) as environment:
        await golden_path(environment, QUICK)

    out, err = capsys.readouterr()
    assert out == ""
    assert "1/1" in err
