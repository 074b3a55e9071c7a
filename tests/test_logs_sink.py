"""Sink files wherever fsspec reaches: the same entries as from local files, a stretch at a time."""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from gpkit import logs
from gpkit.entries import Entries, Extractor, assemble, selection
from gpkit.errors import FarSideError, SourceError, TargetError
from gpkit.logs import sink
from tests.log_entries_support import entry, request, write_array, write_lines


def read(address: str, filter: str = "") -> Entries:
    with Extractor(selection=selection(filter)) as extractor:
        parts, problems = sink.load(address, extractor)
    return assemble(parts, problems=problems)


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write_lines(tmp_path / "10.json", [entry(f"13:10:{at:02d}", f"line {at}") for at in range(30)])
    write_array(tmp_path / "11.json", [request("13:11:00"), entry("13:11:01", "Invalid JWT=REDACTED audience")])
    write_lines(tmp_path / "12.jsonl", [entry("13:12:00", "a line\nof two"), entry("13:12:01", "\u2028 and ü")])
    return tmp_path


def put(system: fsspec.AbstractFileSystem, files: Path, pack: Callable[[bytes], bytes] = bytes, end: str = "") -> None:
    for path in files.iterdir():
        system.pipe(f"/bucket/stderr/2025/09/07/{path.name}{end}", pack(path.read_bytes()))


@pytest.mark.parametrize("address", ["memory://bucket/stderr/**/*.json*", "memory://bucket/stderr/"])
def test_a_bucket_gives_the_entries_that_local_files_give(memory: fsspec.AbstractFileSystem, files: Path, address: str):
    put(memory, files)
    pd.testing.assert_frame_equal(read(address).frame, logs.read(files).frame)


@pytest.mark.parametrize(("pack", "end"), [(gzip.compress, ".gz"), (bz2.compress, ".bz2"), (lzma.compress, ".xz")])
def test_compressed_files_are_read_alike(
    memory: fsspec.AbstractFileSystem, files: Path, pack: Callable[[bytes], bytes], end: str
):
    put(memory, files, pack, end)
    pd.testing.assert_frame_equal(read("memory://bucket/stderr/").frame, logs.read(files).frame)


@pytest.mark.parametrize("size", [1, 100, 1000, 10_000])
def test_where_a_file_is_cut_into_stretches_changes_nothing(
    memory: fsspec.AbstractFileSystem, files: Path, size: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sink, "STRETCH_BYTES", size)
    monkeypatch.setattr(sink, "HEAD_BYTES", size)
    put(memory, files)
    pd.testing.assert_frame_equal(read("memory://bucket/stderr/").frame, logs.read(files).frame)


def test_only_what_a_filter_selects_stays(memory: fsspec.AbstractFileSystem, files: Path):
    put(memory, files)
    found = read("memory://bucket/stderr/", "httpRequest.status=403").frame
    assert found["http_status"].tolist() == [403]


def test_a_file_url_and_a_web_server_are_read(files: Path):
    expected = logs.read(files / "10.json").frame
    pd.testing.assert_frame_equal(read(f"file://{files}/10.json").frame, expected)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(files))
    handler.func.log_message = lambda *_: None  # type: ignore[attr-defined]
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        pd.testing.assert_frame_equal(read(f"http://127.0.0.1:{server.server_port}/10.json").frame, expected)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_file_that_is_no_export_is_told_beside_the_others(memory: fsspec.AbstractFileSystem, files: Path):
    put(memory, files)
    memory.pipe("/bucket/stderr/summary.json", b'{"summary": 1, "unique_messages": []}')
    entries = read("memory://bucket/stderr/")
    assert [problem.file for problem in entries.coverage.problems] == ["summary.json"]
    with pytest.raises(SourceError, match="is not a log export"):
        read("memory://bucket/stderr/summary.json")


def test_nothing_there_and_unknown_kinds_of_address_are_refused(memory: fsspec.AbstractFileSystem):
    for address in ("memory://bucket/none.json", "memory://bucket/*.json"):
        with pytest.raises(SourceError, match="No file is behind"):
            read(address)
    with pytest.raises(SourceError, match="of no kind that fsspec knows"):
        read("nonsense://bucket/x.json")


def test_a_missing_package_and_a_refusal_say_what_to_do(
    memory: fsspec.AbstractFileSystem, files: Path, monkeypatch: pytest.MonkeyPatch
):
    put(memory, files)
    for raised, expected, message in (
        (ImportError("Please install gcsfs to access Google Storage"), TargetError, "is not installed"),
        (PermissionError("forbidden"), TargetError, "roles/storage.objectViewer"),
        (OSError("connection reset"), FarSideError, "could not be read to its end"),
    ):
        monkeypatch.setattr(type(memory), "open", _raising(raised))
        with pytest.raises(expected, match=message):
            read("memory://bucket/stderr/")


def _raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_a_file_that_ends_in_its_middle_is_no_whole_file(memory: fsspec.AbstractFileSystem, files: Path):
    memory.pipe("/bucket/cut.json.gz", gzip.compress((files / "10.json").read_bytes())[:-20])
    with pytest.raises(FarSideError, match="could not be read to its end"):
        read("memory://bucket/cut.json.gz")
