"""What is wrong with a filter, where, and what would be right."""

from __future__ import annotations

from gpkit.errors import ParameterError

SHOWN_CHARS = 60  # chosen, not measured: on each side of the caret, so that the line fits a terminal


class FilterError(ParameterError):
    """A filter that cannot be read (``kind`` is ``syntax``) or that can mean nothing (``semantic``).

    ``position`` is the offset in the text, from 0; ``line`` and ``column`` count from 1; ``expected`` says in words
    what could stand there, and is empty where that would not help.
    """

    kind: str = "syntax"
    position: int = 0
    line: int = 1
    column: int = 1
    expected: tuple[str, ...] = ()


def filter_error(
    text: str, at: int, problem: str, *, hint: str = "", expected: tuple[str, ...] = (), kind: str = "syntax"
) -> FilterError:
    """The error for a problem at an offset of the text, with the line and a caret under the place."""
    at = max(0, min(at, len(text)))
    line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    what = f"The filter is wrong at line {line}, column {column}: {problem}"
    shown = [_with_caret(text, at), f"Expected {_listed(expected)}." if expected else "", hint]
    error = FilterError(what, next_step="\n".join(part for part in shown if part))
    error.kind, error.position, error.line, error.column, error.expected = kind, at, line, column, expected
    return error


def _with_caret(text: str, at: int) -> str:
    from gpkit.redaction import redact

    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : end if end >= 0 else len(text)]
    if redact(line) != line:
        return "    (the line holds a credential and is not shown)"
    first = max(0, at - start - SHOWN_CHARS)
    shown = "".join(char if char.isprintable() else " " for char in line[first : at - start + SHOWN_CHARS])
    lead = "…" if first else ""
    return f"    {lead}{shown}\n    {' ' * (len(lead) + at - start - first)}^"


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
