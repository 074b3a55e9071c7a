"""Nouns behind numbers: one entry, two entries. Pure."""

from __future__ import annotations


def plural(count: int, one: str, many: str = "") -> str:
    """The word that goes with a count; ``many`` is given where it is more than an ``s``."""
    return one if count == 1 else many or f"{one}s"


def counted(count: int, one: str, many: str = "") -> str:
    """The count and its word: ``1 entry``, ``2002 entries``."""
    return f"{count} {plural(count, one, many)}"
