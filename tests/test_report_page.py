"""report.html as text: what it says, in which order, and that nothing in it can act."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from gpkit.errors import OutputError
from gpkit.report import prepare, render
from gpkit.report.provenance import window_text
from tests.report_support import HOSTILE, PLOTLY, figure, finding, findings, frame, lines, notebook, run_folder


class _Outline(HTMLParser):
    """Every tag with its attributes, every id, and the text outside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._silent = False

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._silent = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._silent = False
        self.text += "" if tag in ("a", "b", "code", "span") else " "

    def handle_data(self, data):
        if not self._silent:
            self.text += data


def outline(path: Path) -> _Outline:
    read = _Outline()
    read.feed(path.read_text(encoding="utf-8"))
    return read


def text_of(path: Path) -> str:
    return " ".join(outline(path).text.split())


def test_the_verdict_comes_first_then_findings_then_provenance_then_the_notebook(tmp_path):
    text = text_of(render(run_folder(tmp_path), root=tmp_path))

    order = [
        "Do users get all five agent events?",
        "✕ FAILS",
        "142 of 200",
        "71 %",
        "Findings",
        "Where this comes from",
    ]
    places = [text.index(part) for part in [*order, "What was measured", "What this cannot tell"]]
    assert places == sorted(places)


def test_a_number_never_stands_without_its_interval_n_and_target(tmp_path):
    text = text_of(render(run_folder(tmp_path), root=tmp_path))

    assert text.count("71 % 95 % interval 64–77 % n = 200 target 80 %") == 2  # the headline and its finding
    assert "1.84 s 95 % interval 1.62–2.31 s n = 187 target 5 s" in text


def test_every_part_of_a_finding_is_shown(tmp_path):
    text = text_of(render(run_folder(tmp_path), root=tmp_path))

    for part in (
        "tool_completed is sent and never arrives on revision chat-00042.",
        "a race: loss does not depend on the send delay",
        "Whether a lost event was never sent: the server's log says.",
        "gpkit run handshake_race -e staging",
        "attempt-0112",
        "68bd000500000 2026-11-20T10:00:05.123456Z Authentication failed: signature verification failed user=5",
        "and 40 more in results.json",
    ):
        assert part in text


def test_the_window_stands_with_the_headline_and_what_is_missing_with_the_coverage(tmp_path):
    coverage = {
        "probe": {"planned": 200, "measured": 180, "interrupted": True},
        "log": {"entries": 2002, "gaps": [{"since": "10:00", "seconds": 61.0}], "problems": []},
        "notes": ["20 planned attempts were not made.", "Silence of 61 s from 10:00."],
    }

    text = text_of(render(run_folder(tmp_path, coverage=coverage), root=tmp_path))

    assert "Window: 2026-11-20 09:00:00 UTC to 2026-11-20 10:00:00 UTC" in text[: text.index("Findings ")]
    for part in ("20 planned attempts were not made.", "Silence of 61 s from 10:00.", "probe measured 180"):
        assert part in text
    assert "log entries 2,002 log gaps since 10:00, seconds 61 log problems none" in text


def test_what_was_asked_of_a_log_stands_with_the_headline_where_the_evidence_differs(tmp_path):
    window = {"since": "2026-11-20T08:00:00Z", "until": None}
    asked = {"window": window, "filter": 'severity>=ERROR AND textPayload:"<b>"'}

    folder = run_folder(tmp_path, coverage={"asked": asked})
    text = text_of(render(folder, root=tmp_path))
    plain = (folder / "report.md").read_text()

    said = (
        "Window: 2026-11-20 08:00:00 UTC to no limit as asked; "
        "evidence from 2026-11-20 09:00:00 UTC to 2026-11-20 10:00:00 UTC"
    )
    chosen = 'A selection. Only log entries that this filter selects: severity>=ERROR AND textPayload:"<b>"'
    assert said in text[: text.index("Findings ")]
    assert chosen in text[: text.index("Findings ")]
    assert said in plain[: plain.index("## Findings")]
    assert '`severity>=ERROR AND textPayload:"<b>"`' in plain[: plain.index("## Findings")]


