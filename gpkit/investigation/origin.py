"""Where the log entries of a run can be read again, and the command that does it.

Pure but for the environment's settings, which are looked at, not used. A command is one line for a POSIX shell, to be
given in the project's folder.
"""

from __future__ import annotations

import dataclasses
import shlex
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from gpkit import environments
from gpkit.environments import Environment
from gpkit.instants import Window, text
from gpkit.logs.sources import API, BIGQUERY, dataset_of, source

NO_LIMIT = Window(None, None)
_GOOGLE = "googleapis.com"


@dataclass(frozen=True)
class Origin:
    """A source of log entries, as it was asked.

    Attributes:
        source: As ``gpkit logs`` takes it; empty when no log was read.
        window: What was asked for; a null end is no limit.
        filter: What was asked for, empty for all.
        environment: To be named with ``-e``; empty where it makes no difference.
        project: Of Google Cloud, when the entries are held there, and its console can show them; else empty.
    """

    source: str = ""
    window: Window = NO_LIMIT
    filter: str = ""
    environment: str = ""
    project: str = ""


NOWHERE = Origin()
"""No log was read."""


def of_log(given: str, window: Window, filter: str, target: Environment) -> Origin:
    """Where a log came from: files by their path from the project's folder, a project by its name."""
    named = source(given)
    if named.kind == API:
        from gpkit.cloud.targets import from_environment

        project = from_environment(target, named.name).project
        shown = project if _is_google(target.logs_endpoint) else ""
        return Origin(f"api:{project}", window, filter, _needed(target), shown)
    if named.kind == BIGQUERY:
        return Origin(given, window, filter, _needed(target), dataset_of(named.name)[0])
    if "://" in given:
        return Origin(given, window, filter, _needed(target))
    return Origin(from_root(Path(given)), window, filter, _needed(target))


def of_run(folder: Path) -> Origin:
    """The entries that a run has kept: there is no other place for what a local stack logged."""
    complete = folder.with_name(folder.name.removesuffix(".partial"))
    return Origin(from_root(complete / "evidence" / "entries.parquet"))


def command(origin: Origin, filter: str) -> str:
    """``gpkit logs SOURCE … --filter F``: reads the entries of the origin that the filter selects."""
    words = ["gpkit", "logs", f"./{origin.source}" if origin.source.startswith("-") else origin.source]
    words += ["-e", origin.environment] if origin.environment else []
    words += ["--since", text(origin.window.since)] if origin.window.since else []
    words += ["--until", text(origin.window.until)] if origin.window.until else []
    return shlex.join([*words, "--filter", filter])


def _is_google(endpoint: str) -> bool:
    host = urllib.parse.urlsplit(endpoint).hostname or ""
    return host == _GOOGLE or host.endswith(f".{_GOOGLE}")


def _needed(target: Environment) -> str:
    """The environment's name, where its settings for logs are not the usual ones."""
    usual = Environment(name="")
    names = [field.name for field in dataclasses.fields(usual) if field.name.startswith("logs_")]
    differs = any(getattr(target, name) != getattr(usual, name) for name in [*names, "mask_contacts"])
    return target.name if differs else ""


def from_root(path: Path) -> str:
    """A path as it is given in the project's folder: relative where it lies inside."""
    root = environments.project_root()
    absolute = path if path.is_absolute() else root / path
    return str(absolute.relative_to(root)) if absolute.is_relative_to(root) else str(absolute)
