"""The log grammar: what a line means, as data.

``grammar.yaml`` is read by code, docs and tests alike. :func:`classified` is an Ibis expression, so that the same
grammar runs where the entries are: DuckDB, BigQuery or Spark. The first row that matches a line decides.

Most lines match no row, so one pattern of all rows is tried first; a line that passes is narrowed down by blocks of
rows before it meets single rows. Both only say which rows need not be tried: what is decided stays the same.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir
    import pandas as pd

REASONS = (
    "no_token",
    "signature",
    "audience",
    "segments",
    "expired",
    "not_ready",
    "subprotocol",
    "breaker_open",
    "crash_loop",
    "start_failed",
    "unknown",
)
"""Why a connection was refused or failed."""

UPGRADE_PATH = r"/(?:ws|websocket|api/v1/websocket)(?:/[^?]*)?(?:\?.*)?$"
"""Where a WebSocket is asked for; ``/ws/health`` and its like answer plain requests."""
PLAIN_PATH = r"/(?:ws|websocket)/(?:health|config|stats|beacon|auth|factory/status|factory/health|isolated/health)"

CONNECTION = r"(?:^|[^0-9A-Za-z_])((?:main|factory|isolated|legacy|prelim|ws_conn)_[A-Za-z0-9_\-]+)"
"""A connection id in a line, in its only group. No word boundary: Java's knows letters that RE2's does not."""

_PIECE = re.compile(r"\\.|\[(?:\\.|[^\]])*\]|\.|\$")  # an escape, a set of characters, or what is spelled anew

BLOCK = 16  # measured: 6, 11, 24 and 40 rows are slower; a million lines take 0.37 s, row by row 2.5 s


@dataclass(frozen=True)
class Rule:
    """One row of the grammar; the file says what each field means."""

    id: str
    phase: str
    field: str
    pattern: str
    generation: str
    seen: str
    reason: str | None = None
    severity: str | None = None
    status: tuple[int, ...] = ()


@functools.cache
def grammar() -> tuple[Rule, ...]:
    """The rows, in the order in which they are tried."""
    rows = yaml.safe_load(Path(__file__).with_name("grammar.yaml").read_text("utf-8"))
    return tuple(Rule(**{**row, "status": tuple(row.get("status", ()))}) for row in rows)


def match(message: str, *, kind: str = "text") -> Rule | None:
    """The row for one message; null when no row matches.

    Args:
        message: As in the table ENTRIES.
        kind: ``text`` or ``json``, its payload kind.
    """
    for rule in grammar():
        if rule.field in ("any", kind) and re.search(rule.pattern, message):
            return rule
    return None


def classified(entries: ir.Table, *, phases: Collection[str] | None = None) -> ir.Table:
    """The entries with ``rule``: the id of the row that matches, null for none. An Ibis expression.

    Args:
        entries: The table ENTRIES, or its columns message, payload_kind, http_url and http_status.
        phases: Only rows of these phases are told, others as null. Fewer lines are looked at, the answer is the same.
    """
    import ibis

    rules = grammar()
    told = [rule for rule in rules if phases is None or rule.phase in phases]
    upgrade = is_upgrade(entries)
    upgrades = [(upgrade & entries.http_status.isin(rule.status), rule.id) for rule in rules if rule.field == "http"]
    lines = [rule for rule in rules if rule.field != "http"]
    blocks = [ibis.cases(*upgrades, else_=ibis.null(str))]
    blocks += [_block(entries, lines[begin : begin + BLOCK]) for begin in range(0, len(lines), BLOCK)]
    may_match = entries.message.re_search(_any_of(told)).fill_null(False) | upgrade
    rule = ibis.cases((may_match, ibis.coalesce(*blocks)), else_=ibis.null(str))
    if phases is not None:
        rule = rule.isin([rule.id for rule in told]).ifelse(rule, ibis.null(str))
    return entries.mutate(rule=rule)


def is_upgrade(entries: ir.Table) -> ir.BooleanValue:
    """Whether an entry is the request entry of an upgrade, whatever its status; never null."""
    path = entries.http_url.re_search(on_engines(UPGRADE_PATH))
    return (path & ~entries.http_url.re_search(PLAIN_PATH)).fill_null(False)


def _block(entries: ir.Table, rules: Sequence[Rule]) -> ir.StringValue:
    """The first of these rows that matches; one pattern tells of most lines that none does."""
    import ibis

    branches: list[tuple[Any, str]] = []
    for rule in rules:
        matches = entries.message.re_search(on_engines(rule.pattern))
        branches.append((matches if rule.field == "any" else (entries.payload_kind == rule.field) & matches, rule.id))
    nothing = ibis.null(str)
    return ibis.cases((entries.message.re_search(_any_of(rules)), ibis.cases(*branches, else_=nothing)), else_=nothing)


def _any_of(rules: Iterable[Rule]) -> str:
    return "|".join(f"(?:{on_engines(rule.pattern)})" for rule in rules if rule.field != "http")


def on_engines(pattern: str) -> str:
    r"""A pattern of the grammar so that RE2 and Java read it alike.

    Java's ``$`` also stands before a last newline, its ``.`` stops at more characters than the newline, and its
    white space has the vertical tab too.
    """
    spelled = {".": r"[^\n]", "$": r"\z", r"\S": r"[^\t\n\f\r ]", r"\s": r"[\t\n\f\r ]"}
    return _PIECE.sub(lambda piece: spelled.get(piece[0], piece[0]), pattern)


def classify(entries: pd.DataFrame) -> pd.DataFrame:
    """The entries with ``phase``, ``reason`` and ``rule`` of each.

    One row for each entry, in the same order; the input is untouched. Null where no row of the grammar matches.
    A requests entry of an upgrade is an ``upgrade``, whatever text it also holds.

    Raises:
        TableError: A column is missing.
    """
    import pandas as pd

    rules = _rules_of(entries)
    by_id = {rule.id: rule for rule in grammar()}
    found = entries.copy(deep=False)
    found["phase"] = pd.Series(rules.map({name: rule.phase for name, rule in by_id.items()}), dtype="str")
    found["reason"] = pd.Series(rules.map({name: rule.reason for name, rule in by_id.items()}), dtype="str")
    found["rule"] = rules
    return found


def _rules_of(entries: pd.DataFrame) -> pd.Series[Any]:
    import pandas as pd

    narrow = entries[["message", "payload_kind", "http_url", "http_status"]].reset_index(drop=True)
    narrow["line"] = range(len(narrow))
    table = classified(in_ibis(narrow))
    found = table.filter(table.rule.notnull())["line", "rule"].to_pyarrow()
    rules = pd.Series(None, index=range(len(entries)), dtype="str")
    rules.loc[found["line"].to_numpy()] = found["rule"].to_pylist()
    rules.index = entries.index
    return rules


def in_ibis(frame: pd.DataFrame) -> ibis.Table:
    """A frame as an Ibis table in DuckDB's memory, texts shared and not copied."""
    import ibis
    import pyarrow as pa

    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))