FIRST, SECOND = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("found", "asked", "said"),
    [
        ((FIRST, SECOND), (None, None), "2026-01-01 00:00:00 UTC to 2026-01-02 00:00:00 UTC"),
        (("2026-01-01T00:00:00.5Z", SECOND), (FIRST, SECOND), "2026-01-01 00:00:00 UTC to 2026-01-02 00:00:00 UTC"),
        (
            (None, None),
            (FIRST, SECOND),
            "2026-01-01 00:00:00 UTC to 2026-01-02 00:00:00 UTC as asked; nothing lies in it",
        ),
    ],
)
def test_both_windows_are_said_where_they_differ(found, asked, said):
    window, wanted = ({"since": ends[0], "until": ends[1]} for ends in (found, asked))

    assert window_text(window, wanted) == said


def test_parameters_keep_their_names_and_tell_what_was_given(tmp_path):
    text = text_of(render(run_folder(tmp_path), root=tmp_path))

    assert "environment given staging attempts given 200 rate_per_s 20 target_ratio 0.8 logs –" in text


def test_the_title_says_verdict_notebook_and_day(tmp_path):
    page = render(run_folder(tmp_path), root=tmp_path).read_text()

    assert "<title>FAILS · event_success_rates · 2026-11-20</title>" in page


@pytest.mark.parametrize(
    ("verdict", "word"),
    [("findings", "FAILS"), ("inconclusive", "CANNOT TELL"), ("no-data", "NO DATA"), ("healthy", "MEETS")],
)
def test_a_verdict_is_said_in_a_word(tmp_path, verdict, word):
    page = render(run_folder(tmp_path, verdict=verdict), root=tmp_path).read_text()

    assert f"<title>{word} ·" in page


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("failed", "RUN FAILED"),
        ("timeout", "TIMED OUT"),
        ("kernel-died", "KERNEL DIED"),
        ("interrupted", "INTERRUPTED"),
        ("missed", "MISSED"),
        ("running", "STILL RUNNING"),
    ],
)
def test_a_run_that_did_not_end_well_has_no_verdict_even_if_a_file_holds_one(tmp_path, status, word):
    folder = run_folder(tmp_path, status=status, verdict="healthy", error={"kind": "X", "message": "It stopped."})

    page = render(folder, root=tmp_path)

    assert f"<title>{word} ·" in page.read_text()
    assert "no verdict is drawn from it" in text_of(page)
    assert 'class="verdict meets"' not in page.read_text()


def test_a_failed_run_names_the_cell_the_heading_above_it_and_the_error(tmp_path):
    folder = run_folder(
        tmp_path,
        status="failed",
        verdict=None,
        error={"kind": "TableError", "message": "Column 'ready_ns' is missing."},
        notebook=notebook(stop="Column 'ready_ns' is missing."),
    )

    text = text_of(render(folder, root=tmp_path))

    assert "It stopped at code cell 7, under “Where are they lost?”." in text
    assert "TableError: Column 'ready_ns' is missing." in text
    assert "7 of 8 code cells were started" in text


@pytest.mark.parametrize(
    ("status", "run_id", "said"),
    [("timeout", "a", "gpkit rerun a"), ("failed", "a;b", "gpkit rerun 'a;b'"), ("missed", "a", ""), ("ok", "a", "")],
)  # fmt: skip
def test_a_run_that_began_and_did_not_end_well_says_how_to_make_it_once_more(tmp_path, status, run_id, said):
    page = render(run_folder(tmp_path, run_id, status=status, verdict=None), root=tmp_path)

    for text in (text_of(page), page.with_name("report.md").read_text()):
        assert said in text
        assert ("gpkit rerun" in text) == bool(said)


def test_a_failed_run_still_shows_the_findings_it_had(tmp_path):
    text = text_of(render(run_folder(tmp_path, status="timeout", verdict=None), root=tmp_path))

    assert "Findings recorded before the run ended" in text
    assert "142 of 200 attempts" in text


