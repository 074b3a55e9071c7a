"""A filter as predicates of an engine, as far as they are exact.

The interpreter says what a filter means; an engine may only repeat it. So a filter becomes two Boolean expressions:
``surely`` (the interpreter selects the row) and ``never`` (it does not). Neither means undecided: the interpreter has
the word, see :mod:`gpkit.filters.selecting`. Both are never null, and never both true.

The expressions use only what DuckDB, BigQuery and Spark do alike. Undecided are: texts beyond ASCII (no engine folds
case as the language does), regular expressions that RE2 and Java may read differently, functions but ``log_id``,
and ``jsonPayload`` and ``labels`` whose JSON is not plain (see :mod:`gpkit.filters.jsontexts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gpkit.filters import jsontexts, scalars, texts
from gpkit.filters.columns import Field, field, label, payload_keys
from gpkit.filters.syntax import And, Anywhere, Call, Comparison, Filter, Node, Not, Or, Path, Present, Text
from gpkit.filters.texts import fold
from gpkit.filters.verdicts import Verdict, always, every, fails_also, opposite, refuted, settled, some, undecided

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Pushed:
    """A filter on the rows of a table.

    On each row: ``surely`` means that the interpreter selects it, ``never`` that it does not, neither that it must
    be asked. ``decides_all`` says that every part of the filter has a translation, so that only unusual values
    (a text beyond ASCII, a severity that is no name) leave a row undecided.
    """

    surely: ir.BooleanValue
    never: ir.BooleanValue
    decides_all: bool


def push(filter: Filter, table: ir.Table) -> Pushed:
    """The filter as predicates over the table.

    Args:
        filter: A filter as parsed.
        table: Any of the columns of :data:`gpkit.filters.columns.FILTERABLE`, raw. What a filter says of a column
            that is not there is undecided.
    """
    verdict = always(True) if filter.tree is None else _node(filter.tree, table)
    return Pushed(verdict.yes, verdict.no, verdict.exact)


def _node(node: Node, table: ir.Table) -> Verdict:
    match node:
        case And(parts):
            return every(_node(part, table) for part in parts)
        case Or(parts):
            return some(_node(part, table) for part in parts)
        case Not(part):
            return opposite(_node(part, table))
        case Anywhere(text):
            return _anywhere(text, table)
        case Call():
            return _call(node, table)
        case Comparison(left, operator, right):
            return _comparison(left, operator, right, table) if isinstance(left, Path) else undecided()


def _comparison(path: Path, sign: str, right: Text | Present, table: ir.Table) -> Verdict:
    found = field(path.components)
    if found is not None and (column := _column(table, found.column)) is not None:
        return _of_field(found, column, sign, right)
    if own := label(path.components):
        return _of_label(table, *own, sign, right)
    if keys := payload_keys(path.components):
        return _of_payload(table, keys, sign, right)
    return undecided()


def _of_field(found: Field, column: ir.Value, sign: str, right: Text | Present) -> Verdict:
    if isinstance(right, Present):
        return _presence(found, column)
    match found.kind:
        case "instant":
            return scalars.compare_instant(column, sign, right.value)
        case "severity":
            return scalars.compare_severity(column, sign, right.value)
        case "integer":
            return scalars.compare_integer(column, sign, right.value)
        case "duration":
            return scalars.compare_duration(column, sign, right.value)
        case "text":
            return texts.compare(column.fill_null(""), sign, right, fold(right.value))
        case "payload" | "label":
            return texts.missing_fails(texts.compare(column, sign, right, fold(right.value)), column)


def _presence(found: Field, column: ir.Value) -> Verdict:
    """A field that is there; one that stands there with its default (an empty text, 0) is undecided."""
    if found.kind in ("payload", "label", "instant"):
        return settled(column.notnull())
    default: str | int = "" if found.kind in ("text", "severity") else 0
    return Verdict((column != default).fill_null(False), column.isnull())


def _of_label(table: ir.Table, name: str, key: str, sign: str, right: Text | Present) -> Verdict:
    column = _column(table, name)
    if column is None:
        return undecided()
    if isinstance(right, Present):
        return jsontexts.has_member(column, key)
    compared = jsontexts.compare_member(column, key, sign, right, fold(right.value))
    return fails_also(compared, jsontexts.lacks_key(column, key))


def _of_payload(table: ir.Table, keys: tuple[str, ...], sign: str, right: Text | Present) -> Verdict:
    """A member of ``jsonPayload``: a text of a flat object is compared; a key that stands nowhere is missing."""
    column = _column(table, "json_payload")
    text = _column(table, "entry") if column is None else column
    if text is None:
        return undecided()
    verdict = undecided()
    if column is not None and len(keys) == 1:
        if isinstance(right, Present):
            verdict = jsontexts.has_member(column, keys[0])
        else:
            verdict = jsontexts.compare_member(column, keys[0], sign, right, fold(right.value))
    return Verdict(verdict.yes, verdict.no | _lacks_any(text, keys), exact=False)


def _lacks_any(column: ir.StringValue, keys: tuple[str, ...]) -> ir.BooleanValue:
    return some(settled(jsontexts.lacks_key(column, key)) for key in keys).yes


def _anywhere(text: Text, table: ir.Table) -> Verdict:
    """Words in any field: surely where the text payload holds them, surely not where the entry's JSON does not."""
    import ibis

    words = fold(text.value)
    entry, payload = _column(table, "entry"), _column(table, "text_payload")
    never = ibis.literal(False) if entry is None else jsontexts.lacks(entry, words)
    if payload is None or not words.isascii():
        return refuted(never)
    held = texts.compare(payload, ":", text, words)
    return Verdict(held.yes, never, exact=False)


def _call(call: Call, table: ir.Table) -> Verdict:
    column = _column(table, "log_name")
    match call:
        case Call(name, (Text(value) | Path((value,)),)) if name.lower() == "log_id" and column is not None:
            return _log_id(column, value)
        case _:
            return undecided()


def _log_id(column: ir.StringValue, value: str) -> Verdict:
    """The log name ends in the id, percent-encoded as log names are."""
    suffix = "/logs/" + fold(quote(value, safe=""))
    return settled(column.fill_null("").lower().endswith(suffix), where=texts.is_ascii(column.fill_null("")))


def _column(table: ir.Table, name: str) -> Any:
    if name == "http_latency_ns" and name not in table.columns:
        name = "http_latency_s"
    return table[name] if name in table.columns else None
