"""Hostile text from a server, its log and a file's name, through a real run, in a real browser: shown, not executed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpkit import probe, stack

from .axe_support import violations
from .browser_support import tab

ALIVE = "document.querySelectorAll('.js-plotly-plot .main-svg').length > 0"
SCROLL = (
    "(async () => { for (let y = 0; y < document.documentElement.scrollHeight; y += 500)"
    "{ window.scrollTo(0, y); await new Promise(r => setTimeout(r, 40)); } return true; })()"
)


def run(root: Path, outputs: Path, *words: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "gpkit", "run", *words, "--outputs", str(outputs)],
        cwd=root, capture_output=True, text=True, timeout=240, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode in (0, 1, 2), done.stderr
    return next((outputs / "runs").glob("*/report.html"))


def looked_at(report: Path, devtools: str) -> tuple[list[str], list[str], list[str], str]:
    """Opens the report from its file; the console's errors, the requests, what scripts left behind, and its text."""
    with tab(devtools) as page:
        page.open(report.as_uri())
        page.evaluate(SCROLL)
        page.wait_until(ALIVE)
        planted = page.evaluate("[...document.querySelectorAll('script[src], iframe, img[onerror], [onload]')].length")
        left = page.evaluate("Object.keys(window).filter(name => /pwn|owned|xss|hacked/i.test(name))")
        assert planted <= 1, "only the shared plotly.js is loaded by a script element"
        told = page.errors, page.requests, left, page.evaluate("document.body.innerText")
        assert violations(page) == []
        return told


@pytest.mark.parametrize("notebook", ["handshake_race", "event_success_rates"])
def test_hostile_events_and_log_lines_are_shown_and_never_run(
    root: Path, tmp_path: Path, devtools: str, notebook: str
) -> None:
    report = run(root, tmp_path / "out", notebook, "-p", "faults=hostile", "-p", "attempts=40")

    errors, requests, left, text = looked_at(report, devtools)

    assert errors == []
    assert [address for address in requests if not address.startswith(("file://", "data:", "blob:"))] == []
    assert left == []
    assert "\x00" not in text
    assert report.stat().st_size < 400_000


def test_a_hostile_file_name_is_shown_and_never_run(root: Path, tmp_path: Path, devtools: str) -> None:
    name = "<img src=x onerror=window.pwned=1> [a](javascript:window.pwned=1).json"
    with stack.local_stack(Path("parameters/faults/hostile.yaml"), seed=2) as local:
        probe.run(local.environment, probe.Plan(attempts=20, rate_per_s=40), progress=False)
        local.settle()
        shutil.copy(local.log_file, tmp_path / name)
    report = run(root, tmp_path / "out", "auth_timing", "-p", f"logs={tmp_path / name}")

    errors, requests, left, text = looked_at(report, devtools)

    assert errors == []
    assert [address for address in requests if not address.startswith(("file://", "data:", "blob:"))] == []
    assert left == []
    assert "onerror=window.pwned=1" in text