@pytest.mark.parametrize("missing", ["run.json", "results.json", "notebook.ipynb"])
@pytest.mark.parametrize("cut", [None, b"", b'{"run_id": "x", "status', b"[1, 2]", b"\xff\xfe\x00"])
def test_a_missing_or_broken_file_is_named_and_the_rest_is_shown(tmp_path, missing, cut):
    folder = run_folder(tmp_path)
    (folder / missing).unlink()
    if cut is not None:
        (folder / missing).write_bytes(cut)

    text = text_of(render(folder, root=tmp_path))

    assert missing in text.replace("results.json, run.json, report.md, notebook.ipynb", "")
    assert "event_success_rates" in text


def test_without_run_json_there_is_no_verdict_even_if_results_json_holds_one(tmp_path):
    folder = run_folder(tmp_path, results={"findings": findings(), "verdict": "healthy"})
    (folder / "run.json").unlink()

    page = render(folder, root=tmp_path)

    assert page.read_text().count("<title>UNKNOWN") == 1
    assert 'class="verdict meets"' not in page.read_text()


def test_an_empty_folder_gives_a_page_that_claims_nothing(tmp_path):
    folder = tmp_path / "runs" / "20261120T100000Z-x.partial"
    folder.mkdir(parents=True)

    page = render(folder, root=tmp_path)

    assert "<title>UNKNOWN · 20261120T100000Z-x</title>" in page.read_text()
    assert "Nothing says how this run ended." in text_of(page)


def test_findings_and_headings_keep_stable_anchors_and_the_contents_list_leads_to_them(tmp_path):
    read = outline(render(run_folder(tmp_path), root=tmp_path))
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    links = [attributes["href"][1:] for tag, attributes in read.tags if tag == "a" and attributes["href"][:1] == "#"]

    assert len(ids) == len(set(ids))
    assert {"finding-all-five-events", "finding-negative-controls", "at-where-are-they-lost"} <= set(links)
    assert set(links) <= set(ids)


def test_headings_of_the_same_text_get_places_of_their_own(tmp_path):
    book = notebook()
    book["cells"] += [nbformat.v4.new_markdown_cell("## Verdict\n\n## Verdict")]

    page = render(run_folder(tmp_path, notebook=book), root=tmp_path).read_text()

    for place in ("at-verdict", "at-verdict-2", "at-verdict-3"):
        assert page.count(f'id="{place}"') == 1


def test_a_figure_stands_with_its_title_its_reading_and_the_table_of_its_numbers(tmp_path):
    text = text_of(render(run_folder(tmp_path), root=tmp_path))

    assert "Where are the events lost? Read a bar as: of 200 planned attempts, how many got this far." in text
    assert "tool_completed 146 0.73" in text
    assert "The first 200 of 300 rows; the others are not shown here." in text


def test_a_figure_without_title_or_table_is_still_a_figure(tmp_path):
    book = notebook(figures=0)
    bare = {"data": [{"y": [1, 2]}], "layout": {}}
    book["cells"].append(
        nbformat.v4.new_code_cell("f", outputs=[nbformat.v4.new_output("display_data", {PLOTLY: bare})])
    )

    assert "Figure 1" in text_of(render(run_folder(tmp_path, notebook=book), root=tmp_path))


def test_reports_share_one_copy_of_plotly_named_by_its_version(tmp_path):
    pages = [render(run_folder(tmp_path, name), root=tmp_path).read_text() for name in ("a", "b")]

    shared = list((tmp_path / "assets").iterdir())
    assert [re.fullmatch(r"plotly-\d+\.\d+\.\d+\.min\.js", file.name) is not None for file in shared] == [True]
    assert all(f'data-plotly="../../assets/{shared[0].name}"' in page for page in pages)


def test_a_report_without_figures_has_no_script_at_all(tmp_path):
    read = outline(render(run_folder(tmp_path, notebook=notebook(figures=0)), root=tmp_path))

    assert not [tag for tag, _ in read.tags if tag == "script"]
    assert "script-src 'none'" in next(a["content"] for _, a in read.tags if "http-equiv" in a)
    assert not (tmp_path / "assets").exists()


def test_a_typical_report_is_small(tmp_path):
    folder = run_folder(tmp_path)

    assert render(folder, root=tmp_path).stat().st_size <= 300_000
    assert (folder / "report.md").stat().st_size <= 20_000


