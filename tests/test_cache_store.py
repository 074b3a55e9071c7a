"""Slices on disk: whole or not at all, each entry once, and nothing lost."""

import dataclasses
import json
import os
import random
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpkit.cache import Key, Read, Store, Stretch, missing
from gpkit.errors import OutputError
from tests.cache_support import KEY, MINUTE, SCHEMA, at, ids, small_disk, table

NOON, ONE = at("12:00"), at("13:00")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache", now_ns=lambda: at("18:00"))


def fill(shelf, since, until, *lines, read_at="17:00"):
    begin = at(since) // (15 * MINUTE) * 15 * MINUTE
    with shelf.claim(begin) as claim:
        assert claim is not None
        shelf.write(claim, table(*lines), [Read(at(since), at(until), at(read_at))])


def files_of(shelf, pattern="*"):
    return sorted(path.name for path in shelf.folder.glob(pattern))


def test_a_slice_comes_back_as_it_was_written(store):
    fill(store.shelf(KEY), "13:00", "13:15", "13:00:01.000000001 a", "13:14:59.999999999 b stderr")

    shelf = store.shelf(KEY)
    assert shelf.read(ONE).table.equals(table("13:00:01.000000001 a", "13:14:59.999999999 b stderr"))
    (held,) = shelf.slices(at("13:05"), at("13:06"))
    assert (held.state, held.entries, held.read_at_ns) == ("final", 2, at("17:00"))


def test_an_empty_slice_is_knowledge(store):
    fill(store.shelf(KEY), "13:00", "13:15")

    shelf = store.shelf(KEY)
    assert shelf.slice(ONE).state == "final"
    assert len(shelf.read(ONE).table) == 0


def test_what_was_never_read_is_missing(store):
    shelf = store.shelf(KEY)

    assert [each.state for each in shelf.slices(at("13:10"), at("13:40"))] == ["missing"] * 3
    assert shelf.read(ONE) is None
    assert not store.folder.exists()


@pytest.mark.parametrize(
    "other",
    [
        {"project": "else"},
        {"filter": 'severity>="INFO"'},
        {"endpoint": "http://127.0.0.1:2"},
        {"masked": False},
        {"version": 2},
    ],
)
def test_another_key_shares_nothing(store, other):
    fill(store.shelf(KEY), "13:00", "13:15", "13:01 a")

    assert store.shelf(dataclasses.replace(KEY, **other)).slice(ONE).state == "missing"


def test_an_entry_once_seen_stays_and_one_read_again_is_one(store):
    shelf = store.shelf(KEY)
    fill(shelf, "13:00", "13:15", "13:01 a", "13:02 b", read_at="13:16")
    fill(shelf, "13:00", "13:15", "13:01:30 late", "13:02 b", read_at="14:00")

    assert ids(shelf.read(ONE)) == ["a", "late", "b"]


def test_an_entry_is_identified_by_log_instant_and_insert_id(store):
    shelf = store.shelf(KEY)
    fill(shelf, "13:00", "13:15", "13:01 a", "13:01 a stderr", "13:01:00.000000001 a", "13:01 a")

    assert len(shelf.read(ONE).table) == 3


def test_entries_without_an_insert_id_are_as_many_as_one_reading_brings(store):
    shelf = store.shelf(KEY)
    fill(shelf, "13:00", "13:15", "13:01 -", "13:01 -", "13:02 -")
    fill(shelf, "13:00", "13:15", "13:01 -", "13:03 -")

    assert shelf.read(ONE).table["timestamp_ns"].to_pylist() == [at("13:01"), at("13:01"), at("13:02"), at("13:03")]


def test_a_young_slice_is_known_up_to_the_horizon(store):
    fill(store.shelf(KEY), "13:00", "13:15", "13:01 a", read_at="13:16")

    held = store.shelf(KEY).slice(ONE)
    assert held.state == "young"
    assert missing(Stretch(ONE, at("13:15")), held.held) == (Stretch(at("13:06"), at("13:15")),)


