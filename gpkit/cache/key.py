"""What a set of slices belongs to: one filter on one project of one server, read in one way."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from gpkit.cache.slices import SLICE_S
from gpkit.redaction import redact


@dataclass(frozen=True)
class Key:
    """What entries are held for. Two windows of one key share their slices.

    Attributes:
        project: Whose logs.
        filter: In its normal form, so that spelling makes no difference.
        endpoint: The server that was asked.
        masked: Whether client and e-mail addresses are masked in what is held.
        version: Of the table's columns; another version shares nothing.
    """

    project: str
    filter: str
    endpoint: str
    masked: bool
    version: int

    @property
    def digest(self) -> str:
        """Names the folder; 80 bits, so that two keys never share one."""
        return hashlib.sha256(json.dumps([asdict(self), SLICE_S]).encode()).hexdigest()[:20]

    def shown(self) -> dict[str, object]:
        """For people: the filter without what may let somebody in."""
        return asdict(self) | {"filter": redact(self.filter)}