def test_hostile_text_makes_no_tag_no_address_and_no_handler(tmp_path):
    outputs = tuple(
        nbformat.v4.new_output("display_data", {kind: HOSTILE}) for kind in ("text/html", "text/markdown", "text/plain")
    )
    folder = run_folder(
        tmp_path,
        environment=HOSTILE,
        parameters={HOSTILE: HOSTILE},
        coverage={"gaps": [HOSTILE]},
        error={"message": HOSTILE},
        results={
            "findings": [
                finding(id=HOSTILE, claim=HOSTILE, cause=HOSTILE, evidence=[HOSTILE], target=HOSTILE, unit=HOSTILE)
            ],
            "evidence_lines": {HOSTILE: lines(HOSTILE)["all_five_events"]},
        },
        notebook=notebook(text=HOSTILE, extra=outputs),
    )

    read = outline(render(folder, root=tmp_path))

    tags = {tag for tag, _ in read.tags}
    assert not tags & {"iframe", "form", "base", "svg", "link", "object", "embed", "button", "input"}
    assert sum(tag == "style" for tag, _ in read.tags) == 1
    assert sum(tag == "meta" and "http-equiv" in attributes for tag, attributes in read.tags) == 1
    assert {a.get("type") for t, a in read.tags if t == "script"} == {None, "application/json"}
    assert sum(tag == "script" and "type" not in attributes for tag, attributes in read.tags) == 1
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on")]
    addresses = [value for _, a in read.tags for name, value in a.items() if name in ("href", "src", "action")]
    assert not [value for value in addresses if value[:1] != "#" and ("evil" in value or "script" in value)]


def test_markup_in_a_markdown_cell_is_shown_as_text(tmp_path):
    book = notebook()
    book["cells"].append(
        nbformat.v4.new_markdown_cell("<b onclick=x>bold</b> [a](javascript:alert(1)) ![p](http://x/y.png)")
    )

    page = render(run_folder(tmp_path, notebook=book), root=tmp_path).read_text()

    assert "&lt;b onclick=x&gt;bold" in page
    assert "javascript:" not in page
    assert 'src="http' not in page


def test_the_page_can_be_read_by_ear(tmp_path):
    book = notebook(stop="x")
    picture = nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})
    book["cells"].append(nbformat.v4.new_code_cell("f", outputs=[picture]))
    read = outline(render(run_folder(tmp_path, notebook=book, status="failed"), root=tmp_path))
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]

    assert ("html", {"lang": "en"}) in read.tags
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all("scope" in attributes for tag, attributes in read.tags if tag == "th")
    assert all(attributes.get("alt") for tag, attributes in read.tags if tag == "img")
    ids = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
    assert {a["aria-labelledby"] for _, a in read.tags if "aria-labelledby" in a} <= ids
    assert all(a.get("aria-label") for _, a in read.tags if a.get("role") == "img")


def test_a_packed_array_of_a_figure_is_never_altered(tmp_path):
    packed = {"dtype": "f8", "bdata": "ZXlK" + "aGVsbG8gd29ybGQ" * 4 + "="}
    book = notebook(figures=0)
    drawn = nbformat.v4.new_output("display_data", {PLOTLY: {"data": [{"y": packed}], "layout": {}}})
    book["cells"].append(nbformat.v4.new_code_cell("f", outputs=[drawn]))

    assert packed["bdata"] in render(run_folder(tmp_path, notebook=book), root=tmp_path).read_text()


def test_a_table_keeps_its_cells_and_loses_its_style_sheet_and_its_classes(tmp_path):
    page = render(run_folder(tmp_path), root=tmp_path).read_text()

    assert '<th scope="col">outcome</th>' in page
    assert page.count("<thead>") == page.count("</thead>") == 5
    assert "vertical-align: middle" not in page
    assert "dataframe" not in page


