"""What each command takes. The parser only; nothing heavy is imported for it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from gpkit.errors import ParameterError, nearest

_CHOICE = re.compile(r"invalid choice: '(.*?)' \(choose from (.*)\)")
EXIT_CODES = (
    "exit codes: 0 healthy, 1 findings, 2 inconclusive or no data, 3 a run failed, 4 asked for something impossible"
)


class _Parser(argparse.ArgumentParser):
    """A parser whose usage errors are gpkit's own: argparse would end with 2, which means "inconclusive" here."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # A value such as -1h is no option; argparse knows that of numbers only.
        self._negative_number_matcher = re.compile(r"^-\d+(?:\.\d+)?[smhdw]?$|^-\.\d+$")

    def error(self, message: str) -> NoReturn:
        why = ""
        if found := _CHOICE.search(message):
            message = f"{found[1]!r} is not possible here."
            why = nearest(found[1], [choice.strip().strip("'") for choice in found[2].split(",")])
        elif message.startswith("unrecognized arguments:"):
            unknown = message.split(":", 1)[1].split()[0]
            message, why = f"{unknown!r} is no option of {self.prog}.", nearest(unknown, _options(self))
        else:
            message = message[:1].upper() + message[1:] + "."
        raise ParameterError(message, why, f"Try: {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:
        from gpkit.cli import put_out

        put_out(message)


class _Version(argparse.Action):
    """Say the version and end. It is looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        from importlib import metadata

        from gpkit.cli import put_out

        put_out(f"gpkit {metadata.version('gpkit')}\n")
        parser.exit()


def _options(parser: argparse.ArgumentParser) -> list[str]:
    """The options of a parser and of its commands: argparse reports an unknown one at the top."""
    found = [option for action in parser._actions for option in action.option_strings]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [option for below in action.choices.values() for option in _options(below)]
    return found


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; ``command`` of its result is what to call."""
    whole = _Parser(
        prog="gpkit",
        description="Find out, with evidence, whether users get through the golden path.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="show the version of gpkit and exit")
    commands = whole.add_subparsers(metavar="COMMAND", required=True, title="commands")
    _run(_command(commands, "run", "run notebooks and write a report for each"))
    _probe(_command(commands, "probe", "open real connections; one attempt a line"))
    _logs(_command(commands, "logs", "read log entries; one entry a line"))
    _connections(_command(commands, "connections", "read log entries as server-side connections; one a line"))
    _runs(_command(commands, "runs", "list past runs, newest first; one run a line"))
    _show(_command(commands, "show", "show one past run: verdict, findings, parameters, versions"))
    _report(_command(commands, "report", "make the report of a past run again, or one file of it to send"))
    _cache(_command(commands, "cache", "what of Cloud Logging is held; one filter a line"))
    _diff(_command(commands, "diff", "compare two past runs: parameters, versions, window, findings"))
    _prune(_command(commands, "prune", "remove past runs that need not be kept"))
    _schedule(_command(commands, "schedule", "run notebooks by parameters/schedule.yaml"))
    _rerun(_command(commands, "rerun", "make a past run once more, with its parameters and its window"))
    local = _command(commands, "local", "the local stack")
    _local_up(_command(local.add_subparsers(metavar="COMMAND", required=True), "up", "keep a local stack running"))
    return whole


def _command(commands: Any, name: str, does: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(
        name, help=does, description=does[0].upper() + does[1:] + ".", epilog=EXIT_CODES, allow_abbrev=False
    )
    return added


def _run(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.run import run

        return run(chosen)

    command.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="a name in notebooks/, or a path")
    command.add_argument("-e", "--environment", metavar="E", help="target, a name in parameters/environments")
    command.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the notebooks"
    )
    command.add_argument("-f", "--file", type=Path, metavar="FILE", help="parameters from a YAML file; -p wins")
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="how many run at a time (1)")
    command.add_argument("--deadline", default="10m", metavar="D", help="limit of each run: 90s, 10m, 1h (10m)")
    command.add_argument(
        "--sweep",
        action="append",
        default=[],
        metavar="NAME=A,B,C",
        help="one run for each value; several --sweep: for each combination; lists: NAME='0,5;20'",
    )
    command.add_argument(
        "--retries", type=int, default=0, metavar="N", help="more attempts when kernel, driver or memory fail (0)"
    )
    command.add_argument("--outputs", type=Path, metavar="DIR", help="where runs are kept (outputs/)")
    command.add_argument("--json", action="store_true", help="print each run's results.json, one a line")
    command.add_argument(
        "--slot", metavar="ENTRY@T", help="the schedule's slot that the run stands for; relative times count from it"
    )
    command.set_defaults(command=call)


def _probe(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.probe import probe

        return probe(chosen)

    command.add_argument("url", nargs="?", metavar="URL", help="ws:// or wss:// address; else the environment's")
    command.add_argument("-e", "--environment", metavar="E", default="", help="target (local)")
    command.add_argument("--attempts", type=int, metavar="N", help="planned attempts")
    command.add_argument("--rate", type=float, metavar="R", help="planned starts per second")
    command.add_argument("--concurrency", type=int, metavar="C", help="attempts at once")
    command.add_argument("--carrier", metavar="K", help="how the credential travels")
    command.add_argument("--credential", metavar="K", help="what is presented")
    command.add_argument("--send", metavar="WHEN", help="after-ready, after-open or both")
    command.add_argument("--send-delay-ms", metavar="MS,MS", help="delays after OPEN for early sending: 0,5,20")
    command.add_argument("--messages", type=Path, metavar="FILE", help="chat messages, one JSON object a line")
    command.add_argument("--yes-load", action="store_true", help="allow more than the target's limits")
    _output(command)
    command.set_defaults(command=call)


def _logs(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.logs import logs

        return logs(chosen)

    _sources(command)
    _output(command)
    command.set_defaults(command=call)


def _connections(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.logs import connections

        return connections(chosen)

    _sources(command)
    _output(command)
    command.set_defaults(command=call)


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
        from gpkit.cli.past import show

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


def _cache(command: argparse.ArgumentParser) -> None:
    def listing(chosen: argparse.Namespace) -> int:
        from gpkit.cli.cache import listing

        return listing(chosen)

    def prune(chosen: argparse.Namespace) -> int:
        from gpkit.cli.cache import prune

        return prune(chosen)

    command.set_defaults(command=listing)
    pruning = _command(command.add_subparsers(metavar="COMMAND"), "prune", "remove slices that were not read for long")
    pruning.add_argument("--older-than", required=True, metavar="AGE", help="since they were last read: 30d, 2w, 12h")
    pruning.add_argument("--project", default="", metavar="P", help="only of this project")
    pruning.set_defaults(command=prune)


def _local_up(command: argparse.ArgumentParser) -> None:
    def call(chosen: argparse.Namespace) -> int:
        from gpkit.cli.local import up

        return up(chosen)

    command.add_argument("--faults", type=Path, metavar="FILE", help="faults to inject, YAML")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the faults (0)")
    command.add_argument("--port", type=int, default=0, metavar="P", help="port on loopback; 0 chooses a free one")
    command.add_argument(
        "--export", nargs="+", type=Path, default=[], metavar="FILE", help="log entries that the logging API serves too"
    )
    command.set_defaults(command=call)


def _schedule(command: argparse.ArgumentParser) -> None:
    below = command.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, does: str) -> argparse.ArgumentParser:
        def call(chosen: argparse.Namespace) -> int:
            from gpkit.cli import schedule

            return int(getattr(schedule, name)(chosen))

        added = _command(below, name, does)
        added.add_argument("--file", type=Path, metavar="FILE", help="the schedule (parameters/schedule.yaml)")
        added.set_defaults(command=call)
        return added

    check = add("check", "say what each entry does and when it runs next")
    due = add("due", "run what is due, once")
    due.add_argument("names", nargs="*", metavar="ENTRY", help="only these entries; all by default")
    keep = add("run", "stay, and run what is due when it is due")
    keep.add_argument("--until", default="", metavar="T", help="end at this instant; else when interrupted")
    for runs in (due, keep):
        runs.add_argument("--outputs", type=Path, metavar="DIR", help="where runs are kept (outputs/)")
    for prints in (check, due, keep):
        prints.add_argument("--json", action="store_true", help="print entries, or each run's results.json, one a line")
    export = add("export", "print files that let cron or systemd run what is due")
    export.add_argument("kind", choices=["cron", "systemd"], metavar="KIND", help="cron or systemd")
    export.add_argument("-o", "--output", type=Path, metavar="DIR", help="write the files into this folder")


def _sources(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="export files, folders or patterns; or api:PROJECT, bigquery:PROJECT.DATASET, gs://BUCKET/PREFIX/*.json",
    )
    command.add_argument("--filter", default="", metavar="F", help="only these entries, in Cloud Logging's language")
    command.add_argument("--since", default="", metavar="T", help="first instant: -1h, yesterday, 2025-09-07T13:20:00Z")
    command.add_argument("--until", default="", metavar="T", help="last instant")
    command.add_argument("-e", "--environment", metavar="E", help="whose project, credentials and masking")
    command.add_argument("--endpoint", default="", metavar="URL", help="another server that speaks the logging API")
    command.add_argument("--anonymous", action="store_true", help="ask without credentials")
    command.add_argument("--offline", action="store_true", help="read a project's log from the cache alone")


def _output(command: argparse.ArgumentParser) -> None:
    command.add_argument("-o", "--output", type=Path, metavar="FILE", help=".jsonl, .csv or .parquet; else JSON lines")
