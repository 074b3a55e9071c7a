"""Past runs: found, compared, told as a series. Everything derives from the run folders; there is no other record.

::

    run folders ──► listing ──► past ──► series ──► against   new, worse, same, better, recovered; since when; trend
                                    ├──► difference           two runs, side by side
                    └──► sweeps               runs that differ in a few parameters, together

Imports little: the process that answers for a run uses it too.
"""

from gpkit.history.listing import find, newest
from gpkit.history.past import Past, read

__all__ = ["Past", "find", "newest", "read"]
