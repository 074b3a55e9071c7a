"""Log entries as a table, wherever they come from: extracted, redacted, each once, with what they cover.

with Extractor() as extractor:
    entries = assemble([Part("page", extractor.extract(raw))])
"""

from gpkit.entries.assembling import Entries, Part, assemble
from gpkit.entries.coverage import Coverage, FileCoverage, Gap, Problem, Unread, Written
from gpkit.entries.extracting import SCHEMA_VERSION, Extractor
from gpkit.entries.selecting import Selection, selected_by, selection

__all__ = [
    "SCHEMA_VERSION",
    "Coverage",
    "Entries",
    "Extractor",
    "FileCoverage",
    "Gap",
    "Part",
    "Problem",
    "Selection",
    "Unread",
    "Written",
    "assemble",
    "selected_by",
    "selection",
]
