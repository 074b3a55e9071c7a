"""A table as a notebook and its report show it: every cell escaped, numbers at the digits that mean something."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpkit.figures.style import cell
from gpkit.plural import plural

if TYPE_CHECKING:
    import pandas as pd

MAX_CELL_CHARS = 400  # chosen: a log line in full view, not a dump
HIDDEN = ("case_ids", "attempt_ids")  # lists of ids; gpkit.evidence shows what they stand for
LONG_ID_CHARS = 40  # an instance id has over 100 characters that differ in the middle


@dataclass(frozen=True)
class Listing:
    """Rows of text under their column names; shows itself in a notebook."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str

    def __str__(self) -> str:
        lines = ["\t".join(self.columns), *("\t".join(row) for row in self.rows), self.note]
        return "\n".join(line for line in lines if line)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{html.escape(self.note or 'Nothing to show.')}</p>"
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.columns)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in self.rows)
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def show(frame: pd.DataFrame, rows: int = 20, empty: str = "Nothing to show.") -> Listing:
    """The first rows of a table, for people. The table itself is untouched and keeps all digits.

    Args:
        frame: Any table.
        rows: How many are shown; the rest is counted in a note.
        empty: What an empty table means.
    """
    shown = frame.drop(columns=[name for name in HIDDEN if name in frame.columns])
    texts = tuple(tuple(_text(value) for value in row) for row in shown.head(rows).itertuples(index=False))
    more = f"… and {len(frame) - rows} more {plural(len(frame) - rows, 'row')}." if len(frame) > rows else ""
    return Listing(tuple(str(name) for name in shown.columns), texts, more if len(frame) else empty)


def _text(value: object) -> str:
    text = cell(value)
    if len(text) > LONG_ID_CHARS and text.isalnum():
        return f"{text[:8]}…{text[-8:]}"
    return text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]} … (cut, {len(text)} characters)"
