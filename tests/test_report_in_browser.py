"""Reports in a real Chromium, from file:// and with no network: what is drawn, what is asked for, what cannot run."""

from __future__ import annotations

import nbformat
import pytest
from markupsafe import Markup

from gpkit.report import page, render, write_index
from tests.browser_support import draw_all
from tests.history_support import series
from tests.report_support import HOSTILE, finding, lines, notebook, run_folder

# Everything that could start a script, one a line; each sets window.ran when it does.
SCRIPTS = """
<script>window.ran = 1</script>
<script src="https://evil.example/x.js"></script>
<script src="data:text/javascript,window.ran=2"></script>
<img src="data:image/gif;base64,AA" onerror="window.ran = 3">
<svg onload="window.ran = 4"></svg>
<details open ontoggle="window.ran = 5"><summary>s</summary></details>
<input autofocus onfocus="window.ran = 6">
<iframe srcdoc="<script>parent.ran = 7</script>"></iframe>
<a id="trap" href="javascript:window.ran = 8">trap</a>
<object data="data:text/html,<script>parent.ran = 9</script>"></object>
<base href="https://evil.example/">
<script type="module">window.ran = 10</script>
"""


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_charts_are_drawn_without_any_error_or_request_outside(tmp_path, browser, dark, width):
    report = render(run_folder(tmp_path), root=tmp_path)

    browser.open(report.as_uri(), dark=dark, width=width)

    assert draw_all(browser) == 3
    assert browser.evaluate("document.querySelectorAll('.plot .point').length") >= 307  # 7 bars, 300 marks
    assert browser.errors == []
    assert len(browser.requests) == 2
    assert all(address.startswith(tmp_path.as_uri()) for address in browser.requests)
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_chart_is_drawn_only_when_it_is_scrolled_to(tmp_path, browser):
    report = render(run_folder(tmp_path), root=tmp_path)

    browser.open(report.as_uri())
    browser.wait_until("window.Plotly")

    assert browser.evaluate("document.querySelectorAll('.plot .main-svg').length") == 0


@pytest.mark.parametrize(
    "feature", [("prefers-color-scheme", "dark"), ("forced-colors", "active")], ids=lambda feature: feature[0]
)
def test_charts_follow_a_change_of_the_reader_s_colours(tmp_path, browser, feature):
    browser.open(render(run_folder(tmp_path, notebook=notebook(figures=1)), root=tmp_path).as_uri())
    draw_all(browser)
    ink = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
    before = browser.evaluate(ink)

    browser.call("Emulation.setEmulatedMedia", features=[dict(zip(("name", "value"), feature, strict=True))])

    browser.wait_until(f"{ink} !== {before!r}")


def test_the_page_reads_without_javascript(tmp_path, browser):
    report = render(run_folder(tmp_path), root=tmp_path)

    browser.open(report.as_uri(), javascript=False)

    tables = browser.call("DOM.getDocument", depth=-1)
    assert tables["root"]
    opened = browser.evaluate("[...document.querySelectorAll('figure.chart details')].map(d => d.open)")
    assert opened == [True, True, True]
    assert browser.evaluate("[...document.querySelectorAll('.plot')].map(p => p.offsetHeight)") == [0, 0, 0]
    assert browser.errors == []


def test_a_report_that_lost_its_chart_library_says_so_and_opens_its_tables(tmp_path, browser):
    report = render(run_folder(tmp_path), root=tmp_path)
    for asset in (tmp_path / "assets").iterdir():
        asset.unlink()

    browser.open(report.as_uri())
    browser.wait_until("document.querySelector('figure.chart .note')")

    assert "is not beside this report" in browser.evaluate("document.querySelector('figure.chart .note').textContent")
    assert browser.evaluate("[...document.querySelectorAll('figure.chart details')].every(d => d.open)")


