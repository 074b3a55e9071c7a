"""What docs/logs.md says is what the code does."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from gpkit import timeline
from gpkit.entries import continuation, coverage
from gpkit.filters import FilterError
from gpkit.logs.reading import read
from gpkit.timeline.connections import connections
from tests.log_entries_support import entry, request, write_array


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "logs.md").read_text("utf-8")


def maker(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_grammar", root / "docs" / "make_grammar.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_the_grammar_is_the_grammar(root: Path, page: str):
    assert maker(root).page(page) == page


def test_limits_in_the_text_are_those_of_the_code(page: str):
    assert f"within {continuation.MAX_GAP_MS} ms" in page
    assert coverage.MIN_GAP_S == 60
    assert coverage.GAP_RATIO == 20
    assert timeline.instances.__module__ == "gpkit.timeline.instances"


def test_every_field_of_coverage_is_described(page: str):
    for name in coverage.Coverage.__dataclass_fields__:
        assert f"`{name}`" in page, name


def test_every_further_column_of_connections_is_described(tmp_path: Path, page: str):
    frame = read(write_array(tmp_path / "a.json", [request("13:00:00")])).frame
    rows = connections(frame)
    first = list(rows.columns).index("ambiguous") + 1
    described = set(re.findall(r"`(\w+)`", page))
    assert set(rows.columns[first:]) <= described


def test_the_examples_run(tmp_path: Path, page: str, monkeypatch: pytest.MonkeyPatch):
    write_array(tmp_path / "export.json", [entry("13:00:00", "hello"), request("13:00:01")])
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    for code in blocks:
        exec(compile(code, "docs/logs.md", "exec"), names)
    assert len(blocks) == 2


def test_a_wrong_filter_is_told_as_the_page_shows_it(page: str):
    given, told = re.findall(r"--filter '(.*)'\nFilterError: (.*?)```", page, flags=re.S)[0]
    with pytest.raises(FilterError) as refused:
        read("export.json", filter=given)
    assert f"{refused.value}\n" == told
