"""Every shape in which log entries come, and everything that is none."""

import bz2
import codecs
import gzip
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pytest

from gpkit import logs
from gpkit.errors import SourceError
from tests.log_entries_support import entry, request, snake, write_array, write_lines

THREE = [entry("13:00:02", "c"), entry("13:00:01.5", "b"), request("13:00:01.25")]


def shapes(folder: Path) -> dict[str, Path]:
    array = json.dumps(THREE, indent=2).encode()
    lines = "".join(json.dumps(each) + "\n" for each in THREE).encode()
    with pa.output_stream(str(folder / "zstd"), compression="zstd") as stream:
        stream.write(array)
    written = {
        "array": array,
        "array on one line": json.dumps(THREE).encode(),
        "lines": lines,
        "lines without a last newline": lines.rstrip(),
        "lines with blanks": lines.replace(b"\n", b"\r\n\r\n"),
        "objects over several lines": b"\n".join(json.dumps(each, indent=2).encode() for each in THREE),
        "two arrays, one after the other": json.dumps(THREE[:2]).encode() + b"\n" + json.dumps(THREE[2:]).encode(),
        "raw_logs": json.dumps({"collected": "x", "raw_logs": THREE, "count": 3}).encode(),
        "entries": json.dumps({"entries": THREE, "nextPageToken": "t"}).encode(),
        "logs_by_severity": json.dumps({"logs_by_severity": {"ERROR": THREE[:1], "INFO": THREE[1:]}}).encode(),
        "byte order mark, array": codecs.BOM_UTF8 + array,
        "byte order mark, lines": codecs.BOM_UTF8 + lines,
        "byte order mark, wrapper": codecs.BOM_UTF8 + json.dumps({"raw_logs": THREE}).encode(),
        "UTF-16 as PowerShell writes it": codecs.BOM_UTF16_LE + array.decode().encode("utf-16-le"),
        "gzip": gzip.compress(array),
        "gzip lines": gzip.compress(lines),
        "bzip2": bz2.compress(array),
        "xz": lzma.compress(lines),
        "a name with [brackets]*?": array,
    }
    for name, data in written.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in [*written, "zstd"]}


def test_every_shape_gives_the_same_entries(tmp_path: Path):
    for name, path in shapes(tmp_path).items():
        frame = logs.read(path).frame
        assert frame["insert_id"].tolist() == ["req-13:00:01.25", "id-13:00:01.5", "id-13:00:02"], name
        assert [json.loads(each)["timestamp"] for each in frame["entry"]] == [
            "2025-09-07T13:00:01.25Z",
            "2025-09-07T13:00:01.5Z",
            "2025-09-07T13:00:02Z",
        ], name


def test_one_entry_alone_is_an_export(tmp_path: Path):
    (tmp_path / "one.json").write_text(json.dumps(THREE[0], indent=2))
    assert len(logs.read(tmp_path / "one.json").frame) == 1


def test_an_export_of_nothing_is_no_data_and_no_error(tmp_path: Path):
    (tmp_path / "none.json").write_text("[]\n")
    read = logs.read(tmp_path / "none.json")
    assert read.frame.empty
    assert read.coverage.entries == 0
    assert read.coverage.since is None


def test_snake_case_entries_fill_the_same_columns(tmp_path: Path):
    wrapped = {"logs_by_severity": {"DEFAULT": [snake(entry("13:00:01.123456", "hello"))]}}
    (tmp_path / "wrap.json").write_text(json.dumps(wrapped))
    row = logs.read(tmp_path / "wrap.json").frame.iloc[0]
    assert row["insert_id"] == "id-13:00:01.123456"
    assert row["message"] == "hello"
    assert row["service"] == "shop-backend"
    assert row["timestamp_ns"] % 10**9 == 123456000


def test_a_request_in_snake_case_keeps_its_status_and_client(tmp_path: Path):
    bare = snake(entry("13:00:01"))
    bare["http_request"] = {
        "method": "GET",
        "url": "https://x.test/ws",
        "status": 503,
        "user_agent": "u",
        "latency": "1.5s",
    }
    (tmp_path / "wrap.json").write_text(json.dumps({"raw_logs": [bare]}))
    row = logs.read(tmp_path / "wrap.json").frame.iloc[0]
    assert (row["http_status"], row["http_latency_s"], row["user_agent"]) == (503, 1.5, "u")


def test_a_folder_passes_over_what_is_no_export_and_says_so(tmp_path: Path):
    write_lines(tmp_path / "good.jsonl", THREE)
    (tmp_path / "summary.json").write_text('{"summary": {"total_logs": 5}, "unique_messages": {}}')
    (tmp_path / "notes.txt").write_text("not looked at")
    coverage = logs.read(tmp_path).coverage
    assert [file.name for file in coverage.files] == ["good.jsonl"]
    assert [problem.file for problem in coverage.problems] == ["summary.json"]
    assert "it is a summary" in coverage.problems[0].what


