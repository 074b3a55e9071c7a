"""Fetching: complete or declared incomplete, nothing lost, nothing twice, and nothing asked for again."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpkit import cloud
from gpkit.errors import ParameterError, TargetError
from gpkit.filters import FilterError
from gpkit.logs.progress import Progress, left_s
from gpkit.stack import cloud_logging
from tests.cache_support import at, small_disk
from tests.fetching_support import Log, as_json, ids, instant, windows

FOUR_PAGES = 3500


@pytest.fixture(scope="module")
def api():
    with cloud_logging() as running:
        yield running


@pytest.fixture
def log(api, tmp_path):
    return Log(api, tmp_path / "cache")


def assert_complete(log, entries):
    assert sorted(ids(entries)) == sorted(log.truth)
    assert entries.coverage.unread == ()


def assert_repeats_without_a_call(log, first, *window):
    log.calls()
    again, offline = log.fetch(*window), log.fetch(*window, offline=True)

    assert log.calls() == []
    assert again.frame.equals(first.frame)
    assert offline.frame.equals(first.frame)
    assert again.coverage.unread == offline.coverage.unread == ()
    return again, offline


# What is asked for, and how often


def test_a_fetch_brings_every_entry_once_in_order(log):
    log.add_hour(FOUR_PAGES)

    entries = log.fetch()

    assert ids(entries) == sorted(log.truth)
    assert entries.coverage.unread == ()
    assert entries.coverage.duplicates == 0
    assert entries.coverage.notes == ("0 of 4 slices from the cache, 4 calls were made.",)
    assert [file.name for file in entries.coverage.files] == [f"api:{log.project}"]


def test_a_repeat_makes_no_call_and_offline_equals_the_first_fetch(log):
    log.add_hour(FOUR_PAGES)

    again, offline = assert_repeats_without_a_call(log, log.fetch())

    assert again.coverage.notes == ("4 of 4 slices from the cache, no call was made.",)
    assert offline.coverage.notes == ("Offline: from the cache alone.",)


def test_an_hour_without_entries_is_known_to_be_empty(log):
    log.add(log.entry("15:00", "elsewhere"))
    first = log.fetch()

    assert len(first.frame) == 0
    assert first.coverage.unread == ()
    assert_repeats_without_a_call(log, first)


def test_slices_side_by_side_are_one_query_and_only_what_is_missing_is_asked_for(log):
    log.add_hour(40)
    log.fetch("13:20", "13:25")
    assert windows(log.calls()) == ["13:20:00–13:25:00"]

    assert_complete(log, log.fetch("12:00", "14:10"))
    assert windows(log.calls()) == ["12:00:00–13:20:00", "13:25:00–14:10:00"]
    log.fetch("12:30", "14:05")
    assert log.calls() == []


def test_spellings_of_one_filter_share_their_slices(log):
    log.add_hour(4)
    log.add(log.entry("13:30", "bad", severity="ERROR"))

    first = log.fetch(filter="severity>=ERROR")
    log.calls()
    second = log.fetch(filter='severity >= "ERROR"  -- only what is bad')

    assert ids(first) == ids(second) == ["bad"]
    assert log.calls() == []
    assert len(log.fetch().frame) == 5
    assert len(log.calls()) == 1


def test_what_is_masked_and_what_is_not_do_not_mix(log):
    log.add(log.entry("13:00", "a", textPayload="from 203.0.113.7"))
    plain = dataclasses.replace(log.environment, mask_contacts=False)

    assert log.fetch().frame["message"].tolist() == ["from 203.0.x.x"]
    assert log.fetch(environment=plain).frame["message"].tolist() == ["from 203.0.113.7"]
    assert log.fetch().frame["message"].tolist() == ["from 203.0.x.x"]


def test_nothing_of_an_entry_is_lost_and_nothing_secret_is_kept(log):
    secret = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJwcm9iZSJ9." + "c2lnbmF0dXJlc2lnbmF0dXJl"
    odd = {"errorGroups": [{"id": "g1"}], "jsonPayload": {"n": 9007199254740993, "token": secret}}
    entry = log.entry("13:00:00.123456789", "odd", **odd)
    del entry["textPayload"]
    log.add(entry)

    for entries in (log.fetch(), log.fetch(offline=True)):
        (kept,) = as_json(entries)
        assert kept["errorGroups"] == [{"id": "g1"}]
        assert kept["jsonPayload"]["n"] == 9007199254740993
        assert entries.frame["timestamp_ns"].tolist() == [at("13:00:00.123456789")]
    held = b"".join(path.read_bytes() for path in log.store.folder.rglob("*") if path.is_file())
    assert secret.encode() not in held
    assert secret not in entries.frame["entry"][0]


# Faults of the far side

FAULTS = {
    "a page token expired": {"expire_tokens": {"at": [2, 4]}},
    "a connection cut in the middle of a page": {"cut_page": {"at": [2]}},
    "every third call answers 503": {"fail": [{"every": 3, "status": 503}]},
    "a page answered twice": {"duplicate_page": {"at": [2, 3]}},
    "empty pages with a token": {"empty_pages": {"every": 2}},
    "the quota of others": {"fail": [{"at": [2, 3, 4], "status": 429, "retry_after_s": 0}]},
    "all at once": {
        "fail": [{"every": 3, "status": 503}],
        "cut_page": {"at": [2]},
        "duplicate_page": {"at": [5]},
        "expire_tokens": {"at": [4]},
        "empty_pages": {"at": [7]},
    },
}


@pytest.mark.parametrize("script", FAULTS.values(), ids=FAULTS)
def test_a_fault_that_passes_loses_nothing_and_brings_nothing_twice(log, script):
    log.add_hour(FOUR_PAGES)
    log.api.script(script)

    first = log.fetch()

    assert_complete(log, first)
    assert_repeats_without_a_call(log, first)


def test_ten_minutes_of_429_are_declared_and_the_next_fetch_reads_the_rest_alone(log):
    log.add_hour(FOUR_PAGES)
    log.api.script({"fail": [{"at": list(range(3, 60)), "status": 429, "retry_after_s": 60}]})

    first = log.fetch()

    (unread,) = first.coverage.unread
    assert "429" in unread.why
    assert log.clock.slept_s >= 240
    assert (unread.since, unread.until) == (first.frame["timestamp"].max(), instant("14:00"))
    assert ids(first) == sorted(log.truth)[:2000]
    assert first.coverage.sentences()[0].startswith("Not read: 2025-09-07T13:34:")
    log.api.script({})
    log.calls()
    assert_complete(log, log.fetch())
    assert [window[:5] for window in windows(log.calls())] == ["13:34", "13:34"]


def test_offline_after_an_incomplete_fetch_says_what_is_not_held(log):
    log.add_hour(FOUR_PAGES)
    log.api.script({"fail": [{"at": list(range(3, 60)), "status": 503}]})
    first = log.fetch()
    offline = log.fetch(offline=True)

    assert offline.frame.equals(first.frame)
    (unread,) = offline.coverage.unread
    assert (unread.since, unread.until) == (first.coverage.unread[0].since, instant("14:00"))
    assert unread.why == "offline, and it is not in the cache"


def test_a_far_side_that_never_answers_is_an_error_and_not_an_empty_log(log):
    log.add_hour(10)
    log.api.script({"fail": [{"first": 1000, "status": 503}]})

    with pytest.raises(cloud.Incomplete, match="503"):
        log.fetch()


def test_once_the_far_side_fails_what_is_held_is_still_given(log):
    log.add_hour(60)
    log.fetch("13:15", "13:30")
    log.api.script({"fail": [{"first": 1000, "status": 503}]})

    entries = log.fetch()

    assert len(entries.frame) == 15
    assert [(unread.since, unread.until) for unread in entries.coverage.unread] == [
        (instant("13:00"), instant("13:15")),
        (instant("13:30"), instant("14:00")),
    ]


def test_a_project_that_does_not_exist_is_a_clear_error(log):
    nobody = dataclasses.replace(log.environment, logs_project="nobody-knows-it")

    with pytest.raises(TargetError, match="nobody-knows-it"):
        log.fetch(environment=nobody)


# Time


def test_entries_that_arrive_after_their_slice_was_read_are_found_within_the_horizon(log):
    log.clock.now = at("13:20")
    log.add_hour(60)
    first = log.fetch("13:00", "13:20")
    assert (
        "From 2025-09-07T13:10:00Z on entries may be missing that arrived after they were read." in first.coverage.notes
    )
    log.add(log.entry("13:12:30", "late"), log.entry("13:19:59.9", "later"))
    log.clock.now = at("13:40")
    log.calls()

    second = log.fetch("13:00", "13:20")

    assert set(ids(second)) - set(ids(first)) == {"late", "later"}
    assert windows(log.calls()) == ["13:10:00–13:20:00"]
    assert_repeats_without_a_call(log, second, "13:00", "13:20")


def test_entries_that_arrive_while_the_pages_are_read_are_found_by_the_next_fetch(log):
    log.add_hour(FOUR_PAGES)
    log.clock.now = at("14:00")
    late = [log.entry("13:55:00.5", "late"), log.entry("13:59:59.5", "later")]
    log.api.script({"arrive": [{"after_calls": 3, "entries": late}, {"after_calls": 4, "entries": [late[1]]}]})
    log.truth |= {"late", "later"}
    log.fetch()
    log.clock.now = at("14:30")

    assert_complete(log, log.fetch())


def test_an_entry_that_was_seen_stays_though_the_far_side_forgets_it(log):
    log.clock.now = at("13:20")
    log.add(log.entry("13:12", "seen"))
    log.fetch("13:00", "13:20")
    log.clock.now = at("13:40")
    log.api.script({"empty_pages": {"at": [1]}})

    assert ids(log.fetch("13:00", "13:20")) == ["seen"]


def test_a_clock_that_was_ahead_makes_slices_young_never_final(log):
    log.clock.now = at("20:00")
    log.add_hour(30)
    log.fetch("13:00", "14:00")
    log.clock.now = at("13:40")  # it was ahead by hours: half of the hour had not happened yet
    log.add(log.entry("13:35", "afterwards"))
    log.calls()

    assert_complete(log, log.fetch())
    assert windows(log.calls()) == ["13:00:00–14:00:00"]


def test_a_clock_that_leaps_ahead_during_a_fetch_makes_nothing_final_too_early(log):
    log.clock.now = at("13:30")
    log.add_hour(30)
    readings = iter([at("13:30")] * 3)
    leaping = dataclasses.replace(log.store, now_ns=lambda: next(readings, at("23:00")))
    log.fetch(store=leaping)
    log.add(log.entry("13:55", "afterwards"))
    log.clock.now = at("23:30")

    assert_complete(log, log.fetch())


def test_a_clock_that_falls_back_during_a_fetch_loses_nothing(log):
    log.add_hour(FOUR_PAGES)
    readings = iter([at("18:00")] * 3)
    falling = dataclasses.replace(log.store, now_ns=lambda: next(readings, at("09:00")))

    assert_complete(log, log.fetch(store=falling))
    assert_complete(log, log.fetch())


def test_a_clock_that_is_ahead_from_before_to_after_is_found_out_by_the_services_own(log):
    log.clock.now = at("87600:30")  # ten years
    log.add(log.entry("13:00", "long ago"))
    first = log.fetch("87600:00", "87600:15")
    assert any(note.startswith("The clock of this host is ") for note in first.coverage.notes)
    log.truth.clear()
    log.add(log.entry("87600:05", "by then"))
    log.clock.now = at("87700:00")

    assert_complete(log, log.fetch("87600:00", "87600:15"))


@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_windows_with_arrivals_in_between_end_in_the_whole_truth(api, tmp_path_factory, data):
    log = Log(api, tmp_path_factory.mktemp("any") / "cache")
    log.clock.now = at("13:30")
    log.add(log.entry("12:59", "first"))
    minutes = st.integers(0, 60)
    for step in range(data.draw(st.integers(1, 4), label="steps")):
        arrived = data.draw(st.lists(st.integers(0, 9), max_size=4), label="minutes ago")
        now_s = log.clock.now // 10**9
        stamps = [time.gmtime(now_s - 60 * ago) for ago in arrived]
        new = [log.entry(f"{s.tm_hour}:{s.tm_min}:0.{n}", f"s{step}n{n}") for n, s in enumerate(stamps)]
        log.add(*new)
        since, until = sorted((data.draw(minutes), data.draw(minutes)))
        if since < until:
            log.fetch(f"13:{since:02d}", "14:00" if until == 60 else f"13:{until:02d}")
        log.clock.now += data.draw(st.integers(0, 900), label="s passed") * 10**9
    log.clock.now = at("18:00")

    assert_complete(log, log.fetch("12:00", "15:00"))


# The disk


def test_a_full_disk_costs_the_cache_and_not_the_entries(log, tmp_path):
    log.add_hour(FOUR_PAGES)
    with small_disk(tmp_path / "small", 48) as disk:
        store = dataclasses.replace(log.store, folder=disk / "cache")
        first = log.fetch(store=store)

        assert_complete(log, first)
        (note,) = first.coverage.notes[1:]
        assert note.startswith("Not everything that was read is in the cache: The cache in ")
        left = [path.name for path in store.folder.rglob("*") if path.is_file()]
        assert not [name for name in left if name.endswith((".tmp", ".part", ".lock"))]
        log.calls()
        again = log.fetch(store=store)
        assert_complete(log, again)
        assert again.frame.equals(first.frame)
        assert store.listing()["broken"].sum() == 0
    assert_complete(log, log.fetch())


def test_a_cache_that_cannot_be_written_at_all_is_no_reason_not_to_read(log, tmp_path):
    log.add_hour(10)
    (tmp_path / "file").write_text("")

    entries = log.fetch(store=dataclasses.replace(log.store, folder=tmp_path / "file" / "cache"))

    assert_complete(log, entries)
    assert any(note.startswith("Not everything that was read is in the cache") for note in entries.coverage.notes)


def spoil(path, where):
    content = bytearray(path.read_bytes())
    content[where(content)] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("where", [len, lambda content: 30], ids=["in its footer", "in its pages"])
def test_a_broken_slice_is_read_again_and_no_other(log, where):
    log.add_hour(400)
    first = log.fetch()
    (path,) = log.store.folder.rglob("20250907T131500Z.parquet")
    spoil(path, lambda content: where(content) - (1 if where is len else 0))
    log.calls()

    second = log.fetch()

    assert second.frame.equals(first.frame)
    assert windows(log.calls()) == ["13:15:00–13:30:00"]
    assert "In the cache, 20250907T131500Z.parquet was set aside: it is no whole Parquet file." in second.coverage.notes
    assert_repeats_without_a_call(log, first)


def test_what_was_held_of_a_young_slice_that_breaks_is_read_again_too(log):
    log.clock.now = at("13:14")
    log.add_hour(400)
    log.fetch("13:00", "13:14")
    (path,) = log.store.folder.rglob("20250907T130000Z.parquet")
    spoil(path, lambda content: 30)
    log.clock.now = at("18:00")

    assert_complete(log, log.fetch())


def test_offline_a_broken_slice_is_not_read_and_said_so(log):
    log.add_hour(400)
    log.fetch()
    (path,) = log.store.folder.rglob("20250907T131500Z.parquet")
    path.write_bytes(b"")

    entries = log.fetch(offline=True)

    assert [(unread.since, unread.until) for unread in entries.coverage.unread] == [
        (instant("13:15"), instant("13:30"))
    ]
    assert len(entries.frame) == 300


# Several processes

CHILD = """
import sys
from pathlib import Path
from gpkit.cache import Store
from gpkit.environments import Environment
from gpkit.logs import streaming
from gpkit.logs.fetching import fetch
from tests.fetching_support import instant
from tests.cache_support import at
url, project, folder, streaming.BATCH_S = *sys.argv[1:4], float(sys.argv[4])
target = Environment(name="child", logs_project=project, logs_endpoint=url, logs_anonymous=True,
                     logs_reads_per_minute=1_000_000)
