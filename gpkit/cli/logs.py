"""``gpkit logs`` and ``gpkit connections``: log entries, and what they say of each connection."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.cli import tell
from gpkit.cli.output import put_table, require_writable
from gpkit.errors import EXIT_HEALTHY, EXIT_INCONCLUSIVE
from gpkit.plural import counted

if TYPE_CHECKING:
    from gpkit.entries import Coverage, Entries
    from gpkit.environments import Environment

_LIMITS = ("filter", "since", "until", "offline", "environment", "endpoint", "anonymous")


def logs(chosen: argparse.Namespace) -> int:
    """Read log entries and put them out; what they cover is told on standard error."""
    require_writable(chosen.output)
    entries = _read(chosen)
    put_table(entries.frame, chosen.output, filter=entries.coverage.filter)
    return _exit_code(entries)


def connections(chosen: argparse.Namespace) -> int:
    """Read log entries and put out the server-side connections in them.

    A Parquet file of entries, such as ``gpkit logs -o`` writes, is not loaded when all of it is asked for: it may be
    of any size.
    """
    from gpkit import timeline

    require_writable(chosen.output)
    is_whole = not any(getattr(chosen, name) for name in _LIMITS)
    if is_whole and len(chosen.sources) == 1 and chosen.sources[0].endswith(".parquet"):
        return _of_parquet(chosen.sources[0], chosen.output)
    entries = _read(chosen)
    put_table(timeline.connections(entries.frame), chosen.output)
    return _exit_code(entries)


def _exit_code(entries: Entries) -> int:
    """A part of what was asked for is no whole answer, though it is put out."""
    return EXIT_INCONCLUSIVE if entries.coverage.unread else EXIT_HEALTHY


def _of_parquet(source: str, output: Path | None) -> int:
    from gpkit import timeline
    from gpkit.logs.warehouse import parquet

    for written in parquet.written_with(source):
        tell(written.sentence)

    if output is not None and output.suffix == ".parquet":
        tell(f"{counted(timeline.write_connections(source, output), 'row')} in {output}")
    else:
        put_table(timeline.connections_of(source), output)
    return EXIT_HEALTHY


def _read(chosen: argparse.Namespace) -> Entries:
    from gpkit import logs as sources
    from gpkit.instants import window

    asked = window(chosen.since, chosen.until)
    entries = sources.read(
        chosen.sources,
        since=asked.since,
        until=asked.until,
        filter=chosen.filter,
        environment=_target(chosen),
        offline=chosen.offline,
        progress=tell,
    )
    _tell_coverage(entries.coverage)
    return entries


def _target(chosen: argparse.Namespace) -> Environment | None:
    """Where the log is configured; null for nothing but the command line's own defaults."""
    from gpkit import environments

    if not (chosen.environment or chosen.endpoint or chosen.anonymous):
        return None
    target = environments.load(chosen.environment) if chosen.environment else environments.Environment(name="")
    if chosen.endpoint:
        target = dataclasses.replace(target, logs_endpoint=chosen.endpoint)
    return dataclasses.replace(target, logs_anonymous=True) if chosen.anonymous else target


def _tell_coverage(coverage: Coverage) -> None:
    since, until = (coverage.as_dict()[end] for end in ("since", "until"))
    tell(f"{counted(coverage.entries, 'entry', 'entries')}" + (f", {since} – {until}" if since else ""))
    for sentence in coverage.sentences():
        tell(sentence)
