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


_FAINT = """(() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const behind = e => { const layers = [];
    for (let n = e; n; n = n.parentElement) layers.push(parse(getComputedStyle(n).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]); };
  const linear = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.slice(0, 3).map(linear);
    return .2126 * r + .7152 * g + .0722 * b; };
  const poor = [];
  for (const e of document.querySelectorAll('body *:not(script):not(style)')) {
    if (e.closest('.plot') || !e.checkVisibility() || e.matches('.here, .skip')) continue;
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const back = behind(e), [a, b] = [light(over(parse(getComputedStyle(e).color), back)), light(back)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 7) poor.push([e.tagName, e.className, e.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return poor;
})()"""


@cache
def _axe() -> str:
    assert AXE.is_file(), "axe-core is not there: make .venv/.axe"
    return AXE.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds in the page as it stands, one line for each place; folded parts are opened first."""
    unfold(page)
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(_axe())
    told = page.evaluate(_ASK)
    assert told["asked"] > 90, told  # axe-core 4.14 has over a hundred rules
    return list(told["found"])


def too_faint(page: Page) -> list[list[str]]:
    """Texts with a contrast below 7 to 1, also where axe-core cannot decide; those of charts apart."""
    unfold(page)
    return list(page.evaluate(_FAINT))


def unfold(page: Page) -> None:
    """Opens everything that is folded away."""
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
