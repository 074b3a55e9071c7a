"""What a text names as a source of log entries.

========================  =============================================================
``export.json``           a file, a folder or a pattern
``api:PROJECT``           a project's log through the Cloud Logging API, kept in the cache
``bigquery:PROJECT.SET``  a project's log in Log Analytics
``gs://BUCKET/PREFIX/*``  sink files wherever fsspec reaches
========================  =============================================================

Pure: text in, a source out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpkit.errors import ParameterError, SourceError, nearest

FILES, API, BIGQUERY, SINK = "files", "api", "bigquery", "sink"

# One letter would be a drive.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):(//)?(.*)", re.DOTALL)
# Ids, also with a domain before a colon, and numbers, generously: the service knows better what exists.
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_\-]{0,127}")
_DATASET = re.compile(r"[A-Za-z0-9_:.\-]+\.[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)?")


@dataclass(frozen=True)
class Source:
    """One source: its kind, one of the names above, and what it is called there."""

    kind: str
    name: str


def dataset_of(name: str) -> tuple[str, str, str]:
    """Project, dataset and view of ``PROJECT.DATASET[.VIEW]``; the view is empty where none is named.

    A project of a domain may hold dots, and a view is told by its underscore.
    """
    project, _, last = name.rpartition(".")
    if not last.startswith("_"):
        return project, last, ""
    project, _, dataset = project.rpartition(".")
    return project, dataset, last


def is_address(text: str) -> bool:
    """Whether this names something else than a file of this machine."""
    return _ADDRESS.match(text) is not None


def require_window(asked: Source, since: object, until: object) -> None:
    """Refuse to read a project's log without limits: only files have an end of their own.

    Raises:
        ParameterError: The source needs a window, and an end of it is missing.
    """
    if (since and until) or asked.kind not in (API, BIGQUERY):
        return
    raise no_window(since, until)


def no_window(since: object, until: object) -> ParameterError:
    """The error for a project's log of which an end of the window is not given."""
    lacking = " and ".join(name for name, given in (("since", since), ("until", until)) if not given)
    return ParameterError(
        f"A project's log is read in a window, and this one has no {lacking}.",
        next_step="Give both: --since -1h --until now, or -p since=-1h -p until=now.",
    )


def source(text: str) -> Source:
    """What a text names.

    Raises:
        SourceError: It is an address of no kind that is known, or names nothing.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return Source(FILES, text)
    scheme, slashes, rest = match[1].lower(), match[2], match[3]
    if slashes:
        return Source(SINK, text)
    if scheme == API:
        if rest and not _PROJECT.fullmatch(rest):
            raise SourceError(f"'{rest[:100]}' is no project id.", next_step="Write api:PROJECT, as in api:shop-prod.")
        return Source(API, rest)
    if scheme == BIGQUERY:
        if not _DATASET.fullmatch(rest):
            raise SourceError(
                f"'{rest[:100]}' is no dataset.", next_step="Write bigquery:PROJECT.DATASET, as in bigquery:shop.logs."
            )
        return Source(BIGQUERY, rest)
    raise SourceError(
        f"'{match[1]}:' names no source of log entries.",
        nearest(scheme, (API, BIGQUERY)),
        "A source is a file, api:PROJECT, bigquery:PROJECT.DATASET or an address such as gs://BUCKET/PREFIX/*.json.",
    )
