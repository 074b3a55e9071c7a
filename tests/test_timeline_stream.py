"""Connections of more entries than fit into memory: the same rows, from files, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from gpkit import tables, timeline
from gpkit.errors import OutputError, SourceError, TableError
from gpkit.logs.grammar import in_ibis
from gpkit.tables import CONNECTIONS
from gpkit.timeline.connections import by_instance
from tests.many_entries_support import exported, local_log


@pytest.fixture(params=["local stack", "exports"])
def entries(request: pytest.FixtureRequest) -> pd.DataFrame:
    return local_log() if request.param == "local stack" else exported(request.getfixturevalue("exports"))


def test_a_file_a_folder_a_pattern_and_a_frame_give_the_same_rows(entries: pd.DataFrame, tmp_path: Path):
    half = len(entries) // 2
    (tmp_path / "day").mkdir()
    tables.write(entries, tmp_path / "whole.parquet")
    tables.write(entries[:half], tmp_path / "day" / "1.parquet")
    tables.write(entries[half:], tmp_path / "day" / "2.parquet")
    rows = timeline.connections(entries)
    assert len(rows) > 50
    for source in (tmp_path / "whole.parquet", tmp_path / "day", str(tmp_path / "day" / "*.parquet")):
        pd.testing.assert_frame_equal(timeline.connections_of(source), rows)


def test_what_is_written_is_the_same_table(entries: pd.DataFrame, tmp_path: Path):
    tables.write(entries, tmp_path / "entries.parquet")
    count = timeline.write_connections(tmp_path / "entries.parquet", tmp_path / "rows.parquet")
    rows = timeline.connections(entries)
    assert count == len(rows)
    pd.testing.assert_frame_equal(tables.read(tmp_path / "rows.parquet", CONNECTIONS), rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["entries.parquet", "rows.parquet"]


def test_the_order_of_the_files_changes_nothing(tmp_path: Path):
    entries = local_log()
    rows = timeline.connections(entries)
    tables.write(entries.sample(frac=1, random_state=7), tmp_path / "shuffled.parquet")
    pd.testing.assert_frame_equal(timeline.connections_of(tmp_path / "shuffled.parquet"), rows)


def test_any_ibis_table_will_do():
    entries = local_log()
    pd.testing.assert_frame_equal(timeline.connections_of(in_ibis(entries)), timeline.connections(entries))


def test_columns_that_a_story_does_not_need_may_be_missing(tmp_path: Path):
    from gpkit.timeline.lines import NEEDED

    entries = local_log()
    entries[list(NEEDED)].to_parquet(tmp_path / "narrow.parquet")
    pd.testing.assert_frame_equal(timeline.connections_of(tmp_path / "narrow.parquet"), timeline.connections(entries))


def test_no_entries_give_no_rows(tmp_path: Path):
    nothing = local_log()[:0]
    tables.write(nothing, tmp_path / "none.parquet")
    assert len(timeline.connections(nothing)) == 0
    rows = timeline.connections_of(tmp_path / "none.parquet")
    pd.testing.assert_frame_equal(rows, tables.empty(CONNECTIONS), check_dtype=True)


def test_an_entry_without_an_instant_is_part_of_no_connection():
    entries = local_log().copy()
    entries.loc[:, "timestamp_ns"] = pd.array([None] * len(entries), dtype="Int64")
    assert len(timeline.connections(entries)) == 0


def lines(*rows: tuple[str | None, str]) -> list[pa.RecordBatch]:
    table = pa.table({"instance_id": [at for at, _ in rows], "rule": [rule for _, rule in rows]})
    return table.to_batches(max_chunksize=2)


def test_lines_are_told_apart_by_instance_across_batches_and_upgrades_without_lines_are_not_held():
    parts = by_instance(
        iter(
            lines(
                ("i-1", "server-open"),
                ("i-1", "server-closed"),
                ("i-1", "upgrade-accepted"),
                ("i-2", "upgrade-refused"),
                (None, "upgrade-failed"),
                (None, "upgrade-failed"),
                (None, "upgrade-failed"),
            )
        )
    )
    found = [part["instance_id"].to_pylist() for part in parts]
    assert found == [["i-1"] * 3, ["i-2"], [None] * 2, [None]]


def test_a_path_that_leads_nowhere_and_a_broken_file_are_refused(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing more")
    for name, message in (
        ("none.parquet", "There is no file"),
        ("*.pq", "No file matches"),
        ("empty", "holds no Parquet file"),
        ("broken.parquet", "cannot be read as Parquet"),
    ):
        with pytest.raises(SourceError, match=message):
            timeline.connections_of(tmp_path / name)


def test_another_table_is_refused(tmp_path: Path):
    duckdb.execute(f"COPY (SELECT 1 AS number) TO '{tmp_path / 'other.parquet'}'")
    for read in (timeline.connections_of, timeline.rates):
        with pytest.raises(SourceError, match=r"other.parquet' is no table of entries: it lacks timestamp_ns, service"):
            read(tmp_path / "other.parquet")
    with pytest.raises(TableError, match="The table lacks timestamp_ns, service"):
        timeline.connections_of(in_ibis(pd.DataFrame({"number": [1]})))


def test_files_that_overlap_give_each_connection_once(entries: pd.DataFrame, tmp_path: Path):
    day = tmp_path / "day [1]"
    day.mkdir()
    for name, part in (("1", entries), ("2", entries[len(entries) // 3 :]), ("3", entries.assign(payload_kind=None))):
        tables.write(part, day / f"{name}.parquet")
    rows = timeline.connections(entries)
    pd.testing.assert_frame_equal(timeline.connections_of(str(tmp_path / "day*" / "*.parquet")), rows)
    assert timeline.write_connections(day, tmp_path / "rows.parquet") == len(rows)
    pd.testing.assert_frame_equal(timeline.rates(day), timeline.rates(entries))


def test_entries_without_an_insert_id_stay_where_files_overlap(tmp_path: Path):
    entries = local_log()
    for name in ("1", "2"):
        tables.write(entries.assign(insert_id=None), tmp_path / f"{name}.parquet")
    assert timeline.rates(tmp_path)["entries"].sum() == 2 * len(entries)


def test_a_file_that_cannot_be_written_is_refused_and_nothing_is_left(tmp_path: Path):
    tables.write(local_log(), tmp_path / "entries.parquet")
    with pytest.raises(OutputError, match="cannot be written"):
        timeline.write_connections(tmp_path / "entries.parquet", tmp_path / "no such folder" / "rows.parquet")
