"""What the evidence of a run covers, in a few sentences: the grave ones first, silences counted.

Pure. The sentences are those of ``coverage["notes"]``, which come with the evidence, worst first. A log may have
hundreds of silences: the longest ones stand for them, after everything else, so that none hides what is missing.
"""

from __future__ import annotations

import re

from gpkit.plural import plural
from gpkit.report import provenance
from gpkit.report.account import Account

MOST = 6  # chosen: sentences that are still read before the findings
MOST_SILENCES = 2  # chosen: the longest
MOST_CHARS = 300  # chosen: of one sentence
# As gpkit.entries.coverage writes them.
_SILENCE = re.compile(r"(?:Silence of|No entry that the filter selects for) (\d+) s ")


def sentences(account: Account) -> list[str]:
    """What to know before trusting a number: at most ``MOST`` sentences, and one that counts those left out."""
    told = provenance.notes(account)
    silences = sorted((note for note in told if _seconds(note)), key=_seconds, reverse=True)
    others = [note for note in told if not _seconds(note)]
    room = max(0, min(MOST_SILENCES, MOST - len(others)))
    shown = [*others[:MOST], *silences[:room]]
    left = [
        f"{count:,} {word}"
        for count, word in (
            (len(others[MOST:]), plural(len(others[MOST:]), "more note")),
            (len(silences[room:]), plural(len(silences[room:]), "more silence" if room else "silence")),
        )
        if count
    ]
    cut = [note if len(note) <= MOST_CHARS else note[: MOST_CHARS - 1] + "…" for note in shown]
    return [*cut, *([f"And {' and '.join(left)}: report.html and results.json have them."] if left else [])]


def _seconds(note: str) -> int:
    """How long a silence is of which a sentence tells; 0 for one that tells of something else."""
    found = _SILENCE.match(note)
    return int(found[1]) if found else 0
