"""The kernel of one run: started early, reachable by nobody else, ended for certain.

It listens on Unix sockets in a private folder of the run, so that neither other users nor parallel runs can reach it.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from errno import EAGAIN, EMFILE, ENFILE, ENOMEM, ENOSPC
from pathlib import Path
from typing import Any

from gpkit.errors import FarSideError, KernelError
from gpkit.runs.machine import forked_kernel
from gpkit.runs.machine.processes import RUN_FOLDER, RUN_ID

_INTERRUPT_GRACE_S = 2.0  # chosen: time for a cell to keep what it measured
_CONNECTION = "kernel.json"
_SOCKETS = "k"
_LOOK_EVERY_MS = 10  # chosen: a kernel forked from a warm process binds its sockets within 100 ms
_ANSWER_S = 1.0  # chosen: how often it is looked whether the kernel still lives
_HEARD_S = 0.2  # chosen: an output follows its answer within milliseconds, unless nobody was connected yet


def kernel_name(notebook: Path) -> str:
    """The kernel that a notebook asks for."""
    metadata = json.loads(notebook.read_text("utf-8")).get("metadata", {})
    return str(metadata.get("kernelspec", {}).get("name") or "python3")


def start(
    name: str,
    *,
    cwd: Path,
    private: Path,
    run_id: str,
    run_folder: Path,
    modules: Sequence[str] = (),
    kept: frozenset[str] | None = None,
) -> Any:
    """Start a kernel and return its manager at once; the kernel is still getting ready.

    Args:
        name: Name of an installed kernel.
        cwd: Its working folder.
        private: A folder that only this user can enter; holds the sockets and the kernel's temporary files.
        run_id: Of the run; every process that the kernel starts inherits it.
        run_folder: Where notebooks put results and evidence.
        modules: What the notebook will import, for a kernel that is forked.
        kept: The imported modules with which a forked kernel may begin; null where this process must not be forked.

    Raises:
        FarSideError: No such kernel is installed, or its program is gone.
        KernelError: The machine had no room for it: memory, processes, files.
    """
    # The environment's own python3, not one that the user has installed under the same name.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    environment = _environment(private, run_id, run_folder)
    try:
        if kept is None or not forked_kernel.is_possible(name, cwd):
            return _start_anew(name, cwd=cwd, private=private, environment=environment)
        child = forked_kernel.start(
            private / _CONNECTION, private / _SOCKETS, cwd=cwd, environment=environment, modules=modules, kept=kept
        )
    except OSError as error:
        # What may pass. Anything else stays so: its program is not there, or is none.
        kind = KernelError if error.errno in (ENOMEM, EAGAIN, EMFILE, ENFILE, ENOSPC) else FarSideError
        raise kind(f"The kernel '{name}' did not start: {error.strerror or error}.") from None
    from jupyter_client.provisioning import LocalProvisioner

    manager = _manager(name, private)
    manager.load_connection_file()
    manager.provisioner = LocalProvisioner(kernel_id=run_id, kernel_spec=manager.kernel_spec, parent=manager)
    manager.provisioner.process = child
    return manager


def _environment(private: Path, run_id: str, run_folder: Path) -> dict[str, str]:
    temporary = private / "tmp"  # removed with the run, also when the kernel is killed
    temporary.mkdir(mode=0o700, exist_ok=True)
    environment = {
        **os.environ,
        RUN_ID: run_id,
        RUN_FOLDER: str(run_folder),
        "TMPDIR": str(temporary),
        "IPYTHONDIR": str(private / "ipython"),
    }
    environment.pop("PYTHONSTARTUP", None)  # like IPYTHONDIR: a run does not depend on what its user's shell loads
    return environment


def _manager(name: str, private: Path) -> Any:
    from jupyter_client.manager import AsyncKernelManager

    return AsyncKernelManager(
        kernel_name=name,
        transport="ipc",
        ip=str(private / _SOCKETS),
        connection_file=str(private / _CONNECTION),
    )


def _start_anew(name: str, *, cwd: Path, private: Path, environment: dict[str, str]) -> Any:
    """Start a kernel as its specification says, in a fresh process."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_core.utils import run_sync

    manager = _manager(name, private)
    try:
        run_sync(manager.start_kernel)(cwd=str(cwd), env=environment, extra_arguments=forked_kernel.arguments(name))
    except NoSuchKernel:
        installed = ", ".join(sorted(KernelSpecManager().find_kernel_specs()))
        raise FarSideError(
            f"The kernel '{name}' that the notebook asks for is not installed.",
            f"Installed: {installed or 'none'}.",
            f"Install it, or choose one of these in the notebook: pip install ipykernel ({name})",
        ) from None
    return manager


def connect(manager: Any, limit_s: float) -> Any:
    """A client of the kernel, once the kernel answers and its outputs are heard.

    Raises:
        RuntimeError: The kernel ended, or did not answer in time.
    """
    from jupyter_core.utils import run_sync

    client = manager.client()
    client.allow_stdin = False
    client.context.reconnect_ivl = _LOOK_EVERY_MS  # the sockets may not be there yet
    client.start_channels(stdin=False, hb=False, control=False)
    try:
        run_sync(_answer)(manager, client, time.monotonic() + limit_s)
    except BaseException:
        client.stop_channels()
        raise
    return client


async def _answer(manager: Any, client: Any, until_s: float) -> None:
    """Ask until there is an answer and the output that goes with it: then the next outputs are heard as well.

    jupyter_client's own way waits another 0.2 s for outputs that do not come.
    """
    while True:
        asked = client.kernel_info()
        if await _hears(client.get_shell_msg, asked, _ANSWER_S) and await _hears(client.get_iopub_msg, asked, _HEARD_S):
            return
        if ended := exit_status(manager):
            raise RuntimeError(f"The kernel {ended} before it answered.")
        if time.monotonic() > until_s:
            raise RuntimeError("The kernel did not answer in time.")


async def _hears(get: Callable[..., Any], asked: str, limit_s: float) -> bool:
    """Whether a message about what was asked comes in time."""
    until_s = time.monotonic() + limit_s
    with contextlib.suppress(queue.Empty):
        while True:
            message = await get(timeout=max(0.0, until_s - time.monotonic()))
            if message["parent_header"].get("msg_id") == asked:
                return True
    return False


def exit_status(manager: Any) -> str:
    """How the kernel's process ended, as words; empty while it runs."""
    process = getattr(manager.provisioner, "process", None)
    code = None if process is None else process.poll()
    if code is None:
        return ""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"
    return f"ended by itself with exit code {code}"


def stop(manager: Any) -> None:
    """Interrupt the running cell; kill the kernel when the cell does not end soon after."""
    _signal(manager, signal.SIGINT)
    timer = threading.Timer(_INTERRUPT_GRACE_S, _signal, (manager, signal.SIGKILL))
    timer.daemon = True
    timer.start()


def request_end(manager: Any) -> None:
    """Ask an idle kernel to end, without waiting: it cleans up while the report is made."""
    from jupyter_core.utils import run_sync

    with contextlib.suppress(Exception):  # one that is gone already needs no asking
        run_sync(manager.request_shutdown)()


def wait_for_end(manager: Any, limit_s: float) -> None:
    """Give a kernel that was asked to end some time to do so; its supervisor kills what is left."""
    until = time.monotonic() + limit_s
    while not exit_status(manager) and time.monotonic() < until:
        time.sleep(0.01)


def _signal(manager: Any, number: int) -> None:
    process = getattr(manager.provisioner, "process", None)
    if process is not None and process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)  # the kernel leads a session of its own
