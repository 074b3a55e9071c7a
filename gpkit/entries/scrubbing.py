"""Credentials and contacts taken out of entries, before anything else sees them.

DuckDB finds the few entries that could hold any, and :mod:`gpkit.redaction` decides about each. The client and
server addresses that every request carries are masked by DuckDB itself, with the same result.
What joins evidence (insert id, trace, span, log name, instants, instance, revision) is never altered.
"""

# ruff: noqa: S608 - the SQL is put together from constants and quoted literals, never from what a log holds.
from __future__ import annotations

import json
from collections.abc import Callable

from gpkit import redaction
from gpkit.entries.cleaning import literal

# Loopback and link-local addresses stay: any first octet but 127, and 169 only when 254 does not follow.
_OCTET = r"(?:[1-9]?\d|1[013-57-9]\d|12[0-68-9]|16[0-8]|2\d\d)"
_ROUTABLE = rf"(?:{_OCTET}\.\d{{1,3}}|169\.(?:\d\d?|1\d\d|2[0-46-9]\d|25[0-35-9]))"
_ADDRESS_FIELD = rf'"(remoteIp|serverIp|callerIp)"(\s*:\s*)"({_ROUTABLE})\.\d{{1,3}}\.\d{{1,3}}"'
_CONTACT = (
    rf"(?:^|[^\w./]|[^A-Za-z]/){_ROUTABLE}\.\d{{1,3}}\.\d{{1,3}}"
    r"|[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+\."
    r"|[0-9A-Fa-f]{0,4}::[0-9A-Fa-f]{1,4}|[0-9A-Fa-f]{1,4}::|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]"
)
_JOINING = frozenset(
    [
        "insertId",
        "insert_id",
        "trace",
        "spanId",
        "span_id",
        "logName",
        "log_name",
        "timestamp",
        "receiveTimestamp",
        "receive_timestamp",
        "instanceId",
        "revision_name",
        "service_name",
        "configuration_name",
    ]
)


def scrubbed_sql(source: str, *, mask_contacts: bool) -> str:
    """SQL: the rows of ``source`` (``entry``, ``readable``) with nothing in ``entry`` that may not be seen.

    ``scrub`` must be registered: the function that :func:`scrubber` makes.
    """
    suspicious = redaction.candidate_pattern()
    if mask_contacts:
        suspicious = f"{suspicious}|{_CONTACT}"
        masked = f"regexp_replace(entry, {literal(_ADDRESS_FIELD)}, '\"\\1\"\\2\"\\3.x.x\"', 'g')"
        source = f"""
            SELECT CASE WHEN contains(entry, 'Ip"') THEN {masked} ELSE entry END AS entry, readable
            FROM ({source})
        """
    return f"""
        SELECT CASE WHEN regexp_matches(entry, {literal(suspicious)}) THEN scrub(entry) ELSE entry END AS entry,
            readable
        FROM ({source})
    """


def scrubber(*, mask_contacts: bool) -> Callable[[str], str]:
    """The function that takes credentials, and contacts if asked, out of one entry's JSON text."""

    def clean(text: str) -> str:
        text = redaction.redact(text)
        return redaction.mask_contacts(text) if mask_contacts else text

    def scrub(entry: str) -> str:
        cleaned = clean(entry)
        if cleaned == entry:
            return entry
        before = json.loads(entry)
        try:
            after = json.loads(cleaned)
        except ValueError:
            # The cleaned text no longer parses: clean each value by itself.
            return json.dumps(_clean_values(before, clean))
        restored = _restore_ids(after, before)
        return cleaned if restored == after else json.dumps(restored)

    return scrub


def _clean_values(value: object, clean: Callable[[str], str], key: str = "") -> object:
    if isinstance(value, str):
        return value if key in _JOINING else clean(value)
    if isinstance(value, list):
        return [_clean_values(item, clean) for item in value]
    if isinstance(value, dict):
        return {clean(name): _clean_values(item, clean, name) for name, item in value.items()}
    return value


def _restore_ids(after: object, before: object) -> object:
    """Redaction leaves ids alone; this holds even for an id that looks like a credential."""
    if not isinstance(after, dict) or not isinstance(before, dict):
        return after
    return {
        name: before[name]
        if name in _JOINING and name in before and isinstance(before[name], str)
        else _restore_ids(value, before.get(name))
        if name in ("labels", "resource")
        else value
        for name, value in after.items()
    }
