"""The logging API as part of the local stack: what the golden path logs, listed from Python and from ``local up``."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from gpkit.errors import EXIT_IMPOSSIBLE, FarSideError, SourceError
from gpkit.stack import local_stack
from tests.local_stack_support import FAST, visit_all
from tests.logging_api_support import all_ids, entry, grpc_client, listed, rest_client
from tests.runs_support import gpkit as command
from tests.runs_support import make_project, read, run_folders, start_gpkit


def test_the_entries_of_a_connection_are_listed_by_its_trace():
    with local_stack({"pace_ms": FAST}) as stack:
        shown = asyncio.run(visit_all(stack, range(5)))
        stack.settle()
        truth = {line["trace"]: line for line in stack.truth()}

        for one in shown:
            text = f'trace="projects/{stack.logging_project}/traces/{one.trace}"'
            (request,) = listed(stack.logging, stack.logging_project, filter=text)["entries"]
            assert request["insertId"] in truth[one.trace]["log_lines"]
            assert request["httpRequest"]["status"] == 101
            texts = (
                f'"{truth[one.trace]["connection_id"]}" OR jsonPayload.message:"{truth[one.trace]["connection_id"]}"'
            )
            found = all_ids(stack.logging, stack.logging_project, filter=texts, pageSize=1000)
            assert found
            assert set(found) <= set(truth[one.trace]["log_lines"])


def test_every_entry_of_the_log_is_listed_as_it_was_written_and_new_ones_at_once():
    with local_stack({"pace_ms": FAST}) as stack:
        before = listed(stack.logging, stack.logging_project, pageSize=1000)["entries"]
        asyncio.run(visit_all(stack, range(3)))
        stack.settle()
        after = listed(stack.logging, stack.logging_project, pageSize=1000)["entries"]
        official = list(rest_client(stack.logging, "gpkit-local").list_entries(page_size=1000))
        client, channel = grpc_client(stack.logging)
        with channel:
            over_grpc = list(client.list_log_entries({"resource_names": ["projects/gpkit-local"], "page_size": 1000}))

        written = stack.entries()
        assert 0 < len(before) < len(after) == len(official) == len(over_grpc) == len(written)
        by_id = {one["insertId"]: one for one in written}
        assert [by_id[one["insertId"]] for one in after] == after


def test_the_api_is_started_when_it_is_asked_for_and_not_before(tmp_path):
    with local_stack(folder=tmp_path) as stack:
        assert "logging_url" not in json.loads((tmp_path / "ready.json").read_text())
        children = {one.pid for one in psutil.Process().children()}

        assert stack.logging_url == stack.logging.rest_url
        assert {one.pid for one in psutil.Process().children()} - children == {stack.logging.pid}
        ready = json.loads((tmp_path / "ready.json").read_text())
        assert (ready["logging_url"], ready["logging_grpc"]) == (stack.logging_url, stack.logging_grpc)
        assert ready["url"] == stack.url
        assert (tmp_path / "ready.json").stat().st_mode & 0o777 == 0o600

    assert not psutil.pid_exists(ready["logging_pid"])
    with pytest.raises(FarSideError, match="is gone"):
        stack.logging.requests()


def test_a_stack_that_was_stopped_starts_no_api():
    with local_stack() as stack:
        pass
    with pytest.raises(FarSideError, match="The local stack is gone"):
        _ = stack.logging_url


def test_exports_are_served_beside_the_log(exports):
    files = sorted((exports / "cloud_logging").glob("cl_raw_20250907_15*"))
    with local_stack(exports=files) as stack:
        assert stack.logging.resources["projects/netra-staging"] == 30
        assert len(all_ids(stack.logging, "netra-staging")) == 30
        assert len(all_ids(stack.logging, "gpkit-local")) > 0


def test_an_export_that_is_none_ends_the_stack_too(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with (
        pytest.raises(SourceError, match=r"x\.json is not a log export"),
        local_stack(exports=[tmp_path / "x.json"]) as one,
    ):
        _ = one.logging
    assert not psutil.pid_exists(one.pid)


def test_the_command_keeps_both_up_and_says_how_to_ask(tmp_path, root):
    project = make_project(tmp_path / "project")
    line = {"insertId": "e", "logName": "projects/shop/logs/app", "timestamp": "2025-09-07T13:00:00Z"}
    (project / "export.json").write_text(json.dumps([line]))
    running = start_gpkit(project, "local", "up", "--export", "export.json")
    said, names = "", {}
    try:
        told = json.loads(running.stdout.readline())
        while "for entry in" not in said:
            said += running.stderr.readline()
        exec("\n".join(row[2:] for row in said.partition("Or in Python:\n")[2].splitlines()), names)
        resources = ["projects/shop"]
        since = 'timestamp>="2025-01-01T00:00:00Z"'
        found = list(names["client"].list_entries(resource_names=resources, filter_=since))
        shutil.copytree(root / "notebooks", project / "notebooks", dirs_exist_ok=True)
        [printed] = [row.split() for row in said.splitlines() if row.startswith("  gpkit run ")]
        ran = command(project, *printed[1:])
    finally:
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)

    places = {"url", "folder", "log", "secret_file", "logging_url", "logging_grpc", "logging_project"}
    assert set(told) == places | {"logging_environment"}
    assert [one.insert_id for one in found] == ["e"]
    assert running.returncode == 0
    assert f"gpkit logs api:gpkit-local --endpoint {told['logging_url']} --anonymous --since=-1h --until now" in said
    assert "projects/shop (1 entry)" in said
    [folder] = run_folders(project)
    run = read(folder / "run.json")
    assert (ran.returncode, run["verdict"]) == (2, "no-data"), ran.stderr  # nobody has come to the stack
    assert run["environment"] == "local-log"
    assert run["coverage"]["entries"] > 0


def test_an_export_that_is_not_there_is_refused(tmp_path):
    done = command(make_project(tmp_path / "project"), "local", "up", "--export", "gone.json")

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "SourceError: gone.json does not exist.\nGive files of log entries.\n"


def test_it_dies_with_a_parent_that_is_killed(tmp_path):
    script = (
        "import sys, time, pathlib; from gpkit.stack import start; "
        f"print(start(folder=pathlib.Path({str(tmp_path)!r})).logging.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until_s = time.monotonic() + 5
    while psutil.pid_exists(pid) and time.monotonic() < until_s:
        time.sleep(0.01)

    assert not psutil.pid_exists(pid)


def test_by_hand_it_says_where_it_is_and_ends_on_sigterm(tmp_path):
    (tmp_path / "export.json").write_text(json.dumps([entry("shop", 1)]))
    command_line = [sys.executable, "-m", "gpkit.local.cloud_logging", str(tmp_path / "export.json"), "--quota", "60"]
    running = subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True)
    told = json.loads(running.stdout.readline())
    running.send_signal(signal.SIGTERM)
    running.stdout.close()

    assert running.wait(10) == 0
    assert told["resources"] == {"projects/gpkit-local": 0, "projects/shop": 1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.json"], "'gone.json' cannot be read: no such file or directory."),
        (["--script", "gone.json"], "The script 'gone.json' cannot be read as JSON."),
        (["--port", "99999"], "Port 99999 of 127.0.0.1 cannot be used for the logging API."),
    ],
)
def test_by_hand_what_is_impossible_is_exit_code_four(tmp_path, arguments, said):
    command_line = [sys.executable, "-m", "gpkit.local.cloud_logging", *arguments]
    done = subprocess.run(command_line, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == EXIT_IMPOSSIBLE
    assert json.loads(done.stderr)["error"][0] == said
