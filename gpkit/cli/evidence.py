"""``gpkit probe``, ``logs`` and ``connections``: tables as JSON lines, or into a file by its ending."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.cli import put_out, tell
from gpkit.errors import EXIT_HEALTHY, EXIT_RUN_FAILED, OutputError, ParameterError, SourceError

if TYPE_CHECKING:
    import pandas as pd

    from gpkit.environments import Environment
    from gpkit.entries import Coverage

_ENDINGS = (".jsonl", ".csv", ".parquet")


def probe(chosen: argparse.Namespace) -> int:
    """Probe a target and put out its attempts."""
    from gpkit import environments
    from gpkit import probe as probes

    _require_writable(chosen.output)
    target = environments.load(chosen.environment or environments.LOCAL)
    if chosen.url:
        url = environments.check_url(chosen.url)
        name = chosen.environment or "address"
        if target.is_local and not environments.is_loopback(url):  # what the local stack bears is no measure for others
            target = dataclasses.replace(
                target,
                max_rate_per_s=environments.REMOTE_RATE_PER_S,
                max_concurrency=environments.REMOTE_CONCURRENCY,
            )
        target = dataclasses.replace(target, name=name, url=url, fallback_urls=(), is_local=False)
    environments.require_credentials(target)
    given = {
        "attempts": chosen.attempts,
        "rate_per_s": chosen.rate,
        "concurrency": chosen.concurrency,
        "carrier": chosen.carrier,
        "credential": chosen.credential,
        "send": chosen.send,
        "send_delays_ms": _numbers("--send-delay-ms", chosen.send_delay_ms),
        "messages": _messages(chosen.messages),
    }
    plan = probes.Plan(yes_load=chosen.yes_load, **{name: value for name, value in given.items() if value is not None})
    with _reachable(target) as reached:
        evidence = probes.run(reached, plan)
    _table(evidence.attempts, chosen.output)
    return EXIT_RUN_FAILED if evidence.interrupted else EXIT_HEALTHY


def logs(chosen: argparse.Namespace) -> int:
    """Read exports and put out their entries; what they cover is told on standard error."""
    from gpkit import logs as sources
    from gpkit.instants import window

    _require_writable(chosen.output)
    limits = window(chosen.since, chosen.until)
    entries = sources.read(chosen.sources, since=limits.since, until=limits.until)
    _tell_coverage(entries.coverage)
    _table(entries.frame, chosen.output)
    return EXIT_HEALTHY


def connections(chosen: argparse.Namespace) -> int:
    """Read exports and put out the server-side connections in them."""
    from gpkit import logs as sources
    from gpkit import timeline

    _require_writable(chosen.output)
    entries = sources.read(chosen.sources)
    _tell_coverage(entries.coverage)
    _table(timeline.connections(entries.frame), chosen.output)
    return EXIT_HEALTHY


@contextlib.contextmanager
def _reachable(target: Environment) -> Iterator[Environment]:
    """The target itself; ``local`` is started for as long as it is needed."""
    if not target.is_local:
        yield target
        return
    from gpkit.stack import local_stack

    with local_stack() as stack:
        yield stack.environment


def _table(table: pd.DataFrame, output: Path | None) -> None:
    from gpkit import tables

    if output is not None:
        tables.write(table, output)
        tell(f"{len(table)} rows in {output}")
        return
    put_out(tables.to_jsonl(table))


def _require_writable(output: Path | None) -> None:
    """Refuse an output that cannot be written before any work is done for it."""
    if output is None:
        return
    if output.suffix not in _ENDINGS:
        raise OutputError(
            f"'{output.name}' has no ending that says how to write a table.",
            next_step="Use .parquet, .jsonl or .csv.",
        )
    folder = output.absolute().parent
    writable = os.access(output, os.W_OK) if output.exists() else os.access(folder, os.W_OK | os.X_OK)
    if not folder.is_dir() or output.is_dir() or not writable:
        raise OutputError(f"'{output}' cannot be written.", next_step="Choose another file.")


def _tell_coverage(coverage: Coverage) -> None:
    since, until = (coverage.as_dict()[end] for end in ("since", "until"))
    tell(f"{coverage.entries} entries" + (f", {since} – {until}" if since else ""))
    for sentence in coverage.sentences():
        tell(sentence)


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ParameterError(f"{option} takes numbers, not {text!r}.", next_step=f"Write {option} 0,5,20") from None


def _messages(file: Path | None) -> tuple[Mapping[str, Any], ...] | None:
    if file is None:
        return None
    try:
        found = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise SourceError(f"{file} is not JSON lines: {error}.") from None
    if not found or not all(isinstance(message, dict) for message in found):
        raise SourceError(f"{file} holds no messages.", next_step="Write one JSON object a line.")
    return tuple(found)
