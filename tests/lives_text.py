"""Lives of instances as text → entries of a log, so that a person can check an expectation by eye.

``a chat/r1 start booted 101*60 exit-137`` is an instance ``a`` of service ``chat``, revision ``r1``: a word an entry,
in order of time. A number is a request of an upgrade with that status, ``get-200`` a plain request, ``exit-3`` the end
of the container, ``*60`` says how often, and the instance ``-`` is none.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from gpkit import logs
from tests.log_entries_support import entry, request, write_array

SAID = {
    "start": "Starting new instance. Reason: AUTOSCALING - Instance started due to traffic.",
    "boot": "[2025-09-07 10:00:00 +0000] [15] [INFO] Booting worker with pid: 15",
    "booted": "[2025-09-07 10:00:00 +0000] [15] [INFO] Application startup complete.",
    "broken": "[2025-09-07 10:00:00 +0000] [12] [ERROR] Reason: Worker failed to boot.",
    "term": "[2025-09-07 10:00:00 +0000] [12] [INFO] Handling signal: term",
    "path": "GOLDEN PATH CONNECTION: WebSocket connection initiated",
    "opened": "[2025-09-07 10:00:00 +0000] [15] [INFO] connection open",
    "noise": "Loaded the configuration",
}


def log_of(text: str) -> pd.DataFrame:
    """The table ENTRIES."""
    rows = [line.split() for line in text.strip().splitlines()]
    made: list[dict[str, object]] = []
    for name, place, *words in rows:
        for word in words:
            said, _, times = word.partition("*")
            for _ in range(int(times or 1)):
                at = f"10:{len(made) // 60:02d}:{len(made) % 60:02d}.000001"
                made.append(_entry(at, said, name, *place.split("/")))
    with tempfile.TemporaryDirectory() as folder:
        return logs.read(write_array(Path(folder) / "export.json", made)).frame


def _entry(at: str, said: str, name: str, service: str, revision: str) -> dict[str, object]:
    labels = {"service_name": service, "revision_name": revision}
    source = {
        "labels": {"instanceId": name} if name != "-" else {},
        "resource": {"labels": labels, "type": "cloud_run_revision"},
    }
    if said.isdigit():
        return request(at, status=int(said), **source)
    if said.startswith("get-"):
        url = "https://api.example.test/health"
        return request(at, status=int(said.removeprefix("get-")), requestUrl=url, **source)
    if said.startswith("exit-"):
        return entry(at, f"Container called exit({said.removeprefix('exit-')}).", severity="WARNING", **source)
    return entry(at, SAID[said], **source)
