"""A real Spark cluster on this machine: a driver and two workers, each a process of its own, on loopback only.

Tables go in and come out as Parquet files: nothing passes through a driver's sockets and no pandas conversion
of pyspark's own, which warns with pandas 3, takes part.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.pyspark import Backend

# The names of pyspark's package that make a Spark home; its workers write beside them, so they get a home to soil.
_HOME = ("bin", "jars", "python", "sbin")


class Spark:
    """An Ibis connection to the cluster, and a folder that both sides can read."""

    def __init__(self, connection: Backend, folder: Path) -> None:
        self.connection = connection
        self.folder = folder

    def table(self, name: str, rows: pa.Table) -> ir.Table:
        """The rows as a table of the cluster, called ``name`` there."""
        path = self.folder / f"{name}.parquet"
        pq.write_table(rows, path, coerce_timestamps="us", allow_truncated_timestamps=True)
        return self.connection.read_parquet(str(path), table_name=name)

    def answer(self, query: ir.Table) -> pa.Table:
        """What the query gives, computed by one job of the workers."""
        path = Path(tempfile.mkdtemp(dir=self.folder)) / "answer"
        frame = self.connection.raw_sql(self.connection.compile(query))
        frame.write.parquet(str(path))
        return pq.read_table(path)


def _home(folder: Path) -> Path:
    import pyspark

    home = folder / "home"
    home.mkdir()
    for name in _HOME:
        (home / name).symlink_to(Path(pyspark.__file__).parent / name)
    return home


@pytest.fixture(scope="session")
def spark() -> Iterator[Spark]:
    """One cluster for all tests: ``local-cluster[2,1,1024]``, in UTC, in ANSI mode as Spark 4 is by default."""
    import ibis
    from pyspark.sql import SparkSession

    folder = Path(tempfile.mkdtemp(prefix="gpkit-spark-"))
    changed = {
        "SPARK_HOME": str(_home(folder)),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder),
    }
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .appName("gpkit tests")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.sql.ansi.enabled", "true")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield Spark(ibis.pyspark.connect(session), folder)
    finally:
        session.stop()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)
