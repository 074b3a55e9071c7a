"""What a run looked at, as a list says it: the environment, and of a log its short name. Pure."""

from __future__ import annotations

from gpkit.history.log_name import log_name
from gpkit.history.past import Past
from gpkit.report.visible import one_line

_MAX_CHARS = 60  # chosen: a name of 40 with a few characters that had to be made visible


def place(past: Past, what: str = "", *, folders: int = 0) -> str:
    """``staging``, ``staging · api:shop-prod``, ``log · export.json``; ``what`` stands behind the environment.

    So many ``folders`` above the log are named too.
    """
    environment = one_line(f"{past.environment}{what}")
    return " · ".join(
        part
        for part in (environment, one_line(log_name(past.parameters.get("logs"), folders=folders), _MAX_CHARS))
        if part
    )