entries = fetch(target, instant("13:00"), instant("14:00"), store=Store(Path(folder), now_ns=lambda: at("18:00")))
print(len(entries.frame), len(entries.coverage.unread), flush=True)
"""


@pytest.fixture
def child(log, root):
    """Starts a process that fetches the hour, and waits until it has made a call."""
    started = []

    def start(batch_s):
        arguments = [log.api.rest_url, log.project, str(log.store.folder), str(batch_s)]
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments], cwd=root, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        wait_for(log.api.requests, process)
        return process

    log.calls()
    before = len(log.api.requests())

    def wait_for(requests, process):
        until_s = time.monotonic() + 60
        while len(requests()) == before and time.monotonic() < until_s:
            assert process.poll() is None
            time.sleep(0.005)

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_two_processes_that_want_the_same_hour_read_it_once(log, child):
    log.add_hour(FOUR_PAGES)
    log.api.script({"slow_ms": 150})
    process = child(5)

    entries = log.fetch()

    assert_complete(log, entries)
    assert process.communicate(timeout=60)[0] == f"{FOUR_PAGES} 0\n"
    assert len(log.calls()) == 4
    assert log.files("*.lock") == []
    assert entries.coverage.notes == ("4 of 4 slices from the cache, no call was made.",)


def test_a_process_that_is_killed_leaves_what_it_read_to_the_next(log, child):
    log.add_hour(FOUR_PAGES)
    log.api.script({"slow_ms": 150})
    process = child(0)
    until_s = time.monotonic() + 30
    while not log.files("*.part") and time.monotonic() < until_s:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    log.api.script({})
    log.calls()

    entries = log.fetch()

    assert_complete(log, entries)
    assert entries.coverage.duplicates == 0
    # The call that the killed process was waiting for may come to its end meanwhile.
    calls = [window for window in windows(log.calls()) if not window.startswith("13:00")]
    assert calls[0] > "13:16"
    assert len(calls) <= 3
    assert {name.split(".", 1)[1] for name in log.files()} == {"parquet", "json"}
    assert_repeats_without_a_call(log, entries)


def test_an_interrupted_fetch_keeps_what_it_read(log):
    log.add_hour(FOUR_PAGES)

    def interrupt(progress):
        if progress.entries >= 2000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log.fetch(progress=interrupt)
    log.calls()

    assert_complete(log, log.fetch())
    assert len(log.calls()) <= 3


# What is refused


@pytest.mark.parametrize(("since", "until"), [(None, None), ("13:00", None), (None, "13:00")])
def test_a_window_without_limits_is_refused(log, since, until):
    from gpkit.logs.fetching import fetch

    limits = [None if each is None else instant(each) for each in (since, until)]
    with pytest.raises(ParameterError, match=r"this one has no (since|until)"):
        fetch(log.environment, *limits, store=log.store)
    assert log.calls() == []


def test_a_reversed_window_is_refused(log):
    with pytest.raises(ParameterError, match="is not before until"):
        log.fetch("14:00", "13:00")


def test_bulk_history_is_refused_with_the_arithmetic_and_the_way_to_go(log):
    with pytest.raises(ParameterError) as refused:
        log.fetch("-1000:00", "13:00", environment=dataclasses.replace(log.environment, logs_reads_per_minute=60))

    assert str(refused.value) == (
        f"42.2 days of the log of '{log.project}' are not in the cache; at most 7 are read through the API at once. "
        "60 reads a minute of 1000 entries are at most 60000 entries a minute: of a service that writes 10 entries "
        "a second this window takes 10.1 hours.\n"
        "Bulk history belongs to the warehouse or to sink files: -p logs=bigquery:PROJECT.DATASET, or "
        "-p logs=gs://BUCKET/PREFIX/*.json. Or ask for a shorter window."
    )
    assert log.calls() == []


def test_a_filter_that_is_none_is_refused_before_any_call(log):
    with pytest.raises(FilterError):
        log.fetch(filter="severity>=")
    assert log.calls() == []


def test_the_project_is_given_configured_or_googles_default(log, monkeypatch):
    log.add_hour(4)
    nameless = dataclasses.replace(log.environment, logs_project="")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    with pytest.raises(TargetError, match="Nothing names the project"):
        log.fetch(environment=nameless)

    assert_complete(log, log.fetch(environment=nameless, project=log.project))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", log.project)
    assert_complete(log, log.fetch(environment=nameless))


# Offline


def test_offline_without_anything_held_is_unread_from_end_to_end(log):
    log.add_hour(4)

    entries = log.fetch(offline=True)

    assert len(entries.frame) == 0
    (unread,) = entries.coverage.unread
    assert (unread.since, unread.until) == (instant("13:00"), instant("14:00"))
    assert log.calls() == []
    assert log.files() == []


def test_the_local_stack_leaves_no_slices_behind(log, monkeypatch, tmp_path):
    monkeypatch.setenv("GPKIT_CACHE", str(tmp_path / "default"))
    log.add_hour(4)

    assert_complete(log, log.fetch(store=None, environment=dataclasses.replace(log.environment, is_local=True)))
    assert not (tmp_path / "default").exists()


# Progress


def test_progress_is_told_in_a_sentence(log):
    log.add_hour(FOUR_PAGES)
    told = []

    log.fetch(progress=lambda progress: told.append(str(progress)))

    assert told[0].startswith("slice 0/4, 1 000 entries, ")
    assert told[-1].startswith("slice 4/4, 3 500 entries, 0 s left at the quota")


@pytest.mark.parametrize(
    ("progress", "sentence"),
    [
        (Progress(14, 96, 12_000, 130.4), "slice 14/96, 12 000 entries, 2 min 10 s left at the quota"),
        (Progress(0, 96, 0), "slice 0/96, 0 entries"),
        (Progress(1, 96, 5, 7322), "slice 1/96, 5 entries, 2 h 2 min left at the quota"),
        (Progress(1, 2, 5, 9, "503, 20 s"), "slice 1/2, 5 entries, 9 s left at the quota (waiting: 503, 20 s)"),
    ],
)
def test_the_sentence_of_progress(progress, sentence):
    assert str(progress) == sentence


def test_what_is_left_is_as_dense_as_what_was_read():
    assert left_s(calls=10, read_ns=100, missing_ns=300, reads_per_minute=60) == 30
    assert left_s(calls=0, read_ns=0, missing_ns=300, reads_per_minute=60) is None
    assert left_s(calls=10, read_ns=100, missing_ns=-1, reads_per_minute=60) == 0
