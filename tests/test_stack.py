"""The launcher: a stack for as long as the context lasts, gone with its parent, errors before anything starts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from gpkit.errors import EXIT_IMPOSSIBLE, FarSideError, OutputError, ParameterError
from gpkit.redaction import read_secret
from gpkit.stack import find_faults, local_stack, start
from tests.local_stack_support import FAST, visit, visit_all


def is_gone(pid: int, within_s: float = 5.0) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(within_s)
    return not psutil.pid_exists(pid)


def test_a_stack_is_a_target_that_can_be_probed():
    with local_stack(tls=True) as stack:
        environment = stack.environment

        assert environment.is_local
        assert environment.url == stack.wss_url
        assert environment.ca_file == str(stack.ca_file)
        assert len(read_secret(environment.secret)) >= 32
        assert environment.users
        assert stack.url.startswith("ws://127.0.0.1:")


def test_users_of_the_faults_file_are_the_environments():
    with local_stack({"users": ["ann", "bob"]}) as stack:
        assert stack.environment.users == ("ann", "bob")


def test_what_it_writes_is_readable_by_its_owner_only(tmp_path):
    folder = tmp_path / "made" / "deeper"
    with local_stack(folder=folder) as stack:
        ready = json.loads((folder / "ready.json").read_text("utf-8"))

        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for name in ("ready.json", "secret", "entries.jsonl", "truth.jsonl"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert ready["pid"] == stack.pid
        assert set(ready) >= {"url", "wss_url", "http_url", "secret_file", "ca_file", "log_file", "truth_file"}
        assert stack.secret_file.read_text() not in (folder / "ready.json").read_text()


def test_files_stay_in_a_named_folder_and_go_with_a_temporary_one(tmp_path):
    with local_stack(folder=tmp_path) as named, local_stack() as temporary:
        pass

    assert named.log_file.exists()
    assert not temporary.folder.exists()


def test_it_is_gone_after_the_context_even_when_that_fails():
    with pytest.raises(ZeroDivisionError), local_stack() as stack:
        raise ZeroDivisionError

    assert is_gone(stack.pid)


def test_stopping_twice_is_fine(tmp_path):
    stack = start(folder=tmp_path)
    stack.stop()
    stack.stop()

    assert is_gone(stack.pid)
    with pytest.raises(FarSideError, match="is gone"):
        stack.settle()


def test_it_dies_with_a_parent_that_is_killed(tmp_path):
    script = (
        "import sys, time, pathlib; from gpkit.stack import start; "
        f"print(start(folder=pathlib.Path({str(tmp_path)!r})).pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert is_gone(pid)


def test_a_process_started_by_hand_ends_on_sigterm_and_leaves_whole_files(tmp_path):
    process = subprocess.Popen([sys.executable, "-m", "gpkit.local", "--folder", str(tmp_path), "--generation", "A"])
    until = time.monotonic() + 20
    while not (tmp_path / "ready.json").exists() and time.monotonic() < until:
        time.sleep(0.01)
    ready = json.loads((tmp_path / "ready.json").read_text())
    with socket.create_connection(("127.0.0.1", int(ready["http_url"].rpartition(":")[2]))) as client:
        client.sendall(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert client.recv(20).startswith(b"HTTP/1.1 403")
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0

    (truth,) = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert truth["refused"] == "no_token"


def test_every_connection_has_its_truth_even_one_that_the_stop_interrupts(tmp_path):
    with local_stack({"faults": ["silent_upgrade"]}, folder=tmp_path) as stack:
        asyncio.run(visit_all(stack, range(3), open_patience_s=0.05))
        host, port = stack.http_url.removeprefix("http://").split(":")
        held = socket.create_connection((host, int(port)))
        held.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
        with pytest.raises(FarSideError, match="did not settle"):
            stack.settle(timeout_s=0.1)
    held.close()

    assert len(stack.truth()) == 4


def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one():
    with local_stack({"pace_ms": FAST}) as stack:
        host, port = stack.http_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as held:
            held.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
            # The request lacks a key, so it is answered and closed; ours is the end that stays open.
            held.recv(1000)
        with contextlib.suppress(FarSideError):
            stack.settle(timeout_s=0)
        stack.settle()

        assert len(stack.truth()) == 1


def test_settle_waits_for_every_line():
    with local_stack({"pace_ms": FAST}) as stack:
        asyncio.run(visit_all(stack, range(30), patience_s=3.0))
        stack.settle()

        truth = stack.truth()
        written = {entry["insertId"] for entry in stack.entries()}
        assert len(truth) == 30
        assert all(set(line["log_lines"]) <= written for line in truth)


def test_two_hundred_at_once_all_get_through():
    with local_stack({"pace_ms": FAST}) as stack:
        shown = asyncio.run(visit_all(stack, range(200), at_once=200, patience_s=20, open_patience_s=20))
        stack.settle()

        assert [one.outcome for one in shown] == ["ok"] * 200
        assert sorted(line["index"] for line in stack.truth()) == list(range(200))


def test_a_port_in_use_is_an_output_error_that_names_it():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OutputError) as caught, local_stack(port=port):
            pass

    assert str(caught.value) == (
        f"Port {port} of 127.0.0.1 cannot be used: address already in use. Another program listens there.\n"
        "Take port 0 for a free one."
    )


def test_a_wanted_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with local_stack(port=port) as stack:
        assert stack.url == f"ws://127.0.0.1:{port}/ws"


def test_impossible_faults_are_refused_before_anything_starts(tmp_path):
    with pytest.raises(ParameterError, match="Did you mean 'half_open'"), local_stack({"faults": ["half_opn"]}):
        pass
    with pytest.raises(ParameterError, match="generation = 'X'"), local_stack(generation="X"):
        pass
    with pytest.raises(ParameterError, match="cannot be read"), local_stack(tmp_path / "none.yaml", folder=tmp_path):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path):
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(OutputError, match="cannot write to"), local_stack(folder=file / "inside"):
        pass


def test_the_process_refuses_by_itself_with_exit_code_four(tmp_path):
    command = [sys.executable, "-m", "gpkit.local", "--folder", str(tmp_path), "--faults", "-"]
    done = subprocess.run(command, input=b'{"faults": ["slow_aut"]}\n', capture_output=True, check=False)

    assert done.returncode == EXIT_IMPOSSIBLE
    assert b"slow_auth" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_stack_that_dies_while_it_starts_is_a_far_side_error(tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "uvicorn.py").write_text("raise RuntimeError('broken on purpose')")
    monkeypatch.setenv("PYTHONPATH", str(broken))

    with pytest.raises(FarSideError, match="RuntimeError: broken on purpose"), local_stack():
        pass


def test_health_is_answered_and_logged_without_a_truth_line():
    with local_stack() as stack:
        with urllib.request.urlopen(f"{stack.http_url}/health") as answer:
            assert json.load(answer)["status"] == "healthy"
        stack.settle()

        (request,) = [entry for entry in stack.entries() if "httpRequest" in entry]
        assert request["httpRequest"]["status"] == 200
        assert stack.truth() == []


def test_a_crash_loop_answers_503_on_every_path():
    with local_stack({"faults": [{"fault": "crash_loop", "delay_ms": 1}]}) as stack:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{stack.http_url}/health")
        caught.value.close()
        shown = asyncio.run(visit(stack))

    assert caught.value.code == shown.http_status == 503


def test_a_stack_works_from_a_running_loop():
    async def inside():
        with local_stack({"pace_ms": FAST}) as stack:
            return (await visit(stack)).outcome

    assert asyncio.run(inside()) == "ok"


def test_the_process_has_nothing_of_the_secret_in_its_arguments_or_environment():
    with local_stack() as stack:
        secret = stack.secret_file.read_text()
        process = psutil.Process(stack.pid)

        assert secret not in " ".join(process.cmdline())
        assert secret not in " ".join(process.environ().values())
        assert os.getpid() in [parent.pid for parent in process.parents()]


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
def test_a_port_that_does_not_exist_is_refused_before_anything_starts(tmp_path, port):
    with pytest.raises(ParameterError, match=f"There is no port {port}"), local_stack(folder=tmp_path / "s", port=port):
        pass

    assert not (tmp_path / "s").exists()


def test_the_process_refuses_a_port_that_does_not_exist_by_itself(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "gpkit.local", "--folder", str(tmp_path / "s"), "--port", "99999"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == EXIT_IMPOSSIBLE
    assert json.loads(done.stderr)["error"][0] == "There is no port 99999."


def test_faults_are_found_by_name_or_by_file(root, tmp_path, monkeypatch):
    monkeypatch.chdir(root)
    own = tmp_path / "own.json"
    own.write_text("{}")

    assert find_faults("") is None
    assert find_faults("incident") == root / "parameters" / "faults" / "incident.yaml"
    assert find_faults("parameters/faults/race.yaml") == root / "parameters" / "faults" / "race.yaml"
    assert find_faults(str(own)) == own


@pytest.mark.parametrize(
    "name", ["incidnt", "gone/incidnt.yaml", "parameters/incidnt.", "x\0.yaml", "~nobody-here/x.yaml", "n" * 5000]
)
def test_unknown_faults_are_refused_with_those_that_are_known(name):
    with pytest.raises(ParameterError) as caught:
        find_faults(name)

    assert caught.value.why == ("Did you mean 'incident'?" if "incidnt" in name else "")
    assert caught.value.next_step.startswith("Known: boot_loop, ")