def hostile_run(root, text):
    outputs = tuple(
        nbformat.v4.new_output("display_data", {kind: text}) for kind in ("text/html", "text/markdown", "text/plain")
    )
    stream = nbformat.v4.new_output("stream", name="stdout", text=text)
    return run_folder(
        root,
        environment=text,
        parameters={"logs": text, text: 1},
        results={"findings": [finding(claim=text, cause=text)], "evidence_lines": lines(text)},
        notebook=notebook(text=text, extra=(*outputs, stream), stop=text),
    )


@pytest.mark.parametrize("text", [HOSTILE, SCRIPTS])
def test_text_from_a_log_is_shown_and_does_nothing(tmp_path, browser, text):
    report = render(hostile_run(tmp_path, text), root=tmp_path)

    browser.open(report.as_uri())
    draw_all(browser)

    assert browser.evaluate("window.ran") is None
    assert (
        browser.evaluate("document.querySelectorAll('iframe, form, base, object, input, meta[content*=evil]').length")
        == 0
    )
    assert browser.evaluate("document.body.checkVisibility()")
    assert "<script>window.ran" in browser.evaluate("document.body.textContent")
    assert browser.errors == []
    assert all(address.startswith((tmp_path.as_uri(), "data:", "blob:")) for address in browser.requests)


def test_the_policy_alone_stops_scripts_when_escaping_is_taken_away(tmp_path, browser, monkeypatch):
    whole = page.exporter.__wrapped__  # a new one: the shared one stays as it is

    def without_escaping():
        exporter = whole()
        exporter.environment.autoescape = False
        raw = dict.fromkeys(("shown", "one_line", "terminal", "clean_html", "printed_markdown"), _as_it_is)
        exporter.environment.filters.update(raw)
        return exporter

    monkeypatch.setattr(page, "exporter", without_escaping)
    report = render(hostile_run(tmp_path, SCRIPTS), root=tmp_path)

    browser.open(report.as_uri())
    browser.wait_until("window.Plotly")
    browser.evaluate("document.querySelector('#trap').click()")
    drawn = draw_all(browser, most=1)  # the title of the second one is broken by its own text

    assert browser.evaluate("document.querySelectorAll('img[onerror]').length") > 3  # the markup did come through
    assert browser.evaluate("window.ran") is None
    assert any("Content Security Policy" in error for error in browser.errors)
    assert "https://evil.example/x.js" in browser.stopped
    assert not [address for address in browser.requests if "evil.example" in address]
    assert drawn == 3

    unguarded = report.with_name("unguarded.html")
    unguarded.write_text(report.read_text().replace("Content-Security-Policy", "X-Nothing", 1))
    browser.open(unguarded.as_uri())
    assert browser.evaluate("window.ran") is not None  # so the text above is dangerous indeed


def test_the_list_of_runs_opens_without_script_and_leads_to_the_reports(tmp_path, browser):
    for number, verdict in enumerate(["findings", "healthy", "no-data", "inconclusive"]):
        folder = run_folder(tmp_path, f"run-{number}", verdict=verdict)
        render(folder, root=tmp_path)
    run_folder(tmp_path, "run-9", status="timeout", verdict=None)

    browser.open(write_index(tmp_path).as_uri(), width=390)

    links = browser.evaluate("[...document.querySelectorAll('tbody a')].map(a => a.getAttribute('href'))")
    assert sorted(links) == [f"runs/run-{number}/report.html" for number in range(4)]
    assert browser.evaluate("document.scripts.length") == 0
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert browser.errors == []


def test_a_trend_is_drawn_without_script_at_any_width(tmp_path, browser):
    report = render(series(tmp_path), root=tmp_path)

    for width, dark in ((1280, False), (390, True)):
        browser.open(report.as_uri(), javascript=False, dark=dark, width=width)
        boxes = browser.evaluate(
            "[...document.querySelectorAll('.trend circle')].map(c => c.getBoundingClientRect().x)"
        )
        colours = browser.evaluate("[...document.querySelectorAll('.trend circle')].map(c => getComputedStyle(c).fill)")
        assert len(boxes) == 12
        assert boxes == sorted(boxes)
        assert len(set(colours)) == 2
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert browser.errors == []


def _as_it_is(value, *_):
    return Markup(value)
