"""One page with everything inside, in a real Chromium: from anywhere, alone, and never larger than is promised."""

from __future__ import annotations

import html
import re
import shutil

import pytest

from gpkit.errors import OutputError
from gpkit.report import render
from gpkit.report.assets import packed
from gpkit.report.fitting import SINGLE_BYTES
from gpkit.report.making import write_single
from tests.axe_support import too_faint, violations
from tests.browser_support import chromium, tab
from tests.history_support import series
from tests.report_support import HOSTILE, notebook, notebook_with, run_folder
from tests.runs_support import gpkit, make_project, read, run_folders

NOTEBOOKS = ("handshake_race", "event_success_rates", "auth_timing")


@pytest.fixture(scope="module")
def devtools(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as address:
        yield address


@pytest.fixture
def browser(devtools):
    with tab(devtools) as opened:
        yield opened


def alone(root, **parts):
    """A single page, the only file of its folder; the run and everything beside it are gone."""
    out = root / "mail" / "attached.html"
    out.parent.mkdir()
    write_single(run_folder(root / "outputs", **parts), out)
    shutil.rmtree(root / "outputs")
    return out


def draw_all(browser):
    plots = browser.evaluate("document.querySelectorAll('.plot').length")
    for index in range(plots):
        plot = f"document.querySelectorAll('.plot')[{index}]"
        browser.evaluate(f"{plot}.scrollIntoView()")
        browser.wait_until(f"{plot}.querySelector('.main-svg')")
    return plots


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)])
def test_a_single_file_draws_every_chart_with_nothing_beside_it(tmp_path, browser, dark, width):
    page = alone(tmp_path)

    browser.open(page.as_uri(), dark=dark, width=width)

    assert draw_all(browser) == 3
    assert browser.evaluate("document.querySelectorAll('.plot .point').length") >= 307  # 7 bars, 300 marks
    assert browser.errors == []
    assert browser.requests == [page.as_uri()]
    assert page.stat().st_size <= SINGLE_BYTES


def test_the_policy_of_a_single_file_names_its_two_scripts_and_lets_nothing_else_run(tmp_path, browser):
    page = alone(tmp_path, notebook=notebook(text=HOSTILE))
    hostile = page.with_name("hostile.html")
    text = page.read_text()
    hostile.write_text(
        text.replace("<main>", "<main><img src=x onerror='window.ran=1'><script>window.ran=2</script>", 1)
    )

    browser.open(hostile.as_uri())
    drawn = draw_all(browser)

    policy = html.unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)[1])
    assert re.search(r"script-src 'sha256-[^']+' 'sha256-[^']+';", policy)
    assert "unsafe-eval" not in policy
    assert drawn == 3
    assert browser.evaluate("window.ran") is None
    assert any("Content Security Policy" in error for error in browser.errors)


def test_a_single_file_reads_without_javascript(tmp_path, browser):
    browser.open(alone(tmp_path).as_uri(), javascript=False)

    assert browser.evaluate("[...document.querySelectorAll('figure.chart details')].map(d => d.open)") == [True] * 3
    assert browser.evaluate("[...document.querySelectorAll('.plot')].map(p => p.offsetHeight)") == [0, 0, 0]
    assert browser.evaluate("document.body.innerText.length") < 20_000
    assert browser.errors == []


@pytest.mark.parametrize("fault", ["no unpacking", "damaged"])
def test_a_single_file_whose_library_cannot_be_unpacked_says_so_and_opens_its_tables(tmp_path, browser, fault):
    page = alone(tmp_path)
    if fault == "damaged":
        page.write_text(page.read_text().replace('id="plotly-packed">AB', 'id="plotly-packed">AC', 1))
    else:
        browser.call("Page.enable")
        browser.call("Page.addScriptToEvaluateOnNewDocument", source="delete window.DecompressionStream")

    browser.open(page.as_uri())
    browser.wait_until("document.querySelector('figure.chart .note')")

    assert "cannot be unpacked" in browser.evaluate("document.querySelector('figure.chart .note').textContent")
    assert browser.evaluate("[...document.querySelectorAll('figure.chart details')].every(d => d.open)")
    assert browser.errors == []


def test_a_library_that_was_changed_does_not_run(tmp_path, browser):
    page = alone(tmp_path)
    other = packed(b"window.ran = 1; window.Plotly = {}")
    page.write_text(re.sub(r'(id="plotly-packed">)[^<]+', lambda found: found[1] + other, page.read_text()))

    browser.open(page.as_uri())
    browser.wait_until("document.querySelector('figure.chart .note')")

    assert browser.evaluate("window.ran") is None


