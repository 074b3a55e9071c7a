"""What a filter says of values that are masked or redacted when entries are written: there it finds something else.

A filter speaks of what was logged. In a table that was written from entries client addresses are cut to their network,
e-mail addresses to their domain, and credentials are gone (:mod:`gpkit.redaction`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpkit.filters.language.syntax import Anywhere, Call, Comparison, Filter, Leaf, Path, Present, Text, leaves
from gpkit.filters.meaning.fields import same_name
from gpkit.redaction import mask_contacts, redact

_CONTACTS = frozenset({"remoteip", "serverip", "callerip", "principalemail"})
"""Fields that hold a contact and nothing else, as names of fields are compared."""
# Not after a letter and a slash: that is a product version (Chrome/134.0.0.0), which stays.
_BEGINS_ADDRESS = re.compile(r"(?<![A-Za-z]/)(?<![\w.])\d{1,3}(?:\.\d{1,3}){2}\.")


def masked(filter: Filter) -> tuple[str, ...]:
    """The fields and functions in which the filter asks for what masking or redaction alters; empty for none."""
    return tuple(dict.fromkeys(name for leaf in leaves(filter) for name in _of(leaf)))


def _of(node: Leaf) -> Iterator[str]:
    if isinstance(node, Anywhere):
        if _is_altered(node.text.value):
            yield "a search term"
    elif isinstance(node, Call):
        if node.name.lower() == "ip_in_net" or any(_is_altered(text) for text in _texts(node)):
            yield f"{node.name}()"
    elif isinstance(node, Comparison) and not isinstance(node.right, Present):
        path = _path(node.left)
        if path is not None and (same_name(path.components[-1]) in _CONTACTS or _is_altered(node.right.value)):
            yield ".".join(path.components)


def _path(left: Path | Call) -> Path | None:
    """The field that is compared, itself or inside functions."""
    while isinstance(left, Call):
        inner = left.arguments[0]
        if not isinstance(inner, Path | Call):
            return None
        left = inner
    return left


def _texts(call: Call) -> Iterator[str]:
    return (argument.value for argument in call.arguments if isinstance(argument, Text))


def _is_altered(text: str) -> bool:
    """Whether a value, or what a regular expression is written for, would not stand as it is."""
    plain = text.replace("\\", "")
    return "@" in plain or _BEGINS_ADDRESS.search(plain) is not None or redact(mask_contacts(plain)) != plain
