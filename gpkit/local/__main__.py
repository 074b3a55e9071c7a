"""``python -m gpkit.local``: run the local stack until the parent is gone or SIGTERM comes."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from gpkit.errors import EXIT_IMPOSSIBLE, CallerError, OutputError, ParameterError
from gpkit.protocol import scenarios
from gpkit.protocol.faults import GENERATIONS


def main(arguments: list[str] | None = None) -> int:
    """Run the local stack. Returns an exit code: 0, or 4 for an impossible request."""
    parser = argparse.ArgumentParser(prog="python -m gpkit.local", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="gets ready.json, secret, entries and truth")
    parser.add_argument("--faults", default="", help="a faults file, or - for JSON on the first line of standard input")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--generation", choices=GENERATIONS, default=None)
    parser.add_argument("--tls", action="store_true", help="also listen for wss")
    parser.add_argument("--control", action="store_true", help="take commands from standard input, end with it")
    chosen = parser.parse_args(arguments)
    try:
        scenario = scenarios.read(_source(chosen.faults), generation=chosen.generation)
        _prepare(chosen.folder)
        from gpkit.local.process import Settings, run

        settings = Settings(chosen.folder, scenario, chosen.seed, chosen.port, chosen.tls, chosen.control)
        asyncio.run(run(settings))
    except CallerError as error:
        # The launcher reads the first line and raises the same error on its side.
        sys.stderr.write(json.dumps({"kind": type(error).__name__, "error": list(error.args)}) + "\n")
        return EXIT_IMPOSSIBLE
    except KeyboardInterrupt:
        return 0
    return 0


def _source(faults: str) -> Path | dict[str, Any] | None:
    if faults != "-":
        return Path(faults) if faults else None
    try:
        values = json.loads(_first_line())
    except ValueError as error:
        raise ParameterError("The faults on standard input are not JSON.") from error
    if not isinstance(values, dict):
        raise ParameterError("The faults on standard input hold no names and values.")
    return values


def _first_line() -> bytes:
    # Byte by byte: what follows on standard input are commands, and a buffer would swallow them.
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return bytes(line)


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"'{folder}' cannot be written: {error.strerror}.") from error


if __name__ == "__main__":
    sys.exit(main())
