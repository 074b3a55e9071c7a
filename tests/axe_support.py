"""axe-core in a page that a real Chromium shows: what of it somebody could not read or reach.

Every rule that axe-core has is asked, also those of WCAG AAA, the best practices and the experimental ones. The script
comes in over the DevTools protocol, so that the page's own policy, which stops scripts from outside, stays as it is.
"""

from __future__ import annotations

from functools import cache

from tests.browser_support import Page
from tests.conftest import ROOT

AXE = ROOT / ".venv" / "node_modules" / "axe-core" / "axe.min.js"
_ASK = """(async () => {
  const rules = Object.fromEntries(axe.getRules().map(rule => [rule.ruleId, {enabled: true}]));
  const told = await axe.run(document, {rules, resultTypes: ['violations']});
  return {asked: told.passes.length + told.inapplicable.length + told.violations.length + told.incomplete.length,
    found: told.violations.flatMap(rule => rule.nodes.map(node =>
      `${rule.id}: ${node.target.join(' ')}: ${(node.failureSummary || rule.help).replace(/\\s+/g, ' ')}`))};
})()"""


@cache
def _axe() -> str:
    assert AXE.is_file(), "axe-core is not there: make .venv/.axe"
    return AXE.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds in the page as it stands, one line for each place; folded parts are opened first."""
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(_axe())
    told = page.evaluate(_ASK)
    assert told["asked"] > 90, told  # axe-core 4.14 has over a hundred rules
    return list(told["found"])
