"""What a run used is recorded: planted memory and CPU time are found, in whichever of its processes they were used."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gpkit import runs
from gpkit.report import provenance
from gpkit.report.account import Account, read_account
from gpkit.report.wording import duration
from gpkit.runs.machine import usage
from gpkit.runs.machine.usage import Usage
from tests.runs_support import add_notebook, make_project

MB = 1_000_000
BRIEFLY = "held = bytearray(600_000_000)\ndel held"
BURN = "import time\nwhile time.process_time() < 1.5:\n    pass"
BURNS = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}], check=True)"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    with pytest.MonkeyPatch.context() as patch:
        project = make_project(tmp_path_factory.mktemp("used") / "project")
        patch.chdir(project)
        return runs.run(add_notebook(project, "uses", BRIEFLY, BURNS))[0]


def test_a_record_says_how_much_memory_and_processor_time_all_processes_of_the_run_used(made):
    used = made.record["usage"]

    assert (used["until"], used["source"]) == ("end", "/proc")
    assert 600 * MB < used["peak_memory_bytes"] < 1200 * MB  # held for an instant, in the kernel
    assert 1.5 < used["cpu_s"] < made.record["duration_s"] * (os.cpu_count() or 1)  # in what the kernel started


def test_the_report_and_show_tell_it(made):
    used = made.record["usage"]

    assert provenance.usage(read_account(made.folder)) == (
        f"{duration(used['cpu_s'])} CPU, {used['peak_memory_bytes'] / MB:.0f} MB at the peak"
    )
    assert " at the peak, before this page was made" in made.report.read_text()


@pytest.mark.parametrize(
    "told", [None, "much", {}, {"cpu_s": "x", "peak_memory_bytes": 10**400}, {"cpu_s": float("nan")}]
)
def test_a_record_that_does_not_tell_it_claims_nothing(told):
    assert provenance.usage(replace(Account("", Path()), run={"usage": told})) == ""


def test_what_several_processes_hold_at_once_is_added_up():
    hold = "import sys\nheld = bytearray(200_000_000)\nprint('held', flush=True)\nsys.stdin.read()"
    children = [
        subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    assert [child.stdout.readline() for child in children] == [b"held\n"] * 2

    used = Usage()
    used.look()
    for child in children:
        child.communicate()

    assert used.peak_bytes > 400 * MB


def test_what_forked_processes_share_counts_once_and_what_they_write_counts_for_each():
    forks = (
        "import os, time\nheld = bytearray(200_000_000)\nread, write = os.pipe()\n"
        "for _ in range(2):\n    if os.fork() == 0:\n"
        "        own = bytearray(50_000_000)\n        os.write(write, b'.')\n        time.sleep(600)\n"
        "os.read(read, 1), os.read(read, 1)\nprint('held', flush=True)\ninput()\nos.killpg(0, 9)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", forks],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout.readline() == b"held\n"
    held = usage._held_now(child.pid)
    child.communicate(b"\n")

    assert 300 * MB < held < 360 * MB


def test_looks_take_at_most_a_hundredth_of_the_time():
    used = Usage()
    began_s = time.monotonic()
    used.look()
    took_s = time.monotonic() - began_s

    assert used.next_look_s >= began_s + min(usage.LOOK_COST * took_s * 0.5, usage.LOOK_EVERY_S)
