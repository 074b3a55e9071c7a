"""A file's entries, cut out of whatever wraps them, each one exactly as it stood.

What DuckDB cannot read, or reads wrongly, is read here: wrappers, objects one after another, lines of which some are
broken, and rows of the table ENTRIES. Pure: text in. Python's decoder marks where an entry begins and ends; its values
are used for nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gpkit.errors import SourceError
from gpkit.logs.shapes import EXPORT_INSTEAD, is_entry, is_row, refusal

_WRAPPER_KEYS = ("raw_logs", "entries", "logs", "log_entries", "logEntries", "items", "results", "data")
_DECLARED_HOURS = re.compile(r'"duration_hours"\s*:\s*(\d+(?:\.\d+)?)')
_blank = re.compile(r"[\s,\x1e]*")


class _Decoder(json.JSONDecoder):
    """Python's own, to which what is nested too deeply for it is no valid JSON."""

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        try:
            return super().raw_decode(s, idx)
        except RecursionError:
            raise json.JSONDecodeError("It is nested too deeply", s, idx) from None


_decoder = _Decoder()


@dataclass(frozen=True)
class Cut:
    """One entry as it stood in a file, or a record that is none, with where it began."""

    text: str
    line: int
    problem: str = ""


def cut_rows(texts: Iterable[str | None]) -> Iterator[Cut]:
    """The entries of a table's column ``entry``, each with the number of its row."""
    return (_of_row(text, row) for row, text in enumerate(texts, start=1))


def declared_span_s(head: str) -> float | None:
    """The seconds that a wrapper says it covers, from its first characters; null when it does not say."""
    said = _DECLARED_HOURS.search(head)
    return float(said[1]) * 3600 if said else None


def cut_entries(text: str, name: str) -> Iterator[Cut]:
    """Every entry of a text, whatever wraps them, exactly as it stood.

    A line that is broken costs that line; a document that is broken is refused.

    Raises:
        SourceError: The text holds no entries, and why.
    """
    text = text.removeprefix("\ufeff")
    begin = _skip(text, 0)
    if begin == len(text):
        raise SourceError(f"{name} is empty.", next_step=EXPORT_INSTEAD)
    if text[begin] == "[":
        while begin < len(text) and text[begin] == "[":
            begin = yield from _cut_array(text, begin, name)
        if begin < len(text):
            yield Cut("", text.count("\n", 0, begin) + 1, "text after the end of the array")
        return
    try:
        whole, end = _decoder.raw_decode(text, begin)
    except ValueError as error:
        yield from _cut_lines(text, name, error)
        return
    if is_entry(whole):
        yield from _cut_sequence(text, begin, name)
        return
    if not isinstance(whole, dict):
        raise refusal(name, "it is not JSON" if _skip(text, end) < len(text) else "it is no JSON object or array")
    arrays = list(_wrapped_arrays(text, begin, whole))
    if not arrays:
        raise refusal(name, _what_it_is(whole))
    for start in arrays:
        yield from _cut_array(text, start, name)


def _wrapped_arrays(text: str, begin: int, whole: dict[str, object]) -> Iterator[int]:
    """Where the arrays of entries begin in a wrapper."""
    for key, start, value in _members(text, begin):
        if key == "logs_by_severity" and isinstance(value, dict):
            for _, inner_start, inner in _members(text, start):
                if isinstance(inner, list):
                    yield inner_start
        elif key in _WRAPPER_KEYS and isinstance(value, list) and all(is_entry(record) for record in value):
            yield start


def _members(text: str, begin: int) -> Iterator[tuple[str, int, object]]:
    """Key, start and value of each member of the object that begins here."""
    at = _skip(text, begin + 1)
    while text[at] != "}":
        key, at = _decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # past the colon
        value, end = _decoder.raw_decode(text, at)
        yield str(key), at, value
        at = _skip(text, end)


def _cut_array(text: str, begin: int, name: str) -> Generator[Cut, None, int]:
    """The entries of one array; returns where the next thing after it begins."""
    at, line, counted = begin + 1, text.count("\n", 0, begin) + 1, begin
    while True:
        at = _skip(text, at)
        line, counted = line + text.count("\n", counted, at), at
        if at == len(text):
            raise SourceError(
                f"{name} is cut off: its array of entries does not end.",
                "The export or the download was interrupted.",
                "Export it again; or, to keep what there is, end the file with ] after its last whole entry.",
            )
        if text[at] == "]":
            return _skip(text, at + 1)
        try:
            record, end = _decoder.raw_decode(text, at)
        except ValueError as error:
            raise SourceError(
                f"{name} is no valid JSON from line {line} on: {str(error).split(':', 1)[0]}.",
                "The export or the download was interrupted, or the file was edited.",
                "Export it again.",
            ) from None
        yield Cut(text[at:end], line, "" if is_entry(record) else "no log entry")
        at = end


def _cut_sequence(text: str, begin: int, name: str) -> Iterator[Cut]:
    """Objects one after another, each perhaps over several lines."""
    at = begin
    while (at := _skip(text, at)) < len(text):
        line = text.count("\n", 0, at) + 1
        try:
            record, end = _decoder.raw_decode(text, at)
        except ValueError:
            yield Cut("", line, "no valid JSON")
            end = text.find("\n", at)
            if end < 0:
                return
            at = end
            continue
        yield _of_record(record, text[at:end], line)
        at = end


def _cut_lines(text: str, name: str, first_error: ValueError) -> Iterator[Cut]:
    """One object a line, of which some are broken."""
    good = 0
    broken: list[Cut] = []
    # Not splitlines: that also splits at U+2028, which may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip().strip("\x1e")
        if not stripped:
            continue
        try:
            record = _decoder.decode(stripped)
        except ValueError:
            broken.append(Cut("", number, "no valid JSON"))
            continue
        good += is_entry(record)
        if good and broken:
            yield from broken
            broken.clear()
        yield _of_record(record, stripped, number)
    if not good:
        begins_as_json = text.lstrip()[:1] in ("{", "[")
        what = f"it is no valid JSON ({str(first_error).split(':', 1)[0]})" if begins_as_json else "it is not JSON"
        raise refusal(name, what, "The file may be cut off." if begins_as_json else "")
    yield from broken


def _of_record(record: object, text: str, line: int) -> Cut:
    if isinstance(record, dict) and is_row(record):
        return _of_row(record["entry"], line)
    return Cut(text, line, "" if is_entry(record) else "no log entry")


def _of_row(entry: object, row: int) -> Cut:
    try:
        record = _decoder.decode(entry) if isinstance(entry, str) else None
    except ValueError:
        record = None
    return Cut(str(entry), row, "" if is_entry(record) else "a row without its entry")


def _what_it_is(whole: dict[str, object]) -> str:
    keys = ", ".join(list(whole)[:3]) if whole else "none"
    if "detailed_by_severity" in whole or "unique_messages" in whole or ("summary" in whole and "tests" not in whole):
        return f"it is a summary (keys {keys})"
    if "tests" in whole or "exitcode" in whole or "collectors" in whole:
        return f"it is a test report (keys {keys})"
    if any("time_ms" in key or "duration" in key or "latency" in key for key in whole):
        return f"it is a timing report (keys {keys})"
    return f"it holds no array of entries (keys {keys})"


def _skip(text: str, at: int) -> int:
    match = _blank.match(text, at)
    return match.end() if match else at
