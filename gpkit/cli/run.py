"""``gpkit run``: notebooks in, one line for people and one ``results.json`` for programs out."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpkit.cli import put_out, tell
from gpkit.errors import EXIT_RUN_FAILED, ParameterError, SourceError
from gpkit.instants import text

if TYPE_CHECKING:
    from gpkit.runs import Plan, Progress, Retry, Run

_QUIET_S = 5.0  # chosen: pause between progress lines where they cannot be rewritten


def run(chosen: argparse.Namespace) -> int:
    """Run the notebooks; the exit code of the worst."""
    from gpkit import runs
    from gpkit.runs.asking.plan import duration_s

    texts = dict(_name_and_value(written) for written in chosen.parameter)
    if chosen.environment is not None:
        texts["environment"] = chosen.environment
    if chosen.jobs < 1:
        raise ParameterError(f"--jobs {chosen.jobs} leaves nothing to run.", next_step="Write --jobs 1 or more.")
    if chosen.slot and chosen.sweep:
        raise ParameterError("A slot of the schedule stands for one run, a sweep is several.")
    slot: dict[str, Any] = {}
    if chosen.slot:
        from gpkit.schedule import read_slot

        name, at = read_slot(chosen.slot)
        slot = {"now": at, "schedule": {"name": name, "slot_utc": text(at)}}
    how: dict[str, Any] = {
        "texts": texts,
        "values": _read_values(chosen.file) if chosen.file else None,
        "outputs": chosen.outputs,
        "deadline_s": duration_s(chosen.deadline),
        "retries": chosen.retries,
    }
    if chosen.sweep:
        from gpkit.runs.making.sweep import make_plans, read_axes

        plans = make_plans(chosen.notebooks, read_axes(chosen.sweep, [*texts]), are_texts=True, **how)
    else:
        plans = [runs.make_plan(notebook, **how, **slot) for notebook in chosen.notebooks]
    return carry_out(plans, jobs=chosen.jobs, as_json=chosen.json)


def carry_out(plans: Sequence[Plan], *, jobs: int, as_json: bool) -> int:
    """Make the planned runs and tell how each ended; the exit code of the worst."""
    from gpkit import runs
    from gpkit.runs.recording.status import worst

    shown = _Shown()

    def ended(made: Run) -> None:
        shown.clear()
        tell(line(made))
        if as_json:
            put_out(json.dumps(made.results, ensure_ascii=False) + "\n")

    def again(retry: Retry) -> None:
        shown.clear()
        tell(retry_line(retry))

    _tell_of_the_clock({plan.outputs for plan in plans})
    try:
        made = runs.launch(plans, jobs=jobs, on_progress=shown.progress, on_end=ended, on_retry=again)
    except KeyboardInterrupt:
        return EXIT_RUN_FAILED
    finally:
        shown.clear()
        if plans and plans[0].sweep:
            from gpkit.cli.sweep import sweep_table

            tell(sweep_table(plans[0].outputs, str(plans[0].sweep["id"])))
    return worst(one.exit_code for one in made)


def _tell_of_the_clock(outputs: Collection[Path]) -> None:
    """Lists go by date: say so when this machine's clock is behind that of an earlier run."""
    from gpkit.history.listing import dated_later

    now = datetime.now(UTC)
    for later in filter(None, (dated_later(folder / "runs", now) for folder in outputs)):
        tell(
            f"The run {later} is dated later than this machine's clock ({text(now)}): it was set back, or ran ahead. "
            "Runs are listed by date, and compared with earlier ones only."
        )


def line(made: Run) -> str:
    """One run for people: notebook, status, verdict, headline with interval and n, report."""
    error = made.record.get("error") or {}
    said = [str(made.record.get("notebook")), _values(made), made.status]
    if made.verdict:
        said += [made.verdict, _headline(made)]
    elif error:
        cell = f" (code cell {error['cell']})" if error.get("cell") else ""
        said.append(f"{error['kind']}: {error['message']}{cell}".replace("\n", " "))
    return "  ".join(
        [part.replace("\u00a0", " ") for part in said if part]
        + [_relative(made.report if made.report.exists() else made.folder)]
    )


def _values(made: Run) -> str:
    """The values that a run of a sweep had."""
    from gpkit.history.sweeps import said

    return said((made.record.get("sweep") or {}).get("values") or {})


def retry_line(retry: Retry) -> str:
    """An attempt that is followed by another, for people: how it ended, why it is tried again, when."""
    plan = retry.plan
    told = f"attempt {plan.attempt - 1} of {plan.retries + 1}: {retry.cause}; next one in {retry.pause_s:g} s"
    return f"{line(retry.failed)}  ({told})"


def _headline(made: Run) -> str:
    from gpkit.report.account import read_account
    from gpkit.report.measures import measure

    found = read_account(made.folder).headline
    return f"{found.id} {measure(found).sentence}" if found is not None else ""


class _Shown:
    """Progress on standard error: one line that is rewritten in a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()  # null: closed by the caller
        self._last_s = time.monotonic()
        self._latest: dict[str, str] = {}
        self._width = 0

    def progress(self, at: Progress) -> None:
        """Show where the runs are."""
        doing = f"cell {at.cell} of {at.of}" if at.stage == "cells" else {"report": "report"}.get(at.stage, "starting")
        self._latest[at.run_id] = f"{at.notebook}  {doing}  {at.elapsed_s:.0f} s"
        if self._is_terminal:
            columns = os.get_terminal_size(2).columns or 80  # some terminals do not say
            text = "   ".join(self._latest.values())[: columns - 1]
            self._write("\r" + text.ljust(self._width))
            self._width = len(text)
        elif time.monotonic() - self._last_s >= _QUIET_S:
            self._last_s = time.monotonic()
            tell("\n".join(self._latest.values()))

    def clear(self) -> None:
        """Make room for a line that stays."""
        self._latest.clear()
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _name_and_value(written: str) -> tuple[str, str]:
    name, separator, value = written.partition("=")
    if not separator or not name:
        raise ParameterError(f"-p {name!r} names no value.", next_step="Write -p NAME=VALUE.")
    return name.strip(), value


def _read_values(file: Path) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML as papermill reads it: a time stays text."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - the name and kind that PyYAML looks for
            first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
            for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    try:
        content = yaml.load(file.read_text("utf-8"), Loader)  # noqa: S506 - it is a safe loader
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line_number = f" (line {where.line + 1})" if where is not None else ""
        raise ParameterError(f"{file} is not YAML{line_number}.") from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ParameterError(f"{file} holds no names and values.", next_step="Write one 'name: value' a line.")
    return content


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
