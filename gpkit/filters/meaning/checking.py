"""What can be known to be wrong with a filter before any entry is looked at: :func:`check`.

Documented as errors: fields that LogEntry does not define, a subnet that is none, a regular expression without exactly
one group to extract. Refused besides, since the service refuses it too or would select nothing without a word:
patterns that RE2 cannot read, comparisons of whole messages, patterns for fields that are no texts, functions that do
not exist. ``sample`` is refused because its hash is not published: no other program can select the same entries.
"""

from __future__ import annotations

from gpkit.errors import nearest
from gpkit.filters.language.errors import FilterError, filter_error
from gpkit.filters.language.signatures import SIGNATURES, Signature
from gpkit.filters.language.syntax import And, Call, Comparison, Filter, Node, Not, Or, Path, Present, Text
from gpkit.filters.meaning.conditions import RESOURCES, network
from gpkit.filters.meaning.fields import MESSAGES, Field, UndefinedFieldError, resolve
from gpkit.filters.meaning.operands import TYPES, zone
from gpkit.filters.meaning.regexes import BadPatternError, compiled
from gpkit.filters.meaning.searching import query

_TEXTS = ("string", "label", "struct", "any", "map")  # what a pattern may be compared with; a whole map is just false


class _Wrong(Exception):  # noqa: N818 - never leaves this module
    """What is wrong, and where in the text."""

    def __init__(self, at: int, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.at = at
        self.problem = problem
        self.hint = hint


def check(filter: Filter) -> None:
    """Do nothing if the filter can be applied to entries.

    Raises:
        FilterError: It cannot; ``kind`` is ``semantic``.
    """
    try:
        if filter.tree is not None:
            _node(filter.tree)
    except _Wrong as wrong:
        raise _error(filter, wrong) from None


def _error(filter: Filter, wrong: _Wrong) -> FilterError:
    return filter_error(filter.text, wrong.at, wrong.problem, hint=wrong.hint, kind="semantic")


def _node(node: Node) -> None:
    if isinstance(node, And | Or):
        for part in node.parts:
            _node(part)
    elif isinstance(node, Not):
        _node(node.part)
    elif isinstance(node, Call):
        _condition(node)
    elif isinstance(node, Comparison):
        _comparison(node)


def _comparison(node: Comparison) -> None:
    field = _field(node.left) if isinstance(node.left, Path) else _value(node.left)
    kind = field.kind if isinstance(field, Field) else field
    if isinstance(node.right, Present):
        if isinstance(node.left, Call):
            raise _Wrong(node.right.at, "':*' asks whether a field is there.", "Compare a function with a value.")
        return
    if kind in MESSAGES and node.operator != ":":
        names = ", ".join(MESSAGES[kind])
        raise _Wrong(node.at, f"{_written(node.left)} is not one value.", f"Name one of its fields: {names}.")
    if node.operator in ("=~", "!~"):
        if kind not in _TEXTS:
            raise _Wrong(
                node.at,
                f"{_written(node.left)} is no text ({kind}); '{node.operator}' compares texts only.",
                "Compare it with = != < <= > >=, or cast it: cast(FIELD, STRING).",
            )
        _pattern(node.right)


def _written(left: Path | Call) -> str:
    return f"{left.name}(…)" if isinstance(left, Call) else ".".join(left.components)


def _field(path: Path) -> Field:
    try:
        return resolve(path)
    except UndefinedFieldError as undefined:
        raise _Wrong(path.at, undefined.problem, undefined.hint) from None


def _pattern(pattern: Text) -> int:
    """The number of groups of the pattern."""
    try:
        return int(compiled(pattern.value).groups)
    except BadPatternError as bad:
        raise _Wrong(pattern.at, f"RE2 cannot read the regular expression: {bad}.") from None


def _signature(call: Call) -> Signature:
    signature = SIGNATURES.get(call.name.lower())
    if signature is None:
        hint = nearest(call.name, [each.name for each in SIGNATURES.values()])
        names = ", ".join(each.name for each in SIGNATURES.values())
        raise _Wrong(call.at, f"there is no function '{call.name}'.", hint or f"There are: {names}.")
    if len(call.arguments) not in {len(form) for form in signature.forms}:
        raise _Wrong(call.at, f"{signature.name} does not take {len(call.arguments)} arguments.", signature.usage)
    form = next(form for form in signature.forms if len(form) == len(call.arguments))
    for wanted, argument in zip(form, call.arguments, strict=True):
        fits = {
            "path": isinstance(argument, Path) or (not signature.is_condition and isinstance(argument, Call)),
            "option": isinstance(argument, Call) and argument.name.upper() == "TIMEZONE",
        }.get(wanted, isinstance(argument, Text))
        if not fits:
            raise _Wrong(argument.at, f"this is no argument of {signature.name}.", f"Write {signature.usage}.")
    return signature


def _condition(call: Call) -> None:
    signature = _signature(call)
    if not signature.is_condition:
        raise _Wrong(call.at, f"{signature.name}(…) is a value; alone it is neither true nor false.", signature.usage)
    first, last = call.arguments[0], call.arguments[-1]
    if isinstance(first, Path):
        _field(first)
    assert isinstance(last, Text)
    match signature.name:
        case "sample":
            raise _Wrong(
                call.at,
                "sample() cannot be applied here: its hash is not published, so no other program selects the same "
                "entries.",
                "Leave it out, or apply the filter in Cloud Logging itself.",
            )
        case "log_id" if not last.value:
            raise _Wrong(last.at, "a log id is not empty.", signature.usage)
        case "source":
            _resource(last)
        case "ip_in_net":
            if network(last.value) is None:
                raise _Wrong(
                    last.at, f"'{last.value}' is no IP address or range.", "For example 10.1.2.0/24 or 1:2::/48."
                )
        case "SEARCH":
            _query(last)


def _resource(text: Text) -> None:
    kind, _, name = text.value.partition("/")
    if kind not in RESOURCES or not name or "/" in name:
        raise _Wrong(
            text.at, f"'{text.value}' is no resource.", f"Write projects/NAME; there are {', '.join(RESOURCES)}."
        )


def _query(text: Text) -> None:
    if not text.quoted:
        raise _Wrong(text.at, "the query of SEARCH is not quoted.", f'Write SEARCH("{text.value}").')
    words, phrases = query(text.value)
    if not words and not phrases:
        raise _Wrong(text.at, "the query of SEARCH holds no word.", "Signs only separate words.")


def _value(call: Call) -> str:
    """The type that a function gives."""
    signature = _signature(call)
    if signature.is_condition:
        raise _Wrong(call.at, f"{signature.name}(…) is true or false by itself; it is compared with nothing.")
    if signature.name == "TIMEZONE":
        raise _Wrong(call.at, "TIMEZONE(…) stands inside cast only.", "cast(timestamp, STRING, TIMEZONE(…))")
    inner, argument = call.arguments[0], call.arguments[1]
    kind = _field(inner).kind if isinstance(inner, Path) else _value(inner) if isinstance(inner, Call) else ""
    assert isinstance(argument, Text)
    if kind in MESSAGES or kind == "map":
        raise _Wrong(inner.at, f"{signature.name} takes one value; this holds several.", "Name one of its fields.")
    return _extracted(kind, inner.at, argument) if signature.name == "regexp_extract" else _cast(call, argument)


def _extracted(kind: str, at: int, pattern: Text) -> str:
    if kind not in _TEXTS:
        raise _Wrong(at, f"regexp_extract takes a text, not {kind}.", "Cast it first: cast(FIELD, STRING).")
    if not pattern.quoted:
        raise _Wrong(
            pattern.at, "a regular expression is not quoted.", f'Write it in double quotes: "{pattern.value}".'
        )
    groups = _pattern(pattern)
    if groups != 1:
        raise _Wrong(
            pattern.at,
            f"the regular expression has {groups} groups; it needs exactly one, which is what is extracted.",
            "A group that extracts nothing is written (?:…).",
        )
    return "string"


def _cast(call: Call, target: Text) -> str:
    kind = TYPES.get(target.value.upper())
    if kind is None:
        raise _Wrong(target.at, f"cast knows no type '{target.value}'.", f"There are: {', '.join(TYPES)}.")
    for option in call.arguments[2:]:
        assert isinstance(option, Call)
        _signature(option)
        name = option.arguments[0]
        assert isinstance(name, Text)
        if kind not in ("string", "instant"):
            raise _Wrong(
                option.at, f"TIMEZONE says nothing about {target.value}.", "It goes with STRING and TIMESTAMP."
            )
        if zone(name.value) is None:
            raise _Wrong(
                name.at, f"there is no time zone '{name.value}'.", 'A name of the IANA list: "America/New_York".'
            )
    return kind
