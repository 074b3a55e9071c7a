"""``gpkit probe``: real connections; one attempt a line."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.cli.output import put_table, require_writable
from gpkit.errors import EXIT_HEALTHY, EXIT_RUN_FAILED, ParameterError, SourceError

if TYPE_CHECKING:
    from gpkit.environments import Environment


def probe(chosen: argparse.Namespace) -> int:
    """Probe a target and put out its attempts."""
    from gpkit import environments
    from gpkit import probe as probes

    require_writable(chosen.output)
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
    put_table(evidence.attempts, chosen.output)
    return EXIT_RUN_FAILED if evidence.interrupted else EXIT_HEALTHY


@contextlib.contextmanager
def _reachable(target: Environment) -> Iterator[Environment]:
    """The target itself; ``local`` is started for as long as it is needed."""
    if not target.is_local:
        yield target
        return
    from gpkit.stack import local_stack

    with local_stack() as stack:
        yield stack.environment


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
