"""Python loads this file at the start of every process that has its folder on PYTHONPATH: a run, made step by step.

A step is an opening, a syncing, a renaming or a removing of a file under a run folder, by one of the run's processes:
``supervisor half run.json 2`` is the second time that the supervisor has written half of run.json. At each step the
whole folder is copied, as a process that is killed then would leave it; or at one step something happens:
the process is killed, the disk is filled, or the process's clock is set back.

GPKIT_TEST_STEPS is JSON: ``runs``, the folder; ``copies``, where copies go; or ``at``, a step, with ``do``:
``kill``, ``stop``, ``fill`` or ``set back``.
"""

import datetime
import json
import os
import re
import shutil
import signal
import sys
import time
from collections import Counter

ROLES = {
    "gpkit.runs.making.supervisor": "supervisor",
    "gpkit.runs.making.worker": "worker",
    "ipykernel_launcher": "kernel",
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
told = json.loads(os.environ.get("GPKIT_TEST_STEPS", "{}"))
seen = Counter()
busy = []


def role():
    with open("/proc/self/cmdline", "rb") as file:
        command = file.read().decode("utf-8", "replace")
    return next((name for words, name in ROLES.items() if words in command), "command")


def name_of(path):
    """``.run.json.1234`` is run.json, and a run folder is ``folder``, complete or not."""
    name = os.path.basename(path)
    found = re.search(r"[a-z]+\.(?:json|html|md|ipynb)", name)
    return found[0] if found else "folder" if re.match(r"\.?\d{8}T", name) else name


def step(event, path, descriptor=None):
    if busy or not str(path).startswith(told["runs"]):
        return
    busy.append(event)
    try:
        label = f"{role()} {event} {name_of(path)}"
        seen[label] += 1
        label += f" {seen[label]}"
        if "copies" in told:
            copy(label, path, is_half=event == "half")
        elif label == told["at"]:
            act(descriptor)
    finally:
        busy.clear()


def copy(label, path, *, is_half):
    """The folder as it is now; the file that is being written only as far as its middle."""
    where = os.path.join(told["copies"], f"{time.monotonic_ns()} {label}")
    shutil.copytree(told["runs"], os.path.join(where, "runs"))
    if is_half:
        half = os.path.join(where, "runs", os.path.relpath(path, told["runs"]))
        os.truncate(half, os.path.getsize(half) // 2)


def act(descriptor):
    try:
        open(os.path.join(os.path.dirname(told["runs"]), "acted"), "x").close()
    except FileExistsError:  # another process of the same role: once is enough
        return
    if told["do"] == "kill":
        if descriptor is not None:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    if told["do"] == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    if told["do"] == "set back":
        set_back(datetime.timedelta(hours=2))
        return
    with open(os.path.join(os.path.dirname(told["runs"]), "filler"), "wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            pass


def set_back(by):
    """The machine's clock as the modules of this process see it; the clock that is never set goes on."""

    class Earlier(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - by

    for name in ("gpkit.runs.making.supervisor", "gpkit.runs.recording.record"):
        sys.modules[name].datetime = Earlier


def audit(event, arguments):
    if event == "open" and isinstance(arguments[0], str | os.PathLike) and (arguments[2] or 0) & WRITES:
        step("open", os.fspath(arguments[0]))
    elif event in ("os.rename", "os.remove"):
        step(event[3:], os.fspath(arguments[0]))


if told:
    sync = os.fsync

    def synced(descriptor):
        step("half", os.readlink(f"/proc/self/fd/{descriptor}"), descriptor)
        sync(descriptor)

    os.fsync = synced
    sys.addaudithook(audit)
