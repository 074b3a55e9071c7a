"""Where tables go: JSON lines on standard output, or a file by its ending."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.cli import put_out, tell
from gpkit.errors import OutputError
from gpkit.plural import counted

if TYPE_CHECKING:
    import pandas as pd

_ENDINGS = (".jsonl", ".csv", ".parquet")


def put_table(table: pd.DataFrame, output: Path | None, *, filter: str = "") -> None:
    """Put a table out.

    Args:
        table: What is put out.
        output: The file; null for standard output.
        filter: What left rows out, to be written into the file; empty for nothing.

    Raises:
        OutputError: It cannot be written.
    """
    from gpkit import tables

    if output is not None:
        tables.write(table, output, filter=filter)
        tell(f"{counted(len(table), 'row')} in {output}")
        if filter and output.suffix != ".parquet":
            tell(f"{output} does not carry the filter: read again it looks like all entries. Parquet carries it.")
        return
    put_out(tables.to_jsonl(table))


def require_writable(output: Path | None) -> None:
    """Refuse an output that cannot be written before any work is done for it."""
    if output is None:
        return
    if output.suffix not in _ENDINGS:
        raise OutputError(
            f"'{output.name}' has no ending that says how to write a table.",
            next_step="Use .parquet, .jsonl or .csv.",
        )
    folder = Path(os.path.realpath(output)).parent
    # A file is written beside its place and put there whole, so its folder must let it; a pipe stays where it is.
    writable = not output.exists() or os.access(output, os.W_OK)
    if not output.exists() or output.is_file():
        writable = writable and os.access(folder, os.W_OK | os.X_OK)
    if not folder.is_dir() or output.is_dir() or not writable:
        raise OutputError(f"'{output}' cannot be written.", next_step="Choose another file.")
