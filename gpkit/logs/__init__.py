"""Log entries from files, whatever their shape, and what they mean.

entries = gpkit.logs.read("export.json")
entries.frame        one row for each entry (docs/tables.md)
entries.coverage     the window, its gaps, and signs that something is missing
"""

from gpkit.logs.reading import read

__all__ = ["read"]
