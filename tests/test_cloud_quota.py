"""The read quota: no minute holds more calls than allowed, whoever makes them and whatever the clock does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpkit.cloud import Target, quota
from gpkit.errors import FarSideError, OutputError
from tests.cloud_support import FakeTime, Reply, page_json, raw_server, read


def bucket(folder: Path, calls: int = 3, fake: FakeTime | None = None) -> quota.Quota:
    return quota.Quota(folder / "reads.json", calls, pace=(fake or FakeTime()).pace)


def test_a_full_bucket_is_taken_from_without_waiting(tmp_path: Path) -> None:
    fake = FakeTime()
    full = bucket(tmp_path, 3, fake)

    assert full.left() == 3
    assert [full.wait() for _ in range(3)] == [0, 0, 0]
    assert full.left() == 0
    assert fake.slept == []


def test_an_empty_bucket_is_waited_for_until_the_oldest_call_is_a_minute_ago(tmp_path: Path) -> None:
    fake = FakeTime()
    full = bucket(tmp_path, 2, fake)
    told: list[tuple[float, str]] = []
    full.wait()
    fake.now_s += 20
    full.wait()

    waited_s = full.wait(lambda seconds, why: told.append((seconds, why)))

    assert waited_s == pytest.approx(41)  # a minute and a margin of one second
    assert told == [(waited_s, "the read quota (2 calls in 60 s)")]


@settings(max_examples=30, deadline=None)
@given(pauses_s=st.lists(st.floats(0, 90), min_size=1, max_size=30), calls=st.integers(1, 5))
def test_no_minute_wherever_it_begins_holds_more_calls_than_allowed(
    tmp_path_factory: pytest.TempPathFactory, pauses_s: list[float], calls: int
) -> None:
    fake = FakeTime()
    full = bucket(tmp_path_factory.mktemp("quota"), calls, fake)
    made_s = []

    for pause_s in pauses_s:
        fake.now_s += pause_s
        full.wait()
        made_s.append(fake.now_s)

    assert all(sum(begin <= at < begin + 60 for at in made_s) <= calls for begin in made_s)


def test_two_views_of_one_bucket_share_its_tokens(tmp_path: Path) -> None:
    fake = FakeTime()
    one, other = bucket(tmp_path, 3, fake), bucket(tmp_path, 3, fake)

    one.wait()
    other.wait()

    assert one.left() == other.left() == 1


def test_each_project_and_address_has_a_bucket_of_its_own(tmp_path: Path) -> None:
    files = {
        quota.of(Target(project, endpoint), folder=tmp_path).file
        for project in ("shop", "depot")
        for endpoint in ("https://logging.googleapis.com", "http://127.0.0.1:8085")
    }

    assert len(files) == 4
    assert quota.of(Target("shop", "https://logging.googleapis.com/"), folder=tmp_path).file in files


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"\xff\xfe", b"[]", b"{}", b'{"taken_s": 7}', b'{"taken_s": ["x"]}', b'{"taken_s": [null]}',
     b"[" * 100_000, b'{"taken_s": [1e999, NaN]}'],
)  # fmt: skip
def test_a_damaged_state_is_replaced(tmp_path: Path, damage: bytes) -> None:
    full = bucket(tmp_path)
    full.file.write_bytes(damage)

    assert full.wait() == 0
    assert full.left() == 2
    assert json.loads(full.file.read_bytes()) == {"taken_s": [1000.0]}


def test_a_clock_that_begins_anew_delays_by_a_minute_at_most(tmp_path: Path) -> None:
    fake = FakeTime()
    full = bucket(tmp_path, 2, fake)
    full.wait()
    full.wait()
    fake.now_s = 5.0  # the machine was started again

    assert full.left() == 0
    assert full.wait() <= 61.001
    assert fake.now_s <= 66.001


def test_a_limit_that_was_lowered_holds_for_what_is_out_already(tmp_path: Path) -> None:
    fake = FakeTime()
    for _ in range(5):
        bucket(tmp_path, 5, fake).wait()
        fake.now_s += 1

    assert bucket(tmp_path, 2, fake).left() == 0
    assert bucket(tmp_path, 2, fake).wait() == pytest.approx(61 - 2)  # until one of the five is out


HOLD = """
import sys, time
from pathlib import Path
from gpkit.cloud import quota
with quota.Quota(Path(sys.argv[1]), 3)._locked():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_holder_that_is_killed_blocks_nobody(tmp_path: Path) -> None:
    full = bucket(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLD, str(full.file)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.kill(holder.pid, signal.SIGKILL)

    assert full.wait() == 0


def test_a_holder_that_stands_still_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "_LOCK_TIMEOUT_S", 0.01)
    full = bucket(tmp_path)

    with filelock.FileLock(full.file.with_suffix(".lock")), pytest.raises(FarSideError, match="kept the lock"):
        full.wait()


