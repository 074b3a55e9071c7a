"""Text as a person reads it: without ANSI codes and colour tags; and the level that stands in the text itself.

Every pattern is written for RE2, so that DuckDB applies it to a column; Python's ``re`` reads them alike.
The original is never touched: it stays in the entry.
"""

from __future__ import annotations

# ECMA-48: control sequences, operating system commands, two-character escapes, and an escape that lost its rest.
ANSI = r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\^_]|\x1b"

_COLOURS = "black|red|green|yellow|blue|magenta|cyan|white"
_STYLES = "level|bold|dim|normal|italic|underline|strike|reverse|blink|hide"
_TAG_NAMES = f"(?:(?:light-)?(?:{_COLOURS})|{_STYLES})"
# Loguru's markup. Only whole names: <b> or <e> may be anything.
COLOUR_TAG = f"</?(?i:{_TAG_NAMES})>"
TAG_LEFT_OPEN = f"<(?i:{_TAG_NAMES})>[^<]*$"
TAG_CLOSED_ALONE = f"^[^<]*</(?i:{_TAG_NAMES})>"

_LEVELS = "TRACE|DEBUG|INFO|SUCCESS|NOTICE|WARN|WARNING|ERROR|EXCEPTION|CRITICAL|FATAL|ALERT|EMERGENCY"
_DATE = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
# Four writers, one group, since RE2 gives the text of a single group:
#   gunicorn and uvicorn    [date +0000] [pid] [LEVEL] text
#   the standard library    date - [service - ]logger - LEVEL - text
#   loguru                  date | LEVEL    | module:function:line | text
#   a bare level            LEVEL:logger:text
EMBEDDED_LEVEL = (
    rf"^(?:\[{_DATE}(?: [+-]\d{{4}})?\] \[\d+\] \[|{_DATE} - (?:[^ ]+ - ){{1,2}}|{_DATE} *\| *)?"
    rf"({_LEVELS})(?:\]| - | *\||:)"
)
"""The level at the head of a cleaned text, in its only group."""

OWN_PREFIX = rf"^(?:\[?{_DATE}|(?:{_LEVELS}):|\S+:\d+ - \")"
"""A line that begins like this is a line of its own."""

TRACEBACK = r"^Traceback \(most recent call last\):"

_SAME_LEVEL = {
    "TRACE": "DEBUG",
    "SUCCESS": "INFO",
    "WARN": "WARNING",
    "EXCEPTION": "ERROR",
    "FATAL": "CRITICAL",
    "100": "DEBUG",
    "200": "INFO",
    "300": "NOTICE",
    "400": "WARNING",
    "500": "ERROR",
    "600": "CRITICAL",
    "700": "ALERT",
    "800": "EMERGENCY",
}


def literal(text: str) -> str:
    """A text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def clean_sql(column: str) -> str:
    """SQL: the column without ANSI codes and colour tags."""
    pattern = literal(f"{ANSI}|{COLOUR_TAG}")
    # Looking for the two characters is cheaper than the expression: most lines have neither.
    return (
        f"CASE WHEN contains({column}, chr(27)) OR contains({column}, '>') "
        f"THEN regexp_replace({column}, {pattern}, '', 'g') ELSE {column} END"
    )


def level_sql(text: str) -> str:
    """SQL: the level that stands in a cleaned text, as it stands there, or null."""
    return (
        f"CASE WHEN starts_with({text}, 'Traceback (most recent call last):') THEN 'ERROR' "
        f"ELSE nullif(regexp_extract({text}, {literal(EMBEDDED_LEVEL)}, 1), '') END"
    )


def same_level_sql(level: str) -> str:
    """SQL: Cloud Logging's name for a level in capitals."""
    cases = " ".join(f"WHEN '{other}' THEN '{name}'" for other, name in _SAME_LEVEL.items())
    return f"CASE {level} {cases} ELSE {level} END"
