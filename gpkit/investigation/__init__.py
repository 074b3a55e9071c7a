"""One investigation: gather evidence, judge it, show it. What a notebook calls, from its first cell to its last."""

from gpkit.investigation.investigation import Investigation, evidence, start
from gpkit.investigation.results import Verdict

__all__ = ["Investigation", "Verdict", "evidence", "start"]
