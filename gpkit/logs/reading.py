"""Files of log entries → one table, each entry once, with what it covers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from gpkit.entries import Entries, Extractor, Part, Problem, assemble
from gpkit.errors import SourceError
from gpkit.logs.files import Found, find, load_file


def read(
    paths: str | Path | Iterable[str | Path],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    mask_contacts: bool = True,
) -> Entries:
    """Read exported log entries.

    Args:
        paths: Files, folders or patterns: JSON arrays, one object a line, or wrapped by a script; plain, gzip, zstd,
            bzip2 or xz. Files may overlap: each entry is kept once, and of two copies the one with its payload.
        since: Only entries at or after this instant.
        until: Only entries before this instant.
        mask_contacts: Mask client addresses and e-mail addresses.

    Returns:
        One row for each entry, oldest first.

    Raises:
        SourceError: A path leads nowhere, or a named file is no log export, and why.
    """
    with Extractor(mask_contacts=mask_contacts) as extractor:
        parts, problems = _load_all(extractor, find(paths))
    return assemble(parts, since=since, until=until, problems=problems)


def _load_all(extractor: Extractor, found: list[Found]) -> tuple[list[Part], list[Problem]]:
    loaded: list[Part] = []
    problems: list[Problem] = []
    refusals: list[SourceError] = []
    for file in found:
        try:
            table, cuttings = load_file(extractor, file.path)
        except SourceError as error:
            if file.named:
                raise
            refusals.append(error)
            why = str(error).splitlines()[0].removeprefix(f"{file.path.name} ").rstrip(".")
            problems.append(Problem(file.path.name, None, why))
            continue
        loaded.append(Part(file.path.name, table, cuttings.declared_s))
        problems += cuttings.problems
    if not loaded:
        raise refusals[0]
    return loaded, problems
