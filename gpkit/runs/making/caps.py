"""What a cell may put into the notebook: of much the beginning and the end, of what is too large its name.

A printed stream loses its middle, a cell with many outputs those in the middle. A figure that is too large gets fewer
points; one that cannot, and a table, gives way to a note that names it and says what to do. Each note says how much is
missing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import nbformat
from papermill.clientwrap import PapermillNotebookClient

from gpkit.printing.cutting import STREAM_CAP_CHARS, fitting
from gpkit.redaction import redact

DISPLAY_CAP_BYTES = 20_000_000  # chosen: figures and tables of one cell; more than a browser shows in reasonable time
OUTPUT_CAP = 500  # chosen: outputs of one cell
_PLACE = OUTPUT_CAP // 2  # of the note among the outputs
_NOTE = re.compile(r"… ([0-9,]+) outputs left out here")
_FIGURE = "application/vnd.plotly.v1+json"
_REMEDIES = (
    (_FIGURE, "Draw counts, windows or quantiles in place of every value."),
    ("text/html", "Show fewer rows: table.head(200). A table in evidence/ may have any size."),
    ("image/", "Save it with fewer pixels."),
    ("", "Show less of it."),
)


class CappedClient(PapermillNotebookClient):  # type: ignore[misc]
    """nbclient with these caps."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._held_bytes: Counter[int] = Counter()  # figures and tables, by cell

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """nbclient's hook for every message of a cell."""
        if data := msg["content"].get("data"):
            is_update = msg["msg_type"] == "update_display_data"  # it takes the place of another
            room_bytes = DISPLAY_CAP_BYTES - (0 if is_update else self._held_bytes[cell_index])
            msg["content"]["data"], size_bytes = fitted(data, room_bytes)
            self._held_bytes[cell_index] += 0 if is_update else size_bytes
        return super().process_message(msg, cell, cell_index)

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """nbclient's hook for every output of a cell."""
        if not self.clear_before_next_output:
            last, content = outs[-1] if outs else {}, msg["content"]
            if msg["msg_type"] == "stream" and last.get("name") == content["name"]:
                last["text"] += content["text"]
                if len(last["text"]) > 2 * STREAM_CAP_CHARS:  # now and then: it costs time
                    last["text"] = fitting(redact(last["text"]))
                return last
            if len(outs) >= OUTPUT_CAP:
                self._leave_one_out(outs, cell_index)
        return super().output(outs, msg, display_id, cell_index)

    def clear_display_id_mapping(self, cell_index: int) -> None:
        """nbclient's hook for outputs that the cell itself has taken back."""
        self._held_bytes[cell_index] = 0
        super().clear_display_id_mapping(cell_index)

    def _leave_one_out(self, outs: list[Any], cell_index: int) -> None:
        """Make room for one output: the oldest of the last ones goes, and the note counts it."""
        noted = _NOTE.match(outs[_PLACE].get("text", ""))
        count = int(noted[1].replace(",", "")) + 1 if noted else 1
        gone = _PLACE + 1 if noted else _PLACE
        text = f"… {count:,} outputs left out here: a cell keeps the first and the last {OUTPUT_CAP // 2}.\n"
        outs[_PLACE : gone + 1] = [nbformat.v4.new_output("stream", name="stderr", text=text)]
        for display_id, cells in list(self._display_id_map.items()):
            if cell_index in cells:  # where nbclient finds what is updated later
                cells[cell_index] = [at - (at > gone and gone > _PLACE) for at in cells[cell_index] if at != gone]
            if not any(cells.values()):
                del self._display_id_map[display_id]


def fitted(data: dict[str, Any], room_bytes: int) -> tuple[dict[str, Any], int]:
    """A figure or table in the room there is, and what it takes: whole, else with fewer points, else named."""
    size_bytes = len(msgspec.json.encode(data))
    if size_bytes <= room_bytes:
        return data, size_bytes
    if isinstance(data.get(_FIGURE), Mapping):
        from gpkit.figures.thinning import thin

        thinned = {_FIGURE: thin(data[_FIGURE])}
        thinned_bytes = len(msgspec.json.encode(thinned))
        if thinned_bytes <= room_bytes:
            return thinned, thinned_bytes
    noted = {"text/plain": too_large(data, size_bytes)}
    return noted, len(noted["text/plain"])


def too_large(data: Mapping[str, Any], size_bytes: int) -> str:
    """The note for a figure or table that is left out: which, how large, and what to do."""
    kind = _FIGURE if _FIGURE in data else max(data, key=lambda one: len(msgspec.json.encode(data[one])))
    name = f"the figure “{_title(data[kind])}”" if kind == _FIGURE else f"an output ({kind})"
    remedy = next(remedy for start, remedy in _REMEDIES if kind.startswith(start))
    return (
        f"… left out here: {name} of {size_bytes / 1e6:.1f} MB. "
        f"A cell keeps {DISPLAY_CAP_BYTES / 1e6:.0f} MB of figures and tables. {remedy}"
    )


def _title(figure: Any) -> str:
    layout = figure.get("layout") if isinstance(figure, Mapping) else None
    title = layout.get("title") if isinstance(layout, Mapping) else None
    text = title.get("text") if isinstance(title, Mapping) else title
    return " ".join(str(text or "without a title").split())[:200]
