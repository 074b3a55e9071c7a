"""Log entries, wherever they are, and what they mean.

entries = gpkit.logs.read("export.json")     or api:PROJECT, bigquery:PROJECT.DATASET, gs://BUCKET/PREFIX/*.json
entries.frame        one row for each entry (docs/tables.md)
entries.coverage     the window, its gaps, and signs that something is missing
"""

from gpkit.logs.fetching import fetch
from gpkit.logs.reading import read

__all__ = ["fetch", "read"]
