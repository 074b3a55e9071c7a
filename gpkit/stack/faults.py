"""Faults files by name."""

from __future__ import annotations

import os
from pathlib import Path

from gpkit import environments
from gpkit.errors import ParameterError, nearest


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
