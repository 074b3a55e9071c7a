"""From an entry to the value of a field.

Entries stand as the REST API writes them (``httpRequest``) or as exports by scripts do (``http_request``). A reader
returns the value, or :data:`MISSING`. On the way through a list, the values of all its members come as a list. Null in
place of a field of LogEntry is no value; in a payload it is the value null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gpkit.filters.meaning.fields import Field, same_name, snake
from gpkit.filters.meaning.values import members

Entry = Mapping[str, Any]
Reader = Callable[[Entry], Any]


class _Missing:
    """The type of :data:`MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()
"""The entry has no such field."""


def reader(field: Field) -> Reader:
    """What reads this field from an entry."""
    first = _step(field.steps[0])
    rest = field.steps[1:]
    if field.kind == "any":
        keys, member = field.keys, _member_by_name
    else:
        keys, member = field.keys, _member
    if not rest and not keys:
        return first
    if len(rest) == 1 and not keys:
        second = _step(rest[0])

        def of_message(entry: Entry) -> Any:
            value = first(entry)
            return second(value) if type(value) is dict else _each(value, second)

        return of_message

    steps = [_step(name) for name in rest]

    def deep(entry: Entry) -> Any:
        value = first(entry)
        for step in steps:
            value = step(value) if type(value) is dict else _each(value, step)
        for key in keys:
            value = member(value, key)
        return value

    return deep


def _step(name: str) -> Reader:
    """A field of a message, by either spelling."""
    other = snake(name)
    if other == name:

        def plain(message: Entry) -> Any:
            value = message.get(name)
            return MISSING if value is None else value

        return plain

    def spelled(message: Entry) -> Any:
        value = message.get(name)
        if value is None:
            value = message.get(other)
        return MISSING if value is None else value

    return spelled


def _each(value: Any, step: Reader) -> Any:
    """The step in every message of a repeated field."""
    if type(value) is not list:
        return MISSING
    return _found([step(item) for item in value if type(item) is dict])


def _member(value: Any, key: str) -> Any:
    """A member of a JSON object, or of every object of a list."""
    if type(value) is dict:
        return value.get(key, MISSING)
    if type(value) is list:
        return _found([item.get(key, MISSING) for item in members(value) if type(item) is dict])
    return MISSING


def _member_by_name(value: Any, key: str) -> Any:
    """A member of a message as JSON, named without case and underscores; ``value`` inside an Any is passed through."""
    if type(value) is dict:
        if key in value:
            return value[key]
        wanted = same_name(key)
        for name, member in value.items():
            if same_name(name) == wanted:
                return member
        return _member_by_name(value["value"], key) if "@type" in value and "value" in value else MISSING
    if type(value) is list:
        return _found([_member_by_name(item, key) for item in members(value) if type(item) is dict])
    return MISSING


def _found(values: list[Any]) -> Any:
    held = [value for value in values if value is not MISSING]
    return held or MISSING
