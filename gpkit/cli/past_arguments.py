"""What the commands take that look at past runs, or make one of them again. The parser only."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gpkit.cli.usage import add_command


def add_past_commands(commands: Any) -> None:
    """Add them, in the order in which they are used."""
    _runs(add_command(commands, "runs", "list past runs, newest first; one run a line"))
    _show(add_command(commands, "show", "show one past run: verdict, findings, parameters, versions"))
    _report(add_command(commands, "report", "make the report of a past run again, or one file of it to send"))
    _diff(add_command(commands, "diff", "compare two past runs: parameters, versions, window, findings"))
    _rerun(add_command(commands, "rerun", "make a past run once more, with its parameters and its window"))
    _prune(add_command(commands, "prune", "remove past runs that need not be kept"))


def _runs(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.past import runs

        return runs(chosen)

    command.add_argument("--notebook", metavar="N", default="", help="only runs of this notebook")
    command.add_argument("-e", "--environment", metavar="E", default="", help="only runs on this target")
    command.add_argument("--verdict", metavar="V", default="", help="healthy, findings, inconclusive or no-data")
    command.add_argument("--status", metavar="S", default="", help="ok, failed, timeout, kernel-died, missed …")
    command.add_argument("--since", metavar="T", default="", help="only runs made since: -1h, yesterday, 2025-09-07")
    command.add_argument("--sweep", metavar="ID", default="", help="the runs of one sweep together; last: the newest")
    command.add_argument("--limit", type=int, metavar="N", help="at most so many (50 in a terminal, else all)")
    _past(command)
    command.set_defaults(command=call)


def _show(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.show import show

        return show(chosen)

    command.add_argument("run", metavar="RUN", help="a run's id, the beginning of it, last, or a folder")
    command.add_argument(
        "--evidence", metavar="FINDING", default="", help="the lines and frames behind this finding, one a line"
    )
    _past(command)
    command.set_defaults(command=call)


def _report(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.report import report

        return report(chosen)

    command.add_argument("run", metavar="RUN", help="a run's id, the beginning of it, last, or a folder")
    command.add_argument(
        "--single-file", type=Path, metavar="OUT.html", help="one page with all it needs inside, to attach or upload"
    )
    command.add_argument("--sizes", action="store_true", help="tell what each part weighs, on the page too")
    _past(command)
    command.set_defaults(command=call)


def _diff(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.diff import diff

        return diff(chosen)

    command.add_argument("a", metavar="A", help="the earlier run: its id, the beginning of it, last, or a folder")
    command.add_argument("b", metavar="B", help="the later run")
    _past(command)
    command.set_defaults(command=call)


def _rerun(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.rerun import rerun

        return rerun(chosen)

    command.add_argument("run", metavar="RUN", help="a run's id, the beginning of it, last, or a folder")
    command.add_argument("--offline", action="store_true", help="read logs from the cache alone")
    command.add_argument("--deadline", default="", metavar="D", help="limit: 90s, 10m, 1h (that of the past run)")
    command.add_argument("--outputs", type=Path, metavar="DIR", help="where runs are kept (outputs/)")
    command.add_argument("--json", action="store_true", help="print the new run's results.json")
    command.set_defaults(command=call)


def _prune(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.prune import prune

        return prune(chosen)

    command.add_argument(
        "--keep", required=True, metavar="K", help="by age: 30d, 12h, 8w; or how many of each notebook and target: 100"
    )
    command.add_argument("--notebook", metavar="N", default="", help="remove only runs of this notebook")
    command.add_argument("-e", "--environment", metavar="E", default="", help="remove only runs on this target")
    command.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    _past(command)
    command.set_defaults(command=call)


def _past(command: argparse.ArgumentParser) -> None:
    command.add_argument("--outputs", type=Path, metavar="DIR", help="where runs are kept (outputs/)")
    command.add_argument("--json", action="store_true", help="JSON in a terminal too")
