"""Live probes: real WebSockets along the golden path, one row for each attempt, whatever becomes of it."""

from gpkit.probe.measure import golden_path, run
from gpkit.probe.plan import CONTROLS, Plan
from gpkit.probe.recording import Evidence

__all__ = ["CONTROLS", "Evidence", "Plan", "golden_path", "run"]
