"""Start the local stack in a process of its own, and stop it.

The stack is gone when its parent is: it watches its standard input and its parent's pid. Times are in seconds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from gpkit import environments, errors
from gpkit.environments import Environment
from gpkit.errors import EXIT_IMPOSSIBLE, FarSideError, OutputError, ParameterError, nearest
from gpkit.protocol import scenarios

START_TIMEOUT_S = 20.0  # chosen: forty times what a start takes on an idle machine
STOP_TIMEOUT_S = 5.0
LOCAL_RATE_PER_S = 10_000.0  # our own service: no limit of a platform to respect
LOCAL_CONCURRENCY = 1_000
LAST_PORT = 65_535


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
    _settled: int = 0

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
            raise FarSideError("The local stack is gone.", _last_words(self.folder)) from error
        until_s = time.monotonic() + timeout_s
        # An earlier call that gave up may still be answered: that answer is not ours.
        while (answer := _read_line(self._process, until_s - time.monotonic())) != f"settled {self._settled}":
            if answer is None:
                is_gone = self._process.poll() is not None
                raise FarSideError(
                    f"The local stack did not settle within {timeout_s} s.",
                    _last_words(self.folder) if is_gone else "A client still holds a connection.",
                )

    def truth(self) -> list[dict[str, Any]]:
        """What was really done, one row a connection, in the order in which they ended."""
        return [json.loads(line) for line in self.truth_file.read_text("utf-8").splitlines()]

    def entries(self) -> list[dict[str, Any]]:
        """Log entries in the order in which they were written."""
        return [json.loads(line) for line in self.log_file.read_text("utf-8").splitlines()]

    def stop(self) -> None:
        """End the process. Its files stay as long as the folder does."""
        process = self._process
        if process.poll() is None:
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


@contextlib.contextmanager
def local_stack(
    faults: Path | str | Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    generation: str | None = None,
    tls: bool = False,
    folder: Path | None = None,
    port: int = 0,
) -> Iterator[Stack]:
    """Run a local stack for as long as the context lasts.

    Args:
        faults: A faults file, or its content as names and values; null is a healthy service.
        seed: Of all draws.
        generation: ``A``, ``B`` or ``C``; takes the place of the file's.
        tls: Also listen for ``wss``, and make that the environment's address.
        folder: Where it writes, kept afterwards; a temporary one, removed afterwards, by default.
        port: Of the ``ws`` address; 0 takes a free one.

    Raises:
        ParameterError: The faults or the port are impossible; found before anything starts.
        OutputError: The folder cannot be written, or the port is in use.
        FarSideError: The stack did not start.
    """
    with contextlib.ExitStack() as cleanup:
        if folder is None:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="gpkit-local-")))
        stack = start(faults, seed=seed, generation=generation, tls=tls, folder=folder, port=port)
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
) -> Stack:
    """Start a local stack that runs until :meth:`Stack.stop`, or until this process ends.

    Arguments and errors are those of :func:`local_stack`.
    """
    if not 0 <= port <= LAST_PORT:
        raise ParameterError(f"There is no port {port}.", next_step=f"Take 1 to {LAST_PORT}, or 0 for a free one.")
    source = Path(faults) if isinstance(faults, str) else faults
    scenario = scenarios.read(source, generation=generation)
    folder = Path(folder).resolve()
    _prepare(folder)
    command = [sys.executable, "-m", "gpkit.local", "--control", "--folder", str(folder), "--seed", str(seed)]
    command += ["--port", str(port), "--generation", scenario.generation]
    command += ["--tls"] if tls else []
    if isinstance(source, Path):
        command += ["--faults", str(source.resolve())]
    elif source is not None:
        given = folder / "faults.json"
        given.write_text(json.dumps(dict(source)), "utf-8")
        command += ["--faults", str(given)]
    with (folder / "stderr.txt").open("wb") as stderr:
        process = _spawn(command, stderr)
    if _read_line(process, START_TIMEOUT_S) != "ready":
        raise _did_not_start(process, folder)
    ready = json.loads((folder / "ready.json").read_text("utf-8"))
    return _stack(process, ready, folder)


def find_faults(name: str) -> Path | None:
    """The faults file that a name means; null for empty text, which is a healthy service.

    Args:
        name: Of a file in ``parameters/faults``; with a dot or a slash in it a path, a relative one from the
            project's folder.

    Raises:
        ParameterError: There is no such name or file.
    """
    if not name:
        return None
    root = environments.project_root()
    folder = root / "parameters" / "faults"
    is_path = any(character in name for character in "./")
    path = root / os.path.expanduser(name) if is_path else folder / f"{name}.yaml"
    if _is_file(path):
        return path
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    raise ParameterError(
        f"There is no faults file '{name[:200]}'." if is_path else f"There are no faults named '{name[:200]}'.",
        nearest(Path(name).stem if is_path else name, known),
        f"Known: {', '.join(known) or 'none'}; or name a file, such as ./faults.yaml.",
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a character that no path has
        return False


def _spawn(command: list[str], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
    )


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        for old in ("ready.json", "entries.jsonl", "truth.jsonl"):
            (folder / old).unlink(missing_ok=True)
        (folder / "stderr.txt").touch()
    except OSError as error:
        raise OutputError(
            f"The local stack cannot write to '{folder}': {error.strerror}.", next_step="Name another folder."
        ) from error


def _read_line(process: subprocess.Popen[bytes], timeout_s: float) -> str | None:
    """One line of the process's standard output; null when none came in time or ever will."""
    assert process.stdout is not None
    until_s = time.monotonic() + timeout_s
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left_s := until_s - time.monotonic()) > 0:
            if not selector.select(left_s):
                break
            byte = process.stdout.read1(1)  # type: ignore[attr-defined]
            if byte in (b"", b"\n"):
                return line.decode() or None
            line += byte
    return None


def _did_not_start(process: subprocess.Popen[bytes], folder: Path) -> errors.GpkitError:
    process.kill() if process.poll() is None else None
    code = process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    last = _last_words(folder)
    if code == EXIT_IMPOSSIBLE:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            told = json.loads(last)
            raised: errors.GpkitError = getattr(errors, told["kind"])(*told["error"])
            return raised
    return FarSideError("The local stack did not start.", last, "Its standard error is in stderr.txt of its folder.")


def _last_words(folder: Path) -> str:
    try:
        lines = (folder / "stderr.txt").read_text("utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _stack(process: subprocess.Popen[bytes], ready: dict[str, Any], folder: Path) -> Stack:
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
        _process=process,
    )


def _local_environment() -> Environment:
    """The project's own ``local.yaml`` where there is one: its users and user agent are kept."""
    try:
        return environments.load(environments.LOCAL)
    except errors.TargetError:
        return Environment(name=environments.LOCAL, is_local=True)
