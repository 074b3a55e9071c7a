"""One entry, two entries: in what is said on the command line, in coverage and in findings."""

from __future__ import annotations

import dataclasses

import pytest

from gpkit import logs
from gpkit.analysis.statistics import rate
from gpkit.cli import logs as command
from gpkit.findings.wording import more
from gpkit.plural import counted


@pytest.mark.parametrize(("count", "said"), [(0, "0 entries"), (1, "1 entry"), (2002, "2002 entries")])
def test_a_count_and_its_word_agree(count, said):
    assert counted(count, "entry", "entries") == said


def test_of_a_single_entry_everything_is_said_in_the_singular(tmp_path, capsys):
    export = tmp_path / "one.json"
    export.write_text('{"insertId": "a", "timestamp": "2026-03-01T10:00:00Z", "logName": "projects/p/logs/x"}\n')

    coverage = logs.read(export).coverage
    command._tell_coverage(dataclasses.replace(coverage, without_timestamp=1))

    said = capsys.readouterr().err
    assert "1 entry, 2026-03-01T10:00:00Z" in said
    assert "1 of 1 entry has no payload." in said
    assert "1 entry has no readable timestamp." in said
    assert "entries" not in said


def test_one_more_attempt_is_one():
    measured = rate(1, 2)

    assert more(measured.n + 1, measured.n) == "About 1 more attempt at this ratio would decide."