def test_a_pattern_and_a_name_of_the_same_file_read_it_once(tmp_path: Path):
    path = write_array(tmp_path / "a.json", THREE)
    read = logs.read([str(tmp_path / "*.json"), path])
    assert len(read.coverage.files) == 1
    assert read.coverage.duplicates == 0


REFUSED = {
    "an empty file": (b"", "is empty"),
    "blanks only": (b" \n\n", "is empty"),
    "a summary": (b'{"collection_info": {}, "summary": {}, "unique_messages": {}}', "it is a summary (keys"),
    "a test report": (b'{"created": 1, "exitcode": 1, "tests": []}', "it is a test report"),
    "a timing report": (b'{"timestamp": "2025-01-01", "total_validation_time_ms": 1}', "it is a timing report"),
    "another object": (b'{"a": 1}', "it holds no array of entries (keys a)"),
    "a list of numbers": (b"[1, 2]", "none of its 2 records is a log entry"),
    "a cut array": (b'[{"insertId": "a", "timestamp": "2025-01-01T00:00:00Z"},', "is cut off"),
    "an array cut in an entry": (b'[\n{"insertId": "a"},\n{"insertId": "b", "te', "is no valid JSON from line 3 on"),
    "a cut object": (b'{"raw_logs": [{"insertId": "a"', "it is no valid JSON"),
    "text": (b"2025-09-07 13:00:00 - app - INFO - hello\n", "it is not JSON"),
    "binary": (bytes(range(256)), "it is binary"),
    "a test report in XML": (b'<?xml version="1.0"?><testsuites/>', "it is an XML document"),
    "an archive": (b"PK\x03\x04....", "it is a zip archive"),
    "a cut gzip file": (gzip.compress(b"[]" * 1000)[:-9], "cannot be read"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_export_is_refused_with_the_reason(tmp_path: Path, case: str):
    data, reason = REFUSED[case]
    (tmp_path / "file.json").write_bytes(data)
    with pytest.raises(SourceError) as caught:
        logs.read(tmp_path / "file.json")
    assert reason in str(caught.value)
    assert "file.json" in str(caught.value)


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path):
    with pytest.raises(SourceError, match="There is no file"):
        logs.read(tmp_path / "missing.json")
    with pytest.raises(SourceError, match="No file matches"):
        logs.read(str(tmp_path / "*.json"))
    with pytest.raises(SourceError, match="holds no log file"):
        logs.read(tmp_path)


def test_a_broken_line_costs_that_line_and_is_reported_with_its_number(tmp_path: Path):
    good = [json.dumps(each) for each in THREE]
    text = "\n".join([good[0], "", good[1], '{"insertId": "x", ', good[2], good[2][:40]])
    (tmp_path / "cut.jsonl").write_text(text)
    read = logs.read(tmp_path / "cut.jsonl")
    assert len(read.frame) == 3
    assert [(problem.line, problem.what) for problem in read.coverage.problems] == [
        (4, "no valid JSON"),
        (6, "no valid JSON"),
    ]


def test_a_record_among_the_lines_that_is_no_entry_is_reported(tmp_path: Path):
    lines = [json.dumps(THREE[0]), '{"a": 1}', "17", json.dumps(THREE[1])]
    (tmp_path / "mixed.jsonl").write_text("\n".join(lines))
    read = logs.read(tmp_path / "mixed.jsonl")
    assert len(read.frame) == 2
    assert [problem.line for problem in read.coverage.problems] == [2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"insertId": "a", "jsonPayload": ' + '{"a":' * 50_000 + "1" + "}" * 50_001,
        '{"entries": [{"insertId": "a"}], "more": ' + "[" * 5000 + "]" * 5000 + "}",
        '[{"insertId": "a"}, ' + "[" * 5000,
    ],
    ids=["brackets", "an entry", "a wrapper", "an array"],
)
def test_what_is_nested_too_deeply_is_refused(tmp_path, text):
    (tmp_path / "deep.json").write_text(text)

    with pytest.raises(SourceError, match=r"^deep\.json is no.* nested too deeply") as refused:
        logs.read(tmp_path / "deep.json")

    assert refused.value.exit_code == 4


def test_a_line_that_is_nested_too_deeply_for_a_filter_costs_that_line(tmp_path):
    deep = '{"insertId": "b", "textPayload": "x", "jsonPayload": ' + '{"a":' * 5000 + '"y"' + "}" * 5001
    (tmp_path / "deep.jsonl").write_text(f'{{"insertId": "a", "textPayload": "x"}}\n{deep}\n')

    read = logs.read(tmp_path / "deep.jsonl", filter="y OR insertId=a")

    assert read.frame["insert_id"].tolist() == ["a"]
    assert [(each.line, each.what) for each in read.coverage.problems] == [(2, "no valid JSON")]
