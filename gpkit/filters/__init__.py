"""The Cloud Logging filter language: read, checked, applied to entries, written and composed."""

from gpkit.filters.errors import FilterError
from gpkit.filters.parsing import parse
from gpkit.filters.syntax import Filter

__all__ = ["Filter", "FilterError", "parse"]
