"""``gpkit local up``: a local stack to look at, until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import time

from gpkit.cli import put_out, tell
from gpkit.errors import EXIT_HEALTHY, SourceError


def up(chosen: argparse.Namespace) -> int:
    """Start a local stack, say where it is, and keep it until interrupted."""
    from gpkit.stack import local_stack

    if chosen.faults is not None and not chosen.faults.is_file():
        raise SourceError(f"{chosen.faults} does not exist.", next_step="Give a YAML file of faults, or none.")
    with local_stack(chosen.faults, seed=chosen.seed, port=chosen.port) as stack:
        where = {"url": stack.url, "folder": stack.folder, "log": stack.log_file, "secret_file": stack.secret_file}
        put_out(json.dumps({name: str(value) for name, value in where.items()}) + "\n")
        tell(f"The local stack is up at {stack.url} and logs to {stack.log_file}. Ctrl-C ends it.")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            tell("The local stack is gone.")
    return EXIT_HEALTHY
