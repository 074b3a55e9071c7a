"""A short name of the log that a run read, for lists: what a person calls it, not where it lies. Pure.

``/home/me/exports/export.json`` is ``export.json``, several are ``export.json +2``; ``api:shop-prod`` and other
addresses stay as they are. What is too long loses its middle: the beginning tells the kind, the end tells which.
"""

from __future__ import annotations

import re
from typing import Any

from gpkit.redaction import redact

MAX_CHARS = 40  # chosen: beside the environment it still fits a column of a list
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")  # one letter would be a drive


def log_name(logs: Any, *, folders: int = 0) -> str:
    """The name of what the parameter ``logs`` says, at most ``MAX_CHARS`` long; empty where no log was read.

    So many ``folders`` above a file are named too, where a list would show two logs under one name. It may hold any
    character of a file's name: escape it where it is shown.
    """
    named = [text for one in (logs if isinstance(logs, list | tuple) else [logs]) if one and (text := str(one).strip())]
    if not named:
        return ""
    more = f" +{len(named) - 1}" if len(named) > 1 else ""
    return _shortened(redact(_own_name(named[0], folders)), MAX_CHARS - len(more)) + more


def _own_name(text: str, folders: int) -> str:
    if _ADDRESS.match(text):
        return text
    parts = [part for part in text.replace("\\", "/").split("/") if part]
    return "/".join(parts[-1 - folders :]) or text


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    begin = (limit - 1) // 2
    return f"{text[:begin]}…{text[-(limit - 1 - begin) :]}"