def test_a_slice_read_by_a_clock_that_was_ahead_is_young_and_the_next_read_makes_it_final(store):
    shelf = store.shelf(KEY)
    clock = {"now": at("23:00")}
    ahead = Store(store.folder, now_ns=lambda: clock["now"]).shelf(KEY)
    fill(ahead, "13:00", "13:15", "13:01 a", read_at="22:59")

    assert shelf.slice(ONE).state == "young"
    assert shelf.slice(ONE).held == ()
    fill(shelf, "13:00", "13:15", "13:01 a", "13:02 b", read_at="17:59")
    assert shelf.slice(ONE).state == "final"


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_reads_in_any_overlap_and_order_lose_nothing_and_repeat_nothing(tmp_path_factory, data):
    """The truth grows while it is read; each read sees what has arrived by then."""
    shelf = Store(tmp_path_factory.mktemp("cache"), now_ns=lambda: at("18:00")).shelf(KEY)
    truth = [(seconds, data.draw(st.integers(0, 900), label="arrives")) for seconds in range(0, 900, 60)]
    seen = set()
    for number, (one, other) in enumerate(data.draw(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900))))):
        since, until, read_s = min(one, other), max(one, other), 200 * number
        came = [second for second, late in truth if since <= second < until and second + late <= read_s]
        lines = [f"13:{second // 60:02d}:00 id{second}" for second in came]
        with shelf.claim(ONE) as claim:
            reads = [Read(ONE + since * 10**9, ONE + until * 10**9, ONE + read_s * 10**9)]
            shelf.write(claim, table(*lines), reads)
        seen |= set(came)

        assert ids(shelf.read(ONE)) == [f"id{second}" for second in sorted(seen)]
    for stretch in shelf.slice(ONE).held:
        inside = {second for second, late in truth
                  if late <= 600 and stretch.since_ns <= ONE + second * 10**9 < stretch.until_ns}  # fmt: skip
        assert inside <= seen


def test_pieces_of_a_slice_are_folded_in_by_the_next_claim(store):
    shelf = store.shelf(KEY)
    with shelf.claim(ONE) as claim:
        shelf.append(claim, table("13:01 a"), Read(ONE, at("13:02"), at("17:00")))
        shelf.append(claim, table("13:02 b", "13:03 c"), Read(at("13:02"), at("13:03"), at("17:00")))
    assert shelf.slice(ONE).state == "missing"

    with shelf.claim(ONE):
        held = shelf.slice(ONE)
    assert held.state == "part"
    assert held.held == (Stretch(ONE, at("13:03")),)
    assert ids(shelf.read(ONE)) == ["a", "b", "c"]
    assert files_of(shelf) == ["20250907T130000Z.parquet", "key.json"]


def test_more_than_nine_pieces_keep_their_order_at_one_instant(store):
    shelf = store.shelf(KEY)
    with shelf.claim(ONE) as claim:
        for number in range(12):
            shelf.append(claim, table(f"13:01 id{number}"), Read(ONE, at("13:01"), at("17:00")))
    shelf.tidy()

    assert ids(shelf.read(ONE)) == [f"id{number}" for number in range(12)]


def test_a_claim_is_for_one(store):
    shelf = store.shelf(KEY)
    with shelf.claim(ONE) as first, shelf.claim(ONE) as second, shelf.claim(NOON) as other:
        assert first is not None
        assert second is None
        assert other is not None
    with shelf.claim(ONE) as again:
        assert again is not None


def test_everything_is_for_its_owner_alone(store):
    shelf = store.shelf(KEY)
    fill(shelf, "13:00", "13:15", "13:01 a")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (store.folder, *store.folder.rglob("*"))}
    assert set(modes.values()) == {0o700, 0o600}
    assert modes["key.json"] == modes["20250907T130000Z.parquet"] == 0o600


def test_the_key_file_is_readable_and_holds_no_credential(store):
    secret = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJwcm9iZSJ9." + "c2lnbmF0dXJlc2lnbmF0dXJl"
    shelf = store.shelf(Key("shop", f'textPayload:"token={secret}"', "http://127.0.0.1:1", True, 1))
    fill(shelf, "13:00", "13:15")

    said = json.loads((shelf.folder / "key.json").read_text())
    assert said["project"] == "shop"
    assert "[redacted" in said["filter"]
    assert not any(secret.encode() in path.read_bytes() for path in shelf.folder.iterdir())


