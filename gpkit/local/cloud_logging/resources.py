"""Which logs a resource name stands for.

Pure. ``projects/P`` (or ``organizations/``, ``folders/``, ``billingAccounts/``) stands for the logs that belong to it
directly; a view of one of its buckets for a part of them. Buckets and views are the predefined ones, in ``global``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpkit.local.cloud_logging.refusals import RefusedError, denied, invalid

MOST_RESOURCES = 100  # documented: of ListLogEntriesRequest.resource_names
_PARENT = r"(?:projects|organizations|folders|billingAccounts)/[^/\s]+"
_NAME = re.compile(rf"({_PARENT})(?:/locations/([^/\s]+)/buckets/([^/\s]+)/views/([^/\s]+))?")
_LOG = re.compile(rf"({_PARENT})/logs/(.*)")
# Documented: _Required takes these audit logs, _Default all others; its _Default view leaves data access logs out.
_REQUIRED = frozenset(
    f"cloudaudit.googleapis.com%2F{kind}" for kind in ("activity", "system_event", "access_transparency")
)
_DATA_ACCESS = "cloudaudit.googleapis.com%2Fdata_access"
_VIEWS = {("_Default", "_AllLogs"), ("_Default", "_Default"), ("_Required", "_AllLogs")}


@dataclass(frozen=True, slots=True)
class Resource:
    """A parent, and the view of it; null for all of its logs."""

    parent: str
    bucket: str | None = None
    view: str | None = None


def parse(names: Sequence[str], served: Iterable[str]) -> tuple[Resource, ...]:
    """The resources of a call.

    Args:
        names: As the call gives them.
        served: The parents that have entries here.

    Raises:
        RefusedError: There is none, too many, one that is no resource name, or one that is not served.
    """
    if not names:
        raise invalid("resource_names is required.", "resource_names")
    if len(names) > MOST_RESOURCES:
        raise invalid(f"A maximum of {MOST_RESOURCES} resource names may be specified.", "resource_names")
    known = set(served)
    return tuple(_one(name, known) for name in names)


def _one(name: str, served: set[str]) -> Resource:
    found = _NAME.fullmatch(name)
    if found is None:
        raise _malformed(name)
    parent, location, bucket, view = found.groups()
    if parent not in served:
        raise denied(name)
    if bucket is not None and (location != "global" or (bucket, view) not in _VIEWS):
        raise denied(name)
    return Resource(parent, bucket, view)


def _malformed(name: str) -> RefusedError:
    return invalid(f"Name '{name[:200]}' is not a valid resource name.", "resource_names")


def parent_of(log_name: str) -> str | None:
    """The resource that a log belongs to; null for a text that is no log name."""
    found = _LOG.fullmatch(log_name)
    return found[1] if found else None


def admits(resources: Iterable[Resource], log_name: str) -> bool:
    """Whether one of the resources holds this log."""
    found = _LOG.fullmatch(log_name)
    return found is not None and any(_holds(resource, found[1], found[2]) for resource in resources)


def _holds(resource: Resource, parent: str, log: str) -> bool:
    if resource.parent != parent:
        return False
    if resource.bucket is None:
        return True
    if resource.bucket == "_Required":
        return log in _REQUIRED
    return log not in _REQUIRED and (resource.view == "_AllLogs" or log != _DATA_ACCESS)
