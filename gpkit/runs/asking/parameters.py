"""Parameter values, checked against a notebook's declarations before a kernel starts.

A value comes as text from ``-p NAME=VALUE`` (parsed by the declared type, so ``007`` stays text where text is
declared), typed from a YAML file, or typed from Python. Nothing is converted in silence: what does not fit is
refused with the nearest valid name and the list of what the notebook takes.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from gpkit.errors import ParameterError, SourceError, nearest
from gpkit.instants import resolve
from gpkit.redaction import redact
from gpkit.runs.asking.declarations import Declaration

_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LARGEST = 1e300  # beyond it a whole number of Python may not fit a float
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_KINDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}


def check(
    notebook: str,
    declarations: Iterable[Declaration],
    *,
    texts: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Every parameter of a notebook with the value it will have.

    Args:
        notebook: Its name, for messages.
        declarations: What it declares.
        texts: Values as text, from a command line; they win over ``values``.
        values: Typed values, from a file or from Python.
        folder: What relative paths among the given values are relative to; defaults to the current folder.
        now: The instant that relative times count from; defaults to the present.

    Returns:
        One value for each declaration, in its order. Given paths are absolute, and times named ``since`` and
        ``until`` are absolute UTC.

    Raises:
        ParameterError: An unknown name, a value that does not fit, or a value that holds a credential.
        SourceError: A given path is missing, unreadable or empty.
    """
    declared = {declaration.name: declaration for declaration in declarations}
    given: dict[str, Any] = {}
    for name, typed in (values or {}).items():
        given[name] = check_value(known(name, declared, notebook), typed)
    for name, text in (texts or {}).items():
        given[name] = parse_value(known(name, declared, notebook), text)
    for name in given:
        if declared[name].is_path:
            given[name] = _located(declared[name], given[name], folder or Path.cwd())
    whole = {name: given.get(name, declaration.default) for name, declaration in declared.items()}
    for name, declaration in declared.items():
        _refuse_a_credential(name, whole[name])
        if name not in given:
            check_value(declaration, whole[name])
    return whole | resolve({name: whole[name] for name in ("since", "until") if name in whole}, now=now)


def known(name: str, declared: Mapping[str, Declaration], notebook: str) -> Declaration:
    """The declaration of a name.

    Raises:
        ParameterError: The notebook does not declare it.
    """
    if name in declared:
        return declared[name]
    raise ParameterError(
        f"{name!r} is not a parameter of {notebook}.",
        nearest(name, declared),
        f"It takes: {', '.join(declared)}." if declared else "It takes none.",
    )


def parse_value(declaration: Declaration, text: str) -> Any:
    """A value given as text, by its declared type. A list is given as items with commas between them.

    Raises:
        ParameterError: The text is not of that type, or breaks the constraint.
    """
    if not declaration.is_list:
        return _check_constraint(declaration, _parse_item(declaration, text))
    inner = text.strip().removeprefix("[").removesuffix("]").strip()
    items = [item.strip() for item in inner.split(",")] if inner else []
    return [_check_constraint(declaration, _parse_item(declaration, item)) for item in items]


def check_value(declaration: Declaration, value: Any) -> Any:
    """A typed value, unchanged but for a whole number where a number is declared.

    Raises:
        ParameterError: The value is not of the declared type, or breaks the constraint.
    """
    if not declaration.is_list:
        return _check_constraint(declaration, _check_item(declaration, value))
    if not isinstance(value, (list, tuple)):
        raise _wrong_type(declaration, value)
    return [_check_constraint(declaration, _check_item(declaration, item)) for item in value]


def absolute(path: str, folder: Path) -> str:
    """A given path made absolute from ``folder``. Empty text, addresses and patterns are no files to check.

    Raises:
        SourceError: The file is missing, unreadable or empty, or the address is of no known kind.
    """
    if not path:
        return path
    from gpkit.logs import sources  # here: a wrong name is refused sooner without it

    if sources.is_address(path):
        sources.source(path)
        return path
    whole = folder / os.path.expanduser(path)
    if any(character in path for character in "*?["):
        return str(whole)
    if not _exists(whole):
        raise SourceError(f"{path[:200]} does not exist.", next_step="Relative paths start at the current folder.")
    if not os.access(whole, os.R_OK):
        raise SourceError(f"{path} cannot be read.", "Its permissions do not allow it.")
    if whole.is_file() and whole.stat().st_size == 0:
        raise SourceError(f"{path} is empty.", "There is nothing in it to read.")
    return str(whole.resolve())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a character that no path has
        return False


def _parse_item(declaration: Declaration, text: str) -> Any:
    if declaration.type == "str":
        return text
    stripped = text.strip()
    if declaration.type == "bool" and stripped.lower() in _TRUTHS:
        return _TRUTHS[stripped.lower()]
    if declaration.type == "int" and _WHOLE_NUMBER.fullmatch(stripped):
        return int(stripped)
    if declaration.type == "float":
        try:
            return _finite(declaration, float(stripped))
        except ValueError:
            pass
    raise _wrong_type(declaration, text)


def _check_item(declaration: Declaration, value: Any) -> Any:
    if declaration.type == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _finite(declaration, float(value) if abs(value) < _LARGEST else math.inf)
    if declaration.type == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if declaration.type == "bool" and isinstance(value, bool):
        return value
    if declaration.type == "str" and isinstance(value, str):
        return value
    raise _wrong_type(declaration, value)


def _finite(declaration: Declaration, value: float) -> float:
    if not math.isfinite(value):
        raise _wrong_type(declaration, value)
    return value


def _check_constraint(declaration: Declaration, value: Any) -> Any:
    name = declaration.name
    if declaration.is_filter and value:
        from gpkit import filters

        filters.check(filters.parse(value))
    if declaration.choices and not _is_listed(declaration, value):
        raise ParameterError(
            f"{name} = {value!r} is not possible.",
            nearest(str(value), declaration.choices),
            f"{name} is one of: {', '.join(choice or '(empty)' for choice in declaration.choices)}.",
        )
    low, high = declaration.low, declaration.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise ParameterError(f"{name} = {value} is not possible.", f"It must be in {declaration.constraint}.")
    return value


def _is_listed(declaration: Declaration, value: Any) -> bool:
    if declaration.type != "float":
        return str(value) in declaration.choices
    # 5, 5.0 and 5e0 are one number.
    return any(_NUMBER.fullmatch(choice) and float(choice) == value for choice in declaration.choices)


def _wrong_type(declaration: Declaration, value: Any) -> ParameterError:
    kind = _KINDS[declaration.type]
    if declaration.is_list:
        kind = f"a list, each item {kind}"
    return ParameterError(
        f"{declaration.name} takes {kind}, not {redact(repr(value))[:80]}.",
        next_step=f"{declaration.name}: {declaration.type_name} = {declaration.default!r}"
        + (f"  # {declaration.help} {declaration.constraint}".rstrip() if declaration.help else ""),
    )


def _refuse_a_credential(name: str, value: Any) -> None:
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and redact(text) != text for text in texts):
        raise ParameterError(
            f"The value of {name} holds a credential.",
            "Parameters are written into the notebook and the report.",
            "Name it by reference in an environment: secret: env:GPKIT_JWT_SECRET",
        )


def _located(declaration: Declaration, value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_located(declaration, item, folder) for item in value]
    if declaration.may_be_name and not any(character in value for character in "./"):
        return value
    return absolute(value, folder)
