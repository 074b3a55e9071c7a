"""Secrets that are known by value: read through a reference, and from then on replaced wherever they stand.

The remembered values live as long as the process.
"""

from __future__ import annotations

import base64
import os
import re
import urllib.parse
from pathlib import Path

from gpkit.errors import TargetError
from gpkit.redaction.credentials import CANDIDATE, without_credentials

MIN_SECRET_CHARS = 8  # chosen: shorter values would also match ordinary words

_remembered: dict[str, None] = {}


def redact(text: str) -> str:
    """The text with every credential replaced by ``[redacted:KIND]``; ids and numbers untouched."""
    for form in _remembered:
        if form in text:
            text = text.replace(form, "[redacted:secret]")
    return without_credentials(text)


def remember_secret(value: str) -> None:
    """From now on :func:`redact` replaces this value wherever and however encoded it stands.

    Raises:
        ValueError: The value has fewer than 8 characters, so that redacting it would spoil ordinary text.
    """
    if len(value) < MIN_SECRET_CHARS:
        raise ValueError(f"A secret needs at least {MIN_SECRET_CHARS} characters.")
    for form in sorted(_forms(value), key=len, reverse=True):
        _remembered.setdefault(form)


def candidate_pattern() -> str:
    """An RE2 pattern that every text matches which :func:`redact` would change now."""
    return "|".join([CANDIDATE, *(re.escape(form).replace("\\/", "/") for form in _remembered)])


def read_secret(reference: str) -> str:
    """The value behind ``env:NAME`` or ``file:PATH``; remembered, so that it is redacted from now on.

    Raises:
        TargetError: The reference is malformed, or its value is missing or shorter than 8 characters.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        value = os.environ.get(name, "")
        where, remedy = f"The environment variable {name}", f"Set it: export {name}=…"
    elif kind == "file" and name:
        path = Path(name)
        value = path.read_text("utf-8").strip() if path.is_file() else ""
        where, remedy = f"The file {name}", "Write the secret into it, readable by you alone."
    else:
        raise TargetError(
            "A credential is named by a reference, and this one is none.",
            next_step="Use env:NAME or file:PATH; the secret itself is never a parameter.",
        )
    if not value:
        raise TargetError(f"{where} holds no secret.", next_step=remedy)
    if len(value) < MIN_SECRET_CHARS:
        raise TargetError(f"{where} holds fewer than {MIN_SECRET_CHARS} characters.", next_step=remedy)
    remember_secret(value)
    return value


def has_secret(reference: str) -> bool:
    """Whether :func:`read_secret` would find a value, without reading a wrong one into an error."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        return bool(os.environ.get(name))
    return kind == "file" and Path(name).is_file()


def _forms(value: str) -> set[str]:
    raw = value.encode()
    forms = {value, urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value), raw.hex()}
    # Inside a longer text, base64 of the value depends on where it starts: three alignments, inner characters only.
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw).decode().rstrip("=")
        first = (lead * 8 + 5) // 6
        last = (lead + len(raw)) * 8 // 6
        inner = encoded[first:last]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= MIN_SECRET_CHARS}
