"""Findings: claims with verdicts that are computed from intervals and targets."""

from gpkit.findings.finding import Finding, headline, run_verdict

__all__ = ["Finding", "headline", "run_verdict"]
