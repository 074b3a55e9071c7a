"""The Cloud Logging filter language: read, checked, applied to entries, written and composed."""

from gpkit.filters.engines.pushdown import Pushed, push
from gpkit.filters.engines.selecting import keep, narrow
from gpkit.filters.language.errors import FilterError
from gpkit.filters.language.escapes import legible
from gpkit.filters.language.parsing import parse
from gpkit.filters.language.syntax import Filter
from gpkit.filters.meaning.checking import check
from gpkit.filters.meaning.doubts import doubts
from gpkit.filters.meaning.interpreter import predicate
from gpkit.filters.meaning.masking import masked
from gpkit.filters.meaning.scope import is_scope
from gpkit.filters.writing.composing import (
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
from gpkit.filters.writing.normal import normal

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
    "is_scope",
    "keep",
    "legible",
    "masked",
    "matches",
    "narrow",
    "none_of",
    "normal",
    "one_of",
    "parse",
    "predicate",
    "present",
    "push",
    "quote",
]
