"""What a page weighs, part by part. Pure: the text of a page in, a table out.

Every byte of the page is in one part, so the parts sum to the page. A part is found by the marks that the templates
leave; text from a cell or a log is escaped and cannot pose as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SHOWN = 10  # chosen: parts that the table names; the others are summed

# What begins a part: its opening tag, its kind, and the tag that ends it (none: until the next part).
_PARTS = (
    ("<section ", "frame", ""),
    ('<article class="finding ', "finding", ""),
    ('<details class="evidence"', "evidence", ""),
    ("</article>", "frame", ""),
    ("</section>", "frame", ""),
    ('<div class="cell"', "output", ""),
    ('<div class="shown', "table", ""),
    ('<pre class="printed', "output", ""),
    ('<details class="traceback"', "output", ""),
    ('<div class="prose">', "text", ""),
    ('<figure class="chart"', "figure", "</figure>"),
    ('<details class="code">', "code", "</details>"),
    ('<script type="application/gzip"', "library", "</script>"),
    ("<style>", "style", "</style>"),
)
_TAG = re.compile(r"</?(?:section|article|div|figure|details|script|style|pre)\b[^>]*>")
_PLACE = re.compile(r' id="((?:cell|figure|finding)-[^"]+)"')
_PLACED = ("table", "output", "figure", "finding", "evidence")
_REMEDIES = {
    "figure": "Draw counts, windows or quantiles in place of every value; fewer traces.",
    "table": "Show fewer rows: gpkit.show(table, rows=20). The whole table belongs into evidence/.",
    "output": "Print less, make pictures smaller; what is to be kept belongs into a table in evidence/.",
    "evidence": "Fewer findings of one kind: each shows its first and its worst cases.",
    "text": "Put pictures of a Markdown cell beside the notebook.",
}


@dataclass(frozen=True)
class Part:
    """One part of a page.

    Attributes:
        kind: figure, table, output, finding, evidence, text, code, library, style or frame.
        place: An address on the page, or empty.
    """

    kind: str
    name: str
    place: str
    size_bytes: int


@dataclass(frozen=True)
class Sizes:
    """A page and its parts, the largest first; they sum to ``size_bytes``."""

    parts: tuple[Part, ...]
    size_bytes: int
    budget_bytes: int

    @property
    def is_exceeded(self) -> bool:
        """Whether the page is larger than its budget."""
        return self.size_bytes > self.budget_bytes

    @property
    def sentence(self) -> str:
        """How large the page is, and how large it may be."""
        said = f"This page weighs {told(self.size_bytes)}; its budget is {told(self.budget_bytes)}."
        return said + (" It loads slowly, and may be too large to be sent." if self.is_exceeded else "")

    @property
    def rows(self) -> tuple[Part, ...]:
        """The largest parts, and the sum of the others."""
        others = self.parts[SHOWN:]
        rest = Part("", f"{len(others)} smaller parts", "", sum(part.size_bytes for part in others))
        return (*self.parts[:SHOWN], *([rest] if others else []))

    @property
    def remedies(self) -> tuple[str, ...]:
        """What makes smaller what together is a tenth of the page or more, the largest first."""
        weights: dict[str, int] = {}
        for part in self.parts:
            weights[part.kind] = weights.get(part.kind, 0) + part.size_bytes
        kinds = sorted(weights, key=lambda kind: -weights[kind])
        return tuple(_REMEDIES[kind] for kind in kinds if kind in _REMEDIES and weights[kind] * 10 >= self.size_bytes)


def sizes_of(page: str, budget_bytes: int) -> Sizes:
    """What each part of a page weighs."""
    weights: dict[tuple[str, str], int] = {}
    for owner, text in _split(page):
        weights[owner] = weights.get(owner, 0) + len(text.encode("utf-8", "replace"))
    parts = [Part(kind, _name(kind, place), place, size) for (kind, place), size in weights.items()]
    parts.sort(key=lambda part: -part.size_bytes)
    return Sizes(tuple(parts), sum(weights.values()), budget_bytes)


def told(size_bytes: int) -> str:
    """Bytes for people: 4.8 MB, 34 kB (thousands)."""
    return f"{size_bytes / 1e6:.2f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.1f} kB"


def _split(page: str) -> Iterator[tuple[tuple[str, str], str]]:
    """The page in pieces, each with the kind and place of the part that it belongs to."""
    outer, inner, end, begin, place = ("frame", ""), None, "", 0, ""
    for tag in _TAG.finditer(page):
        if inner:
            if tag[0] == end:
                yield inner, page[begin : tag.end()]
                inner, begin = None, tag.end()
            continue
        kind, end = _begun(tag[0])
        if not kind:
            continue
        yield outer, page[begin : tag.start()]
        begin = tag.start()
        own = _PLACE.search(tag[0])
        place = own[1] if own and not end else place  # a cell's is that of all its outputs
        part = (kind, (own[1] if own else place) if kind in _PLACED else "")
        if end:
            inner = part
        else:
            outer = part
    yield inner or outer, page[begin:]


def _begun(tag: str) -> tuple[str, str]:
    """The kind of part that a tag begins, and the tag that ends it."""
    return next(((kind, end) for start, kind, end in _PARTS if tag.startswith(start)), ("", ""))


def _name(kind: str, place: str) -> str:
    title = re.sub(r"^[a-z]+-(\d+-(?=.))?", "", place).replace("-", " ")
    named = {
        "figure": f"figure: {title}",
        "finding": f"finding: {title}",
        "evidence": f"evidence of: {title}",
        "table": f"tables of code cell {title}",
        "output": f"printed or pictured by code cell {title}",
        "text": "text of the notebook",
        "code": "code of the notebook",
        "library": "plotly.js, which draws the figures",
        "style": "style sheet",
    }
    return named.get(kind, "frame, contents, provenance")
