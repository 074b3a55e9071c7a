"""Tables written to a file by its ending: whole or not at all, and with the filter that left rows out.

A file is written beside its place and put there when it is complete: what stood there before stays until then.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from gpkit.errors import OutputError

if TYPE_CHECKING:
    import pandas as pd

FILTER_KEY = b"gpkit.filter"
"""In the metadata of a Parquet file's schema: the filter that left rows out of it."""

PARTIAL = ".partial"


def write(frame: pd.DataFrame, path: Path, *, filter: str = "") -> None:
    """Write to a file by its ending: ``.parquet``, ``.jsonl`` or ``.csv``.

    Args:
        frame: The table.
        path: The file; what stood there stays when it cannot be written.
        filter: What left rows out, without any secret; empty for nothing. Parquet alone can carry it.

    Raises:
        OutputError: Another ending, or the file cannot be written.
    """
    if path.suffix not in (".parquet", ".jsonl", ".csv"):
        raise OutputError(
            f"'{path.name}' has no ending that says how to write a table.",
            next_step="Use .parquet, .jsonl or .csv.",
        )
    try:
        with _whole(path) as file:
            if path.suffix == ".parquet":
                _write_parquet(frame, file, filter)
            elif path.suffix == ".jsonl":
                file.writelines(line.encode("utf-8", "backslashreplace") for line in _lines(frame))
            else:
                frame.to_csv(file, index=False, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"'{path}' cannot be written: {why}.", next_step="Choose another file.") from error


def filter_of(path: Path) -> str:
    """The filter with which a Parquet file was written; empty for none.

    Raises:
        OSError: It cannot be read.
        pyarrow.ArrowException: It is no Parquet.
    """
    import pyarrow.parquet as pq

    told: dict[bytes, bytes] = pq.read_schema(path).metadata or {}
    return told.get(FILTER_KEY, b"").decode("utf-8", "replace")


def to_jsonl(frame: pd.DataFrame) -> str:
    """One JSON object a line; instants in ISO 8601 with ``Z``, null where a value is missing."""
    return "".join(_lines(frame))


def _lines(frame: pd.DataFrame) -> Iterator[str]:
    for row in frame.to_dict("records"):
        plain = {str(name): _plain(value) for name, value in row.items()}
        yield json.dumps(plain, ensure_ascii=False) + "\n"


def _write_parquet(frame: pd.DataFrame, file: IO[bytes], filter: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    if filter:
        told = {FILTER_KEY: filter.encode("utf-8", "backslashreplace")}
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **told})
    pq.write_table(table, file)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its place when all of it is on the disk; on any failure nothing is left of it."""
    place = Path(os.path.realpath(path))  # a link stays a link
    before = place.stat() if place.exists() else None
    if before is not None and not stat.S_ISREG(before.st_mode):  # a pipe has no place to take
        with place.open("wb") as file:
            yield file
        return
    # Not after the file's own name: that may be as long as a name can be.
    beside = place.with_name(f".gpkit-{secrets.token_hex(4)}{PARTIAL}")
    try:
        with beside.open("xb") as file:
            if before is not None:
                os.chmod(beside, stat.S_IMODE(before.st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _plain(value: object) -> object:
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (list, tuple)) or type(value).__name__ == "ndarray":
        return [_plain(item) for item in cast(Iterable[object], value)]
    if isinstance(value, float) and value != value:
        return None
    item = getattr(value, "item", None)
    return item() if callable(item) else value
