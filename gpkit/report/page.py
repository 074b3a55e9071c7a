"""report.html: the account and the story of a run through nbconvert's ``base`` template.

The template decides what stands where; this module decides what is said. Jinja escapes everything that is not
markup made in ``prose`` or ``charts``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]
from traitlets.config import Config

from gpkit.report.account import Account, Claim
from gpkit.report.assets import loader, plotly_file, policy, style
from gpkit.report.charts import MIME
from gpkit.report.measures import measure, number
from gpkit.report.prose import anchor, clean_html, markup, own_place, printed_markdown
from gpkit.report.story import Story
from gpkit.report.visible import MAX_LINE_CHARS, one_line, shown, terminal
from gpkit.report.wording import answer, duration, failure_message, instant, status_sentence, status_word, verdict_word

MAX_EVIDENCE_IDS = 20  # chosen: enough to recognise; results.json has them all
MAX_EVIDENCE_LINES = 40  # chosen
_TEMPLATES = Path(__file__).parent / "template"
# The kernel's richest form that this page can show safely; SVG only ever as an image, where no script runs.
_PRIORITY = [MIME, "text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]
_highlighter = HtmlFormatter(nowrap=True)


def report_page(account: Account, story: Story, *, root: Path) -> str:
    """The whole page. Ensures the shared plotly.js under ``root/assets`` when the notebook has charts."""
    asset = os.path.relpath(plotly_file(root), account.folder) if story.charts else ""
    word = answer(account)
    day = instant(account.started_utc)[:10]
    resources = {
        "account": account,
        "story": story,
        "title": " · ".join(part for part in (word.word, account.notebook or account.run_id, day) if part),
        "question": story.question or account.notebook or account.run_id,
        "word": word,
        "status": status_word(account),
        "findings": _findings(account),
        "failure": _failure(account, story),
        "facts": _facts(account),
        "parameters": _rows(account.run.get("parameters")),
        "given": account.run.get("given") or [],
        "versions": _rows(_versions(account.run)),
        "coverage": _rows(account.coverage),
        "asset": Path(asset).as_posix() if asset else "",
        "policy": policy(scripts=bool(asset)),
        "loader": markup(loader()),
        "style": markup(style()),
    }
    notebook = nbformat.from_dict({"cells": story.cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    page, _ = _exporter().from_notebook_node(notebook, {"page": resources})
    return str(page)


def _exporter() -> Any:
    config = Config()
    config.NbConvertBase.display_data_priority = _PRIORITY
    exporter = TemplateExporter(
        config=config,
        template_name="gpkit",
        template_file="index.html.j2",
        file_extension=".html",
        extra_template_basedirs=[str(_TEMPLATES)],
        default_preprocessors=[],
    )
    exporter.environment.autoescape = True
    exporter.environment.filters.update(
        clean_html=clean_html,
        code=_code,
        instant=instant,
        measure=measure,
        number=number,
        one_line=one_line,
        printed_markdown=printed_markdown,
        shown=shown,
        terminal=terminal,
    )
    return exporter


def _code(source: str) -> Markup:
    return markup(highlight(shown(source), PythonLexer(), _highlighter))


def _findings(account: Account) -> list[dict[str, Any]]:
    """Each finding with its word, its numbers, its evidence and a place of its own on the page."""
    taken: dict[str, int] = {}
    return [
        {
            "claim": claim,
            "word": verdict_word(claim),
            "numbers": measure(claim),
            "behind": _evidence(claim),
            "place": own_place(f"finding-{anchor(claim.id)}", taken),
        }
        for claim in account.findings
    ]


def _evidence(claim: Claim) -> dict[str, Any]:
    """What stands behind a finding: the first ids, the raw lines, and how many of each are not shown."""
    return {
        "ids": [one_line(one) for one in claim.evidence[:MAX_EVIDENCE_IDS]],
        "more_ids": max(0, len(claim.evidence) - MAX_EVIDENCE_IDS),
        "lines": [
            (one_line(line.get("id")), instant(str(line.get("at") or "")), shown(line.get("text"), MAX_LINE_CHARS))
            for line in claim.lines[:MAX_EVIDENCE_LINES]
        ],
        "more_lines": max(0, len(claim.lines) - MAX_EVIDENCE_LINES),
        "said": ", ".join(
            f"{count:,} {thing if count == 1 else things}"
            for count, thing, things in (
                (len(claim.evidence), "id", "ids"),
                (len(claim.lines), "line as recorded", "lines as recorded"),
            )
            if count
        ),
    }


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
    }


def _facts(account: Account) -> list[tuple[str, str]]:
    """Where a report comes from, in the order in which a reader asks."""
    run = account.run
    git = run.get("git")
    git = git if isinstance(git, Mapping) else {"revision": run.get("git_revision") or git}
    revision = one_line(git.get("revision"))[:12] + (" with local changes" if git.get("dirty") else "")
    facts = [
        ("Run", one_line(account.run_id)),
        ("Notebook", account.notebook),
        ("Environment", account.environment),
        ("Started", instant(account.started_utc)),
        ("Duration", duration(account.duration_s)),
        ("Status", account.status),
        ("Window", _window(account.window)),
        ("Code", revision),
    ]
    return [(name, one_line(value)) for name, value in facts if value]


def _versions(run: Mapping[str, Any]) -> dict[str, Any]:
    versions = run.get("versions")
    around = {name: run[name] for name in ("python", "platform") if run.get(name)}
    return around | (dict(versions) if isinstance(versions, Mapping) else {})


def _window(window: Any) -> str:
    if isinstance(window, Mapping):
        ends = (window.get("since") or window.get("since_utc"), window.get("until") or window.get("until_utc"))
    elif isinstance(window, list | tuple) and len(window) == 2:
        ends = (window[0], window[1])
    else:
        return one_line(window)
    return " to ".join(instant(str(end)) if end else "?" for end in ends) if any(ends) else ""


def _rows(mapping: Any) -> list[tuple[str, str]]:
    if not isinstance(mapping, Mapping):
        return [("value", one_line(mapping))] if mapping else []
    return [(one_line(name), one_line(_said(value), 600)) for name, value in mapping.items()]


def _said(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return ", ".join(one_line(part) for part in value) if value else "none"
    if value is None or value == "":
        return "–"
    return number(value) if isinstance(value, int | float) else value
