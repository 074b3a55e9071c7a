"""Start a local stack: check what is asked, start the process, read where it is. Seconds."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpkit import environments, errors
from gpkit.environments import Environment
from gpkit.errors import ParameterError
from gpkit.protocol import scenarios
from gpkit.stack import processes
from gpkit.stack.handle import STDERR, Stack

LOCAL_RATE_PER_S = 10_000.0  # our own service: no limit of a platform to respect
LOCAL_CONCURRENCY = 1_000
LAST_PORT = 65_535


@contextlib.contextmanager
def local_stack(
    faults: Path | str | Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    generation: str | None = None,
    tls: bool = False,
    folder: Path | None = None,
    port: int = 0,
    exports: Sequence[Path] = (),
) -> Iterator[Stack]:
    """Run a local stack for as long as the context lasts.

    Args:
        faults: A faults file, or its content as names and values; null is a healthy service.
        seed: Of all draws.
        generation: ``A``, ``B`` or ``C``; takes the place of the file's.
        tls: Also listen for ``wss``, and make that the environment's address.
        folder: Where it writes, kept afterwards; a temporary one, removed afterwards, by default.
        port: Of the ``ws`` address; 0 takes a free one.
        exports: Files whose entries the logging API serves beside the log; read when that is first asked for.

    Raises:
        ParameterError: The faults or the port are impossible; found before anything starts.
        OutputError: The folder cannot be written, or the port is in use.
        FarSideError: The stack did not start.
    """
    with contextlib.ExitStack() as cleanup:
        if folder is None:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="gpkit-local-")))
        stack = start(faults, seed=seed, generation=generation, tls=tls, folder=folder, port=port, exports=exports)
        try:
            yield stack
        finally:
            stack.stop()


def start(
    faults: Path | str | Mapping[str, Any] | None = None,
    *,
    folder: Path,
    seed: int = 0,
    generation: str | None = None,
    tls: bool = False,
    port: int = 0,
    exports: Sequence[Path] = (),
) -> Stack:
    """Start a local stack that runs until :meth:`Stack.stop`, or until this process ends.

    Arguments and errors are those of :func:`local_stack`.
    """
    if not 0 <= port <= LAST_PORT:
        raise ParameterError(f"There is no port {port}.", next_step=f"Take 1 to {LAST_PORT}, or 0 for a free one.")
    source = Path(faults) if isinstance(faults, str) else faults
    scenario = scenarios.read(source, generation=generation)
    folder = Path(folder).resolve()
    processes.prepare(folder, ("ready.json", "entries.jsonl", "truth.jsonl"), STDERR)
    command = [sys.executable, "-m", "gpkit.local", "--control", "--folder", str(folder), "--seed", str(seed)]
    command += ["--port", str(port), "--generation", scenario.generation]
    command += ["--tls"] if tls else []
    if isinstance(source, Path):
        command += ["--faults", str(source.resolve())]
    elif source is not None:
        given = folder / "faults.json"
        given.write_text(json.dumps(dict(source)), "utf-8")
        command += ["--faults", str(given)]
    with (folder / STDERR).open("wb") as stderr:
        process = processes.spawn(command, stderr)
    if processes.read_line(process, processes.START_TIMEOUT_S) != "ready":
        raise processes.did_not_start(process, folder / STDERR, "local stack")
    ready = json.loads((folder / "ready.json").read_text("utf-8"))
    return _stack(process, ready, folder, tuple(exports))


def _stack(process: subprocess.Popen[bytes], ready: dict[str, Any], folder: Path, exports: tuple[Path, ...]) -> Stack:
    local = _local_environment()
    environment = dataclasses.replace(
        local,
        url=ready["wss_url"] or ready["url"],
        secret=f"file:{ready['secret_file']}",
        token="",
        users=tuple(ready["users"]) or local.users,
        ca_file=ready["ca_file"],
        max_rate_per_s=LOCAL_RATE_PER_S,
        max_concurrency=LOCAL_CONCURRENCY,
        is_local=True,
    )
    return Stack(
        environment=environment,
        folder=folder,
        log_file=Path(ready["log_file"]),
        truth_file=Path(ready["truth_file"]),
        url=ready["url"],
        wss_url=ready["wss_url"],
        http_url=ready["http_url"],
        ca_file=Path(ready["ca_file"]) if ready["ca_file"] else None,
        secret_file=Path(ready["secret_file"]),
        pid=ready["pid"],
        exports=exports,
        _process=process,
    )


def _local_environment() -> Environment:
    """The project's own ``local.yaml`` where there is one: its users and user agent are kept."""
    try:
        return environments.load(environments.LOCAL)
    except errors.TargetError:
        return Environment(name=environments.LOCAL, is_local=True)
