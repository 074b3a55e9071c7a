"""What each command takes. The parser only; nothing heavy is imported for it."""

from __future__ import annotations

import argparse
from pathlib import Path

from gpkit.cli.past_arguments import add_past_commands
from gpkit.cli.usage import EXIT_CODES, Parser, Version, add_command


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; ``command`` of its result is what to call."""
    whole = Parser(
        prog="gpkit",
        description="Find out, with evidence, whether users get through the golden path.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    whole.add_argument("--version", action=Version, nargs=0, help="show the version of gpkit and exit")
    commands = whole.add_subparsers(metavar="COMMAND", required=True, title="commands")
    _run(add_command(commands, "run", "run notebooks and write a report for each"))
    _probe(add_command(commands, "probe", "open real connections; one attempt a line"))
    _logs(add_command(commands, "logs", "read log entries; one entry a line"))
    _connections(add_command(commands, "connections", "read log entries as server-side connections; one a line"))
    _cache(add_command(commands, "cache", "what of Cloud Logging is held; one filter a line"))
    add_past_commands(commands)
    _schedule(add_command(commands, "schedule", "run notebooks by parameters/schedule.yaml"))
    local = add_command(commands, "local", "the local stack")
    _local_up(add_command(local.add_subparsers(metavar="COMMAND", required=True), "up", "keep a local stack running"))
    return whole


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


def _cache(command: argparse.ArgumentParser) -> None:
    def listing(chosen: argparse.Namespace) -> int:
        from gpkit.cli.cache import listing

        return listing(chosen)

    def prune(chosen: argparse.Namespace) -> int:
        from gpkit.cli.cache import prune

        return prune(chosen)

    command.set_defaults(command=listing)
    pruning = add_command(
        command.add_subparsers(metavar="COMMAND"), "prune", "remove slices that were not read for long"
    )
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

        added = add_command(below, name, does)
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
