"""The first and last part of a long text, with a note between them. Pure.

A text that is already cut may be cut again, also after it grew: the note then tells the sum. It is cut at the end of a
line, else between two words, where one is near: half of a credential would not be recognised as one.
"""

from __future__ import annotations

import re

STREAM_CAP_CHARS = 1_000_000  # chosen: 12 000 lines of a cell; a reader never reads more, and tables go to evidence/
_NOTE = re.compile(r"\n… ([0-9,]+) characters left out here …\n")
_MARK = " characters left out here …\n"  # found much faster than the whole note
_NOTE_CHARS = 80  # a note has fewer
_NEAR = 10  # chosen: a tenth of a part may be given up to end it well
_BETWEEN_WORDS = " \t,;&\"'"


def cut(text: str, limit: int) -> str:
    """The first three quarters and the last quarter of ``limit`` characters, with how many were left out."""
    if len(text) <= limit:
        return text
    earlier = _NOTE.search(text, 0, limit * 3 // 4 + _NOTE_CHARS)
    begin = earlier.start() if earlier else _end_of_part(text[: limit * 3 // 4])
    end = len(text) - limit // 4
    end += _start_of_part(text[end:])
    near = max(0, end - _NOTE_CHARS)
    for note in _notes(text[near : end + _NOTE_CHARS]):
        if note.start() < end - near < note.end():  # a note is left out whole, and counted
            end = near + note.end()
            break
    return f"{text[:begin]}\n… {_length(text[begin:end]):,} characters left out here …\n{text[end:]}"


def fitting(text: str) -> str:
    """What a cell may have printed: the text itself, or its first and last part."""
    return cut(text, STREAM_CAP_CHARS)


def _length(part: str) -> int:
    """How long a part was before its own middle was left out."""
    notes = _notes(part)
    return len(part) - sum(len(note[0]) for note in notes) + sum(int(note[1].replace(",", "")) for note in notes)


def _notes(text: str) -> list[re.Match[str]]:
    return list(_NOTE.finditer(text)) if _MARK in text else []


def _end_of_part(part: str) -> int:
    """Where a first part ends well: before the end of its last line, else after its last whole word."""
    near = len(part) - len(part) // _NEAR
    line = part.rfind("\n", near)
    word = max(part.rfind(one, near) for one in _BETWEEN_WORDS)
    return line if line >= 0 else word + 1 or len(part)


def _start_of_part(part: str) -> int:
    """Where a last part starts well: with its first whole line, else with its first whole word."""
    near = len(part) // _NEAR
    line = part.find("\n", 0, near)
    words = [at for at in (part.find(one, 0, near) for one in _BETWEEN_WORDS) if at >= 0]
    return line + 1 if line >= 0 else min(words, default=-1) + 1
