"""report.html: the account and the story of a run through nbconvert's ``base`` template.

The template decides what stands where; this module decides what is said. Jinja escapes everything that is not
markup made in ``prose`` or ``charts``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]
from traitlets.config import Config

from gpkit.report import provenance
from gpkit.report.account import Account
from gpkit.report.assets import NO_LIBRARY, Library, loader, policy, style
from gpkit.report.backing import backing
from gpkit.report.changes import Against, against_of
from gpkit.report.charts import MIME
from gpkit.report.measures import measure, number
from gpkit.report.prose import anchor, clean_html, markup, own_place, printed_markdown
from gpkit.report.sizes import Sizes, told
from gpkit.report.story import Story
from gpkit.report.visible import MAX_LINE_CHARS, one_line, shown, terminal
from gpkit.report.wording import again, answer, failure_message, instant, status_sentence, verdict_word

_TEMPLATES = Path(__file__).parent / "template"
# The kernel's richest form that this page can show safely; SVG only ever as an image, where no script runs.
_PRIORITY = [MIME, "text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]
_highlighter = HtmlFormatter(nowrap=True)


def report_page(
    account: Account, story: Story, library: Library = NO_LIBRARY, *, alone: bool = False, sizes: Sizes | None = None
) -> str:
    """The whole page.

    Args:
        account: The run's record.
        story: Its notebook.
        library: Where plotly.js is, for a notebook that has charts.
        alone: No link leads to a file beside the page.
        sizes: What an earlier making of the same page weighed, to be shown on it.
    """
    word = answer(account)
    against = against_of(account)
    day = instant(account.started_utc)[:10]
    resources = {
        "account": account,
        "story": story,
        "title": " · ".join(part for part in (word.word, account.notebook or account.run_id, day) if part),
        "question": story.question or account.notebook or account.run_id,
        "word": word,
        "findings": _findings(account, against),
        "against": against,
        "failure": _failure(account, story),
        "facts": provenance.facts(account),
        "parameters": provenance.parameters(account),
        "given": account.run.get("given") or [],
        "versions": provenance.versions(account),
        "window": provenance.window_text(account.window, provenance.asked(account)),
        "selection": provenance.selection(account),
        "coverage": provenance.coverage(account),
        "notes": provenance.notes(account),
        "library": library,
        "packed": markup(library.packed),
        "alone": alone,
        "sizes": sizes,
        "policy": policy(library),
        "loader": markup(loader()),
        "style": markup(style()),
    }
    notebook = nbformat.from_dict({"cells": story.cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    page, _ = exporter().from_notebook_node(notebook, {"page": resources})
    return str(page)


@cache
def exporter() -> Any:
    """nbconvert with our template, read and compiled once for a process."""
    config = Config()
    config.NbConvertBase.display_data_priority = _PRIORITY
    made = TemplateExporter(
        config=config,
        template_name="gpkit",
        template_file="index.html.j2",
        file_extension=".html",
        extra_template_basedirs=[str(_TEMPLATES)],
        default_preprocessors=[],
    )
    made.environment.autoescape = True
    made.environment.filters.update(
        clean_html=clean_html,
        code=_code,
        instant=instant,
        measure=measure,
        number=number,
        one_line=one_line,
        printed_markdown=printed_markdown,
        shown=shown,
        terminal=terminal,
        weight=told,
    )
    return made


def _code(source: str) -> Markup:
    return markup(highlight(shown(source), PythonLexer(), _highlighter))


def _findings(account: Account, against: Against | None) -> list[dict[str, Any]]:
    """Each finding with its word, its numbers, its evidence and a place of its own on the page."""
    taken: dict[str, int] = {}
    places = [own_place(f"finding-{anchor(claim.id)}", taken) for claim in account.findings]
    return [
        {
            "claim": claim,
            "word": verdict_word(claim),
            "numbers": measure(claim),
            "behind": backing(claim, place, taken, account.window),
            "change": against.by_id.get(claim.id) if against else None,
            "place": place,
        }
        for claim, place in zip(account.findings, places, strict=True)
    ]


def _failure(account: Account, story: Story) -> dict[str, Any] | None:
    """What happened to a run that did not end well, or null."""
    if account.status == "ok":
        return None
    stop = story.stop
    message = failure_message(account) or (stop.message if stop else "")
    return {
        "sentence": status_sentence(account),
        "message": terminal(message, MAX_LINE_CHARS),
        "cell": stop.cell if stop else None,
        "under": stop.under if stop else "",
        "ran": story.ran,
        "of": story.code_cells,
        "again": again(account),
    }
