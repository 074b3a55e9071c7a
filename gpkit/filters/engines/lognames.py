"""``log_id`` and ``source`` on an engine: what the name of an entry's log says.

Decided on names as the service writes them: ASCII, one resource, ``/logs/``, and an id in which only slashes are
percent-encoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from gpkit.filters.engines.verdicts import Verdict, fails_also, settled, undecided
from gpkit.filters.meaning.values import fold

if TYPE_CHECKING:
    import ibis.expr.types as ir

_ORDINARY = r"^[!-.0-~]+/[!-.0-~]+/logs/[ -.0-~]+\z"
_AMBIGUOUS = r"%[^2]|%2[^Ff]|%2?\z|^[^/]+/logs/"  # another escape; a resource called logs


def condition(log_name: ir.StringValue, function: str, written: str) -> Verdict:
    """The function of this argument; undecided for one that does not ask for the log's name."""
    if not fold(written):  # what is invisible is compared as nothing, which entries without a log have too
        return undecided()
    name = log_name.lower()
    ordinary = log_name.re_search(_ORDINARY) & ~log_name.re_search(_AMBIGUOUS)
    match function.lower():
        case "log_id":
            found = _ends_with_any(name, {fold(written), fold(unquote(written))})
        case "source":
            found = name.startswith(f"{fold(written)}/logs/")
        case _:
            return undecided()
    return fails_also(settled(found, where=ordinary), log_name.isnull())


def _ends_with_any(name: ir.StringValue, ids: set[str]) -> ir.BooleanValue:
    """Whether a name in lower case ends with one of the ids; an ordinary name holds no other percent sign."""
    import ibis

    encoded = sorted(each.replace("/", "%2f") for each in ids if each.isascii() and "%" not in each)
    found = ibis.literal(False)
    for each in encoded:
        found = found | name.endswith(f"/logs/{each}")
    return found
