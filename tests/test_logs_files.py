"""Which files are read, also while others come and go beside them."""

import bz2
import gzip
import json
import os
import random
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gpkit import entries, logs, tables
from gpkit.errors import SourceError
from gpkit.logs import files, finding
from tests.log_entries_support import entry, request, write_array


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an export in it and one in a sub-folder."""
    (tmp_path / "deeper").mkdir()
    write_array(tmp_path / "stays.json", [entry("13:00:00", "a"), entry("13:00:01", "b")])
    write_array(tmp_path / "deeper" / "goes.json", [entry("13:00:02", "c")])
    return tmp_path


def problems(read: entries.Entries) -> list[tuple[str, str]]:
    return [(problem.file, problem.what) for problem in read.coverage.problems]


def test_a_file_that_goes_after_it_was_found_is_reported(folder, monkeypatch):
    found = finding.find(folder)
    (folder / "deeper" / "goes.json").unlink()
    monkeypatch.setattr("gpkit.logs.reading.find", lambda _: found)

    read = logs.read(folder)

    assert read.frame["message"].tolist() == ["a", "b"]
    assert problems(read) == [("goes.json", "cannot be read: No such file or directory")]
    assert read.coverage.sentences() == [
        "1 record could not be read; the first: goes.json: cannot be read: No such file or directory."
    ]


def test_a_file_that_goes_while_it_is_read_is_reported(folder, monkeypatch):
    fast_source = files._fast_source

    def goes_now(path: Path, way: str, packed: str | None) -> str:
        if path.name == "goes.json":
            path.unlink()
        return fast_source(path, way, packed)

    monkeypatch.setattr(files, "_fast_source", goes_now)

    assert problems(logs.read(folder)) == [("goes.json", "cannot be read: No such file or directory")]


def test_a_folder_that_goes_while_it_is_searched_is_reported(folder, monkeypatch):
    scandir = os.scandir

    def goes_now(path):
        if Path(path).name == "deeper":
            Path(path, "goes.json").unlink()
            Path(path).rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", goes_now)
    read = logs.read(folder)

    assert read.frame["message"].tolist() == ["a", "b"]
    assert problems(read) == [("deeper", "cannot be read: No such file or directory")]


def test_a_named_file_that_goes_is_refused(folder, monkeypatch):
    found = finding.find(folder / "stays.json")
    (folder / "stays.json").unlink()
    monkeypatch.setattr("gpkit.logs.reading.find", lambda _: found)

    with pytest.raises(SourceError, match=r"^stays.json cannot be read: No such file or directory\.$"):
        logs.read(folder / "stays.json")


@pytest.mark.parametrize("keep", [0.3, 0.99])
def test_a_compressed_file_that_is_cut_off_is_refused_however_long_it_is(tmp_path, keep):
    noise = random.Random(1)
    lines = [json.dumps(entry("13:00:00", noise.randbytes(400).hex(), insertId=str(n))) for n in range(800)]
    packed = gzip.compress("\n".join(lines).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(packed[: int(len(packed) * keep)])

    with pytest.raises(SourceError, match=r"a\.jsonl\.gz cannot be read: .* It may be cut off"):
        logs.read(tmp_path / "a.jsonl.gz")


@pytest.mark.parametrize("name", ["gone.json", "gone/*.json", "dee*", "n" * 5000, "~nobody-here/x.json"])
def test_what_leads_to_no_file_is_refused(folder, monkeypatch, name):
    monkeypatch.chdir(folder)

    with pytest.raises(SourceError, match=r"^(There is no file|No file matches) "):
        logs.read(name)


def masked() -> list[dict[str, object]]:
    """Entries with what is redacted, what has a second line, what has no stamp, and half of a surrogate pair."""
    return [
        request("13:00:03"),
        entry("13:00:02", "mail to a.person@example.test, Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
        entry("13:00:01", 'Traceback (most recent call last):\n  File "a.py", line 1'),
        entry(
            "13:00:01", None, insertId="j", jsonPayload={"message": '\u00e9 \\ \u2028 "x"', "n": 12345678901234567890}
        ),
        entry("13:00:00", "no id", insertId=None),
        entry("13:00:00", "no id", insertId=None),
        entry("no time", "when?"),
    ]


@pytest.mark.parametrize("name", ["e.parquet", "e.jsonl"])
@pytest.mark.parametrize("halved", [False, True], ids=["valid", "half of a surrogate pair"])
def test_a_table_that_was_written_is_read_back_as_it_was(tmp_path, name, halved):
    original = masked() + ([entry("13:00:04", "half \ud83d of a pair")] if halved else [])
    write_array(tmp_path / "export.json", original)
    first = logs.read(tmp_path / "export.json")
    tables.write(first.frame, tmp_path / name)

    again = logs.read(tmp_path / name)

    pd.testing.assert_frame_equal(again.frame, first.frame)
    assert again.coverage.problems == ()
    both = logs.read([tmp_path / "export.json", tmp_path / name])
    assert both.frame["entry"].tolist() == first.frame["entry"].tolist()


def test_a_written_table_is_found_in_folders_and_other_parquet_is_passed_over(folder):
    tables.write(logs.read(folder).frame, folder / "deeper" / "entries.parquet")
    (folder / "stays.json").unlink()
    pq.write_table(pa.table({"outcome": ["accepted"]}), folder / "attempts.parquet")
    (folder / "broken.parquet").write_bytes(b"PAR1 and nothing more")

    read = logs.read(folder)

    assert read.frame["message"].tolist() == ["a", "b", "c"]
    (other, broken) = problems(read)
    assert other == ("attempts.parquet", "is not a log export: it is a Parquet file without the column entry")
    assert broken[1].startswith("cannot be read as Parquet")


@pytest.mark.parametrize("name", ["e.parquet", "e.jsonl", "e.jsonl.bz2"])
def test_a_row_without_its_entry_is_reported_with_its_number(folder, name):
    frame = logs.read(folder).frame
    frame.loc[1, "entry"] = None
    if name == "e.parquet":
        pq.write_table(pa.Table.from_pandas(frame), folder / name)
    else:
        lines = tables.to_jsonl(frame).encode()
        (folder / name).write_bytes(bz2.compress(lines) if name.endswith("bz2") else lines)

    read = logs.read(folder / name)

    assert read.frame["message"].tolist() == ["a", "c"]
    assert [(each.line, each.what) for each in read.coverage.problems] == [(2, "a row without its entry")]
