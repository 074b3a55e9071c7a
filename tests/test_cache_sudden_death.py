"""A process that is killed while it fills a slice, and two that fill the same one."""

import os
import signal
import subprocess
import sys
import time

import pytest

from gpkit.cache import Read, Store
from tests.cache_dying import ONE, TRUTH
from tests.cache_support import KEY, at, ids, table

HOLDER = """
import sys, time
from pathlib import Path
from gpkit.cache import Read, Store
from tests.cache_support import KEY, at, table
shelf = Store(Path(sys.argv[1]), now_ns=lambda: at("18:00")).shelf(KEY)
with shelf.claim(at("13:00")) as claim:
    shelf.append(claim, table("13:01 a"), Read(at("13:00"), at("13:02"), at("17:00")))
    (shelf.folder / "20250907T130000Z.parquet.dead.tmp").write_bytes(b"half")
    print("held", flush=True)
    sys.stdin.readline()
    shelf.write(claim, table("13:01 a", "13:05 b"), [Read(at("13:00"), at("13:15"), at("17:00"))])
print("done", flush=True)
"""


def shelf_in(folder):
    return Store(folder, now_ns=lambda: at("18:00")).shelf(KEY)


@pytest.fixture
def holder(tmp_path, root):
    """A process that holds a slice until it is told to go on."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_death_at_any_step_loses_nothing_and_leaves_nothing_half_there(tmp_path, root):
    command = [sys.executable, "-m", "tests.cache_dying", str(tmp_path)]
    died = int(subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout)

    assert died > 20
    for number in range(1, died + 2):
        shelf = shelf_in(tmp_path / str(number))
        before = shelf.read(ONE)
        assert "a" in ids(before)
        assert shelf.faults == []

        shelf.tidy()
        found = ids(shelf.read(ONE))
        for stretch in shelf.slice(ONE).held:
            inside = [name for name, time in TRUTH.items() if stretch.since_ns <= at(time) < stretch.until_ns]
            assert set(inside) <= set(found)
        assert len(found) == len(set(found))
        assert set(ids(before)) <= set(found)
        assert sorted(path.name for path in shelf.folder.iterdir()) == ["20250907T130000Z.parquet", "key.json"]
        assert shelf.faults == []


def test_the_pieces_of_a_dead_process_are_what_the_next_begins_with(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()

    shelf = shelf_in(tmp_path)
    with shelf.claim(ONE) as claim:
        assert claim is not None
        assert ids(shelf.read(ONE)) == ["a"]
        assert shelf.slice(ONE).held[-1].until_ns == at("13:02")
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["20250907T130000Z.parquet", "key.json"]


def test_looking_at_what_is_held_cleans_up_after_the_dead_and_spares_the_living(tmp_path, holder):
    def left():
        return sorted(path.name.split(".", 1)[1] for path in shelf_in(tmp_path).folder.iterdir())

    alive = ["1.part", "json", "lock", "parquet.dead.tmp"]
    Store(tmp_path).listing()
    assert left() == alive
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert Store(tmp_path).listing()["entries"].tolist() == [1]
    assert left() == ["json", "parquet"]


def test_the_second_of_two_processes_waits_and_finds_the_slice_filled(tmp_path, holder):
    shelf, waited = shelf_in(tmp_path), []

    def on_wait(seconds):
        waited.append(seconds)
        holder.stdin.write("\n")
        holder.stdin.flush()

    with shelf.claim(ONE) as claim:
        assert claim is None
    with shelf.claim(ONE, wait_s=30, on_wait=on_wait) as claim:
        assert claim is not None
        assert shelf.slice(ONE).state == "final"
        assert ids(shelf.read(ONE)) == ["a", "b"]
    assert waited
    assert holder.stdout.readline() == "done\n"


def test_a_holder_that_dies_does_not_block_the_one_who_waits(tmp_path, holder):
    shelf = shelf_in(tmp_path)
    began_s = time.monotonic()

    with shelf.claim(ONE, wait_s=30, on_wait=lambda seconds: os.kill(holder.pid, signal.SIGKILL)) as claim:
        assert claim is not None
        shelf.write(claim, table("13:01 a", "13:05 b"), [Read(ONE, at("13:15"), at("17:00"))])
    assert time.monotonic() - began_s < 20
    assert ids(shelf.read(ONE)) == ["a", "b"]


def test_many_processes_that_fill_one_slice_at_once_lose_nothing(tmp_path, root):
    script = """
import sys
from pathlib import Path
from gpkit.cache import Read, Store
from tests.cache_support import KEY, at, table
shelf = Store(Path(sys.argv[1]), now_ns=lambda: at("18:00")).shelf(KEY)
print("ready", flush=True)
sys.stdin.readline()
for number in range(8):
    with shelf.claim(at("13:00"), wait_s=60) as claim:
        line = f"13:0{number}:0{sys.argv[2]} id{number}of{sys.argv[2]}"
        shelf.write(claim, table(line), [Read(at("13:00"), at("13:01"), at("17:00"))])
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    pipes = {"cwd": root, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*command, str(number)], **pipes) for number in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.communicate("\n", timeout=120)

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(shelf_in(tmp_path).read(ONE).table) == 24
    assert len(list(shelf_in(tmp_path).folder.iterdir())) == 2
