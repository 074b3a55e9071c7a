"""What a filter means: :func:`predicate` makes of it a function that an entry satisfies or not.

The tree is turned into closures once; an entry then costs a few calls. Pure. Documented: NOT before OR before AND; a
field of LogEntry that is missing compares as its default; a missing member of a payload or label makes every comparison
false, so that ``x != v`` is false and ``NOT x = v`` is true; ``FIELD:*`` is true where the field stands in the entry.
Inferred: a member of ``jsonPayload`` that is null stands in the entry; an empty map or list of LogEntry does not.
"""

from __future__ import annotations

from collections.abc import Callable

from gpkit.filters.language.parsing import parse
from gpkit.filters.language.syntax import And, Anywhere, Call, Comparison, Filter, Node, Not, Or, Path, Present
from gpkit.filters.meaning.checking import check
from gpkit.filters.meaning.comparing import never, test
from gpkit.filters.meaning.conditions import condition
from gpkit.filters.meaning.fields import IN_ONEOF, MESSAGES, resolve
from gpkit.filters.meaning.operands import operand
from gpkit.filters.meaning.reaching import MISSING, Entry, reader
from gpkit.filters.meaning.searching import anywhere, beneath

Predicate = Callable[[Entry], bool]


def predicate(filter: Filter | str) -> Predicate:
    """The function that tells whether an entry is selected.

    Args:
        filter: A filter, or its text.

    Returns:
        A function of one LogEntry as parsed JSON; it never changes it.

    Raises:
        FilterError: The text is no filter, or it can mean nothing: see :func:`gpkit.filters.meaning.checking.check`.
    """
    read = parse(filter) if isinstance(filter, str) else filter
    check(read)
    return _everything if read.tree is None else _compiled(read.tree)


def _everything(_entry: Entry) -> bool:
    return True


def _compiled(node: Node) -> Predicate:
    if isinstance(node, And):
        return _all(tuple(_compiled(part) for part in node.parts))
    if isinstance(node, Or):
        return _any(tuple(_compiled(part) for part in node.parts))
    if isinstance(node, Not):
        inner = _compiled(node.part)
        return lambda entry: not inner(entry)
    if isinstance(node, Anywhere):
        return anywhere(node.text)
    if isinstance(node, Call):
        return condition(node)
    return _comparison(node)


def _all(parts: tuple[Predicate, ...]) -> Predicate:
    if len(parts) == 2:
        first, second = parts
        return lambda entry: first(entry) and second(entry)

    def every(entry: Entry) -> bool:
        for part in parts:  # noqa: SIM110 - a loop is twice as fast as all() here
            if not part(entry):
                return False
        return True

    return every


def _any(parts: tuple[Predicate, ...]) -> Predicate:
    def some(entry: Entry) -> bool:
        for part in parts:  # noqa: SIM110 - a loop is twice as fast as any() here
            if part(entry):
                return True
        return False

    return some


def _comparison(node: Comparison) -> Predicate:
    if isinstance(node.right, Present):
        assert isinstance(node.left, Path)
        return _presence(node.left)
    if isinstance(node.left, Path) and resolve(node.left).is_container:
        return _inside(node.left, node)
    left = operand(node.left)
    read, decide = left.read, test(left.kind, node.operator, node.right)
    absent = left.default is not None and decide(left.default)

    def compared(entry: Entry) -> bool:
        value = read(entry)
        return absent if value is MISSING else decide(value)

    return compared


def _presence(path: Path) -> Predicate:
    field = resolve(path)
    read = reader(field)
    if field.kind == "map" or field.kind in MESSAGES:
        return lambda entry: (value := read(entry)) is not MISSING and (bool(value) or type(value) is dict)
    if field.kind in ("string", "enum", "timestamp") and field.steps not in IN_ONEOF:
        return lambda entry: (value := read(entry)) is not MISSING and value != ""
    return lambda entry: read(entry) is not MISSING


def _inside(path: Path, node: Comparison) -> Predicate:
    """A comparison of a whole message, map or payload: only ``:`` can hold, of any value in it."""
    assert not isinstance(node.right, Present)
    if node.operator != ":":
        return never
    field = resolve(path)
    read, held = reader(field), beneath(field.kind, node.right)
    return lambda entry: (value := read(entry)) is not MISSING and held(value)
