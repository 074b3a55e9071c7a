"""The left side of a comparison: a field, or ``cast`` and ``regexp_extract`` of one.

Documented: what the functions take and give. Inferred: a value that cannot be cast is no value, so that its comparison
is false; an instant becomes a text as BigQuery writes it, since the functions are those of its SQL:
``2023-01-02 15:04:05.678+00``, with as many groups of three digits as it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from gpkit.filters.language.syntax import Call, Path, Text
from gpkit.filters.meaning import values
from gpkit.filters.meaning.fields import DEFAULTS, REPEATED, resolve
from gpkit.filters.meaning.reaching import MISSING, Reader, reader
from gpkit.filters.meaning.regexes import extractor

TYPES = {
    "STRING": "string",
    "INT64": "int64",
    "FLOAT64": "double",
    "BOOL": "bool",
    "TIMESTAMP": "instant",
    "DURATION": "span",
}
"""What ``cast`` can give, and as what it is then compared."""

Convert = Callable[[Any, str], Any]


@dataclass(frozen=True)
class Operand:
    """How to read a value, its type, and what it compares as where the entry has none; null is not comparable."""

    read: Reader
    kind: str
    default: Any = None


def operand(left: Path | Call) -> Operand:
    """The left side, checked before, as something to read."""
    if isinstance(left, Path):
        field = resolve(left)
        default = None if field.steps[0] in REPEATED else DEFAULTS.get(field.kind)
        return Operand(reader(field), field.kind, default)
    inner = left.arguments[0]
    assert isinstance(inner, Path | Call)
    source = operand(inner)
    if left.name.lower() == "cast":
        return _cast(source, left)
    pattern = left.arguments[1]
    assert isinstance(pattern, Text)
    extract = extractor(pattern.value)

    def extracted(value: Any, _kind: str) -> str | None:
        return extract(value) if isinstance(value, str) else None

    return _converted(source, "string", extracted)


def zone(name: str) -> tzinfo | None:
    """A time zone by its IANA name or as ``+hh:mm``; null if there is none."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return datetime.strptime(name, "%z").tzinfo if name[:1] in ("+", "-") else ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder of zones, a path, an unknown name
        return None


def _cast(source: Operand, call: Call) -> Operand:
    target = call.arguments[1]
    assert isinstance(target, Text)
    option = call.arguments[2] if len(call.arguments) > 2 else None
    name = option.arguments[0].value if isinstance(option, Call) and isinstance(option.arguments[0], Text) else "UTC"
    at = zone(name) or UTC
    kind = TYPES[target.value.upper()]
    convert: dict[str, Convert] = {
        "string": lambda value, held: _to_text(value, held, at),
        "int64": _to_integer,
        "double": _to_number,
        "bool": _to_boolean,
        "instant": lambda value, held: _to_instant(value, held, at),
        "span": _to_span,
    }
    return _converted(source, kind, convert[kind])


def _converted(source: Operand, kind: str, convert: Convert) -> Operand:
    """The operand with each of its values converted; those that cannot be are left out."""
    read, held, default = source.read, source.kind, source.default

    def converted(entry: Any) -> Any:
        value = read(entry)
        if value is MISSING:
            value = MISSING if default is None else default
        if value is MISSING:
            return MISSING
        if type(value) is list:
            found = [made for each in values.members(value) if (made := convert(each, held)) is not None]
            return found or MISSING
        made = convert(value, held)
        return MISSING if made is None else made

    return Operand(converted, kind)


def _to_text(value: Any, kind: str, at: tzinfo) -> str | None:
    if kind in ("timestamp", "instant"):
        ns = values.as_instant(value) if kind == "timestamp" else value
        return None if ns is None else _written(ns, at)
    if kind in ("duration", "span"):
        ns = values.as_duration(value) if kind == "duration" else value
        return None if ns is None else _seconds(ns)
    return values.as_text(value)


def _written(ns: int, at: tzinfo) -> str:
    seconds, part = divmod(ns, 10**9)
    try:
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(at)
    except OverflowError:
        return ""
    digits = f"{part:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    offset = local.strftime("%z")
    shown = offset[:3] + (f":{offset[3:5]}" if offset[3:5] != "00" else "")
    return f"{local:%Y-%m-%d %H:%M:%S}{'.' + digits if digits else ''}{shown}"


def _seconds(ns: int) -> str:
    whole, part = divmod(abs(ns), 10**9)
    digits = f".{part:09d}".rstrip("0").rstrip(".")
    return f"{'-' if ns < 0 else ''}{whole}{digits}s"


def _to_integer(value: Any, kind: str) -> int | None:
    if isinstance(value, float):
        return None if value != value or abs(value) >= 2**63 else round(value)
    made = values.as_integer(value) if kind not in ("timestamp", "instant", "duration", "span") else None
    return made if made is not None and -(2**63) <= made < 2**63 else None


def _to_number(value: Any, kind: str) -> int | float | None:
    if kind in ("timestamp", "instant", "duration", "span"):
        return None
    if isinstance(value, str):
        return values.number(value)
    return value if isinstance(value, int | float) else None


def _to_boolean(value: Any, kind: str) -> bool | None:
    if isinstance(value, int) and kind not in ("instant", "span"):
        return bool(value)
    return values.as_boolean(value)


def _to_instant(value: Any, kind: str, at: tzinfo) -> int | None:
    if kind == "instant":
        return int(value)
    if not isinstance(value, str):
        return None
    ns = values.instant_ns(value)
    if ns is None or at is UTC or value[-1] in "Zz" or value[-6:-5] in ("+", "-") or value[-5:-4] in ("+", "-"):
        return ns
    # The text has no zone: its clock is that of TIMEZONE.
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // 10**9)
    moved = local.replace(tzinfo=at).utcoffset()
    return ns - (moved // timedelta(microseconds=1) * 1000 if moved else 0)


def _to_span(value: Any, kind: str) -> int | None:
    return int(value) if kind == "span" else values.as_duration(value)
