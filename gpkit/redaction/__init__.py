"""Nothing secret gets past here. Applied where evidence enters, so that nothing downstream can leak.

Two rules. What could let somebody in is replaced by ``[redacted:KIND]``: JSON Web Tokens in every form they
travel (header, subprotocol raw or base64url, echoed, query, log text), bearer values, tickets, keys, passwords in
assignments and addresses, cookies, and every value that was read through a reference, in its raw, URL-encoded, base64
and hexadecimal forms.
What joins evidence is left alone: insert ids, traces, instances, revisions, and all numbers.

Redacting twice changes nothing more, and redacted JSON is still JSON.
"""

from gpkit.redaction import contacts, credentials
from gpkit.redaction.contacts import mask_contacts
from gpkit.redaction.credentials import CANDIDATE
from gpkit.redaction.secrets import (
    MIN_SECRET_CHARS,
    candidate_pattern,
    has_secret,
    read_secret,
    redact,
    remember_secret,
)

RULES = "\n".join([CANDIDATE, *(each.pattern for each in (*credentials.PATTERNS, *contacts.PATTERNS))])
"""What is replaced and masked: another text when that changed, so that what was kept under others is told apart."""

__all__ = [
    "CANDIDATE",
    "MIN_SECRET_CHARS",
    "RULES",
    "candidate_pattern",
    "has_secret",
    "mask_contacts",
    "read_secret",
    "redact",
    "remember_secret",
]