def test_a_table_loses_the_counter_that_pandas_adds_and_keeps_an_index_of_its_own(tmp_path):
    counted, named = frame(), frame().set_index("outcome")
    outputs = tuple(nbformat.v4.new_output("display_data", {"text/html": f.to_html()}) for f in (counted, named))

    page = render(run_folder(tmp_path, notebook=notebook(extra=outputs)), root=tmp_path).read_text()

    assert '<th scope="row">0</th>' not in page
    assert page.count('<th scope="row">event_missing</th>') == 1


def test_characters_that_hide_or_reorder_text_are_made_visible(tmp_path):
    folder = run_folder(tmp_path, results={"findings": [finding(claim="a\x00b\x1b[31mc\u202egnp.exe\ud800\u2066")]})

    text = text_of(render(folder, root=tmp_path))

    assert "a⟨NUL⟩b⟨ESC⟩[31mc⟨U+202E⟩gnp.exe\ufffd⟨U+2066⟩" in text


def test_a_progress_bar_leaves_its_last_state_only(tmp_path):
    text = text_of(render(run_folder(tmp_path), root=tmp_path))

    assert "100%|██████████| 200/200" in text
    assert " 50%|" not in text


def test_a_credential_that_reached_a_run_folder_does_not_reach_the_report(tmp_path):
    secret = "bearer " + "abcDEF123456" * 3
    stream = nbformat.v4.new_output("stream", name="stdout", text=secret)
    drawn = figure(1, text=secret)
    book = notebook(extra=(stream,), stop=secret)
    book["cells"].append(
        nbformat.v4.new_code_cell("f", outputs=[nbformat.v4.new_output("display_data", {PLOTLY: drawn})])
    )
    folder = run_folder(
        tmp_path,
        notebook=book,
        status="failed",
        error={"message": secret},
        parameters={"url": secret},
        results={"findings": [finding(claim=secret)], "evidence_lines": lines(secret)},
    )

    page = render(folder, root=tmp_path)

    for file in (page, folder / "report.md"):
        assert "abcDEF123456" not in file.read_text()


def test_a_huge_output_is_cut_with_a_note(tmp_path):
    wide = "<table>" + "<tr><td>x</td></tr>" * 20_000 + "</table>"
    outputs = (
        nbformat.v4.new_output("stream", name="stdout", text="y" * 3_000_000),
        nbformat.v4.new_output("display_data", {"text/html": wide, "text/plain": "the same as text"}),
    )

    page = render(run_folder(tmp_path, notebook=notebook(extra=outputs)), root=tmp_path)

    assert page.stat().st_size < 300_000
    assert "2,980,000 characters left out here" in text_of(page)
    assert "the same as text" in text_of(page)


def test_what_papermill_adds_to_point_at_an_error_is_left_to_the_banner(tmp_path):
    book = notebook(stop="x")
    added = nbformat.v4.new_markdown_cell("<span>An Exception</span>", metadata={"tags": ["papermill-error-cell-tag"]})
    book["cells"].insert(0, added)

    page = render(run_folder(tmp_path, notebook=book, status="failed"), root=tmp_path)

    assert "An Exception" not in page.read_text()
    assert "Do users get all five agent events?" in text_of(page)


def test_rendering_again_gives_the_same_bytes(tmp_path):
    folder = run_folder(tmp_path)

    assert render(folder, root=tmp_path).read_bytes() == render(folder, root=tmp_path).read_bytes()


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path):
    folder = run_folder(tmp_path)
    (folder / "report.html").mkdir()

    with pytest.raises(OutputError, match=r"report\.html cannot be written"):
        render(folder, root=tmp_path)
    assert not list(folder.glob(".report*"))


def test_every_number_of_every_finding_is_on_the_page(tmp_path):
    folder = run_folder(tmp_path)
    text = text_of(render(folder, root=tmp_path))

    for told in json.loads((folder / "results.json").read_text())["findings"]:
        assert told["claim"] in text
        assert f"n = {told['n']}" in text
    assert len(findings()) == 3


def test_getting_ready_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    prepare()

    assert not list(tmp_path.iterdir())


def test_importing_the_package_loads_neither_nbconvert_nor_jinja():
    asked = "import sys, gpkit.report; print({'nbconvert', 'jinja2', 'mistune'} & set(sys.modules))"

    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "set()"
