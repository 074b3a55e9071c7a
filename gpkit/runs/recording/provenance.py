"""With what a run was made: versions, revision, platform. Reads the installation and the checkout, nothing else."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

# What can change a number or a picture.
PACKAGES = (
    "gpkit",
    "duckdb",
    "ibis-framework",
    "ipykernel",
    "nbclient",
    "nbconvert",
    "numpy",
    "pandas",
    "papermill",
    "plotly",
    "pyarrow",
    "scipy",
    "uvicorn",
    "websockets",
)
_GIT_LIMIT_S = 5.0  # chosen: a revision is worth less than a run that starts


def provenance(root: Path) -> dict[str, Any]:
    """Versions, git revision and platform, as JSON values. What cannot be told is null."""
    return {
        "python": platform.python_version(),
        "versions": dict(versions()),
        "git": _git(root),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
    }


@cache
def versions() -> dict[str, str | None]:
    """The installed version of each package; they are looked up once in a process and its forks."""
    return {package: _version(package) for package in PACKAGES}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(root: Path) -> dict[str, Any]:
    revision = _run_git(root, "rev-parse", "HEAD")
    changes = None if revision is None else _run_git(root, "status", "--porcelain", "--untracked-files=no")
    return {"revision": revision, "dirty": None if changes is None else bool(changes)}


def _run_git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the caller's own git
            capture_output=True,
            text=True,
            timeout=_GIT_LIMIT_S,
            check=True,
            # Optional locks would make a run fight with the caller's own git commands.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
