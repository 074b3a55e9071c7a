"""Which lines continue the one before, and which only look so."""

from pathlib import Path

import pandas as pd
import pytest

from gpkit import logs
from tests.log_entries_support import PROJECT, entry, write_array

HEAD = "[2025-09-07 13:00:00 +0000] [14] [ERROR] Exception in worker process"


def linked(folder: Path, *lines: tuple[str, str] | dict[str, object]) -> pd.DataFrame:
    entries = [
        entry(*line, insertId=str(number)) if isinstance(line, tuple) else line for number, line in enumerate(lines)
    ]
    return logs.read(write_array(folder / "a.json", entries)).frame.set_index("insert_id")


def heads(frame: pd.DataFrame) -> list[str | None]:
    return [None if pd.isna(head) else head for head in frame["continues"]]


def test_a_traceback_in_several_entries_is_one_group_under_its_head(tmp_path: Path):
    frame = linked(
        tmp_path,
        ("13:00:00.000001", HEAD),
        ("13:00:00.000002", "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'"),
        ("13:00:00.000003", "During handling of the above exception, another exception occurred:"),
        ("13:00:00.000004", "Traceback (most recent call last):"),
        ("13:00:00.000005", '  File "b.py", line 2, in g'),
        ("13:00:00.000006", "ValueError: no"),
        ("13:00:00.000007", "[2025-09-07 13:00:00 +0000] [14] [INFO] Worker exiting (pid: 14)"),
    )
    assert heads(frame) == [None, "0", "0", "0", "0", "0", None]
    assert frame.loc["0", "message"].splitlines()[-2:] == ['  File "b.py", line 2, in g', "ValueError: no"]
    assert frame.loc["4", "message"] == '  File "b.py", line 2, in g'
    assert frame["effective_severity"].tolist() == ["ERROR"] * 6 + ["INFO"]


def test_a_text_cut_inside_a_colour_tag_is_joined(tmp_path: Path):
    frame = linked(
        tmp_path,
        ("13:00:00.000001", '2025-09-07 13:00:00.000 | ERROR    | app:f:1 | <red>failed: database "shop'),
        ("13:00:00.000002", '" does not exist</red>'),
    )
    assert heads(frame) == [None, "0"]
    assert frame.loc["0", "message"].endswith('failed: database "shop\n" does not exist')


def test_a_context_printed_over_several_lines_is_joined_with_its_closing_bracket(tmp_path: Path):
    frame = linked(
        tmp_path, ("13:00:00.000001", "CONTEXT: {"), ("13:00:00.000002", '  "a": 1'), ("13:00:00.000003", "}")
    )
    assert heads(frame) == [None, "0", "0"]
    assert frame.loc["0", "message"] == 'CONTEXT: {\n  "a": 1\n}'


NOT_CONTINUED = {
    "a line of its own": ("13:00:00.000002", "INFO:     ready"),
    "a plain line": ("13:00:00.000002", "plain"),
    "an indented line much later": ("13:00:00.5", "  indented"),
    "an indented line of another log": entry("13:00:00.000002", "  indented", insertId="1", logName=PROJECT + "stdout"),
    "an indented line of another instance": entry(
        "13:00:00.000002", "  x", insertId="1", labels={"instanceId": "other"}
    ),
    "an indented message of a JSON payload": entry("13:00:00.000002", insertId="1", jsonPayload={"message": "  x"}),
    "a joiner after no traceback": ("13:00:00.000002", "During handling of the above exception, another occurred:"),
    "an exception's line after no traceback": ("13:00:00.000002", "ValueError: no"),
    "a closing tag that nobody opened": ("13:00:00.000002", "done</red>"),
}


@pytest.mark.parametrize("case", NOT_CONTINUED)
def test_what_only_looks_like_a_continuation_is_left_alone(tmp_path: Path, case: str):
    assert heads(linked(tmp_path, ("13:00:00.000001", HEAD), NOT_CONTINUED[case])) == [None, None]


def test_a_traceback_after_a_line_that_is_no_error_stands_alone(tmp_path: Path):
    frame = linked(
        tmp_path,
        ("13:00:00.000001", "INFO:     ready"),
        ("13:00:00.000002", "Traceback (most recent call last):\nKeyError: 1"),
    )
    assert heads(frame) == [None, None]


def test_rows_are_never_merged(tmp_path: Path):
    lines = [("13:00:00.000001", "head"), ("13:00:00.000002", "  a"), ("13:00:00.000003", "\tb")]
    frame = linked(tmp_path, *lines)
    assert len(frame) == 3
    assert frame["message"].tolist() == ["head\n  a\n\tb", "  a", "\tb"]
