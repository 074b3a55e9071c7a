"""Entries that were written with a filter are a selection wherever they are read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpkit import logs, tables
from gpkit.cli import main
from gpkit.entries import Coverage, Written, selected_by
from tests.log_entries_support import entry, request, write_array


@pytest.fixture
def export(tmp_path: Path) -> Path:
    entries = [entry("13:00:00", "fine", severity="INFO"), entry("13:00:01", "bad", severity="ERROR")]
    return write_array(tmp_path / "export.json", [*entries, request("13:00:02")])


def written(source: Path, filter: str, name: str) -> Path:
    """What ``gpkit logs SOURCE --filter F -o NAME`` writes."""
    path = source.with_name(name)
    assert main(["logs", str(source), "--filter", filter, "-o", str(path)]) == 0
    return path


def coverage(*sources: Path, filter: str = "") -> Coverage:
    return logs.read(sources, filter=filter).coverage


def test_a_file_says_with_which_filter_it_was_written(export: Path):
    read = coverage(written(export, "severity>=WARNING", "w.parquet"))

    assert read.is_selection
    assert read.filter == "severity>=WARNING"
    assert read.written_with == (Written("w.parquet", "severity>=WARNING"),)
    assert read.sentences()[0] == (
        "w.parquet was written with the filter severity>=WARNING: it may lack entries that this leaves out."
    )


def test_a_file_that_was_written_whole_is_no_selection(export: Path):
    read = coverage(written(export, "", "all.parquet"))

    assert (read.is_selection, read.filter, read.written_with, read.sentences()) == (False, "", (), [])


def test_several_files_and_the_filter_asked_for_are_all_named(export: Path):
    errors = written(export, "severity=ERROR", "errors.parquet")
    requests = written(export, "httpRequest.status:*", "requests.parquet")

    read = coverage(errors, requests, filter="resource.type:*")

    assert read.filter == '(severity="ERROR" OR httpRequest.status:*) AND resource.type:*'
    assert [one.file for one in read.written_with] == ["errors.parquet", "requests.parquet"]
    again = coverage(written(errors, "resource.type:*", "again.parquet"))
    assert again.filter == 'severity="ERROR" AND resource.type:*'


def test_a_filter_that_was_redacted_is_still_told():
    secret = 'textPayload:"[redacted:token]" AND ('

    assert selected_by([secret], "") == secret
    assert selected_by(["severity=ERROR", secret], "a=b") == f"((severity=ERROR) OR ({secret})) AND (a=b)"


def test_a_secret_in_a_filter_is_not_written(export: Path):
    path = written(export, 'textPayload:"?token=abc123def456ghi789"', "w.parquet")

    assert "abc123" not in tables.filter_of(path)
    assert b"abc123" not in path.read_bytes()
    assert "[redacted:token]" in coverage(path).filter


def test_a_selection_shows_no_sign_of_a_row_limit(tmp_path: Path):
    entries = [entry(f"13:00:{n:02d}", "x", severity="ERROR") for n in range(50)]
    export = write_array(tmp_path / "export.json", [*entries, entry("13:01:00", "y", severity="INFO")])

    assert coverage(written(export, "severity=ERROR", "w.parquet")).row_limit_signs == ()
    assert coverage(written(export, "severity:*", "all.parquet")).row_limit_signs == ()


def test_connections_of_a_selection_say_so(export: Path, capsys: pytest.CaptureFixture[str]):
    path = written(export, "severity>=WARNING", "w.parquet")
    capsys.readouterr()

    assert main(["connections", str(path), "-o", str(path.with_name("c.parquet"))]) == 0

    assert capsys.readouterr().err.splitlines()[0] == (
        "w.parquet was written with the filter severity>=WARNING: it may lack entries that this leaves out."
    )


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_file_that_cannot_carry_the_filter_is_told_when_it_is_written(
    export: Path, ending: str, capsys: pytest.CaptureFixture[str]
):
    path = written(export, "severity>=WARNING", f"w.{ending}")
    told = f"{path} does not carry the filter: read again it looks like all entries. Parquet carries it."
    assert told in capsys.readouterr().err.splitlines()

    written(export, "", f"all.{ending}")
    assert "does not carry" not in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_a_filter_of_what_was_masked_when_a_file_was_written_is_told(export: Path, ending: str):
    path = written(export, "", f"all.{ending}")
    chosen = 'httpRequest.remoteIp="203.0.113.77"'

    of_table, of_export = (logs.read(source, filter=chosen) for source in (path, export))

    assert (len(of_table.frame), len(of_export.frame)) == (0, 1)
    assert of_table.coverage.notes == (
        f"all.{ending}: contacts and credentials were masked when it was written, so what the filter says of "
        "httpRequest.remoteIp may select other entries there than in the raw log.",
    )
    assert of_export.coverage.notes == ()
    assert coverage(path, filter="httpRequest.status=403").notes == ()
    assert coverage(path).notes == ()
