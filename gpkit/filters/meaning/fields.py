"""The fields of a log entry and their types: one table. Pure.

Documented: the fields of LogEntry (REST reference of Logging API v2) and of the messages inside it. A field of a
message is named without regard to case and underscores (``http_request.Status``); a key of a map or of ``jsonPayload``
is named exactly. A name that is in no table is an error before any entry is looked at.
Inferred: the members of ``protoPayload``, whose types only the service knows, are named like fields of a message.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from gpkit.filters.language.syntax import Path

_TEXT, _TIME = "string", "timestamp"
_RESOURCE_OF_APP = {"container": _TEXT, "location": _TEXT, "id": _TEXT}
_PART_OF_APP = {"id": _TEXT, "environmentType": _TEXT, "criticalityType": _TEXT}

MESSAGES: dict[str, dict[str, str]] = {
    "LogEntry": {
        "logName": _TEXT,
        "resource": "MonitoredResource",
        "timestamp": _TIME,
        "receiveTimestamp": _TIME,
        "severity": "enum",
        "insertId": _TEXT,
        "httpRequest": "HttpRequest",
        "labels": "map",
        "metadata": "MonitoredResourceMetadata",
        "operation": "LogEntryOperation",
        "trace": _TEXT,
        "spanId": _TEXT,
        "traceSampled": "bool",
        "sourceLocation": "LogEntrySourceLocation",
        "split": "LogSplit",
        "errorGroups": "LogErrorGroup",
        "apphub": "AppHub",
        "apphubDestination": "AppHub",
        "apphubSource": "AppHub",
        "textPayload": _TEXT,
        "jsonPayload": "struct",
        "protoPayload": "any",
    },
    "HttpRequest": {
        "requestMethod": _TEXT,
        "requestUrl": _TEXT,
        "requestSize": "int64",
        "status": "int32",
        "responseSize": "int64",
        "userAgent": _TEXT,
        "remoteIp": _TEXT,
        "serverIp": _TEXT,
        "referer": _TEXT,
        "latency": "duration",
        "cacheLookup": "bool",
        "cacheHit": "bool",
        "cacheValidatedWithOriginServer": "bool",
        "cacheFillBytes": "int64",
        "protocol": _TEXT,
    },
    "MonitoredResource": {"type": _TEXT, "labels": "map"},
    "MonitoredResourceMetadata": {"systemLabels": "struct", "userLabels": "map"},
    "LogEntryOperation": {"id": _TEXT, "producer": _TEXT, "first": "bool", "last": "bool"},
    "LogEntrySourceLocation": {"file": _TEXT, "line": "int64", "function": _TEXT},
    "LogSplit": {"uid": _TEXT, "index": "int32", "totalSplits": "int32"},
    "LogErrorGroup": {"id": _TEXT},
    "AppHub": {"application": "AppHubApplication", "service": "AppHubPart", "workload": "AppHubPart"},
    "AppHubApplication": _RESOURCE_OF_APP,
    "AppHubPart": _PART_OF_APP,
}
REPEATED = frozenset({"errorGroups"})
"""Lists of messages: where one is missing there is no member, so no default either."""
CONTAINERS = frozenset({"map", "struct", "any", *MESSAGES})
IN_ONEOF = frozenset({("textPayload",)})
"""Fields that can stand there empty. Of all others protocol buffers do not tell an empty text from none."""
DEFAULTS: dict[str, object] = {
    "string": "",
    "enum": "DEFAULT",
    "bool": False,
    "int32": 0,
    "int64": 0,
    "timestamp": "1970-01-01T00:00:00Z",
    "duration": "0s",
}
"""What a field compares as where an entry lacks it. That an absent instant is 1970 is inferred."""


@dataclass(frozen=True)
class Field:
    """What a path names.

    ``steps`` lead through messages, as the REST API spells them; ``keys`` lead on through a map, ``jsonPayload`` or
    ``protoPayload``. ``kind`` is the type at the end: a scalar (see :data:`DEFAULTS`), ``label`` for a text of a map,
    ``struct`` or ``any`` for a JSON value of any type, or a container.
    """

    steps: tuple[str, ...]
    kind: str
    keys: tuple[str, ...] = ()

    @property
    def is_container(self) -> bool:
        """Whether it holds fields rather than a value; a member of a payload can be either, so it is not."""
        return self.kind in CONTAINERS and not self.keys


class UndefinedFieldError(Exception):
    """A path that names no field; ``hint`` may say what was meant."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


def same_name(name: str) -> str:
    """A name as names of fields are compared: without case and underscores."""
    return name.replace("_", "").lower()


_BY_NAME = {message: {same_name(name): name for name in fields} for message, fields in MESSAGES.items()}


def resolve(path: Path) -> Field:
    """The field that a path names.

    Raises:
        UndefinedFieldError: LogEntry has no such field.
    """
    kind = "LogEntry"
    steps: list[str] = []
    for component in path.components:
        if kind not in MESSAGES:
            break
        name = _BY_NAME[kind].get(same_name(component))
        if name is None:
            raise _undefined(kind, tuple(steps), component)
        steps.append(name)
        kind = MESSAGES[kind][name]
    keys = path.components[len(steps) :]
    if not keys:
        return Field(tuple(steps), kind)
    if kind == "map":
        if len(keys) > 1:
            raise _label_in_parts(path, len(steps))
        return Field(tuple(steps), "label", keys)
    if kind in ("struct", "any"):
        return Field(tuple(steps), kind, keys)
    raise UndefinedFieldError(f"{'.'.join(steps)} is one value; it has no field '{keys[0]}'.")


def snake(name: str) -> str:
    """The spelling of a field in exports that scripts write: ``http_request`` for ``httpRequest``."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def _undefined(message: str, before: tuple[str, ...], component: str) -> UndefinedFieldError:
    holder = ".".join(before) or "a log entry"
    close = difflib.get_close_matches(same_name(component), _BY_NAME[message], n=1)
    hint = f"Did you mean '{'.'.join((*before, _BY_NAME[message][close[0]]))}'?" if close else ""
    if not close and not before:
        hint = f"Of a payload: jsonPayload.{component}. As a search term, a word stands alone."
    return UndefinedFieldError(f"{holder} has no field '{component}'.", hint)


def _label_in_parts(path: Path, steps: int) -> UndefinedFieldError:
    name, key = ".".join(path.components[:steps]), ".".join(path.components[steps:])
    return UndefinedFieldError(
        f"{name}.{path.components[steps]} is one text; it has no field '{path.components[steps + 1]}'.",
        f'A label whose name holds dots is quoted: {name}."{key}".',
    )
