"""Slices of logs on disk: what was read once is not read again, and what is held is known.

shelf = Store().shelf(Key(project, filter, endpoint, masked=True, version=SCHEMA_VERSION))
shelf.slices(since_ns, until_ns)       what is held
with shelf.claim(slice.since_ns) as claim:
    shelf.write(claim, table, [Read(since_ns, until_ns, at_ns)])
"""

from gpkit.cache.key import Key
from gpkit.cache.merging import merged, stamps_of
from gpkit.cache.shelf import Claim, Fault, Held, Shelf
from gpkit.cache.slices import SLICE_NS, SLICE_S, Read, Slice, Stretch, missing, settled, starts, union
from gpkit.cache.store import Pruned, Store, default_folder

__all__ = [
    "SLICE_NS",
    "SLICE_S",
    "Claim",
    "Fault",
    "Held",
    "Key",
    "Pruned",
    "Read",
    "Shelf",
    "Slice",
    "Store",
    "Stretch",
    "default_folder",
    "merged",
    "missing",
    "settled",
    "stamps_of",
    "starts",
    "union",
]
