"""A filter as predicates of an engine, as far as they are exact.

The interpreter says what a filter means; an engine may only repeat it. So a filter becomes two Boolean expressions:
``surely`` (the interpreter selects the row) and ``never`` (it does not). Neither means undecided: the interpreter has
the word, see :mod:`gpkit.filters.engines.selecting`. Both are never null, and never both true.

The expressions use only what DuckDB, BigQuery and Spark do alike. Undecided are: texts beyond ASCII (no engine folds
case as the language does), regular expressions that RE2 and Java may read differently, functions but ``log_id`` and
``source``, and ``jsonPayload`` and ``labels`` whose JSON is not plain (see :mod:`gpkit.filters.engines.jsontexts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpkit.filters.engines import jsontexts, lognames, scalars, texts
from gpkit.filters.engines.columns import column, column_of
from gpkit.filters.engines.verdicts import (
    Verdict,
    always,
    every,
    fails_also,
    opposite,
    refuted,
    settled,
    some,
    undecided,
)
from gpkit.filters.engines.words import held_nowhere
from gpkit.filters.language.syntax import And, Anywhere, Call, Comparison, Filter, Node, Not, Or, Path, Present, Text
from gpkit.filters.meaning.checking import check
from gpkit.filters.meaning.comparing import NULL
from gpkit.filters.meaning.fields import IN_ONEOF, Field, resolve, snake
from gpkit.filters.meaning.values import fold

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
        table: Any of the columns of :data:`gpkit.filters.engines.columns.FILTERABLE`, raw. What a filter says of a
            column that is not there is undecided.

    Raises:
        FilterError: The filter can mean nothing: see :func:`gpkit.filters.meaning.checking.check`.
    """
    check(filter)
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
        case Call(name, (Text(value),)) if (log_name := column(table, "log_name")) is not None:
            return lognames.condition(log_name, name, value)
        case Comparison(Path() as path, sign, right):
            return _comparison(resolve(path), sign, right, table)
        case _:
            return undecided()


def _comparison(field: Field, sign: str, right: Text | Present, table: ir.Table) -> Verdict:
    if field.steps == ("protoPayload",):
        entry = column(table, "entry")
        return undecided() if entry is None else refuted(_lacks_field(entry, "protoPayload"))
    if field.is_container:
        return _inside(field, sign, right, table)
    if field.kind == "struct":
        return _of_payload(field, sign, right, table)
    held = column_of(table, field.steps + field.keys)
    if isinstance(right, Text) and right.value == NULL and not right.quoted:
        return always(False)
    if held is None:
        return _of_label(field, sign, right, table) if field.kind == "label" else undecided()
    if isinstance(right, Present):
        return _presence(field, held)
    return _of_column(held, field.kind, sign, right)


def _presence(field: Field, held: ir.Value) -> Verdict:
    """Whether the field is there. An empty text is none, and what is no instant may be there all the same."""
    if field.kind == "timestamp":
        return Verdict(held.notnull(), always(False).yes, exact=False)
    if field.kind in ("string", "enum") and field.steps not in IN_ONEOF:
        return settled((held != "").fill_null(False))
    return settled(held.notnull())


def _of_column(held: ir.Value, kind: str, sign: str, right: Text) -> Verdict:
    match kind:
        case "timestamp":
            return scalars.compare_instant(held, sign, right.value)
        case "enum":
            return scalars.compare_severity(held, sign, right.value)
        case "int32" | "int64":
            return scalars.compare_integer(held, sign, right.value, kind)
        case "duration":
            return scalars.compare_duration(held, sign, right.value)
        case "label":
            return fails_also(texts.compare(held, sign, right, fold(right.value)), held.isnull())
        case _:
            return texts.compare(held.fill_null(""), sign, right, fold(right.value))


def _of_label(field: Field, sign: str, right: Text | Present, table: ir.Table) -> Verdict:
    """A label without a column of its own, in the JSON text of all labels."""
    held, key = column_of(table, field.steps), field.keys[0]
    if held is None:
        return undecided()
    if isinstance(right, Present):
        return jsontexts.has_member(held, key)
    compared = jsontexts.compare_member(held, key, sign, right, fold(right.value))
    return fails_also(compared, jsontexts.lacks_key(held, key))


def _of_payload(field: Field, sign: str, right: Text | Present, table: ir.Table) -> Verdict:
    """A member of ``jsonPayload``: a text of a flat object is compared; a key that stands nowhere is missing."""
    held = column_of(table, field.steps)
    text = column(table, "entry") if held is None else held
    if text is None or field.steps != ("jsonPayload",):
        return undecided()
    verdict = undecided()
    if held is not None and len(field.keys) == 1:
        if isinstance(right, Present):
            verdict = jsontexts.has_member(held, field.keys[0])
        elif right.value != NULL or right.quoted:
            verdict = jsontexts.compare_member(held, field.keys[0], sign, right, fold(right.value))
    missing = some(settled(jsontexts.lacks_key(text, key)) for key in field.keys).yes
    return Verdict(verdict.yes, verdict.no | missing, exact=False)


def _inside(field: Field, sign: str, right: Text | Present, table: ir.Table) -> Verdict:
    """A whole message, map or payload: whether it is there, or holds words somewhere."""
    held = column_of(table, field.steps)
    entry = column(table, "entry")
    if isinstance(right, Present):
        if held is not None:  # an empty object is left to the interpreter
            return Verdict(held.contains('"').fill_null(False), held.isnull())
        return undecided() if entry is None else refuted(_lacks_field(entry, field.steps[-1]))
    if sign != ":":
        return always(False)
    return undecided() if entry is None else refuted(held_nowhere(entry, right.value, column(table, "severity")))


def _lacks_field(entry: ir.StringValue, name: str) -> ir.BooleanValue:
    """Whether an entry has a field in neither spelling."""
    return jsontexts.lacks_key(entry, name) & jsontexts.lacks_key(entry, snake(name))


def _anywhere(text: Text, table: ir.Table) -> Verdict:
    """Words in any field: surely where the text payload holds them, surely not where the entry's JSON does not."""
    entry, payload = column(table, "entry"), column(table, "text_payload")
    verdict = undecided()
    if entry is not None:
        verdict = refuted(held_nowhere(entry, text.value, column(table, "severity")))
    if payload is None:
        return verdict
    return Verdict(texts.compare(payload, ":", text, fold(text.value)).yes, verdict.no, exact=False)