CUTS = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "a footer that is cut": lambda content: content[:-3],
    "zeros": lambda content: bytes(len(content)),
    "text": lambda content: b"not parquet at all",
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_broken_slice_is_set_aside_told_and_filled_again(store, cut):
    fill(store.shelf(KEY), "13:00", "13:15", "13:01 a")
    shelf = store.shelf(KEY)
    path = shelf.folder / "20250907T130000Z.parquet"
    path.write_bytes(cut(path.read_bytes()))

    assert shelf.slice(ONE).state == "missing"
    assert shelf.read(ONE) is None
    assert [(fault.file, fault.why) for fault in shelf.faults] == [
        ("20250907T130000Z.parquet", "was set aside: it is no whole Parquet file")
    ]
    assert files_of(shelf, "*.broken") == ["20250907T130000Z.parquet.broken"]
    fill(shelf, "13:00", "13:15", "13:01 a")
    assert ids(shelf.read(ONE)) == ["a"]


def test_whatever_byte_is_damaged_the_table_is_the_one_written_or_none(store):
    lines = [f"13:{second // 60:02d}:{second % 60:02d} id{second}" for second in range(0, 900, 3)]
    fill(store.shelf(KEY), "13:00", "13:15", *lines)
    path = store.shelf(KEY).folder / "20250907T130000Z.parquet"
    whole, truth = path.read_bytes(), (table(*lines), (Read(ONE, at("13:15"), at("17:00")),))
    draw = random.Random(7)
    wrong = []
    for place in draw.sample(range(len(whole)), 250):
        shelf = store.shelf(KEY)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << draw.randrange(8))]) + whole[place + 1 :])
        held = shelf.slice(ONE)
        got = shelf.read(ONE)
        if got is not None and (got != truth or held.reads != truth[1]):
            wrong.append(place)

    assert wrong == []


def test_foreign_parquet_is_set_aside(store):
    shelf = store.shelf(KEY)
    fill(shelf, "13:00", "13:15", "13:01 a")
    pq.write_table(pa.table({"x": [1]}), shelf.folder / "20250907T131500Z.parquet")
    slice_of_another_hour = shelf.folder / "20250907T140000Z.parquet"
    slice_of_another_hour.write_bytes((shelf.folder / "20250907T130000Z.parquet").read_bytes())

    assert [each.state for each in shelf.slices(ONE, at("14:15"))].count("missing") == 4
    assert {fault.file: fault.why for fault in shelf.faults} == {
        "20250907T131500Z.parquet": "was set aside: it was not written by this cache",
        "20250907T140000Z.parquet": "was set aside: it belongs elsewhere",
    }


def test_a_broken_piece_costs_that_piece(store):
    shelf = store.shelf(KEY)
    with shelf.claim(ONE) as claim:
        shelf.append(claim, table("13:01 a"), Read(ONE, at("13:02"), at("17:00")))
        shelf.append(claim, table("13:03 b"), Read(at("13:02"), at("13:04"), at("17:00")))
    (shelf.folder / "20250907T130000Z.2.part").write_bytes(b"PAR1")
    shelf.tidy()

    assert shelf.slice(ONE).held == (Stretch(ONE, at("13:02")),)
    assert ids(shelf.read(ONE)) == ["a"]


def test_a_file_that_goes_while_it_is_looked_for_is_missing(store):
    shelf = store.shelf(KEY)
    fill(shelf, "13:00", "13:15", "13:01 a")
    held = shelf.slice(ONE)
    (shelf.folder / "20250907T130000Z.parquet").unlink()

    assert held.state == "final"
    assert shelf.read(ONE) is None
    assert shelf.faults == []


def test_a_full_disk_leaves_nothing_half_written_and_keeps_what_was_held(tmp_path):
    with small_disk(tmp_path / "small", 256) as disk:
        _fill_it(disk)


def _fill_it(disk):
    shelf = Store(disk / "cache", now_ns=lambda: at("18:00")).shelf(KEY)
    fill(shelf, "13:00", "13:15", "13:01 a")
    draw = random.Random(1)
    large = pa.table(
        {
            "timestamp_ns": [at("13:02") + number for number in range(3000)],
            "log_name": ["stdout"] * 3000,
            "insert_id": [draw.randbytes(100).hex() for _ in range(3000)],
            "entry": ["{}"] * 3000,
        },
        schema=SCHEMA,
    )
    before = files_of(shelf)

    with shelf.claim(ONE) as claim, pytest.raises(OutputError) as caught:
        shelf.write(claim, large, [Read(ONE, at("13:15"), at("17:00"))])

    said = str(caught.value)
    assert said.startswith(f"The cache in {disk / 'cache'} cannot be written: ")
    assert said.endswith("Make room: gpkit cache prune --older-than 30d; or set GPKIT_CACHE to another folder.")
    assert files_of(shelf) == before
    assert ids(shelf.read(ONE)) == ["a"]
    with shelf.claim(ONE) as claim, pytest.raises(OutputError):
        shelf.append(claim, large, Read(ONE, at("13:15"), at("17:00")))
    assert files_of(shelf) == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    shelf = Store(tmp_path / "file" / "cache").shelf(KEY)

    assert shelf.slice(ONE).state == "missing"
    assert shelf.faults == []
    with pytest.raises(OutputError, match="cannot be written"), shelf.claim(ONE):
        pass