@pytest.mark.parametrize("dark", [False, True])
def test_a_thinned_figure_one_that_is_not_drawn_and_the_table_of_sizes_are_for_everybody(tmp_path, browser, dark):
    line = {"data": [{"y": [index % 97 for index in range(20_000)], "mode": "lines"}], "layout": {}}
    bins = {"data": [{"x": list(range(90_000)), "type": "histogram"}], "layout": {"title": {"text": "Every wait"}}}
    out = tmp_path / "out.html"
    write_single(run_folder(tmp_path, notebook=notebook_with(line, bins)), out, show_sizes=True)

    browser.open(out.as_uri(), dark=dark, width=390)

    assert draw_all(browser) == 1
    assert browser.evaluate("[...document.querySelectorAll('.thinned, figure .note, #sizes')].length") == 3
    assert violations(browser) == []
    assert too_faint(browser) == []
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_no_link_of_a_single_file_leads_to_a_file_beside_it(tmp_path):
    out = tmp_path / "out.html"
    write_single(series(tmp_path), out)

    links = re.findall(r'href="([^"]*)"', out.read_text())

    assert links
    assert [link for link in links if not link.startswith(("#", "https://"))] == []


def test_a_report_without_figures_carries_no_library(tmp_path):
    out = tmp_path / "out.html"

    write_single(run_folder(tmp_path, notebook=notebook(figures=0)), out)

    assert out.stat().st_size < 100_000
    assert "<script" not in out.read_text()


def test_making_a_single_file_again_gives_the_same_page_and_leaves_the_run_alone(tmp_path):
    folder = run_folder(tmp_path)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    out = tmp_path / "out.html"

    write_single(folder, out)
    first = out.read_bytes()
    write_single(folder, out)

    assert out.read_bytes() == first
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_report_may_be_replaced_and_any_other_file_may_not(tmp_path):
    folder = run_folder(tmp_path)
    own = tmp_path / "own.html"
    own.write_text("<!doctype html><p>mine")
    shared = render(folder, root=tmp_path)

    write_single(folder, shutil.copy(shared, tmp_path / "copy.html"))
    with pytest.raises(OutputError) as refused:
        write_single(folder, own)

    assert str(refused.value) == (
        f"'{own}' exists and is no report of gpkit. It is left as it is.\nChoose another name, or remove it."
    )
    assert own.read_text() == "<!doctype html><p>mine"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("a-run", "'a-run' has no ending that a browser opens.\nUse .html."),
        ("gone/out.html", "The folder of '{}' does not exist."),
        ("folder.html", "'{}' cannot be written: Is a directory."),
    ],
)
def test_a_place_that_no_page_can_have_is_refused_with_the_reason(tmp_path, place, said):
    (tmp_path / "folder.html").mkdir()

    with pytest.raises(OutputError) as refused:
        write_single(run_folder(tmp_path), tmp_path / place)

    assert str(refused.value).startswith(said.format(tmp_path / place))


@pytest.fixture(scope="module")
def runs_of_an_export(tmp_path_factory, root, exports):
    """A real run of each notebook on a real export, by name, as single files and nothing else."""
    project, mail = make_project(tmp_path_factory.mktemp("project")), tmp_path_factory.mktemp("mail")
    shutil.copytree(root / "notebooks", project / "notebooks", dirs_exist_ok=True)
    shutil.copy(exports / "cloud_logging" / "cl_raw_20250907_1320_iter9_2002.json", project / "export.json")
    done = gpkit(project, "run", *NOTEBOOKS, "-p", "logs=export.json")
    assert done.returncode == 1, done.stderr
    for folder in run_folders(project):
        write_single(folder, mail / f"{read(folder / 'run.json')['notebook']}.html")
    shutil.rmtree(project)
    return mail


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_notebook_on_an_export_can_be_sent_as_one_file_of_2_2_mb(runs_of_an_export, browser, name):
    page = runs_of_an_export / f"{name}.html"

    browser.open(page.as_uri())

    assert page.stat().st_size <= 2_200_000
    assert draw_all(browser) >= 1
    assert browser.errors == []
    assert [address for address in browser.requests if not address.startswith("data:")] == [page.as_uri()]
    assert browser.evaluate("[...document.querySelectorAll('figure.chart .note')].length") == 0
