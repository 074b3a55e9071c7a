"""Where measurements are written: results.md, in which each benchmark has a part of its own between two marks."""

from __future__ import annotations

import re
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results.md"


def write(mark: str, text: str) -> None:
    """Replace the part of this mark, or add it."""
    old = RESULTS.read_text("utf-8") if RESULTS.exists() else "# Measurements\n"
    block = f"<!-- {mark} -->\n{text.rstrip()}\n<!-- /{mark} -->"
    pattern = re.compile(rf"<!-- {mark} -->.*?<!-- /{mark} -->", re.DOTALL)
    new = pattern.sub(lambda _: block, old) if pattern.search(old) else f"{old.rstrip()}\n\n{block}\n"
    RESULTS.write_text(new, "utf-8")