def test_the_cache_is_in_the_project_or_where_the_environment_says(monkeypatch, root, tmp_path):
    monkeypatch.delenv("GPKIT_CACHE", raising=False)
    monkeypatch.chdir(root)
    assert Store().folder == root / "outputs" / "cache" / "logs"
    monkeypatch.setenv("GPKIT_CACHE", str(tmp_path))
    assert Store().folder == tmp_path


def test_the_listing_tells_what_is_held(store):
    shelf = store.shelf(KEY)
    fill(shelf, "13:00", "13:15", "13:01 a", "13:02 b")
    fill(shelf, "13:45", "14:00", "13:46 c", read_at="14:01")
    fill(shelf, "14:00", "14:07")
    os.utime(shelf.folder / "20250907T130000Z.parquet", (0, 1_800_000_000))

    (row,) = store.listing().to_dict("records")
    assert {name: row[name] for name in ("project", "filter", "endpoint", "masked", "version")} == dataclasses.asdict(
        KEY
    )
    assert (str(row["since"]), str(row["until"])) == ("2025-09-07 13:00:00+00:00", "2025-09-07 14:15:00+00:00")
    assert [row[name] for name in ("slices", "final", "young", "part", "entries", "broken")] == [3, 1, 1, 1, 3, 0]
    assert row["size_bytes"] == sum(path.stat().st_size for path in shelf.folder.glob("*.parquet"))
    assert str(row["last_read"]) >= "2027-01-15"


def test_the_listing_survives_a_key_file_that_is_broken_or_lost(store):
    fill(store.shelf(KEY), "13:00", "13:15", "13:01 a")
    (store.folder / KEY.digest / "key.json").write_text('{"masked": "x"}')
    (store.folder / "stray").write_text("")
    (store.folder / "empty").mkdir()

    listed = store.listing()
    assert listed["entries"].tolist() == [1, 0]
    assert listed["project"].isna().all()


def test_pruning_takes_what_was_not_of_use_for_so_long(store):
    shelf, other = store.shelf(KEY), store.shelf(Key("else", "", "http://127.0.0.1:1", True, 1))
    for each in (shelf, other):
        fill(each, "13:00", "13:15", "13:01 a")
        fill(each, "13:15", "13:30", "13:16 b")
        for path in each.folder.glob("*.parquet"):
            os.utime(path, (0, at("17:00") / 1e9))
    os.utime(shelf.folder / "20250907T131500Z.parquet", (0, at("17:45") / 1e9))

    pruned = store.prune(1800, project="shop")
    assert pruned.slices == 1
    assert pruned.size_bytes > 0
    assert files_of(shelf) == ["20250907T131500Z.parquet", "key.json"]
    assert len(files_of(other)) == 3
    assert store.prune(1800).slices == 2
    assert not other.folder.exists()


def test_pruning_spares_what_is_being_filled(store):
    shelf = store.shelf(KEY)
    with shelf.claim(ONE) as claim:
        shelf.append(claim, table("13:01 a"), Read(ONE, at("13:02"), at("17:00")))
        store.prune(-(10**12))
        shelf.write(claim, table("13:01 a", "13:05 b"), [Read(ONE, at("13:15"), at("17:00"))])

    assert ids(shelf.read(ONE)) == ["a", "b"]


def test_reading_a_slice_makes_it_younger(store):
    shelf = store.shelf(KEY)
    fill(shelf, "13:00", "13:15", "13:01 a")
    path = Path(shelf.folder / "20250907T130000Z.parquet")
    os.utime(path, (0, 0))
    shelf.read(ONE)

    assert path.stat().st_mtime > 0
