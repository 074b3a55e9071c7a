"""How a command is called wrongly: a parser whose usage errors are gpkit's own. Nothing heavy is imported for it."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from gpkit.errors import ParameterError, nearest

_CHOICE = re.compile(r"invalid choice: '(.*?)' \(choose from (.*)\)")
EXIT_CODES = (
    "exit codes: 0 healthy, 1 findings, 2 inconclusive or no data, 3 a run failed, 4 asked for something impossible"
)


class Parser(argparse.ArgumentParser):
    """A parser whose usage errors are gpkit's own: argparse would end with 2, which means "inconclusive" here."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # A value such as -1h is no option; argparse knows that of numbers only.
        self._negative_number_matcher = re.compile(r"^-\d+(?:\.\d+)?[smhdw]?$|^-\.\d+$")

    def error(self, message: str) -> NoReturn:
        """Refuse what was written; argparse calls this."""
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


class Version(argparse.Action):
    """Say the version and end. It is looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        """Do it; argparse calls this."""
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


def add_command(commands: Any, name: str, does: str) -> argparse.ArgumentParser:
    """Add a command."""
    added: argparse.ArgumentParser = commands.add_parser(
        name, help=does, description=does[0].upper() + does[1:] + ".", epilog=EXIT_CODES, allow_abbrev=False
    )
    return added
