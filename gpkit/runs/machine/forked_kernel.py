"""The usual kernel, forked from a process that has imported what it needs instead of started from nothing.

It is what ``python -m ipykernel_launcher`` is: the same arguments, environment, folder, modules and signals, seeds of
its own, no descriptor and no thread of anybody else. Where that cannot be said (another kernel, or a project whose
folder hides a module that is imported here), the kernel is started the slow way by :mod:`gpkit.runs.machine.kernel`.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpkit.runs.machine import labels, preload
from gpkit.runs.machine.forks import Child, fork
from gpkit.runs.machine.processes import RUN_ID, die_with_parent

_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
_LAUNCHER = ("-m", "ipykernel_launcher", "-f", "{connection_file}")
_ARGUMENTS = ("--HistoryManager.hist_file=:memory:",)
_OWN_ARGUMENTS = ("--IPKernelApp.outstream_class=gpkit.printing.stream.CappedStream",)


def is_possible(name: str, folder: Path) -> bool:
    """Whether a kernel of this name, working in this folder, may be forked: it is this environment's own python3."""
    return sys.platform == "linux" and _is_usual(name) and not preload.is_shadowed(folder)


def arguments(name: str) -> list[str]:
    """What a kernel of this name is told beside what its specification says; only our own finds gpkit."""
    return [*_ARGUMENTS, *(_OWN_ARGUMENTS if _is_usual(name) else ())]


def start(
    connection_file: Path,
    socket_prefix: Path,
    *,
    cwd: Path,
    environment: Mapping[str, str],
    modules: Sequence[str],
    kept: frozenset[str],
) -> Child:
    """Write the file that tells how to reach the kernel, and fork the kernel.

    Args:
        connection_file: Where that file goes.
        socket_prefix: Beginning of the paths of the Unix sockets.
        cwd: Working folder.
        environment: The whole environment of the kernel.
        modules: What to import before the kernel is ready, because its notebook will.
        kept: The imported modules with which a kernel may begin.

    Raises:
        OSError: There is no room for a process or for the file.
    """
    reached = {
        "transport": "ipc",
        "ip": str(socket_prefix),
        **{port: number for number, port in enumerate(_PORTS, start=1)},
        "key": secrets.token_hex(32),
        "signature_scheme": "hmac-sha256",
    }
    connection_file.touch(mode=0o600)
    connection_file.write_text(json.dumps(reached), "utf-8")
    parent = os.getpid()
    nothing = os.open(os.devnull, os.O_RDONLY)

    def run() -> int:
        die_with_parent(parent)
        _begin_anew(cwd, environment, kept)
        return _serve(connection_file, modules)

    try:
        return fork(run, [nothing, 1, 2])
    finally:
        os.close(nothing)


def _begin_anew(cwd: Path, environment: Mapping[str, str], kept: frozenset[str]) -> None:
    labels.mark(environment.get(RUN_ID, ""))
    labels.show_as(f"{sys.executable} -m ipykernel_launcher {environment.get(RUN_ID, '')}")
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    os.chdir(cwd)
    tempfile.tempdir = None  # asked for once more: the kernel's is another
    preload.forget_all_but(kept)
    if "numpy" in sys.modules:  # the random module seeds itself anew in a fork
        import numpy as np

        np.random.seed(None)


def _serve(connection_file: Path, modules: Sequence[str]) -> int:
    """Be the kernel until it is asked to end, then end as an interpreter does."""
    launcher = find_spec("ipykernel_launcher")  # what ``python -m`` would run
    sys.argv = [str(launcher.origin if launcher else ""), "-f", str(connection_file), *_ARGUMENTS, *_OWN_ARGUMENTS]
    from ipykernel import kernelapp

    sys.path.insert(0, "")  # as the notebook will have it
    preload.preload(modules)
    del sys.path[0]
    code = 0
    try:
        app = kernelapp.IPKernelApp.instance()
        with preload.hidden("debugpy"):  # ipykernel does without; nobody debugs a run, and it takes 0.1 s
            app.initialize()
        app.start()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    _finish()
    return code


def _finish() -> None:
    """What the interpreter does before it ends; a fork leaves without it."""
    waits: Callable[[], Any] = threading._shutdown  # type: ignore[attr-defined]
    waits()
    atexit._run_exitfuncs()


def _is_usual(name: str) -> bool:
    """Whether the name stands for ``python -m ipykernel_launcher`` of this very environment, and nothing more."""
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("kernels"):
        file = Path(folder, name, "kernel.json")
        if file.is_file():
            try:
                told = json.loads(file.read_text("utf-8"))
                program, *arguments = told["argv"]
            except (OSError, ValueError, KeyError, TypeError):
                return False
            arguments = [argument for argument in arguments if argument != "-Xfrozen_modules=off"]
            is_own = program in ("python", "python3", sys.executable)
            provisioned = (told.get("metadata") or {}).get("kernel_provisioner")
            return is_own and tuple(arguments) == _LAUNCHER and not told.get("env") and not provisioned
    return name == "python3"  # built in
