"""Which files are read, also while others come and go beside them."""

import gzip
import json
import os
import random
from pathlib import Path

import pytest

from gpkit import entries, logs
from gpkit.errors import SourceError
from gpkit.logs import files
from tests.log_entries_support import entry, write_array


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
    found = files.find(folder)
    (folder / "deeper" / "goes.json").unlink()
    monkeypatch.setattr("gpkit.logs.reading.find", lambda _: found)

    read = logs.read(folder)

    assert read.frame["message"].tolist() == ["a", "b"]
    assert problems(read) == [("goes.json", "cannot be read: No such file or directory")]
    assert read.coverage.sentences() == [
        "1 records could not be read; the first: goes.json: cannot be read: No such file or directory."
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
    found = files.find(folder / "stays.json")
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
