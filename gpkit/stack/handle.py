"""A running local stack: where it is, what it wrote, and how to end it. Seconds."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpkit.environments import Environment
from gpkit.errors import FarSideError
from gpkit.stack import processes
from gpkit.stack.logging_api import PROJECT, LoggingApi, start_api

STDERR = "stderr.txt"


@dataclass
class Stack:
    """A running local stack.

    Attributes:
        environment: The target to probe; with ``tls`` its address is the ``wss`` one.
        folder: Holds everything the stack writes.
        log_file: Log entries, one JSON line each.
        truth_file: What was really done to each connection, one JSON line each.
        url: ``ws://`` address.
        wss_url: ``wss://`` address; null without ``tls``.
        http_url: Address of the health endpoints.
        ca_file: Certificate authority of the ``wss`` address; null without ``tls``.
        secret_file: Holds the HS256 secret.
        pid: Of the stack's process.
        exports: Files whose entries the logging API serves beside the log.
    """

    environment: Environment
    folder: Path
    log_file: Path
    truth_file: Path
    url: str
    wss_url: str | None
    http_url: str
    ca_file: Path | None
    secret_file: Path
    pid: int
    _process: subprocess.Popen[bytes]
    exports: tuple[Path, ...] = ()
    _settled: int = 0
    _logging: LoggingApi | None = None

    def settle(self, timeout_s: float = 15.0) -> None:
        """Wait until every connection's log and truth lines are written.

        Raises:
            FarSideError: Some connection is still open after ``timeout_s``, or the stack is gone.
        """
        self._settled += 1
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(f"settle {self._settled}\n".encode())
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise FarSideError("The local stack is gone.", self._last_words()) from error
        until_s = time.monotonic() + timeout_s
        # An earlier call that gave up may still be answered: that answer is not ours.
        while (answer := processes.read_line(self._process, until_s - time.monotonic())) != f"settled {self._settled}":
            if answer is None:
                is_gone = self._process.poll() is not None
                raise FarSideError(
                    f"The local stack did not settle within {timeout_s} s.",
                    self._last_words() if is_gone else "A client still holds a connection.",
                )

    def truth(self) -> list[dict[str, Any]]:
        """What was really done, one row a connection, in the order in which they ended."""
        return [json.loads(line) for line in self.truth_file.read_text("utf-8").splitlines()]

    def entries(self) -> list[dict[str, Any]]:
        """Log entries in the order in which they were written."""
        return [json.loads(line) for line in self.log_file.read_text("utf-8").splitlines()]

    @property
    def logging(self) -> LoggingApi:
        """The Cloud Logging read API over the stack's log and exports, started when it is first asked for.

        Not before: it takes a second, and a probe needs none of it. It is a process of its own, so that whoever
        lists entries does not slow the service that is measured.

        Raises:
            SourceError: An export cannot be read, or is none.
            FarSideError: It did not start, or the stack was stopped.
        """
        if self._logging is None:
            if self._process.poll() is not None:
                raise FarSideError("The local stack is gone.", self._last_words())
            self._logging = start_api(self.exports, self.log_file, PROJECT, None, None, self.folder)
            self._tell_where()
        return self._logging

    @property
    def logging_url(self) -> str:
        """``http://127.0.0.1:PORT`` of the logging API over REST."""
        return self.logging.rest_url

    @property
    def logging_grpc(self) -> str:
        """``127.0.0.1:PORT`` of the logging API over gRPC, for an insecure channel."""
        return self.logging.grpc_target

    @property
    def logging_project(self) -> str:
        """The project of the stack's own entries."""
        return PROJECT

    def stop(self) -> None:
        """End the processes. Their files stay as long as the folder does."""
        if self._logging is not None:
            self._logging.stop()
        processes.stop(self._process)

    def _tell_where(self) -> None:
        """Put the logging API's addresses into ``ready.json``, which is whole at every moment."""
        assert self._logging is not None
        path = self.folder / "ready.json"
        ready = json.loads(path.read_text("utf-8"))
        ready |= {"logging_url": self._logging.rest_url, "logging_grpc": self._logging.grpc_target}
        ready |= {"logging_project": PROJECT, "logging_pid": self._logging.pid}
        temporary = path.with_suffix(".writing")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(ready, indent=1), "utf-8")
        temporary.rename(path)

    def _last_words(self) -> str:
        return processes.last_words(self.folder / STDERR)
