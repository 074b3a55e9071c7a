"""The kernel of one run: started early, reachable by nobody else, ended for certain.

It listens on Unix sockets in a private folder of the run, so that neither other users nor parallel runs can reach it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from errno import EAGAIN, EMFILE, ENFILE, ENOMEM, ENOSPC
from pathlib import Path
from typing import Any

from gpkit.errors import FarSideError, KernelError
from gpkit.runs.processes import RUN_FOLDER, RUN_ID

_INTERRUPT_GRACE_S = 2.0  # chosen: time for a cell to keep what it measured


def kernel_name(notebook: Path) -> str:
    """The kernel that a notebook asks for."""
    metadata = json.loads(notebook.read_text("utf-8")).get("metadata", {})
    return str(metadata.get("kernelspec", {}).get("name") or "python3")


def start(name: str, *, cwd: Path, private: Path, run_id: str, run_folder: Path) -> Any:
    """Start a kernel and return its manager at once; the kernel is still getting ready.

    Args:
        name: Name of an installed kernel.
        cwd: Its working folder.
        private: A folder that only this user can enter; holds the sockets and the kernel's temporary files.
        run_id: Of the run; every process that the kernel starts inherits it.
        run_folder: Where notebooks put results and evidence.

    Raises:
        FarSideError: No such kernel is installed, or its program is gone.
        KernelError: The machine had no room for it: memory, processes, files.
    """
    # The environment's own python3, not one that the user has installed under the same name.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.utils import run_sync

    manager = AsyncKernelManager(
        kernel_name=name,
        transport="ipc",
        ip=str(private / "k"),
        connection_file=str(private / "kernel.json"),
    )
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
    try:
        run_sync(manager.start_kernel)(
            cwd=str(cwd), env=environment, extra_arguments=["--HistoryManager.hist_file=:memory:"]
        )
    except NoSuchKernel:
        installed = ", ".join(sorted(KernelSpecManager().find_kernel_specs()))
        raise FarSideError(
            f"The kernel '{name}' that the notebook asks for is not installed.",
            f"Installed: {installed or 'none'}.",
            f"Install it, or choose one of these in the notebook: pip install ipykernel ({name})",
        ) from None
    except OSError as error:
        # What may pass. Anything else stays so: its program is not there, or is none.
        kind = KernelError if error.errno in (ENOMEM, EAGAIN, EMFILE, ENFILE, ENOSPC) else FarSideError
        raise kind(f"The kernel '{name}' did not start: {error.strerror or error}.") from None
    return manager


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
