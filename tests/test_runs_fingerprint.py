"""What a record keeps of the files of a log."""

from __future__ import annotations

import os

import pytest

from gpkit.runs.recording import fingerprint as module
from gpkit.runs.recording.fingerprint import ENDS, WHOLE, differences, fingerprint


@pytest.fixture
def exports(tmp_path):
    (tmp_path / "a").mkdir()
    for name, text in (("a/one.json", "[1]"), ("two.json", "[2]"), ("no-log.txt", "x")):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("logs", "names"),
    [
        (".", ["a/one.json", "two.json"]),
        ("a", ["one.json"]),
        ("two.json", ["two.json"]),
        ("*.json", ["two.json"]),
        ("*/*.json", ["a/one.json"]),
    ],
)
def test_the_files_are_those_that_are_read_named_from_what_was_asked_for(exports, logs, names):
    found = fingerprint(logs, exports)

    assert list(found["files"]) == names
    assert found["digest_of"] == WHOLE


@pytest.mark.parametrize("logs", ["", None, 7, "gone.json", "api:shop", "bigquery:shop.logs", "gs://b/*.json", "x\0y"])
def test_what_is_no_file_has_none_and_is_no_difference(exports, logs):
    assert fingerprint(logs, exports) == {}
    assert differences(None, {}) == []


def test_the_same_bytes_elsewhere_and_later_are_the_same(exports):
    then = fingerprint("two.json", exports)
    (exports / "a" / "two.json").write_bytes((exports / "two.json").read_bytes())
    os.utime(exports / "a" / "two.json", (1, 1))

    assert differences(then, fingerprint("a/two.json", exports)) == []


def test_files_that_came_and_went_are_named_and_many_are_counted(exports):
    then = fingerprint(".", exports)
    (exports / "two.json").unlink()
    for number in range(6):
        (exports / f"new{number}.json").write_text("[]")

    assert differences(then, fingerprint(".", exports)) == [
        "The log is another, and numbers may differ for that alone: two.json is gone; new0.json was not there; "
        "new1.json was not there; new2.json was not there; new3.json was not there; and 2 more files."
    ]


def test_large_files_are_told_by_their_ends_size_and_time_and_the_record_says_so(exports, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 5)
    monkeypatch.setattr(module, "END_BYTES", 2)
    large = exports / "two.json"
    large.write_bytes(b"[12345678]")
    then = fingerprint("two.json", exports)
    at = large.stat()

    assert then["digest_of"] == ENDS
    assert differences(then, fingerprint("two.json", exports)) == []
    large.write_bytes(b"[123456 9]")
    os.utime(large, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert differences(then, fingerprint("two.json", exports)) == [
        "The log is another, and numbers may differ for that alone: two.json was changed since, of the same size."
    ]
    large.write_bytes(b"[12345678]")
    os.utime(large, ns=(at.st_atime_ns, at.st_mtime_ns + 1))
    assert "was changed since" in differences(then, fingerprint("two.json", exports))[0]


def test_digests_of_different_things_are_not_compared(exports, monkeypatch):
    then = fingerprint(".", exports)
    monkeypatch.setattr(module, "MOST_BYTES", 0)

    assert differences(then, fingerprint(".", exports)) == []


def test_files_beyond_the_limit_are_told_by_name_size_and_time_together(exports, monkeypatch):
    monkeypatch.setattr(module, "MOST_FILES", 1)
    then = fingerprint(".", exports)

    assert (then["more"]["files"], then["more"]["size_bytes"]) == (1, 3)
    (exports / "two.json").write_text("[22]")
    assert "the files beyond 1 had 3 bytes and has 4 bytes" in differences(then, fingerprint(".", exports))[0]