def test_a_state_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="read quota"):
        quota.Quota(tmp_path / "missing" / ("x" * 300) / "reads.json", 3).wait()


def test_the_shared_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota.tempfile, "gettempdir", lambda: str(tmp_path))

    folder = quota.of(Target("shop")).file.parent

    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota.tempfile, "gettempdir", lambda: str(tmp_path))
    made = tmp_path / f"gpkit-{os.getuid()}"
    made.mkdir()
    made.chmod(0o777)

    with pytest.raises(OutputError, match="not a private folder"):
        quota.of(Target("shop"))
    made.rmdir()
    made.symlink_to(tmp_path)
    with pytest.raises(OutputError, match="not a private folder"):
        quota.of(Target("shop"))


def test_buckets_that_nobody_uses_any_more_are_swept_away(tmp_path: Path) -> None:
    old, new = (quota.of(Target(project), folder=tmp_path) for project in ("old", "new"))
    old.wait()
    new.wait()
    os.utime(old.file, (0, 0))

    quota.of(Target("next"), folder=tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir() if path.stem == old.file.stem) == []
    assert new.file.exists()


READ = """
import sys
from pathlib import Path
from gpkit.cloud import Target, pages, quota
url, state = sys.argv[1], Path(sys.argv[2])
shared = quota.Quota(state, 8, period_s=1.0)
write = quota.Quota._write
def told(self, taken_s):
    write(self, taken_s)
    print(taken_s[-1])
quota.Quota._write = told
for page in pages(Target("p", url, anonymous=True), since=1, until=10**18, bucket=shared):
    pass
"""


def test_two_processes_together_stay_within_the_bucket(tmp_path: Path) -> None:
    def answer(asked: dict[str, str]) -> Reply:
        number = int(asked.get("pageToken", "0"))
        return Reply(json.dumps({"entries": [], "nextPageToken": str(number + 1) if number < 11 else ""}).encode())

    with raw_server(answer) as raw:
        command = [sys.executable, "-c", READ, raw.url, str(tmp_path / "reads.json")]
        readers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
        said = [reader.communicate(timeout=60)[0] for reader in readers]

    taken_s = sorted(float(at) for each in said for at in each.split())
    arrived_s = sorted(raw.arrived_s)
    assert len(taken_s) == len(arrived_s) == 24
    assert all(len(each.split()) == 12 for each in said)
    # On a busy machine calls travel at different speeds: the limit is exact where they leave, and none comes earlier.
    assert max(sum(at <= other < at + 1 for other in taken_s) for at in taken_s) <= 8
    assert all(arrived >= taken for arrived, taken in zip(arrived_s, taken_s, strict=True))


def test_waiting_for_the_own_quota_is_not_counted_as_failing(tmp_path: Path) -> None:
    fake = FakeTime()
    slow = bucket(tmp_path, 1, fake)
    answers = [Reply(page_json(range(n, n + 1), f"t{n}")) for n in range(7)]

    with raw_server(*answers, Reply(page_json(range(7, 8)))) as raw:
        found = list(read(raw.url, tmp_path, fake=fake, bucket=slow))

    assert len(found) == 8
    assert fake.slept == pytest.approx([61] * 7)
