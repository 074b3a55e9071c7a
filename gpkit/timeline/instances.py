"""The life of each instance, as the platform and its own lines tell it; and boot loops.

A boot loop is named when at least :data:`LOOPS` instances of one revision failed to boot in a row, whatever the TCP
probe said: it succeeds as soon as the port is open, long before the application has started. An instance that had
started or served and then exited with an error has died, which is no failed boot, however many do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

LOOPS = 3  # chosen: one failed start happens, two in a row may be one cause, three are a loop

COLUMNS = (
    "instance_id",
    "service",
    "revision",
    "first_ns",
    "started_ns",
    "first_line_ns",
    "booted_ns",
    "failed_ns",
    "exit_ns",
    "exit_code",
    "boot_failure",
    "lived_s",
    "requests",
    "served",
    "entries",
    "on_path",
    "outcome",
)
TERMINATED = 143  # 128 + 15: ended by SIGTERM, as it was asked to
KILLED = 137  # 128 + 9: ended by SIGKILL

# Phases of connections that only the golden path has; those of tokens alone are the auth service's too.
_PATH = ("upgrade", "initiated", "access_refused", "accepted", "opened", "server_rejected", "established", "message")
# Phases that only an application that has started writes.
_SERVING = ("http_request", "access_refused", "accepted", "opened", "server_rejected", "established", "message")
_BEGINS = ("worker_start", "boot", "booted", "boot_failed")
# The line that says what was wrong stands before those that say that something was.
_TELLING = ("middleware-failed", "database-timeout", "phase-failed", "deterministic-failure", "startup-failed")


def instances(entries: pd.DataFrame) -> pd.DataFrame:
    """One row for each instance that logged anything.

    Args:
        entries: The table ENTRIES.

    Returns:
        ``first_ns`` (first entry), ``started_ns`` (the platform's word), ``first_line_ns`` (first application line of
        its start), ``booted_ns`` (application start-up complete), ``failed_ns`` (first sign of a failed boot),
        ``exit_ns`` and ``exit_code`` (of the container), ``boot_failure`` (what the application said), ``lived_s``
        (first entry to exit, or to its last entry), ``requests`` (with an entry of their own), ``served`` (those of
        them answered below 500), ``on_path`` (upgrades or lines of the golden path name its service), ``outcome``:
        ``serves`` (started or served), ``failed`` (failed to boot), ``died`` (started or served, then its container
        exited with an error), ``stopped`` (ended by the platform), ``unknown`` (too little of it was exported).
        An instant is null where no line tells it.

    Raises:
        TableError: A column is missing.
    """
    import pandas as pd

    from gpkit.logs.grammar import classify

    told = classify(entries)
    on_path = set(told.loc[told["phase"].isin(_PATH), "service"].dropna())
    known = told[told["instance_id"].notna()]
    rows = [_row(str(name), part) for name, part in known.groupby("instance_id", sort=False)]
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in COLUMNS}
    for name in COLUMNS:
        if name.endswith("_ns") or name == "exit_code":
            # By way of floats an instant would lose its last digits.
            columns[name] = pd.array(columns[name], dtype="Int64")
    found = pd.DataFrame(columns).sort_values("first_ns", kind="stable", ignore_index=True)
    return found.assign(on_path=found["service"].isin(on_path))


def of_the_path(instances: pd.DataFrame) -> pd.DataFrame:
    """The instances of services that have upgrades or lines of the golden path; all where no service is known to."""
    on_path = instances["on_path"].astype(bool)
    return instances[on_path] if on_path.any() else instances


def _row(instance_id: str, part: pd.DataFrame) -> dict[str, object]:
    stamps = part["timestamp_ns"].dropna()
    first_ns, last_ns = int(stamps.min()), int(stamps.max())
    exits = part[part["phase"] == "instance_exit"]
    exit_code = _number(r"exit\((\d+)\)", exits)
    exit_ns = _first_ns(exits)
    failed_ns = _first_ns(part[part["phase"] == "boot_failed"])
    booted_ns = _first_ns(part[part["phase"] == "booted"])
    is_request = part["http_url"].notna()
    served = int((is_request & (part["http_status"].fillna(500) < 500)).sum())
    has_lived = booted_ns is not None or served > 0 or part["phase"].isin(_SERVING).any()
    is_error = exit_code not in (None, 0, TERMINATED) or (exit_code == TERMINATED and not has_lived)
    if is_error and not has_lived and failed_ns is None:
        failed_ns = exit_ns
    end_ns = exit_ns if exit_ns is not None else last_ns
    if failed_ns is not None and not has_lived:
        outcome = "failed"
    elif is_error:
        outcome = "died"
    elif part["phase"].isin(["instance_stop", "worker_stop"]).any() or exit_ns is not None:
        outcome = "stopped"
    else:
        outcome = "serves" if has_lived else "unknown"
    return {
        "instance_id": instance_id,
        "service": part["service"].iloc[0],
        "revision": part["revision"].iloc[0],
        "first_ns": first_ns,
        "started_ns": _first_ns(part[part["phase"] == "instance_start"]),
        "first_line_ns": _first_ns(part[part["phase"].isin(_BEGINS)]),
        "booted_ns": booted_ns,
        "failed_ns": failed_ns,
        "exit_ns": exit_ns,
        "exit_code": exit_code,
        "boot_failure": _failure(part),
        "lived_s": (end_ns - first_ns) / 1e9,
        "requests": int(is_request.sum()),
        "served": served,
        "entries": len(part),
        "on_path": False,
        "outcome": outcome,
    }


def _failure(part: pd.DataFrame) -> str | None:
    failed = part[part["phase"] == "boot_failed"]
    for rule in _TELLING:
        told = failed[failed["rule"] == rule]
        if len(told):
            return str(told["message"].iloc[0]).splitlines()[0]
    return str(failed["message"].iloc[0]).splitlines()[0] if len(failed) else None


def boot_loops(entries: pd.DataFrame) -> pd.DataFrame:
    """One row for each revision whose instances fail to boot again and again.

    Returns:
        ``service``, ``revision``, ``failed`` (instances), ``booted`` (instances that did start), ``since_ns``,
        ``until_ns``, ``every_s`` (median distance between failures), ``exit_code`` (the most frequent),
        ``boot_failure`` (the most frequent message), ``evidence`` (instance ids). Empty when there is none.

    Raises:
        TableError: A column is missing.
    """
    import pandas as pd

    rows = []
    for (service, revision), part in instances(entries).groupby(["service", "revision"], dropna=False, sort=False):
        failed = part[part["outcome"] == "failed"].sort_values("failed_ns")
        if len(failed) < LOOPS:
            continue
        distances = failed["failed_ns"].diff().dropna()
        codes, messages = failed["exit_code"].dropna().mode(), failed["boot_failure"].dropna().mode()
        rows.append(
            {
                "service": service,
                "revision": revision,
                "failed": len(failed),
                "booted": int(part["outcome"].isin(["serves", "died"]).sum()),
                "since_ns": int(failed["failed_ns"].min()),
                "until_ns": int(failed["failed_ns"].max()),
                "every_s": float(distances.median()) / 1e9,
                "exit_code": int(codes.iloc[0]) if len(codes) else None,
                "boot_failure": messages.iloc[0] if len(messages) else None,
                "evidence": failed["instance_id"].tolist(),
            }
        )
    return pd.DataFrame(rows, columns=[*_LOOP_COLUMNS])


_LOOP_COLUMNS = (
    "service",
    "revision",
    "failed",
    "booted",
    "since_ns",
    "until_ns",
    "every_s",
    "exit_code",
    "boot_failure",
    "evidence",
)


def _first_ns(part: pd.DataFrame) -> int | None:
    stamps = part["timestamp_ns"].dropna()
    return int(stamps.min()) if len(stamps) else None


def _number(pattern: str, part: pd.DataFrame) -> int | None:
    for message in part["message"].dropna():
        if found := re.search(pattern, str(message)):
            return int(found[1])
    return None
