"""What docs/filters.md says of each filter is what it does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gpkit.filters import FilterError, check, parse, predicate

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "filters.md").read_text("utf-8")


def rows(name: str) -> list[tuple[str, str]]:
    """Filter and claim of each row of the table after a mark."""
    table = PAGE.split(f"<!-- {name} -->\n", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `(.*?)` \| (.*?) ?\|", table, flags=re.M)


ENTRIES = [json.loads(line) for line in re.findall(r"^\{.*\}$", PAGE, flags=re.M)]


def test_the_page_has_its_examples():
    assert [entry["insertId"] for entry in ENTRIES] == ["refused", "line", "structured", "bare"]
    assert len(rows("examples")) > 25
    assert len(rows("refusals")) == 7


@pytest.mark.parametrize(("text", "selects"), rows("examples"))
def test_an_example_selects_what_the_page_says(text: str, selects: str):
    decide = predicate(text)

    assert ", ".join(entry["insertId"] for entry in ENTRIES if decide(entry)) == selects.strip()


@pytest.mark.parametrize(("text", "says"), rows("refusals"))
def test_a_wrong_filter_is_refused_as_the_page_says(text: str, says: str):
    with pytest.raises(FilterError) as refused:
        check(parse(text))

    assert says.strip() in str(refused.value)
