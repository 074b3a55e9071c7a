"""``python -m gpkit.local.cloud_logging``: serve log entries as Cloud Logging does, until SIGTERM comes."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from gpkit.errors import EXIT_IMPOSSIBLE, CallerError, ParameterError

PROJECT = "gpkit-local"


def main(arguments: list[str] | None = None) -> int:
    """Run the API. Returns an exit code: 0, or 4 for an impossible request."""
    parser = argparse.ArgumentParser(prog="python -m gpkit.local.cloud_logging", description=__doc__)
    parser.add_argument("exports", nargs="*", type=Path, metavar="EXPORT", help="files of log entries to serve")
    parser.add_argument("--follow", type=Path, metavar="FILE", help="a log to serve as it grows, one entry a line")
    parser.add_argument("--project", default=PROJECT, help=f"of entries that name none ({PROJECT})")
    parser.add_argument("--quota", type=int, metavar="N", help="reads a minute (any number)")
    parser.add_argument("--script", type=Path, metavar="FILE", help="what goes wrong, JSON")
    parser.add_argument("--port", type=int, default=0, help="of REST; 0 takes a free one")
    parser.add_argument("--control", action="store_true", help="take commands from standard input, end with it")
    chosen = parser.parse_args(arguments)
    try:
        values = _script(chosen.script)
        from gpkit.local.cloud_logging.process import Settings, run

        asyncio.run(
            run(
                Settings(
                    tuple(chosen.exports),
                    chosen.follow,
                    chosen.project,
                    chosen.quota,
                    values,
                    chosen.port,
                    chosen.control,
                )
            )
        )
    except CallerError as error:
        # The launcher reads the last line and raises the same error on its side.
        sys.stderr.write(json.dumps({"kind": type(error).__name__, "error": list(error.args)}) + "\n")
        return EXIT_IMPOSSIBLE
    except KeyboardInterrupt:
        return 0
    return 0


def _script(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ParameterError(f"The script '{path}' cannot be read as JSON.") from error
    if not isinstance(values, dict):
        raise ParameterError(f"The script '{path}' holds no names and values.")
    return values


if __name__ == "__main__":
    sys.exit(main())
