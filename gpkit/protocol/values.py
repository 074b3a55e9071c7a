"""Values of a faults file, checked one by one. Each function raises :class:`~gpkit.errors.ParameterError`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gpkit.errors import ParameterError, nearest


def require_known(values: Mapping[str, Any], allowed: tuple[str, ...], owner: str) -> None:
    """Refuse a name that is not allowed, with the nearest that is."""
    for key in values:
        if key not in allowed:
            raise ParameterError(
                f"'{key}' is not a parameter of {owner}. {nearest(str(key), allowed)}".strip(),
                next_step=f"It takes: {', '.join(allowed)}.",
            )


def mapping(value: Any, where: str) -> dict[str, Any]:
    """Names and values."""
    if not isinstance(value, Mapping):
        raise ParameterError(f"{where} must hold names and values.")
    return dict(value)


def list_at(values: Mapping[str, Any], key: str) -> list[Any]:
    """A list; an empty one where there is none."""
    given = values.get(key) or []
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ParameterError(f"{key} must be a list.")
    return list(given)


def texts(value: Any, where: str) -> tuple[str, ...]:
    """Texts; one text alone is a list of one."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, Sequence) or not all(isinstance(item, str) for item in given):
        raise ParameterError(f"{where} must be a list of texts.")
    return tuple(given)


def choice(value: Any, choices: tuple[str, ...], where: str) -> str:
    """One of a few names."""
    if value not in choices:
        raise ParameterError(
            f"{where} = {value!r} is none of {', '.join(choices)}. {nearest(str(value), choices)}".strip()
        )
    return str(value)


def number(value: Any, where: str, minimum: float | None, maximum: float | None) -> float:
    """A number within limits."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value != value:
        raise ParameterError(f"{where} must be a number.")
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
        limits = f"{'-∞' if minimum is None else minimum:} to {'∞' if maximum is None else maximum}"
        raise ParameterError(f"{where} = {value} is outside {limits}.")
    return float(value)


def integer(value: Any, where: str, minimum: int) -> int:
    """A whole number of at least ``minimum``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ParameterError(f"{where} must be a whole number.")
    if value < minimum:
        raise ParameterError(f"{where} = {value} is below {minimum}.")
    return value
