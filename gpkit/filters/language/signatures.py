"""The functions of the language: what they are called, what they take, and where they may stand. One table.

All names are documented, and so is what they take. Names are compared without case, as documented examples use both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Parameter = Literal["path", "text", "pattern", "option", "any"]


@dataclass(frozen=True)
class Signature:
    """A function: its name as documented, its parameters in each of its forms, and whether it is true or a value."""

    name: str
    forms: tuple[tuple[Parameter, ...], ...]
    is_condition: bool
    usage: str


SIGNATURES = {
    signature.name.lower(): signature
    for signature in (
        Signature("log_id", (("text",),), True, 'log_id("LOG_ID")'),
        Signature("source", (("text",),), True, "source(projects/PROJECT)"),
        Signature("sample", (("path", "text"),), True, "sample(FIELD, FRACTION)"),
        Signature("ip_in_net", (("path", "text"),), True, 'ip_in_net(FIELD, "SUBNET")'),
        Signature("SEARCH", (("text",), ("path", "text")), True, 'SEARCH("WORDS") or SEARCH(FIELD, "WORDS")'),
        Signature(
            "cast", (("path", "text"), ("path", "text", "option")), False, "cast(FIELD, TYPE) or with TIMEZONE(…)"
        ),
        Signature("regexp_extract", (("path", "pattern"),), False, 'regexp_extract(FIELD, "PATTERN")'),
        Signature("TIMEZONE", (("text",),), False, 'TIMEZONE("Area/City") inside cast'),
    )
}


def parameters(name: str, given: int) -> tuple[Parameter, ...]:
    """What the arguments of a call are read as; ``any`` for a function or a number of arguments that does not exist."""
    signature = SIGNATURES.get(name.lower())
    for form in signature.forms if signature else ():
        if len(form) == given:
            return form
    unknown: Parameter = "any"
    return (unknown,) * given
