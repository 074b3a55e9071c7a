"""What docs/warehouse.md says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import gpkit.logs.warehouse
from gpkit import tables, timeline
from gpkit.logs import sink
from gpkit.logs.warehouse import bigquery, spark
from gpkit.timeline.connections import MEMORY
from tests.many_entries_support import local_log


def page(root: Path) -> str:
    return (root / "docs" / "warehouse.md").read_text("utf-8")


def test_limits_and_prices_are_those_of_the_code(root: Path):
    text = page(root)
    assert f"`limit_bytes` ({bigquery.LIMIT_BYTES // 10**9} GB, {bigquery.dollars(bigquery.LIMIT_BYTES):.2f} $)" in text
    assert f"{bigquery.DOLLARS_A_TIB} $ a TiB" in text
    assert f"stretches of {sink.STRETCH_BYTES // 10**6} MB" in text
    assert f"a memory limit ({MEMORY.replace('MB', ' MB')}" in text


def test_the_arithmetic_is_right(root: Path):
    said = re.search(r"10 million entries × 900 bytes × 2 = 18 GB = ([\d.]+) TiB × [\d.]+ \$ = ([\d.]+) \$", page(root))
    assert said is not None
    assert float(said[1]) == round(18e9 / 2**40, 4)
    assert float(said[2]) == round(bigquery.dollars(18 * 10**9), 2)


def test_every_function_of_the_examples_exists(root: Path):
    rooms = {"timeline": timeline, "bigquery": bigquery, "spark": spark}
    used = re.findall(r"= ?(timeline|bigquery|spark)\.(\w+)\(|^(timeline)\.(\w+)\(", page(root), re.MULTILINE)
    named = {(first or third, second or fourth) for first, second, third, fourth in used}
    assert len(named) >= 6
    for room, name in named:
        assert callable(getattr(rooms[room], name)), name
    assert "bigquery" in (gpkit.logs.warehouse.__doc__ or "")


def test_the_parquet_example_runs(root: Path, tmp_path: Path, monkeypatch):
    (tmp_path / "entries").mkdir()
    tables.write(local_log(), tmp_path / "entries.parquet")
    tables.write(local_log(), tmp_path / "entries" / "1.parquet")
    monkeypatch.chdir(tmp_path)
    example = re.search(r"## Parquet, out of core\n\n```python\n(.*?)```", page(root), re.DOTALL)
    assert example is not None
    made: dict[str, object] = {}
    exec(compile(example[1], "docs/warehouse.md", "exec"), made)
    assert len(made["rows"]) == len(tables.read(tmp_path / "connections.parquet", tables.CONNECTIONS))  # type: ignore[arg-type]
