"""Which lines continue the line before them.

Cloud Run makes one entry of each line that a container writes, so a text with a newline falls apart: a traceback, a
warning with its source line, a pretty-printed context, a message inside a colour tag. The parts are linked to their
head and never merged.

The rule is conservative. A text line continues the one before it, in the same log of the same instance and within
:data:`MAX_GAP_MS`, when it

* begins with white space;
* is "During handling of…" or "The above exception…" after a part of a traceback;
* is "Traceback (most recent call last):" after such a joiner, or after a text line whose own level is ERROR or worse;
* is the exception's own line after an indented line;
* is nothing but closing brackets after an indented line;
* closes a colour tag that the line before left open.

A line with a date, a level or a client address of its own at its head never continues another.
"""

# ruff: noqa: S608 - the SQL is put together from constants and quoted literals, never from what a log holds.
from __future__ import annotations

from gpkit.entries.cleaning import OWN_PREFIX, TAG_CLOSED_ALONE, TAG_LEFT_OPEN, TRACEBACK, literal

MAX_GAP_MS = 10  # chosen: parts of one write lie well below 1 ms apart, separate writes of one event about 1 ms

_JOINER = r"^(?:During handling of the above exception|The above exception was the direct cause)"
_EXCEPTION = r"^[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|Timeout)(?::|$)"
_CLOSING = r"^[\]})]+,?\s*$"


def begins_as_sql(message: str, raw: str) -> str:
    """SQL: how a text line begins, as far as linking cares; null for most lines."""
    return f"""CASE
        WHEN starts_with({message}, ' ') OR starts_with({message}, chr(9)) THEN 'space'
        WHEN contains({raw}, '</') AND regexp_matches({raw}, {literal(TAG_CLOSED_ALONE)})
            AND NOT regexp_matches({message}, {literal(OWN_PREFIX)}) THEN 'tag_end'
        WHEN regexp_matches({message}, {literal(TRACEBACK)}) THEN 'traceback'
        WHEN regexp_matches({message}, {literal(_JOINER)}) THEN 'joiner'
        WHEN regexp_matches({message}, {literal(_EXCEPTION)}) THEN 'exception'
        WHEN regexp_matches({message}, {literal(_CLOSING)}) THEN 'closing'
    END"""


def left_open_sql(raw: str) -> str:
    """SQL: whether a text line leaves a colour tag open."""
    return f"(contains({raw}, '<') AND regexp_matches({raw}, {literal(TAG_LEFT_OPEN)}))"


LINK = f"""
    CREATE TEMP TABLE links AS
    WITH streams AS (SELECT DISTINCT instance_id, log_name FROM entries WHERE begins_as IS NOT NULL),
    lines AS (
        SELECT line, sequence, insert_id, timestamp_ns, begins_as, left_open, message, severity, effective_severity,
            payload_kind = 'text' AS is_text,
            effective_severity IN ('ERROR', 'CRITICAL', 'ALERT', 'EMERGENCY') AS is_error,
            coalesce(entries.instance_id, '') || ' ' || coalesce(entries.log_name, '') AS stream
        FROM entries JOIN streams ON entries.instance_id IS NOT DISTINCT FROM streams.instance_id
            AND entries.log_name IS NOT DISTINCT FROM streams.log_name
        WHERE payload_kind IS NOT NULL AND timestamp_ns IS NOT NULL AND insert_id IS NOT NULL
            AND line NOT IN (SELECT line FROM copies)
    ),
    neighbours AS (
        SELECT *,
            timestamp_ns - lag(timestamp_ns) OVER near <= {MAX_GAP_MS} * 1000000
                AND lag(is_text) OVER near AS near_text,
            lag(begins_as) OVER near AS before,
            lag(is_error) OVER near AS after_error,
            lag(left_open) OVER near AS after_open
        FROM lines WINDOW near AS (PARTITION BY stream ORDER BY timestamp_ns, sequence)
    ),
    judged AS (
        SELECT *, coalesce(near_text AND is_text AND CASE begins_as
            WHEN 'space' THEN true
            WHEN 'joiner' THEN before IN ('traceback', 'exception', 'space')
            WHEN 'traceback' THEN before = 'joiner' OR (before IS NULL AND after_error)
            WHEN 'exception' THEN before = 'space'
            WHEN 'closing' THEN before = 'space'
            WHEN 'tag_end' THEN after_open
        END, false) AS goes_on
        FROM neighbours
    ),
    parts AS (
        SELECT *, sum(CASE WHEN goes_on THEN 0 ELSE 1 END) OVER so_far AS part
        FROM judged WINDOW so_far AS (PARTITION BY stream ORDER BY timestamp_ns, sequence)
    )
    SELECT line, goes_on, message, first(line) OVER run AS head, row_number() OVER run AS place,
        first(insert_id) OVER run AS head_insert_id,
        CASE WHEN severity IS NULL THEN first(effective_severity) OVER run ELSE effective_severity END
            AS own_or_head_severity
    FROM parts
    WINDOW run AS (PARTITION BY stream, part ORDER BY timestamp_ns, sequence)
    QUALIFY count(*) OVER (PARTITION BY stream, part) > 1
    """
"""SQL: the table ``links``, one row for each line of a group."""

JOINED = "SELECT head, string_agg(message, chr(10) ORDER BY place) AS message FROM links GROUP BY head ORDER BY head"
"""SQL: the joined text of each group."""
