"""The API's process: REST and gRPC on one event loop, each on a free port of loopback.

It ends on SIGTERM, at the end of its standard input when it takes commands from there, and when its parent is gone.
A command is one line of JSON, ``{"do": "requests" | "add" | "script", "with": …, "number": …}``, and so is its
answer, which repeats the number.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gpkit.errors import GpkitError, OutputError
from gpkit.local.cloud_logging import rest, rpc, script
from gpkit.local.cloud_logging.listing import Listing
from gpkit.local.cloud_logging.quota import Quota
from gpkit.local.cloud_logging.sources import Follower, read_export
from gpkit.local.cloud_logging.store import Store

HOST = "127.0.0.1"
PARENT_CHECK_S = 1.0
COMMAND_BYTES = 1 << 30  # chosen: entries that arrive late come on one line


@dataclass(frozen=True, slots=True)
class Settings:
    """How the process was started. ``follow`` may be a file that is not there yet; ``port`` 0 takes a free one."""

    exports: tuple[Path, ...]
    follow: Path | None
    project: str
    quota_per_minute: int | None
    script: Mapping[str, Any] | None
    port: int
    control: bool


async def run(settings: Settings) -> None:
    """Read what is to be served, say where it is served, and serve until told to stop.

    Raises:
        CallerError: An export cannot be read, the script is impossible, or the port is in use.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    store = Store(settings.project)
    follower = Follower(settings.follow, settings.project) if settings.follow else None
    listing = Listing(store, follower, Quota(settings.quota_per_minute), script.parse(settings.script))
    for path in settings.exports:
        store.add(read_export(path, settings.project))
    listing.catch_up()
    http = await _serve_rest(listing, settings.port)
    grpc, grpc_port = rpc.server(listing)
    await grpc.start()
    background = [loop.create_task(_watch_parent(stopped))]
    try:
        _say(
            {
                "rest_url": f"http://{HOST}:{http.sockets[0].getsockname()[1]}",
                "grpc_target": f"{HOST}:{grpc_port}",
                "project": settings.project,
                "resources": store.parents(),
                "pid": os.getpid(),
            }
        )
        if settings.control:
            background.append(loop.create_task(_obey(await _standard_input(), listing, stopped)))
        await stopped.wait()
    finally:
        http.close()
        await grpc.stop(None)
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)


async def _serve_rest(listing: Listing, port: int) -> asyncio.Server:
    """uvicorn's own protocol on this loop: its server would bring signal handlers of its own."""
    config = uvicorn.Config(
        rest.application(listing), http="h11", ws="none", lifespan="off", log_config=None, access_log=False
    )
    config.load()
    logging.getLogger("uvicorn.error").addFilter(_is_unexpected)
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        return H11Protocol(config=config, server_state=state, app_state={})

    try:
        return await asyncio.get_running_loop().create_server(protocol, HOST, port, backlog=512)
    except (OSError, OverflowError) as error:
        raise OutputError(
            f"Port {port} of {HOST} cannot be used for the logging API.", next_step="Take port 0 for a free one."
        ) from error


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Whether a record of uvicorn's belongs on standard error: a page that is cut on purpose does not."""
    return record.levelno >= logging.ERROR and "without completing response" not in record.getMessage()


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=COMMAND_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _obey(commands: asyncio.StreamReader, listing: Listing, stopped: asyncio.Event) -> None:
    while line := await commands.readline():
        command = json.loads(line)
        try:
            answer = {"answer": _done(command, listing)}
        except GpkitError as error:
            answer = {"kind": type(error).__name__, "error": list(error.args)}
        _say({"number": command["number"], **answer})
    stopped.set()


def _done(command: Mapping[str, Any], listing: Listing) -> Any:
    if command["do"] == "add":
        return listing.add(command["with"])
    if command["do"] == "script":
        return listing.set_script(script.parse(command["with"]))
    return listing.calls


async def _watch_parent(stopped: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(PARENT_CHECK_S)
    stopped.set()


def _say(values: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
