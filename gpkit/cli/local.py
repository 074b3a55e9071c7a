"""``gpkit local up``: a local stack to look at, until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gpkit.cli import put_out, tell
from gpkit.errors import EXIT_HEALTHY, SourceError
from gpkit.plural import counted

if TYPE_CHECKING:
    from gpkit.stack import Stack

ENVIRONMENT_FILE = "local-log.yaml"  # its name is the environment's in records and lists
_READS_PER_MINUTE = 6000  # chosen: the local API has no quota, and a page takes milliseconds


def up(chosen: argparse.Namespace) -> int:
    """Start a local stack with its logging API, say where they are, and keep them until interrupted."""
    from gpkit.stack import local_stack

    if chosen.faults is not None and not chosen.faults.is_file():
        raise SourceError(f"{chosen.faults} does not exist.", next_step="Give a YAML file of faults, or none.")
    for path in chosen.export:
        if not path.is_file():
            raise SourceError(f"{path} does not exist.", next_step="Give files of log entries.")
    with local_stack(chosen.faults, seed=chosen.seed, port=chosen.port, exports=chosen.export) as stack:
        environment = _environment(stack)
        put_out(json.dumps({**_where(stack), "logging_environment": str(environment)}) + "\n")
        tell(f"The local stack is up at {stack.url} and logs to {stack.log_file}. Ctrl-C ends it.")
        tell(_how_to_ask(stack, environment))
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            tell("The local stack is gone.")
    return EXIT_HEALTHY


def _where(stack: Stack) -> dict[str, str]:
    found = {"url": stack.url, "folder": stack.folder, "log": stack.log_file, "secret_file": stack.secret_file}
    found |= {"logging_url": stack.logging_url, "logging_grpc": stack.logging_grpc}
    return {name: str(value) for name, value in found.items()} | {"logging_project": stack.logging_project}


def _environment(stack: Stack) -> Path:
    """A file that ``gpkit run -e`` takes, for the stack's log; gone with the stack's folder."""
    file = stack.folder / ENVIRONMENT_FILE
    settings = {"logs_project": stack.logging_project, "logs_endpoint": stack.logging_url, "logs_anonymous": "true"}
    settings["logs_reads_per_minute"] = str(_READS_PER_MINUTE)
    lines = ["# The log of a local stack, while that is up.", *(f"{name}: {text}" for name, text in settings.items())]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def _how_to_ask(stack: Stack, environment: Path) -> str:
    """How to point a tool at the logging API: gpkit's own, and the official client."""
    entries = ", ".join(
        f"{name} ({counted(count, 'entry', 'entries')})" for name, count in stack.logging.resources.items() if count
    )
    return f"""
Its log, as Cloud Logging serves it: REST at {stack.logging_url}, gRPC at {stack.logging_grpc}. Served: {entries}.
  gpkit logs api:{stack.logging_project} --endpoint {stack.logging_url} --anonymous --since=-1h --until now
  gpkit run auth_timing -e {shlex.quote(str(environment))} -p logs=api:{stack.logging_project} -p since=-1h -p until=now
Or in Python:
  from google.auth.credentials import AnonymousCredentials; from google.cloud import logging
  client = logging.Client(project="{stack.logging_project}", credentials=AnonymousCredentials(), _use_grpc=False,
                          client_options={{"api_endpoint": "{stack.logging_url}"}})
  for entry in client.list_entries(filter_="severity>=WARNING", page_size=1000): print(entry.timestamp, entry.payload)
"""
