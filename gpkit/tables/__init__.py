"""The tables: what a row is, and each column's type, unit, clock and meaning of null.

Everything downstream of the evidence sees these tables only, never a source.

Clocks: ``client-wall`` (the probe's host, UTC), ``client-monotonic`` (durations on that host), ``server`` (the
instance's own), ``platform`` (Cloud Logging and the load balancer). Instants are UTC at microseconds, with an ``_ns``
column beside them that holds all digits. Null means "did not happen" or "not measured", never 0.
"""

from gpkit.tables.columns import (
    ATTEMPTS,
    CONNECTIONS,
    ENTRIES,
    EVENT_COLUMNS,
    MESSAGES,
    PHASES,
    TABLES,
    TESTS,
    Column,
)
from gpkit.tables.frames import conform, empty, from_rows, read
from gpkit.tables.writing import FILTER_KEY, filter_of, to_jsonl, write

__all__ = [
    "ATTEMPTS",
    "CONNECTIONS",
    "ENTRIES",
    "EVENT_COLUMNS",
    "FILTER_KEY",
    "MESSAGES",
    "PHASES",
    "TABLES",
    "TESTS",
    "Column",
    "conform",
    "empty",
    "filter_of",
    "from_rows",
    "read",
    "to_jsonl",
    "write",
]
