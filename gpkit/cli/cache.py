"""``gpkit cache``: what of Cloud Logging is held, one set of slices a line, and what of it can go."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from gpkit.cli import tell
from gpkit.cli.output import put_table
from gpkit.errors import EXIT_HEALTHY, ParameterError


def listing(chosen: argparse.Namespace) -> int:
    """Put out what is held."""
    from gpkit.cache import Store

    store = Store()
    held = store.listing()
    put_table(held, None)
    total = {name: int(held[name].sum()) for name in ("slices", "final", "young", "part", "entries", "size_bytes")}
    tell(f"{_count(len(held), 'filter')} in {store.folder}")
    for row in held.to_dict("records"):
        window = f"{row['since']:%Y-%m-%d %H:%M} – {row['until']:%Y-%m-%d %H:%M} UTC" if row["slices"] else "nothing"
        size = f"{_count(row['entries'], 'entry')}  {_size(row['size_bytes'])}"
        tell(f"  {row['project']}  {window}  {size}  {row['filter'] or '(all)'}")
    states = ", ".join(
        f"{total[state]} {name}" for state, name in (("final",) * 2, ("young",) * 2, ("part", "in part"))
    )
    size = f"{_count(total['entries'], 'entry')}, {_size(total['size_bytes'])}"
    tell(f"{_count(total['slices'], 'slice')} ({states}), {size}")
    return EXIT_HEALTHY


def prune(chosen: argparse.Namespace) -> int:
    """Remove what was not of use for so long."""
    from gpkit.cache import Store

    store = Store()
    pruned = store.prune(_age_s(chosen.older_than), project=chosen.project)
    tell(f"Removed {_count(pruned.slices, 'slice')}, {_size(pruned.size_bytes)}, from {store.folder}")
    return EXIT_HEALTHY


def _age_s(text: str) -> float:
    from gpkit.instants import instant

    now = datetime.now(UTC)
    try:
        since = instant(f"-{text.strip()}", now=now)
    except ParameterError:
        since = None
    if since is None:
        raise ParameterError(f"--older-than {text!r} is no age.", next_step="Write 30d, 2w or 12h.")
    return (now - since).total_seconds()


def _count(number: int, noun: str) -> str:
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
