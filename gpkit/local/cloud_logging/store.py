"""All entries that are served, in both orders. Entries come at any time and in any order of their instants.

An entry is told apart by (log name, timestamp, insert id), and a copy is not held again. The reference says that of
entries of one project with the same timestamp and insert id one query returns one; which of several log names it
keeps is not told, so entries of two logs are two here.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import TypeAlias

from gpkit.local.cloud_logging.held import Held
from gpkit.local.cloud_logging.resources import parent_of

Key: TypeAlias = tuple[int, str, int]
"""Nanoseconds, insert id, number: the place of an entry. The nanoseconds are negated in the order newest first."""

_FEW = 50  # chosen: for fewer new entries than one in so many, each is put in its place; otherwise all are sorted


class Store:
    """Entries by number, in the order of arrival; and their keys in both orders of time.

    Attributes:
        raws: The bytes of each entry.
        log_names: The log of each entry.
        oldest_first: Keys by instant, then insert id.
        newest_first: Keys by instant, newest first, then insert id: documented for both orders.
    """

    def __init__(self, project: str) -> None:
        self.project = project
        self.raws: list[bytes] = []
        self.log_names: list[str] = []
        self.oldest_first: list[Key] = []
        self.newest_first: list[Key] = []
        self._keys: list[Key] = []
        self._seen: set[tuple[int, str, str]] = set()
        self._names: dict[str, str] = {}
        self._parents: dict[str, int] = {}

    def add(self, entries: Iterable[Held]) -> list[int]:
        """Hold entries, each once.

        Returns:
            The numbers of those that are new.
        """
        new: list[Key] = []
        for entry in entries:
            identity = (entry.timestamp_ns, entry.insert_id, entry.log_name)
            if entry.insert_id and identity in self._seen:
                continue
            self._seen.add(identity)
            new.append((entry.timestamp_ns, entry.insert_id, len(self.raws)))
            self._keys.append(new[-1])
            self.raws.append(entry.raw)
            name = self._names.setdefault(entry.log_name, entry.log_name)
            self.log_names.append(name)
            if (parent := parent_of(name)) is not None:
                self._parents[parent] = self._parents.get(parent, 0) + 1
        _place(self.oldest_first, new)
        _place(self.newest_first, [(-at, insert_id, number) for at, insert_id, number in new])
        return [number for _, _, number in new]

    def key(self, number: int, newest_first: bool) -> Key:
        """The place of an entry in one of the orders."""
        at, insert_id, _ = self._keys[number]
        return (-at if newest_first else at, insert_id, number)

    def parents(self) -> dict[str, int]:
        """The resources that have entries, and how many; the store's own project is among them without any."""
        return {f"projects/{self.project}": 0} | self._parents


def _place(order: list[Key], new: list[Key]) -> None:
    if len(new) * _FEW < len(order):
        for key in new:
            bisect.insort(order, key)
    else:
        order.extend(new)
        order.sort()
