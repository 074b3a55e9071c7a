"""The filter that selects the log entries behind a finding, and no other entry of the run. Pure.

Entries are named by their insert ids: each entry of Cloud Logging has one, nothing alters it, and every source can look
it up. What the run itself was asked for is joined by AND.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpkit import filters, redaction
from gpkit.filters.language.parsing import MAX_CHARS
from gpkit.filters.language.syntax import And, Comparison, Filter, Node, Or, Path, Text

if TYPE_CHECKING:
    import pandas as pd

_INSERT_ID = Path(("insertId",), (False,))
_AROUND_ID = len("insertId=") + len(" OR ")
_AROUND_ALL = len("() AND ()")


@dataclass(frozen=True)
class Narrowed:
    """A filter, and what it selects.

    Attributes:
        filter: In normal form, every character visible; empty when there is none to give.
        selects: Entries of the run that it selects.
        notes: What to know of it, one sentence each.
    """

    filter: str = ""
    selects: int = 0
    notes: tuple[str, ...] = ()


def narrowed(entries: pd.DataFrame, insert_ids: Iterable[str], chosen: str) -> Narrowed:
    """The filter of these entries.

    Args:
        entries: Those of the run.
        insert_ids: In order of importance: when not all fit into a filter, the first ones do.
        chosen: The filter of the run, empty for none.
    """
    wanted = list(dict.fromkeys(insert_ids))
    if not wanted:
        return Narrowed()
    notes = []
    if chosen and redaction.redact(chosen) != chosen:
        chosen = ""
        notes.append("The filter of the run holds a credential and is left out here.")
    own = filters.parse(chosen).tree if chosen else None
    taken = len(_written(own)) if own else 0
    fitting = _fitting(wanted, MAX_CHARS - taken - _AROUND_ALL)
    if not fitting:
        return Narrowed(notes=("The filter of the run leaves no room for the ids of these entries.",))
    named = tuple(Comparison(_INSERT_ID, "=", Text(one, True)) for one in fitting)
    ids = named[0] if len(named) == 1 else Or(named)
    text = _written(And((ids, own)) if own else ids)
    if redaction.redact(text) != text:
        return Narrowed(notes=("An id of these entries reads like a credential, so no filter is given.",))
    folded = {one.casefold() for one in fitting}
    selects = int(entries["insert_id"].str.casefold().isin(folded).sum())
    if len(fitting) < len(wanted):
        notes.append(
            f"The filter names {len(fitting):,} of {len(wanted):,} entries, first and worst ones: "
            f"a filter has at most {MAX_CHARS:,} characters."
        )
    if selects > len(fitting):
        notes.append(
            f"The filter selects {selects:,} entries: some ids stand in more than one, or differ in letter case alone."
        )
    return Narrowed(text, selects, tuple(notes))


def _written(tree: Node) -> str:
    """The filter of a tree. It is not read back: that costs more than all else here, and a run begins with it."""
    return filters.legible(filters.normal(Filter("", tree)))


def _fitting(wanted: list[str], room: int) -> list[str]:
    """As many of the ids as a filter of so many characters can name."""
    fitting = []
    for one in wanted:
        room -= len(filters.legible(filters.quote(one))) + _AROUND_ID
        if room < 0:
            break
        fitting.append(one)
    return fitting
