"""The Cloud Logging filter language: read, checked, applied to entries, written and composed."""

from gpkit.filters.checking import check
from gpkit.filters.composing import (
    all_of,
    any_of,
    at_or_after,
    before,
    equals,
    has,
    matches,
    none_of,
    one_of,
    present,
    quote,
)
from gpkit.filters.doubts import doubts
from gpkit.filters.errors import FilterError
from gpkit.filters.interpreter import predicate
from gpkit.filters.normal import normal
from gpkit.filters.parsing import parse
from gpkit.filters.pushdown import Pushed, push
from gpkit.filters.syntax import Filter

__all__ = [
    "Filter",
    "FilterError",
    "Pushed",
    "all_of",
    "any_of",
    "at_or_after",
    "before",
    "check",
    "doubts",
    "equals",
    "has",
    "matches",
    "none_of",
    "normal",
    "one_of",
    "parse",
    "predicate",
    "present",
    "push",
    "quote",
]
