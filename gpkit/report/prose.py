"""Markdown and HTML from a notebook, turned into HTML that can do nothing.

Two defences, the policy of the page being a third. Markdown is rendered with raw HTML escaped, and its links go to
``http``, ``https`` or a place on the page. HTML outputs pass an allow list of tags that carry text and tables; every
other tag is shown as text. No class, id, style or event handler comes through, so that nothing can pose as a verdict.

What a cell *printed* as Markdown may hold log text, so its links are shown but lead nowhere outside the page.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import bleach  # type: ignore[import-untyped]
import mistune
from markupsafe import Markup, escape

from gpkit.printing.cutting import cut
from gpkit.report.visible import shown

MAX_TAGS = 8_000  # a table of 60 rows and 20 columns has 2 700; cleaning takes the square of how deep they are nested
MAX_HTML_CHARS = 100_000  # chosen: a table of 60 rows and 20 columns with room to spare
MAX_ANCHOR_CHARS = 60  # chosen: an address a person can still read

# fmt: off
_TAGS = frozenset([
    "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "br", "hr", "div", "span", "pre", "code",
    "b", "strong", "i", "em", "u", "s", "small", "sub", "sup", "kbd", "abbr", "a", "ul", "ol", "li", "dl", "dt", "dd",
    "h3", "h4", "h5", "h6", "blockquote", "details", "summary",
])
# fmt: on
_ATTRIBUTES = {
    "th": ["colspan", "rowspan", "scope"],
    "td": ["colspan", "rowspan"],
    "a": lambda _tag, name, value: name == "href" and value.startswith("#"),
    "details": ["open"],
    "abbr": ["title"],
}
_STYLE_SHEET = re.compile(r"<style\b[^>]*>.*?</style\s*>", re.DOTALL | re.IGNORECASE)
_HEADER_CELL = re.compile(r"<th(?=[ >])(?![^>]*\bscope=)")
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_ROW_HEADER = re.compile(r"<tr>\s*<th>([^<]*)</th>")
_TABLE_HEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)
_SAFE_LINK = re.compile(r"(?i)https?://|#|[^:]*$")
_INLINE_IMAGE = re.compile(r"^data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+$")


@dataclass(frozen=True)
class Heading:
    """A heading of the notebook: its level on the page, its text, its place."""

    level: int
    text: str
    anchor: str


def markup(safe_html: str) -> Markup:
    """The one place where text is declared to be markup: what comes here was escaped or cleaned by its caller."""
    return Markup(safe_html)  # noqa: S704 - see above


@lru_cache(maxsize=64)  # a page that is too large is made more than once
def clean_html(html: str, name: str = "Table") -> Markup:
    """An HTML output with only what carries text and tables; the style sheets that pandas adds are dropped.

    ``name`` is what its tables are called for those who do not see them.
    """
    text = _STYLE_SHEET.sub("", shown(html, MAX_HTML_CHARS))
    cleaned = bleach.clean(text, tags=_TAGS, attributes=_ATTRIBUTES, protocols=[])
    return markup(_readable_tables(_TABLE.sub(_without_counter, cleaned), name))


def fits(html: str) -> bool:
    """Whether an HTML output is small enough for a page; one that is not is shown as plain text."""
    return len(html) <= MAX_HTML_CHARS and html.count("<") <= MAX_TAGS


def own_markdown(source: str, name: str = "Table") -> tuple[Markup, list[Heading]]:
    """A Markdown cell as HTML, and its headings; ``name`` is what its tables are called."""
    renderer = _Page()
    return _rendered(source, renderer, name), renderer.headings


def printed_markdown(source: str, name: str = "Table") -> Markup:
    """A Markdown output as HTML: it may hold text from a log, so links and images are shown as text."""
    return _rendered(source, _Printed(), name)


def anchor(text: str) -> str:
    """A stable name for a place on the page: lower case, words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower())[:MAX_ANCHOR_CHARS].strip("-") or "part"


def own_place(name: str, taken: dict[str, int]) -> str:
    """The name itself the first time, then ``name-2``, ``name-3``: two things of one name stay apart."""
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name}-{taken[name]}"


class _Page(mistune.HTMLRenderer):
    """Markdown of our own: headings become anchors one level below the page's title."""

    def __init__(self) -> None:
        super().__init__(escape=True)
        self.headings: list[Heading] = []

    def heading(self, text: str, level: int, **_attrs: object) -> str:
        plain = markup(text).striptags()  # the parser has escaped the text already
        heading = Heading(min(level + 1, 6), plain, anchor(plain))
        self.headings.append(heading)
        return f'<h{heading.level} id="{heading.anchor}">{text}</h{heading.level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not _SAFE_LINK.match(url):
            return text
        return f'<a href="{escape(url)}" rel="noopener noreferrer">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if _INLINE_IMAGE.match(url):
            return f'<img src="{escape(url)}" alt="{escape(text)}">'
        return f"{escape(text)} ({escape(cut(url, 200))})"


class _Printed(_Page):
    """Markdown that a cell printed: no anchors, and every address is text."""

    def heading(self, text: str, level: int, **_attrs: object) -> str:
        return f"<p><b>{text}</b></p>\n"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return f"{text} ({escape(cut(url, 200))})"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return f"{escape(text)} ({escape(cut(url, 200))})"


def _rendered(source: str, renderer: _Page, name: str) -> Markup:
    render = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough"])
    return markup(_readable_tables(str(render(shown(source))), name))


def _without_counter(table: re.Match[str]) -> str:
    """A table without the column 0, 1, 2 … that pandas adds when a frame has no index of its own."""
    headers = _ROW_HEADER.findall(table[0])
    if len(headers) < 2 or headers != ["", *map(str, range(len(headers) - 1))]:
        return table[0]
    return _ROW_HEADER.sub("<tr>", table[0])


def _readable_tables(html: str, name: str) -> str:
    """Every table in a box that scrolls by itself and has a name, its header cells saying what they head."""
    headed = _TABLE_HEAD.sub(lambda head: _HEADER_CELL.sub('<th scope="col"', head[0]), html)
    headed = _HEADER_CELL.sub('<th scope="row"', headed)
    counted = count(1)

    def opened(_table: re.Match[str]) -> str:
        number = next(counted)
        called = escape(name if number == 1 else f"{name}, part {number}")
        return f'<div class="wide" tabindex="0" role="region" aria-label="{called}"><table>'

    return re.sub("<table>", opened, headed).replace("</table>", "</table></div>")
