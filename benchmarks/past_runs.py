"""What past runs cost among 10 000 of them: listed, indexed, compared with, pruned.

The run folders are generated: run.json as a schedule leaves it, and a small report. Each figure is the whole command or
call, over several rounds, with the files in the page cache. Run it with ``python benchmarks/past_runs.py [ROUNDS]``; it
writes its part of benchmarks/results.md.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import results  # noqa: E402

from gpkit.history import newest  # noqa: E402
from gpkit.history.against import against  # noqa: E402
from gpkit.report import write_index  # noqa: E402
from tests.browser_support import chromium, tab  # noqa: E402
from tests.history_support import many_runs  # noqa: E402

MARK = "past-runs"
RUNS = 10_000


def main() -> None:
    """Measure, and write our part of results.md."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    folder = Path(tempfile.mkdtemp())
    many_runs(folder, RUNS)
    present = next(past for past in newest(folder / "runs") if past.status == "ok")
    did: dict[str, Callable[[], object]] = {
        "gpkit --version, to compare with": lambda: gpkit("--version"),
        "gpkit runs --limit 20": lambda: gpkit("runs", "--limit", "20", "--outputs", str(folder)),
        "gpkit runs, all of them": lambda: gpkit("runs", "--outputs", str(folder)),
        "gpkit prune --keep 100 --dry-run": lambda: gpkit(
            "prune", "--keep", "100", "--dry-run", "--outputs", str(folder)
        ),
        "one run against the earlier ones, in process": lambda: against(folder / "runs", present),
        "index.html and 20 pages, first time, in process": lambda: (forget(folder), write_index(folder)),
        "index.html, nothing changed, in process": lambda: write_index(folder),
    }
    took_s: dict[str, list[float]] = {name: [] for name in did}
    for number in range(rounds + 1):
        for name, act in did.items():
            began_s = time.perf_counter()
            act()
            if number:  # the first round warms up
                took_s[name].append(time.perf_counter() - began_s)
    took_s["Chromium opens index.html"] = opened(folder / "index.html", folder / "profile", rounds)
    write_results(took_s, folder, rounds)
    shutil.rmtree(folder, ignore_errors=True)


def gpkit(*arguments: str) -> None:
    """One command, its output thrown away."""
    command = [sys.executable, "-m", "gpkit", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=HERE.parent)


def forget(folder: Path) -> None:
    """Remove the index and its pages."""
    shutil.rmtree(folder / "index", ignore_errors=True)
    (folder / "index.html").unlink(missing_ok=True)


def opened(page: Path, profile: Path, rounds: int) -> list[float]:
    """Seconds until Chromium has loaded a page, in a new tab each time."""
    took_s = []
    with chromium(profile) as devtools:
        for number in range(rounds + 1):
            with tab(devtools) as browser:
                began_s = time.perf_counter()
                browser.open(page.as_uri())
                if number:
                    took_s.append(time.perf_counter() - began_s)
    return took_s


def write_results(took_s: dict[str, list[float]], folder: Path, rounds: int) -> None:
    """Replace our part of results.md, or add it."""
    pages = [path.stat().st_size for path in (folder / "index").iterdir()]
    lines = [
        f"## {RUNS:,} past runs",
        "",
        f"{rounds} rounds on {os.cpu_count()} cores after one to warm up; seconds; files in the page cache.",
        f"The index weighs {(folder / 'index.html').stat().st_size / 1000:.0f} KB, a page of 500 runs "
        f"{max(pages) / 1000:.0f} KB.",
        "",
        "| what | median | fastest | slowest |",
        "|---|---:|---:|---:|",
    ]
    for name, times in took_s.items():
        lines.append(f"| {name} | {statistics.median(times):.3f} | {min(times):.3f} | {max(times):.3f} |")
    results.write(MARK, "\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
