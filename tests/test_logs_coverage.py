"""What the entries cover, and the signs that something is missing."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gpkit import logs
from gpkit.entries.coverage import row_limit_signs
from tests.log_entries_support import entry, snake, write_array


def test_a_silence_much_longer_than_usual_is_a_gap(tmp_path: Path):
    minutes = [*range(10, 20), *range(45, 59)]
    entries = [entry(f"13:{minute}:{second:02d}", "x") for minute in minutes for second in range(0, 60, 20)]
    coverage = logs.read(write_array(tmp_path / "a.json", entries)).coverage
    assert [(gap.since.strftime("%H:%M:%S"), gap.until.strftime("%H:%M:%S")) for gap in coverage.gaps] == [
        ("13:19:40", "13:45:00")
    ]
    assert coverage.gaps[0].seconds == 1520


def test_a_steady_log_has_no_gap(tmp_path: Path):
    entries = [entry(f"13:{minute:02d}:00", "x") for minute in range(0, 60, 7)]
    assert logs.read(write_array(tmp_path / "a.json", entries)).coverage.gaps == ()


@pytest.mark.parametrize(
    ("name", "entries", "severities", "window_s", "declared_s", "sign"),
    [
        ("a.json", 1000, {"INFO": 1000}, 60.0, None, "exactly 1000 entries"),
        ("iteration_2002.json", 2002, {"INFO": 2002}, 60.0, None, "just above a round number"),
        ("wrap.json", 163, {"ERROR": 50, "INFO": 50, "NOTICE": 13}, 60.0, None, "at most 50 of each severity"),
        ("last_hour.json", 7, {"INFO": 7}, 60.0, None, "should cover 3600 s and covers 60 s"),
        ("last_2_days.json", 7, {"INFO": 7}, 60.0, None, "should cover 172800 s"),
        ("wrap.json", 7, {"INFO": 7}, 60.0, 3600.0, "should cover 3600 s"),
    ],
)
def test_signs_of_a_row_limit(
    name: str, entries: int, severities: dict[str, int], window_s: float, declared_s: float | None, sign: str
):
    (told,) = row_limit_signs(name, entries, severities, window_s, declared_s)
    assert sign in told


def test_an_ordinary_export_shows_no_sign():
    assert row_limit_signs("export.json", 1371, {"INFO": 1300, "ERROR": 71}, 3500.0, 3600.0) == ()


def test_a_file_that_lost_its_payloads_is_named(tmp_path: Path):
    bare = [
        {key: value for key, value in snake(entry(f"13:00:0{n}", "x")).items() if key != "text_payload"}
        for n in range(5)
    ]
    (tmp_path / "bare.json").write_text(json.dumps({"logs_by_severity": {"INFO": bare}}))
    coverage = logs.read(tmp_path / "bare.json").coverage
    assert coverage.payload_missing == 5
    assert "bare.json has lost its payloads: 5 of 5 entries have none." in coverage.row_limit_signs


def test_coverage_can_be_written_down(tmp_path: Path):
    coverage = logs.read(write_array(tmp_path / "a.json", [entry("13:00:00.25", "x")])).coverage
    written = json.loads(json.dumps(coverage.as_dict()))
    assert written["since"] == "2025-09-07T13:00:00.250000Z"
    assert written["files"][0]["name"] == "a.json"


def test_what_a_reader_must_know_is_told_in_sentences(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text(
        json.dumps(entry("13:00:00")) + "\n{broken\n" + json.dumps(entry("13:00:01", "x"))
    )
    told = logs.read(tmp_path / "a.jsonl").coverage.sentences()
    assert told == [
        "1 of 2 entries has no payload.",
        "1 record could not be read; the first: a.jsonl, line 2: no valid JSON.",
    ]


def test_what_the_caller_leaves_out_makes_no_sign_of_a_row_limit_and_hides_none(tmp_path: Path):
    entries = [entry(f"13:{number // 60:02d}:{number % 60:02d}", "x") for number in range(1000)]
    cut, whole = (write_array(tmp_path / name, some) for name, some in (("a.json", entries), ("b.json", entries[:-1])))
    until = datetime(2025, 9, 7, 13, 1, 40, tzinfo=UTC)

    assert "exactly 1000 entries" in logs.read(cut, until=until).coverage.row_limit_signs[0]
    assert len(logs.read(whole, until=until).frame) == 100
    assert logs.read(whole, until=until).coverage.row_limit_signs == ()


def test_a_silence_of_a_selection_is_told_as_one(tmp_path: Path):
    lines = [entry(f"13:{number // 60:02d}:{number % 60:02d}", "tick") for number in range(600)]
    for number in (*range(60), 598, 599):
        lines[number]["textPayload"] = "tock"
    read = logs.read(write_array(tmp_path / "a.json", lines), filter="tock").coverage

    assert read.is_selection
    assert [told for told in read.sentences() if "selects" in told] == [
        "No entry that the filter selects for 539 s from 2025-09-07T13:00:59Z."
    ]
