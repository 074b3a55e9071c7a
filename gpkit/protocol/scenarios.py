"""A faults file, checked: what the local service shall do to whom.

Pure: names and values in, a :class:`Scenario` out. Unknown names, wrong types and impossible values are refused with
the nearest valid name. Times are in milliseconds where the name says ``_ms``, else in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpkit.errors import ParameterError, nearest
from gpkit.protocol.faults import FAULTS, GENERATIONS, Parameter
from gpkit.protocol.values import choice, integer, list_at, mapping, number, require_known, texts

DEFAULT_PACE_MS = {"auth": 5.0, "ready": 2.0, "event": 5.0}
EVENT_PATHS = {"A": 4, "B": 3, "C": 1}

_DISTRIBUTIONS = {
    "constant": (),
    "uniform": (),
    "lognormal": ("median", "sigma"),
    "exponential": ("mean",),
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Whom a fault concerns; every condition that is given must hold.

    Attributes:
        first: Only the first so many connections.
        every: Only each so-many-th connection, counted from ``offset``.
        offset: Index of the first one for ``every``.
        from_s: Not before, in seconds since the service started.
        until_s: Not after.
        traces: Only these trace ids.
        users: Only tokens that name these users.
        clients: Only user agents that contain one of these texts.
        revisions: Only connections that these revisions serve.
    """

    first: int | None = None
    every: int | None = None
    offset: int = 0
    from_s: float = 0.0
    until_s: float | None = None
    traces: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planted:
    """One entry of the faults list: parameters complete, checked."""

    fault: str
    position: int
    probability: float = 1.0
    schedule: Schedule = field(default_factory=Schedule)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revision:
    """A deployed revision: it serves until its share is used up, then the next one does."""

    name: str
    generation: str
    first: int | None = None
    until_s: float | None = None
    instances: int = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything a faults file says."""

    generation: str = "C"
    event_path: int | None = None
    pace_ms: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_PACE_MS))
    revisions: tuple[Revision, ...] = ()
    users: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Planted, ...] = ()

    def path_for(self, generation: str) -> int:
        """The event path of a generation: as the file says, else its own."""
        return self.event_path or EVENT_PATHS[generation]


def read(source: Path | Mapping[str, Any] | None, *, generation: str | None = None) -> Scenario:
    """The scenario of a faults file, or of names and values; a healthy one for null.

    Args:
        source: A YAML file, its content, or null.
        generation: Takes the place of the file's.

    Raises:
        ParameterError: A file that is missing or no YAML; an unknown name; a value of the wrong type or range.
    """
    values = _load(source) if isinstance(source, Path) else dict(source or {})
    require_known(
        values, ("generation", "event_path", "pace_ms", "revisions", "users", "limits", "faults"), "a faults file"
    )
    chosen = choice(generation or values.get("generation", "C"), GENERATIONS, "generation")
    path = values.get("event_path")
    if path is not None and (not isinstance(path, int) or isinstance(path, bool) or path not in (1, 2, 3, 4)):
        raise ParameterError(f"event_path = {path!r} is none of 1, 2, 3, 4.")
    pace = mapping(values.get("pace_ms", {}), "pace_ms")
    require_known(pace, tuple(DEFAULT_PACE_MS), "pace_ms")
    limits = mapping(values.get("limits", {}), "limits")
    require_known(limits, ("message_bytes", "messages_per_minute", "connections_per_user"), "limits")
    revisions = tuple(_revision(item, place, chosen) for place, item in enumerate(list_at(values, "revisions")))
    for revision in revisions[:-1]:
        if revision.first is None and revision.until_s is None:
            raise ParameterError(
                f"Revision '{revision.name}' never ends, so the next one never serves.",
                next_step="Give it first: N (connections) or until_s: S (seconds).",
            )
    faults = tuple(_planted(item, place) for place, item in enumerate(list_at(values, "faults")))
    names = {revision.name for revision in revisions}
    for planted in faults:
        for name in planted.schedule.revisions:
            if name not in names:
                raise ParameterError(f"'{name}' is no revision of this file. {nearest(name, names)}".strip())
    return Scenario(
        generation=chosen,
        event_path=path,
        pace_ms=DEFAULT_PACE_MS | {key: number(value, f"pace_ms.{key}", 0, 60_000) for key, value in pace.items()},
        revisions=revisions,
        users=texts(values.get("users", []), "users"),
        limits={key: int(number(value, f"limits.{key}", 1, 1e9)) for key, value in limits.items()},
        faults=faults,
    )


def _load(path: Path) -> dict[str, Any]:
    import yaml

    try:
        read_values = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ParameterError(
            f"The faults file '{path}' cannot be read: {error.strerror}.", next_step="See parameters/faults."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"The faults file '{path.name}' is not YAML.", next_step="See docs/local-stack.md.") from (
            error
        )
    return mapping(read_values if read_values is not None else {}, f"the faults file '{path.name}'")


def _planted(item: Any, position: int) -> Planted:
    values = {"fault": item} if isinstance(item, str) else mapping(item, f"faults[{position}]")
    name = values.get("fault")
    if not isinstance(name, str) or name not in FAULTS:
        raise ParameterError(
            f"{name!r} is no fault. {nearest(str(name), FAULTS)}".strip(), next_step="Faults: docs/local-stack.md."
        )
    fault = FAULTS[name]
    own = {parameter.name: parameter for parameter in fault.parameters}
    require_known(values, ("fault", "probability", "schedule", *own), name)
    parameters = {key: p.default for key, p in own.items()}
    parameters |= {key: _value(own[key], values[key], name) for key in own if key in values}
    return Planted(
        fault=name,
        position=position,
        probability=number(values.get("probability", 1.0), f"{name}.probability", 0, 1),
        schedule=_schedule(values.get("schedule", {}), name),
        parameters=parameters,
    )


def _schedule(value: Any, owner: str) -> Schedule:
    values = mapping(value, f"{owner}.schedule")
    require_known(values, tuple(Schedule.__slots__), f"{owner}.schedule")
    kept: dict[str, Any] = {}
    for key, given in values.items():
        where = f"{owner}.schedule.{key}"
        if key in ("traces", "users", "clients", "revisions"):
            kept[key] = texts(given, where)
        elif key in ("from_s", "until_s"):
            kept[key] = number(given, where, 0, 1e6)
        else:
            kept[key] = integer(given, where, 1 if key == "every" else 0)
    return Schedule(**kept)


def _revision(item: Any, place: int, generation: str) -> Revision:
    values = mapping(item, f"revisions[{place}]")
    require_known(values, ("name", "generation", "first", "until_s", "instances"), f"revisions[{place}]")
    name = values.get("name", f"golden-path-{place + 1:05d}-rev")
    if not isinstance(name, str) or not name:
        raise ParameterError(f"revisions[{place}].name must be a text.")
    return Revision(
        name=name,
        generation=choice(values.get("generation", generation), GENERATIONS, f"revisions[{place}].generation"),
        first=None if "first" not in values else integer(values["first"], f"revisions[{place}].first", 1),
        until_s=None if "until_s" not in values else number(values["until_s"], f"revisions[{place}].until_s", 0, 1e6),
        instances=integer(values.get("instances", 1), f"revisions[{place}].instances", 1),
    )


def _value(parameter: Parameter, value: Any, owner: str) -> Any:
    where = f"{owner}.{parameter.name}"
    if parameter.kind == "number":
        if value is None and parameter.default is None:
            return None
        return number(value, where, parameter.minimum, parameter.maximum)
    if parameter.kind == "integer":
        return int(number(integer(value, where, 0), where, parameter.minimum, parameter.maximum))
    if parameter.kind == "choice":
        return choice(value, parameter.choices, where)
    if parameter.kind == "choices":
        return [choice(item, parameter.choices, where) for item in texts(value, where)]
    if parameter.kind == "delay":
        return _delay(value, where)
    if not isinstance(value, str):
        raise ParameterError(f"{where} must be a text.")
    return value


def _delay(value: Any, where: str) -> dict[str, Any]:
    """A distribution with one name: constant, uniform, lognormal or exponential; a number is a constant."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = {"constant": value}
    values = mapping(value, where)
    if len(values) != 1:
        raise ParameterError(f"{where} must name one distribution.", next_step=f"One of: {', '.join(_DISTRIBUTIONS)}.")
    require_known(values, tuple(_DISTRIBUTIONS), where)
    ((name, given),) = values.items()
    if name == "constant":
        return {name: number(given, f"{where}.constant", 0, 600_000)}
    if name == "uniform":
        if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
            raise ParameterError(f"{where}.uniform must be two numbers.")
        low, high = (number(end, f"{where}.uniform", 0, 600_000) for end in given)
        if low > high:
            raise ParameterError(f"{where}.uniform runs backwards: {low} to {high}.")
        return {name: [low, high]}
    inner = mapping(given, f"{where}.{name}")
    wanted = _DISTRIBUTIONS[name]
    require_known(inner, wanted, f"{where}.{name}")
    if missing := [key for key in wanted if key not in inner]:
        raise ParameterError(f"{where}.{name} lacks {', '.join(missing)}.")
    return {name: {key: number(inner[key], f"{where}.{name}.{key}", 0, 600_000) for key in wanted}}
