"""report.md and the words and numbers that all reports share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import mistune
import nbformat
import pytest

from gpkit.entries.coverage import Coverage, Gap, Unread
from gpkit.printing.cutting import cut
from gpkit.report import render
from gpkit.report.account import Claim, read_account
from gpkit.report.measures import measure, number
from gpkit.report.plain import code, escaped, fenced
from gpkit.report.visible import one_line, shown, terminal
from gpkit.report.wording import duration, instant
from tests.report_support import HOSTILE, finding, lines, notebook, run_folder


def markdown_of(root, **parts):
    folder = run_folder(root, **parts)
    render(folder, root=root)
    return (folder / "report.md").read_text()


def said(**parts):
    return measure(Claim(id="x", **parts)).sentence


def test_markdown_says_verdict_and_findings_with_the_same_numbers(tmp_path):
    text = markdown_of(tmp_path)

    assert text.startswith("# ✕ FAILS · Do users get all five agent events?\n")
    assert text.count("71 % (95 % interval 64–77 %, n = 200), target 80 %") == 2
    for part in (
        "- Cause: ",
        "- Ruled out: ",
        "- Cannot tell: ",
        "- Next step: `gpkit run",
        "- Finding: `negative_controls`",
    ):
        assert part in text
    assert "and 55 more in results.json" in text


def test_markdown_of_a_run_that_died_names_the_place_and_draws_no_verdict(tmp_path):
    text = markdown_of(
        tmp_path,
        status="kernel-died",
        error={"message": "The kernel ended with signal 9."},
        notebook=notebook(stop="x"),
    )

    assert text.startswith("# ! KERNEL DIED · ")
    assert "It stopped at code cell 7, under “Where are they lost?”." in text
    assert "```text\nThe kernel ended with signal 9.\n```" in text
    assert "No verdict is drawn" in text


def test_log_text_in_markdown_becomes_neither_markup_nor_link(tmp_path):
    text = markdown_of(
        tmp_path,
        status="failed",
        error={"message": HOSTILE},
        environment=HOSTILE,
        results={
            "findings": [finding(id=HOSTILE, claim=HOSTILE, cause=HOSTILE, next_step=HOSTILE, evidence=[HOSTILE])],
            "evidence_lines": {HOSTILE: lines(HOSTILE)["all_five_events"]},
        },
    )

    html = mistune.create_markdown(escape=False, plugins=["url", "table", "strikethrough"])(text)

    for tag in ("<script", "<img", "<svg", "<meta", "<base", "<style", "<iframe", "<form", "<link", "<a "):
        assert tag not in html


def coverage_of(**parts):
    """As a run of a log records it."""
    whole = {"files": (), "entries": 100, "duplicates": 0, "since": None, "until": None, "gaps": ()}
    whole |= {"row_limit_signs": (), "payload_missing": 0, "without_timestamp": 0, "problems": ()}
    covered = Coverage(**whole | parts)
    return {"asked": {"window": {}, "filter": ""}, **covered.as_dict(), "notes": covered.sentences()}


def silence(minute, seconds):
    since = datetime(2026, 11, 20, 10, minute, tzinfo=UTC)
    return Gap(since, since + timedelta(seconds=seconds), seconds)


def test_markdown_says_what_the_evidence_lacks_before_any_finding_the_grave_first(tmp_path):
    begin = datetime(2026, 11, 20, tzinfo=UTC)
    covered = coverage_of(
        gaps=tuple(silence(minute, 100 + minute) for minute in range(40)),
        row_limit_signs=("a_b<i>.json holds exactly 100 entries: probably cut by a row limit.",),
        unread=(Unread(begin, begin + timedelta(hours=1), "the deadline came first"),),
        notes=("The cache is of yesterday.",),
    )

    text = markdown_of(tmp_path, coverage=covered)

    told = text[text.index("**Before trusting a number:**") : text.index("## Findings")].splitlines()[2:-1]
    assert told == [
        "- Not read: 2026-11-20T00:00:00Z – 2026-11-20T01:00:00Z: the deadline came first.",
        "- a_b\\<i\\>.json holds exactly 100 entries: probably cut by a row limit.",
        "- The cache is of yesterday.",
        "- Silence of 139 s from 2026-11-20T10:39:00Z.",
        "- Silence of 138 s from 2026-11-20T10:38:00Z.",
        "- And 38 more silences: report.html and results.json have them.",
    ]


def test_many_or_endless_notes_do_not_bury_the_findings_in_markdown(tmp_path):
    covered = coverage_of(notes=tuple(f"Note {number}: {'x' * 5000}" for number in range(50)), gaps=(silence(1, 900),))

    text = markdown_of(tmp_path, coverage=covered)

    assert text.index("## Findings") < 3000
    assert "- And 44 more notes and 1 silence: report.html and results.json have them." in text


def test_markdown_of_a_run_that_lacks_nothing_says_nothing_of_it(tmp_path):
    assert "Before trusting" not in markdown_of(tmp_path, coverage=coverage_of())
    assert "Before trusting" not in markdown_of(tmp_path / "none", coverage=None)


def test_markdown_names_the_log_that_was_read(tmp_path):
    text = markdown_of(tmp_path, parameters={"logs": "/home/me/exports/a.json"})

    assert text.splitlines()[2] == "event_success_rates · staging · a.json · 2026-11-20 10:00:00 UTC"


@pytest.mark.parametrize("inside", ["plain", "```", "`````\n# heading", "a ```` b", "~~~"])
def test_nothing_inside_can_close_a_fence(inside):
    html = mistune.create_markdown(escape=False)(fenced(inside) + "\n\nafter")

    assert html.count("<pre>") == 1
    assert html.rstrip().endswith("</code></pre>\n<p>after</p>")


@pytest.mark.parametrize("inside", ["a", "`a`", "``", "a`b"])
def test_an_id_is_code_whatever_backticks_it_holds(inside):
    assert f"<code>{inside}</code>" in mistune.create_markdown()(code(inside))


@pytest.mark.parametrize(
    "text", ["1. first", "- item", "+ item", "# title", "> quote", "a_b_ *c* [d](e)", "===", "---", "| a |"]
)
def test_an_escaped_line_stays_a_paragraph_with_its_own_text(text):
    html = mistune.create_markdown(plugins=["table"])(escaped(text))

    assert html.count("<") == 2
    assert html.startswith("<p>")


def test_a_ratio_is_said_in_percent_with_the_digits_its_interval_deserves():
    assert said(estimate=0.71, unit="ratio", interval=(0.6437, 0.7684), n=200, target=0.8) == (
        "71\u00a0% (95 % interval 64–77\u00a0%, n = 200), target 80\u00a0%"
    )
    assert said(estimate=0.9312, unit="ratio", interval=(0.921, 0.94), n=2002) == (
        "93.1\u00a0% (95 % interval 92.1–94.0\u00a0%, n = 2,002)"
    )


def test_almost_all_is_not_said_as_all_nor_almost_none_as_none():
    assert said(estimate=0.9996, unit="ratio", interval=(0.5, 1.0)).startswith("99.96\u00a0%")
    assert said(estimate=0.0004, unit="ratio", interval=(0.0, 0.5)).startswith("0.04\u00a0%")
    assert said(estimate=1.0, unit="ratio", interval=(0.5655, 1.0), n=5).startswith("100\u00a0%")


def test_a_duration_is_said_in_the_unit_that_fits_it_and_so_is_its_target():
    assert said(estimate=0.0823, unit="s", interval=(0.0791, 0.0862), n=20, target=0.08) == (
        "82.3\u00a0ms (95 % interval 79.1–86.2\u00a0ms, n = 20), target 80\u00a0ms"
    )
    assert said(estimate=0.2, unit="s", interval=(0.19, 0.22), target=2.0).endswith("target 2\u00a0s")
    assert said(estimate=0.2, unit="s", target=2.0, target_is="at most").endswith("target at most 2\u00a0s")
    assert said(estimate=1.84, unit="s", interval=(1.62, 2.31), target=5) == (
        "1.84\u00a0s (95 % interval 1.62–2.31\u00a0s), target 5\u00a0s"
    )


def test_a_one_sided_interval_is_said_as_a_bound():
    assert "at most 0.161, one-sided 95 %" in said(estimate=0.1, interval=(None, 0.1611), n=20)
    assert "at least 1.60\u00a0s, one-sided 95 %" in said(estimate=2.0, interval=(1.6, None), unit="s")


def test_what_was_not_measured_is_left_out_not_said_as_zero():
    assert said(estimate=None, interval=None, n=0) == "(n = 0)"
    assert said(estimate=float("nan"), interval=None) == "nan"
    assert measure(Claim(id="x", estimate=0.5, unit="ratio")).scale is None


def test_the_drawn_interval_lies_inside_its_axis():
    for claim in (
        Claim(id="a", estimate=0.71, unit="ratio", interval=(0.64, 0.77), target=0.8),
        Claim(id="b", estimate=1.84, unit="s", interval=(1.62, 2.31), target=5.0),
        Claim(id="c", estimate=-0.2, unit="", interval=(-0.5, 0.1), target=0.0),
        Claim(id="d", estimate=3, unit="attempts", interval=(1, None)),
        Claim(id="e", estimate=0, unit="s", interval=(0, 0)),
        Claim(id="f", estimate=1.0, unit="ratio", interval=(0.8389, 1.0), target=0.99),
        Claim(id="g", estimate=1.0, unit="ratio", interval=(1.0, 1.0), target=1.0),
        Claim(id="h", estimate=1e-9, unit="s", interval=(None, 99.9), target=1e6),
    ):
        scale = measure(claim).scale
        assert scale is not None
        assert all(0 <= place <= 100 for place in scale.values())
        assert scale["low"] <= scale["at"] <= scale["high"]


def test_the_axis_of_a_ratio_is_the_whole_range_unless_all_lies_near_one_end():
    def ends(estimate, low, high, target):
        drawn = measure(Claim(id="x", estimate=estimate, unit="ratio", interval=(low, high), target=target))
        return drawn.scale_from.replace("\u00a0", " "), drawn.scale_to.replace("\u00a0", " ")

    assert ends(0.71, 0.64, 0.77, 0.8) == ("0 %", "100 %")
    assert ends(0.0, 0.0, 0.0095, 0.01) == ("0 %", "1.5 %")
    assert ends(0.995, 0.97, 1.0, 0.99) == ("96 %", "100 %")
    assert ends(0.0, 0.0, 0.0, 0.0) == ("0 %", "100 %")


def test_the_axis_of_a_duration_is_said_in_the_unit_that_fits_it():
    drawn = measure(Claim(id="x", estimate=0.0128, unit="s", interval=(0.0116, 0.0153), target=5.0))

    assert (drawn.scale_from, drawn.scale_to) == ("0\u00a0s", "6\u00a0s")


def test_instants_and_durations_are_said_in_utc_and_in_fitting_units():
    assert instant("2026-11-20T12:00:00+02:00") == "2026-11-20 10:00:00 UTC"
    assert instant("yesterday") == "yesterday"
    assert [duration(s) for s in (0.84, 42.4, 185, 7620, None, -1)] == [
        "0.8 s",
        "42 s",
        "3 min 5 s",
        "2 h 7 min",
        "",
        "",
    ]


def test_a_number_of_a_table_keeps_what_matters():
    assert [number(v) for v in (None, 2002, 0.123456789, 1e9, float("nan"), "a", True)] == [
        "–", "2,002", "0.123457", "1,000,000,000", "nan", "a", "true",
    ]  # fmt: skip


def test_a_terminal_line_keeps_what_was_written_last():
    assert terminal("\r 10%\r 50%\r100%\ndone\r\nnext") == "100%\ndone\nnext"
    assert terminal("\x1b[31mred\x1b[0m \x1b]8;;http://x\x07text\x1b]8;;\x07 \x1b[2J") == "red text ⟨ESC⟩[2J"


def test_a_long_text_is_cut_in_the_middle_with_the_number_of_characters_left_out():
    text = cut("a" * 900 + "b" * 100, 400)

    assert text.startswith("a" * 300 + "\n… 600 characters left out here …\n")
    assert text.endswith("b" * 100)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["\r", "x", "\x1b[", "`", "\u202e", "<", "\\", "\n"])
def test_a_megabyte_of_anything_is_shown_quickly(unit):
    text = unit * 1_000_000

    assert len(terminal(text)) < 25_000 * 8
    assert len(one_line(text)) <= 300
    assert len(escaped(text)) <= 1200


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ["<div>", "<b>", "<tr><th>", "<a href=x ", "<style", "[", "**a", "> ", "`", "[a]("])
def test_an_output_made_to_be_slow_is_shown_soon(tmp_path, unit):
    outputs = tuple(
        nbformat.v4.new_output("display_data", {kind: unit * (99_000 // len(unit)), "text/plain": "text"})
        for kind in ("text/html", "text/markdown")
    )

    render(run_folder(tmp_path, notebook=notebook(extra=outputs)), root=tmp_path)


def test_every_character_of_hostile_text_is_visible():
    assert all(
        character.isprintable() or character in "\n\t\u00a0"
        for character in shown(HOSTILE + "".join(map(chr, range(256))))
    )


def test_an_account_of_any_json_is_read_without_an_error(tmp_path):
    for content in (
        '{"findings": 3}',
        '{"findings": [1, null, {}]}',
        '{"status": [], "headline": {}, "error": 7}',
        "[" * 10_000,
    ):
        for name in ("run.json", "results.json"):
            (tmp_path / name).write_text(content)
        assert read_account(tmp_path).status == "unknown"
