"""What is asked of a log, checked before anything starts: that there is one, and that it can be read so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpkit.environments import Environment
from gpkit.errors import ParameterError
from gpkit.runs.asking.declarations import Declaration

LOGS = "logs"  # the parameter by which a notebook reads a log instead of probing
OF_A_LOG = ("logs_filter", "since", "until", "offline")
"""Parameters that say which part of a log is read, and from where; a probe takes nothing from them."""


def require_log(declarations: Iterable[Declaration], parameters: Mapping[str, Any]) -> None:
    """Refuse a choice among the entries of a log where no log is named: the run would probe, and leave it out.

    Only what changes a default that is empty is such a choice: a notebook with a window of its own has a use for one.

    Raises:
        ParameterError: Such parameters are given, and ``logs`` is empty.
    """
    declared = {declaration.name: declaration for declaration in declarations}
    if LOGS not in declared or parameters.get(LOGS):
        return
    given = [name for name in OF_A_LOG if name in declared and not declared[name].default and parameters.get(name)]
    if not given:
        return
    names = given[0] if len(given) == 1 else f"{', '.join(given[:-1])} and {given[-1]}"
    raise ParameterError(
        f"{names} {'says' if len(given) == 1 else 'say'} what is read of a log, and no log is named.",
        "The run would open connections to its target instead.",
        f"Name a log with -p logs=FILE or -p logs=api:PROJECT, or leave {names} out.",
    )


def require_readable(target: Environment, parameters: Mapping[str, Any]) -> None:
    """Refuse a log that cannot be read as it is asked for, as far as that can be told without reading.

    Raises:
        CallerError: The window, the filter or the project is missing or impossible.
    """
    from gpkit.logs import sources  # here: most runs read no log

    named = sources.source(str(parameters[LOGS]))
    if named.kind == sources.FILES or not {"since", "until"} <= parameters.keys():
        return
    sources.require_window(named, parameters["since"], parameters["until"])
    if named.kind == sources.API:
        from gpkit.instants import window
        from gpkit.logs.asking import require_possible

        asked = window(parameters["since"], parameters["until"])
        chosen, offline = str(parameters.get("logs_filter") or ""), bool(parameters.get("offline"))
        require_possible(target, asked.since, asked.until, chosen, offline=offline, project=named.name)
