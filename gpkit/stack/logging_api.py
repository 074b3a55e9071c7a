"""The local Cloud Logging read API in a process of its own: started, told what to do, and stopped. Seconds."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpkit import errors
from gpkit.errors import FarSideError
from gpkit.stack import processes

PROJECT = "gpkit-local"
ANSWER_TIMEOUT_S = 60.0  # chosen: a million late entries are taken in far less
READ_TIMEOUT_S = 600.0  # chosen: exports are read before the API answers
_STDERR = "logging_stderr.txt"


@dataclass
class LoggingApi:
    """A running logging API.

    Attributes:
        rest_url: ``http://127.0.0.1:PORT``, what clients call ``api_endpoint``.
        grpc_target: ``127.0.0.1:PORT``, for an insecure channel.
        project: Where entries without a log name are taken to be from.
        resources: What had entries when it started, such as ``projects/P``, and how many.
        pid: Of its process.
    """

    rest_url: str
    grpc_target: str
    project: str
    resources: Mapping[str, int]
    pid: int
    _process: subprocess.Popen[bytes]
    _folder: Path
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _told: int = 0

    def requests(self) -> list[dict[str, Any]]:
        """The calls that came, in order: ``method`` (REST, gRPC, tail), the parameters, ``status``, ``count``."""
        return list(self._tell("requests"))

    def add(self, entries: Sequence[Mapping[str, Any]]) -> int:
        """Entries that arrive now. Returns how many are new."""
        return int(self._tell("add", list(entries)))

    def script(self, values: Mapping[str, Any]) -> None:
        """Change what goes wrong; calls are counted from here on.

        Raises:
            ParameterError: A name is unknown or a value impossible.
        """
        self._tell("script", dict(values))

    def stop(self) -> None:
        """End the process."""
        processes.stop(self._process)

    def _tell(self, what: str, values: Any = None) -> Any:
        with self._turn:
            self._told += 1
            command = {"do": what, "with": values, "number": self._told}
            try:
                assert self._process.stdin is not None
                self._process.stdin.write(json.dumps(command).encode() + b"\n")
                self._process.stdin.flush()
                said = self._answer()
            except (OSError, ValueError) as error:
                raise FarSideError("The logging API is gone.", self._last_words()) from error
        if "error" in said:
            raised: errors.GpkitError = getattr(errors, said["kind"])(*said["error"])
            raise raised
        return said["answer"]

    def _answer(self) -> dict[str, Any]:
        """The answer to the last command. One that comes late belongs to a question that was given up."""
        while line := processes.read_line(self._process, ANSWER_TIMEOUT_S):
            said: dict[str, Any] = json.loads(line)
            if said["number"] == self._told:
                return said
        raise FarSideError("The logging API does not answer.", self._last_words())

    def _last_words(self) -> str:
        return processes.last_words(self._folder / _STDERR)


@contextlib.contextmanager
def cloud_logging(
    exports: Sequence[Path] = (),
    *,
    log_file: Path | None = None,
    project: str = PROJECT,
    quota_per_minute: int | None = None,
    script: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> Iterator[LoggingApi]:
    """Serve log entries as Cloud Logging does, for as long as the context lasts.

    Args:
        exports: Files of log entries, of any shape that :func:`gpkit.logs.read` takes.
        log_file: A log that is followed as it grows, one entry a line.
        project: Where entries without a log name are taken to be from.
        quota_per_minute: Reads a minute; null for any number.
        script: What goes wrong, as ``docs/local-stack.md`` lists it.
        folder: Gets the process's standard error; a temporary one by default.

    Raises:
        SourceError: An export cannot be read, or is none.
        ParameterError: The script is impossible.
        FarSideError: The API did not start.
    """
    with contextlib.ExitStack() as cleanup:
        if folder is None:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="gpkit-logging-")))
        api = start_api(exports, log_file, project, quota_per_minute, script, folder)
        try:
            yield api
        finally:
            api.stop()


def start_api(
    exports: Sequence[Path],
    log_file: Path | None,
    project: str,
    quota_per_minute: int | None,
    script: Mapping[str, Any] | None,
    folder: Path,
) -> LoggingApi:
    """Start a logging API that runs until :meth:`LoggingApi.stop`, or until this process ends.

    Arguments and errors are those of :func:`cloud_logging`.
    """
    processes.prepare(folder, (), _STDERR)
    command = [sys.executable, "-m", "gpkit.local.cloud_logging", "--control", "--project", project]
    command += ["--follow", str(log_file)] if log_file is not None else []
    command += ["--quota", str(quota_per_minute)] if quota_per_minute is not None else []
    if script is not None:
        given = folder / "script.json"
        given.write_text(json.dumps(dict(script)), "utf-8")
        command += ["--script", str(given)]
    command += ["--", *(str(Path(path).resolve()) for path in exports)]
    with (folder / _STDERR).open("wb") as stderr:
        process = processes.spawn(command, stderr)
    ready = processes.read_line(process, READ_TIMEOUT_S if exports else processes.START_TIMEOUT_S)
    if ready is None:
        raise processes.did_not_start(process, folder / _STDERR, "logging API")
    said = json.loads(ready)
    return LoggingApi(
        rest_url=said["rest_url"],
        grpc_target=said["grpc_target"],
        project=said["project"],
        resources=said["resources"],
        pid=said["pid"],
        _process=process,
        _folder=folder,
    )
