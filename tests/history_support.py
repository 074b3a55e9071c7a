"""Run folders by the thousand, small ones, as a schedule leaves them; and short ways to write single ones."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
NOTEBOOKS = ("event_success_rates", "handshake_race", "auth_timing")
ENVIRONMENTS = ("staging", "production")
VERSIONS = {"gpkit": "0.1.0", "duckdb": "2.0.0", "numpy": "2.4.6", "pandas": "3.1.1", "websockets": "17.4"}


def finding(**parts: Any) -> dict[str, Any]:
    """A finding: 71 % where 80 % is the target, unless parts say otherwise."""
    told = {
        "id": "events.all_five",
        "claim": "142 of 200 attempts got all five events.",
        "verdict": "fails",
        "estimate": 0.71,
        "unit": "ratio",
        "interval": [0.64, 0.77],
        "n": 200,
        "target": 0.8,
    }
    return told | parts


def meets(**parts: Any) -> dict[str, Any]:
    """The same finding on a good day."""
    return finding(**{"verdict": "meets", "estimate": 0.95, "interval": [0.91, 0.97], "claim": "190 of 200."} | parts)


def undecided(**parts: Any) -> dict[str, Any]:
    """The same finding where the interval holds the target."""
    return finding(**{"verdict": "undecided", "estimate": 0.8, "interval": [0.7, 0.88], "claim": "80 of 100."} | parts)


def name_of(started: datetime, notebook: str = "event_success_rates", tail: int = 0) -> str:
    """A run id as gpkit makes them."""
    return f"{started:%Y%m%dT%H%M%S}{started.microsecond // 1000:03}Z-{notebook}-{tail:06x}"


def past_run(root: Path, minute: float = 0, *findings: dict[str, Any], **parts: Any) -> Path:
    """A complete run folder, started some minutes after ``BEGIN``; parts replace fields of run.json."""
    started = BEGIN + timedelta(minutes=minute)
    notebook = parts.get("notebook", "event_success_rates")
    found = list(findings) or [finding()]
    status = parts.get("status", "ok")
    verdicts = {item["verdict"] for item in found}
    verdict = "findings" if "fails" in verdicts else "inconclusive" if "undecided" in verdicts else "healthy"
    folder = root / "runs" / parts.pop("run_id", name_of(started, notebook, parts.pop("tail", 0)))
    run = {
        "run_id": folder.name,
        "notebook": notebook,
        "notebook_file": f"notebooks/{notebook}.ipynb",
        "environment": "staging",
        "parameters": {"environment": "staging", "attempts": 200, "target_ratio": 0.8, "logs": "", "since": ""},
        "given": ["environment"],
        "started_utc": started.isoformat().replace("+00:00", "Z"),
        "duration_s": 61.5,
        "python": "3.11.7",
        "versions": VERSIONS,
        "git": {"revision": "41d6d62f3c1b2a4941d6d62f3c1b2a4941d6d62f", "dirty": False},
        "status": status,
        "verdict": verdict if status == "ok" else None,
        "error": None if status == "ok" else {"kind": status, "message": "It did not end well."},
        "headline": found[0],
        "findings": found,
        "window": {"since": "2026-11-01T00:00:00Z", "until": "2026-11-01T00:01:00Z"},
        "coverage": {"probe": {"planned": 200, "measured": 200}, "notes": []},
    } | parts
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "results.json").write_text(
        json.dumps({name: run[name] for name in ("run_id", "status", "verdict", "window", "coverage")}
                   | {"headline": found[0]["id"], "findings": found})
    )  # fmt: skip
    return folder


def many_runs(root: Path, count: int = 10_000) -> None:
    """Runs five minutes apart, of three notebooks on two environments, most of them healthy, some not ended well."""
    pairs = [(notebook, environment) for notebook in NOTEBOOKS for environment in ENVIRONMENTS]
    (root / "runs").mkdir(parents=True)
    for number in range(count):
        notebook, environment = pairs[number % len(pairs)]
        started = BEGIN + timedelta(minutes=5 * number)
        got = 150 + number * 7919 % 47
        ratio, is_ok = got / 200, number % 97 != 5
        found = finding(
            claim=f"{got} of 200 attempts got all five events; most are lost at tool_completed.",
            verdict="fails" if ratio < 0.76 else "undecided" if ratio < 0.85 else "meets",
            estimate=ratio,
            interval=[round(ratio - 0.05, 3), round(min(1.0, ratio + 0.04), 3)],
        )
        folder = root / "runs" / name_of(started, notebook, number)
        folder.mkdir()
        (folder / "report.html").write_text("<!doctype html><title>A report</title>")
        (folder / "run.json").write_text(
            json.dumps(
                {
                    "run_id": folder.name,
                    "notebook": notebook,
                    "environment": environment,
                    "parameters": {"environment": environment, "attempts": 200, "logs": "", "since": "", "seed": 1},
                    "given": ["environment"],
                    "started_utc": started.isoformat().replace("+00:00", "Z"),
                    "duration_s": 61.5,
                    "versions": VERSIONS,
                    "status": "ok" if is_ok else "timeout",
                    "verdict": {"fails": "findings", "undecided": "inconclusive", "meets": "healthy"}[found["verdict"]]
                    if is_ok
                    else None,
                    "error": None if is_ok else {"kind": "timeout", "message": "The run was ended by its deadline."},
                    "headline": found,
                    "findings": [found] if is_ok else [],
                    "window": {"since": "2026-11-01T00:00:00Z", "until": "2026-11-01T00:01:00Z"},
                },
                indent=1,
            )
        )


def at_a_terminal(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with its standard output in a terminal."""
    controller, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "gpkit", *arguments], cwd=project, stdout=terminal, stderr=subprocess.PIPE, text=True
    )
    os.close(terminal)
    os.close(controller)
    return done


def series(root: Path, count: int = 14) -> Path:
    """A day of runs, good at first, two without a number, then failing; the last one's folder, with its comparison."""
    from gpkit.history import read
    from gpkit.history.against import against

    for hour in range(count):
        ratio = 0.93 - 0.01 * (hour % 3) if hour < 8 else 0.72 - 0.015 * (hour % 4)
        spread = [round(ratio - 0.06, 3), round(ratio + 0.05, 3)]
        found = finding(verdict="fails" if hour >= 8 else "meets", estimate=round(ratio, 3), interval=spread)
        other = meets(id="auth.let_in", claim="200 of 200 were let in.", estimate=1.0, interval=[0.98, 1.0], target=0.9)
        folder = past_run(root, 60.0 * hour, found, other, status="timeout" if hour in (4, 5) else "ok")
    results = json.loads((folder / "results.json").read_text())
    results["against"] = against(root / "runs", read(folder))
    (folder / "results.json").write_text(json.dumps(results))
    return folder
