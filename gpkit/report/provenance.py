"""Where a report comes from, as names and values to show: run, window, parameters, coverage, versions.

Pure. What the evidence itself says about its gaps (``coverage["notes"]``) is kept apart, because it is read first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpkit.history.past import finite
from gpkit.report.account import Account
from gpkit.report.measures import number
from gpkit.report.visible import one_line
from gpkit.report.wording import duration, instant

Pairs = list[tuple[str, str]]
MAX_FILTER_CHARS = 600  # chosen: it stands beside the headline; the parameters have it too


def facts(account: Account) -> Pairs:
    """The run itself, in the order in which a reader asks."""
    git = account.run.get("git")
    git = git if isinstance(git, Mapping) else {}
    revision = one_line(git.get("revision"))[:12]
    told = [
        ("Run", account.run_id),
        ("Notebook", account.notebook),
        ("Environment", account.environment),
        ("Started", instant(account.started_utc)),
        ("Duration", duration(account.duration_s)),
        ("Clock", clock(account)),
        ("CPU and memory", usage(account)),
        ("Status", account.status),
        ("Attempt", attempt(account.run)),
        ("Window", window_text(account.window, asked(account))),
        ("Selection", selection(account)),
        ("Code", f"{revision} with local changes" if revision and git.get("dirty") else revision),
    ]
    return [(name, one_line(value)) for name, value in told if value]


def clock(account: Account) -> str:
    """What happened to the machine's clock during the run; empty when it went on as it should."""
    moved_s = finite(account.run.get("clock_moved_s"))
    if not moved_s:
        return ""
    way = "forward" if moved_s > 0 else "back"
    return f"was set {way} by {duration(abs(moved_s))} during the run: instants before and after it do not compare"


def usage(account: Account) -> str:
    """``3.8 s CPU, 212 MB at the peak``, of all processes of the run; empty when nothing was recorded."""
    used = account.run.get("usage")
    used = used if isinstance(used, Mapping) else {}
    cpu, peak_bytes = duration(finite(used.get("cpu_s"))), finite(used.get("peak_memory_bytes"))
    told = [f"{cpu} CPU"] if cpu else []
    told += [f"{peak_bytes / 1e6:,.0f} MB at the peak"] if peak_bytes else []
    told += ["before this page was made"] if told and used.get("until") == "report" else []
    return ", ".join(told)


def attempt(run: Mapping[str, Any]) -> str:
    """``2, after RUN`` for an attempt that follows one that failed; else empty."""
    return f"{run.get('attempt')}, after {run['retry_of']}" if run.get("retry_of") else ""


def window_text(window: Any, asked: Mapping[str, Any] | None = None, *, missing: str = "?") -> str:
    """``… UTC to … UTC``; a missing end is a question mark, a missing window is empty.

    Args:
        window: First and last instant of the evidence.
        asked: The window that was asked for. Both are said when they differ.
        missing: What stands for a missing end.
    """
    if not isinstance(window, Mapping):
        return one_line(window)
    found, wanted = _ends(window, missing), _ends(asked or {}, "no limit")
    if not wanted or wanted == found:
        return found
    return f"{wanted} as asked; {f'evidence from {found}' if found else 'nothing lies in it'}"


def _ends(window: Mapping[str, Any], missing: str) -> str:
    ends = (window.get("since"), window.get("until"))
    return " to ".join(instant(str(end)) if end else missing for end in ends) if any(ends) else ""


def asked(account: Account) -> Mapping[str, Any]:
    """The window that was asked of a log; empty for a probe, and where none was."""
    told = _asked(account).get("window")
    return told if isinstance(told, Mapping) else {}


def selection(account: Account) -> str:
    """The filter of a run that looked at a part of the log only; empty for one that looked at all of it."""
    return one_line(_asked(account).get("filter"), MAX_FILTER_CHARS)


def _asked(account: Account) -> Mapping[str, Any]:
    told = account.coverage.get("asked") if isinstance(account.coverage, Mapping) else None
    return told if isinstance(told, Mapping) else {}


def parameters(account: Account) -> Pairs:
    """The values a notebook ran with."""
    return pairs(account.run.get("parameters"))


def versions(account: Account) -> Pairs:
    """What could change a number or a picture: Python, the platform, the packages."""
    around = {name: account.run[name] for name in ("python", "platform") if account.run.get(name)}
    return pairs(around) + pairs(account.run.get("versions"))


def coverage(account: Account) -> Pairs:
    """What the evidence covers, without its notes."""
    covered = account.coverage
    told = pairs({k: v for k, v in covered.items() if k != "notes"} if isinstance(covered, Mapping) else {})
    return [(name.replace("_", " "), value) for name, value in told]


def notes(account: Account) -> list[str]:
    """What a reader must know before trusting a number: sentences that came with the evidence."""
    told = account.coverage.get("notes") if isinstance(account.coverage, Mapping) else None
    return [one_line(note, 600) for note in told if note] if isinstance(told, list) else []


def pairs(mapping: Any, under: str = "") -> Pairs:
    """Names and values as text; a mapping inside becomes pairs of its own, named ``outer inner``."""
    found: Pairs = []
    for name, value in mapping.items() if isinstance(mapping, Mapping) else ():
        whole = f"{under} {name}".strip()
        if isinstance(value, Mapping) and value and not under:
            found += pairs(value, whole)
        else:
            found.append((one_line(whole), one_line(_said(value), 600)))
    return found


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list | tuple):
        joint = "; " if any(isinstance(part, Mapping) for part in value) else ", "
        return joint.join(one_line(_said(part)) for part in value) or "none"
    return "–" if value is None or value == "" else number(value)
