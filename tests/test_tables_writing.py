"""A table is written whole or not at all."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pandas as pd
import pytest

from gpkit import tables
from gpkit.errors import OutputError
from tests.cache_support import small_disk

ENDINGS = ("parquet", "jsonl", "csv")


def rows(count: int) -> pd.DataFrame:
    """Rows that no compression makes small."""
    return pd.DataFrame({"text": [os.urandom(100).hex() for _ in range(count)]})


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_leaves_the_file_that_was_there_and_nothing_else(tmp_path: Path, ending: str):
    with small_disk(tmp_path / "disk", size_kib=200) as disk:
        path = disk / f"entries.{ending}"
        tables.write(rows(100), path)
        before = path.read_bytes()

        with pytest.raises(OutputError) as told:
            tables.write(rows(3000), path)

        assert told.value.exit_code == 4
        assert str(told.value).splitlines() == [
            f"'{path}' cannot be written: No space left on device.",
            "Choose another file.",
        ]
        assert path.read_bytes() == before
        assert list(disk.iterdir()) == [path]


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_fails_half_way_leaves_nothing(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch):
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)

    with pytest.raises(KeyboardInterrupt):
        tables.write(rows(3), tmp_path / f"entries.{ending}")

    assert list(tmp_path.iterdir()) == []


def test_a_file_keeps_its_rights_and_a_link_stays_a_link(tmp_path: Path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)

    tables.write(pd.DataFrame({"a": [1]}), link)

    assert link.is_symlink()
    assert real.read_text() == "a\n1\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "real.csv"]


def test_a_pipe_is_written_into_where_it_is(tmp_path: Path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()

    tables.write(pd.DataFrame({"a": [1]}), pipe)
    reader.join(10)

    assert read == ["a\n1\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_name_as_long_as_can_be_is_written(tmp_path: Path):
    path = tmp_path / ("x" * 247 + ".parquet")
    tables.write(pd.DataFrame({"a": [1]}), path)
    assert path.is_file()


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_half_of_a_character_is_written_as_its_escape(tmp_path: Path, ending: str):
    path = tmp_path / f"entries.{ending}"
    tables.write(pd.DataFrame({"a": ["\ud83d"]}, dtype="object"), path)
    assert "\\ud83d" in path.read_text()


def test_parquet_carries_the_filter_that_left_rows_out(tmp_path: Path):
    frame = pd.DataFrame({"a": [1]})

    tables.write(frame, tmp_path / "some.parquet", filter='severity>="ERROR"')
    tables.write(frame, tmp_path / "all.parquet")

    assert tables.filter_of(tmp_path / "some.parquet") == 'severity>="ERROR"'
    assert tables.filter_of(tmp_path / "all.parquet") == ""
    assert pd.read_parquet(tmp_path / "some.parquet").equals(frame)
