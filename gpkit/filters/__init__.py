"""The Cloud Logging filter language: read, checked, applied to entries, written and composed."""

from gpkit.filters.checking import check
from gpkit.filters.errors import FilterError
from gpkit.filters.interpreter import predicate
from gpkit.filters.parsing import parse
from gpkit.filters.syntax import Filter

__all__ = ["Filter", "FilterError", "check", "parse", "predicate"]
