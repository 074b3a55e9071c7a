"""Reports and lists for everybody: by ear, by keyboard, in the dark, with forced colours, on a phone, on paper."""

from __future__ import annotations

import pytest

from gpkit.report import index, render, write_index
from tests.axe_support import too_faint, unfold, violations
from tests.browser_support import draw_all
from tests.history_support import many_runs, past_run, series
from tests.report_support import case_lines, finding, findings, lines, notebook, run_folder, trail

LONG = "x" * 400
PICTURES = """p => [...p.querySelectorAll('.svg-container > svg')]
  .filter(s => s.ariaHidden !== 'true').map(s => s.role + ' ' + s.ariaLabel)"""
BEYOND = """[...document.querySelectorAll('body *')]
  .filter(e => e.checkVisibility() && !e.closest('.wide, .shown, .plot, svg'))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
# What the Tab key should reach, in order: whatever can be focused and is neither folded away nor hidden.
REACHABLE = (
    """[...document.querySelectorAll('a[href], summary, button, [tabindex="0"]')].filter(e => e.checkVisibility())"""
)
FOCUSED = """(() => { const e = document.activeElement, s = getComputedStyle(e);
  const isShown = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;
  return [(%s).indexOf(e), isShown, e.outerHTML.slice(0, 90)]; })()"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """One report of each kind, and the list of them, with folders in it that cannot be read."""
    root = tmp_path_factory.mktemp("outputs")
    wide = "".join(
        f"<td>{cell}</td>" for cell in (*["agent_started_s"] * 6, "29.7 ms (95 %: 28.5 ms to 30.6 ms, n = 400)")
    )
    html = f"<table><tr>{wide}</tr></table><table><tr><td>1</td></tr></table>"
    table = {"data": {"text/html": html}, "output_type": "display_data"}
    extra = ({**table, "metadata": {}}, {"output_type": "stream", "name": "stdout", "text": "line\n" * 60})
    behind = lines() | {"first_event_p95": lines("All is well")["all_five_events"], "negative_controls": case_lines()}
    run_folder(root, "findings", notebook=notebook(extra=extra), results={"findings": findings(),
        "headline": "all_five_events", "evidence_lines": behind,
        "evidence_trail": {"negative_controls": trail()}})  # fmt: skip
    run_folder(root, "healthy", verdict="healthy", results={"findings": [findings()[1]], "headline": "first_event_p95"},
        notebook=notebook(figures=1))  # fmt: skip
    run_folder(root, "inconclusive", verdict="inconclusive", results={"findings": [findings()[2]]},
        notebook=notebook(figures=1))  # fmt: skip
    run_folder(root, "no-data", verdict="no-data", results={"findings": []}, notebook=notebook(figures=0))
    stopped = {"kind": "KeyError", "message": "A column is missing."}
    run_folder(root, "failed", status="failed", verdict=None, error=stopped,
        notebook=notebook(stop="A column is missing.", figures=1))  # fmt: skip
    run_folder(root, "long", results={"findings": [finding(id=LONG, claim=LONG, next_step=f"gpkit run {LONG}",
        evidence=[LONG], limits=[LONG, LONG])], "evidence_lines": {LONG: lines(LONG)["all_five_events"]}},
        environment=LONG, parameters={LONG: LONG}, notebook=notebook(text=LONG, figures=1))  # fmt: skip
    series(root).rename(root / "runs" / "trend")
    for folder in (root / "runs").iterdir():
        render(folder, root=root)
    (root / "runs" / "empty").mkdir()
    past_run(root, 9, run_id="cut").joinpath("run.json").write_text('{"run_id": ')
    past_run(root, 9, run_id="of-the-future", schema=99, status="reconsidered", findings={"all": 1})
    past_run(root, 9, status="missed", started_utc=None)
    for number, label in enumerate(("plain", LONG), start=1):
        past_run(root, 20 + number, sweep={"id": "of-labels", "number": number, "of": 3, "values": {"label": label}})
    write_index(root)
    return root


@pytest.mark.parametrize("name", ["findings", "healthy", "inconclusive", "no-data", "failed", "long", "trend"])
def test_axe_core_finds_nothing_in_a_report(outputs, browser, name):
    browser.open((outputs / "runs" / name / "report.html").as_uri())
    draw_all(browser)

    for look in ({}, {"width": 375, "dark": True}):
        browser.look(**look)
        assert violations(browser) == []
        assert too_faint(browser) == []


def test_axe_core_finds_nothing_in_the_lists_of_runs(outputs, tmp_path, browser, monkeypatch):
    monkeypatch.setattr(index, "NEWEST", 12)
    monkeypatch.setattr(index, "PAGE", 10)
    many_runs(tmp_path, 30)
    write_index(tmp_path)

    for page in (outputs / "index.html", tmp_path / "index.html", tmp_path / "index" / "2.html"):
        browser.open(page.as_uri())
        for look in ({}, {"width": 375, "dark": True}):
            browser.look(**look)
            assert violations(browser) == []
            assert too_faint(browser) == []


def test_axe_core_finds_what_is_planted(outputs, browser):
    browser.open((outputs / "runs" / "healthy" / "report.html").as_uri())
    draw_all(browser)

    for fault in (
        "document.querySelector('.plot svg').removeAttribute('aria-label')",
        "document.querySelector('.eyebrow').style.color = '#999'",
        "document.querySelector('.wide').removeAttribute('role')",
        "document.querySelector('h2').outerHTML = '<h5>x</h5>'",
    ):
        browser.evaluate(f"void ({fault})")

    found = {line.split(":")[0] for line in violations(browser)}
    assert {"svg-img-alt", "color-contrast", "focus-order-semantics", "heading-order"} <= found


def test_the_tab_key_reaches_everything_in_order_and_shows_where_it_is(outputs, browser):
    browser.open((outputs / "runs" / "findings" / "report.html").as_uri())
    draw_all(browser)
    browser.evaluate("scrollTo(0, 0)")
    count = browser.evaluate(f"{REACHABLE}.length")

    seen = []
    for _ in range(count):
        browser.press("Tab")
        seen.append(browser.evaluate(FOCUSED % REACHABLE))

    assert [index for index, _, _ in seen] == list(range(count))
    assert [what for _, is_shown, what in seen if not is_shown] == []
    assert 'class="skip"' in seen[0][2]
    assert sum("modebar-btn" in what for _, _, what in seen) == 3 * 4


def test_folds_and_the_tools_of_a_chart_work_from_the_keyboard(outputs, browser):
    browser.open((outputs / "runs" / "inconclusive" / "report.html").as_uri())
    draw_all(browser)

    browser.evaluate("document.querySelector('.finding summary').focus()")
    browser.press("Enter")
    browser.wait_until("document.querySelector('.finding details').open")
    browser.evaluate("document.querySelector('.modebar-btn[data-val=pan]').focus()")
    browser.press("Enter")
    browser.wait_until("document.querySelector('.modebar-btn[data-val=pan]').classList.contains('active')")
    browser.evaluate("document.querySelector('.skip').focus()")
    browser.press("Enter")

    browser.wait_until(
        "location.hash === '#findings' && document.querySelector('#findings').getBoundingClientRect().top < 99"
    )


def test_a_chart_is_one_picture_with_a_name_and_its_numbers_are_a_table_with_the_same(outputs, browser):
    browser.open((outputs / "runs" / "inconclusive" / "report.html").as_uri())
    draw_all(browser)

    named = browser.evaluate(f"[...document.querySelectorAll('.plot')].map({PICTURES})")
    tables = browser.evaluate("[...document.querySelectorAll('figure.chart caption')].map(c => c.textContent)")

    assert [len(pictures) for pictures in named] == [1]
    assert named[0][0].startswith("img Where are the events lost? Read a bar as:")
    assert all(title in picture for title, [picture] in zip(tables, named, strict=True))


def test_with_forced_colours_verdict_interval_and_charts_are_still_seen(outputs, browser):
    browser.open((outputs / "runs" / "healthy" / "report.html").as_uri())
    browser.look(forced=True)
    draw_all(browser)
    colour = "getComputedStyle(document.querySelector('{}')).{}"

    for dark in (False, True):
        browser.look(dark=dark, forced=True)
        text = browser.evaluate(colour.format("body", "color"))
        assert "✓ MEETS" in browser.evaluate("document.querySelector('.verdict').textContent")
        assert browser.evaluate(colour.format(".verdict", "borderStyle")) == "solid"
        assert browser.evaluate(colour.format(".verdict", "color")) == text
        for part in (".dot", ".track .aim"):
            assert browser.evaluate(colour.format(part, "backgroundColor")) == text
        ground = browser.evaluate(colour.format("body", "backgroundColor"))
        assert browser.evaluate(colour.format(".range", "backgroundColor")) not in (ground, "rgba(0, 0, 0, 0)")
        browser.wait_until(f"{colour.format('.plot .xtick text', 'fill')} === {text!r}")


def test_the_verdict_of_a_run_in_a_trend_is_a_shape_too(outputs, browser):
    browser.open((outputs / "runs" / "trend" / "report.html").as_uri())

    told = browser.evaluate(
        "[...document.querySelectorAll('.trend circle')].map(c => [c.classList[0], getComputedStyle(c).fill])"
    )

    assert len({fill for _, fill in told}) == len({tone for tone, _ in told}) == 2
    assert "filled dot fails" in browser.evaluate("document.querySelector('.trend .reading').textContent")


def test_a_wide_table_scrolls_in_its_box_on_a_phone_and_its_text_stays_readable(outputs, browser):
    browser.open((outputs / "runs" / "findings" / "report.html").as_uri(), javascript=False, width=375)
    box = "[...document.querySelectorAll('.shown .wide')].find(e => e.textContent.includes('n = 400'))"

    assert browser.evaluate(f"{box}.scrollWidth > {box}.clientWidth && {box}.clientWidth <= 375")
    assert browser.evaluate(f"{box}.querySelector('tr').offsetHeight") < 80  # two or three lines


@pytest.mark.parametrize("name", ["runs/long/report", "runs/trend/report", "index"])
def test_no_page_scrolls_sideways_on_a_phone(outputs, browser, name):
    browser.open((outputs / f"{name}.html").as_uri(), width=375)
    draw_all(browser)
    unfold(browser)

    for width in (375, 320):
        browser.look(width=width)
        assert browser.evaluate("document.documentElement.scrollWidth") == width
        assert browser.evaluate(BEYOND) == []


def test_on_a_phone_verdict_number_limit_and_next_step_stand_within_two_screens(outputs, browser):
    browser.open((outputs / "runs" / "findings" / "report.html").as_uri(), javascript=False, width=375, height=667)

    end = browser.evaluate("document.querySelector('.brief').getBoundingClientRect().bottom")
    told = browser.evaluate("document.querySelector('.masthead').innerText").replace("\u00a0", " ")

    assert end < 2 * 667
    for part in ("FAILS", "71 %", "target 80 %", "Whether a lost event was never sent", "gpkit run handshake_race"):
        assert part in told


@pytest.mark.parametrize("javascript", [True, False])
def test_on_paper_numbers_and_the_evidence_of_what_fails_are_unfolded_and_code_is_not(outputs, browser, javascript):
    browser.open((outputs / "runs" / "findings" / "report.html").as_uri(), javascript=javascript, dark=True)
    browser.call("Emulation.setEmulatedMedia", media="print")

    def seen(selector):
        return browser.evaluate(f"[...document.querySelectorAll('{selector}')].map(e => e.checkVisibility())")

    assert set(seen(".finding.fails .lines pre") + seen(".chart td") + seen(".provenance dd")) == {True}
    for folded in (".finding.meets .lines pre", ".evidence details pre", ".code pre", ".contents", ".skip"):
        assert set(seen(folded)) == {False}
    assert browser.evaluate("getComputedStyle(document.body).color") == "rgb(28, 27, 25)"  # ink, also for a dark reader


def test_printing_draws_every_chart_in_ink_at_the_width_of_the_paper(outputs, browser):
    browser.open((outputs / "runs" / "findings" / "report.html").as_uri(), dark=True)
    browser.wait_until("window.Plotly")
    drawn = "[...document.querySelectorAll('.plot')].map(p => [p.querySelector('.main-svg')?.clientWidth, " \
        "p.querySelector('.xtick text') && getComputedStyle(p.querySelector('.xtick text')).fill])"  # fmt: skip
    browser.evaluate(f"addEventListener('beforeprint', () => {{ window.onPaper = {drawn}; }})")

    paper = browser.printed()

    assert len(paper) > 30_000
    assert browser.evaluate("window.onPaper") == [[640, "rgb(28, 27, 25)"]] * 3  # A4 less its margins: 688
    browser.wait_until(
        "[...document.querySelectorAll('.plot .xtick text')].every(t => getComputedStyle(t).fill !== 'rgb(28, 27, 25)')"
    )
    assert browser.errors == []
