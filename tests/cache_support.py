"""Tables for the cache, written as text: ``13:00:01.5 id [log]``, on 7 September 2025."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from gpkit.cache import Held, Key

SCHEMA = pa.schema(
    {
        "timestamp_ns": pa.int64(),
        "log_name": pa.large_string(),
        "insert_id": pa.large_string(),
        "entry": pa.large_string(),
    }
)
KEY = Key("shop", 'severity>="ERROR"', "http://127.0.0.1:1", masked=True, version=1)
MINUTE = 60 * 10**9


def at(text: str) -> int:
    """``13:00:01.5`` as nanoseconds since 1970."""
    whole, _, fraction = text.partition(".")
    hours, minutes, seconds = (int(part) for part in (whole + ":00:00").split(":")[:3])
    moment = datetime(2025, 9, 7, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0"))


def table(*lines: str) -> pa.Table:
    """One row for each line; an id of ``-`` is none."""
    rows = []
    for line in lines:
        time, name, *log = line.split()
        insert_id = None if name == "-" else name
        rows.append((at(time), log[0] if log else "stdout", insert_id, f'{{"at":"{time}","insertId":"{name}"}}'))
    columns = zip(*rows, strict=True) if rows else [[]] * 4
    return pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), schema=SCHEMA)


def ids(held: Held | None) -> list[str | None]:
    """The insert ids of what a slice holds."""
    assert held is not None
    found: list[str | None] = held.table["insert_id"].to_pylist()
    return found


@contextlib.contextmanager
def small_disk(folder: Path, size_kib: int) -> Iterator[Path]:
    """A disk of that size; where nothing can be mounted, no file larger than that."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode == 0:
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_kib << 10, hard))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
