"""Text from logs, servers and kernels, made fit to be looked at.

Pure: text in, text out. Nothing is executed and nothing hides: a character that would move the cursor, reorder the
line or end the file is replaced by a mark a reader can see. Escaping for HTML or Markdown comes afterwards.
Every text is also redacted here, once more: the first time was where the evidence entered.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from gpkit.printing.cutting import cut
from gpkit.redaction import redact

MAX_OUTPUT_CHARS = 20_000  # chosen: about 250 lines; the notebook beside the report holds everything
MAX_LINE_CHARS = 1_000  # chosen: one log line of a finding

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_LINK = re.compile(r"\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)")  # a terminal hyperlink: its text stays
# Controls (but tab and newline), surrogates, bidirectional marks, invisible spaces, tag characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# Not the control pictures of Unicode (U+2400 and up): many fonts lack them.
_NAMED = {0x00: "NUL", 0x07: "BEL", 0x08: "BS", 0x0D: "CR", 0x1B: "ESC", 0x7F: "DEL"}


def shown(value: object, limit: int = MAX_OUTPUT_CHARS) -> str:
    """One value as text: redacted, cut at ``limit`` characters with a note, every unseen character made visible."""
    return _UNSEEN.sub(_mark, cut(redact(_as_text(value).replace("\r\n", "\n")), limit))


def terminal(text: str, limit: int = MAX_OUTPUT_CHARS) -> str:
    """What a program printed, as a terminal would leave it: colours gone, overwritten lines gone, the rest visible.

    A progress bar rewrites its line after a carriage return; only what stood there last is kept.
    """
    lines = (_last_written(line) for line in _LINK.sub("", _COLOUR.sub("", text)).split("\n"))
    return shown("\n".join(lines), limit)


def one_line(value: object, limit: int = 300) -> str:
    """A value for a table cell or a title: white space folded, cut at ``limit`` characters."""
    text = " ".join(shown(value, 10 * limit).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict | list | tuple | bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _last_written(line: str) -> str:
    parts: list[Any] = [part for part in line.split("\r") if part.strip()]
    return parts[-1] if parts else ""


def _mark(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code in _NAMED:
        return f"⟨{_NAMED[code]}⟩"
    if unicodedata.category(found[0]) == "Cs":
        return "\ufffd"  # half of a character: no file can hold it
    return f"⟨U+{code:04X}⟩"
