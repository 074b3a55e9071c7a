"""The parameters cell of a notebook, read as the one declaration of its parameters. The cell is never executed.

A declaration is one annotated assignment of a literal and the comment at its end::

    attempts: int = 200            # planned attempts [1..10000]
    carrier: str = "header"        # how the token travels {header|query|none}
    logs: str = ""                 # an export; empty means probe {path}

``[low..high]`` bounds a number (either end may be left out), ``{a|b}`` lists what is allowed, ``{path}`` marks a
file or folder of the caller, ``{name or path}`` the same where a text without a dot or a slash is a name, and
``{filter}`` a filter of log entries.
Types: ``str``, ``int``, ``float``, ``bool`` and lists of them (``list[float]``).
A default may span lines and may hold ``=``: the syntax tree is read, not the text.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpkit.errors import ParameterError

TYPES = ("str", "int", "float", "bool")
_BOUNDS = re.compile(r"\[\s*([-+\d.eE]*?)\s*\.\.\s*([-+\d.eE]*)\s*\]")
_CHOICES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Declaration:
    """One parameter of a notebook.

    Args:
        name: Its name.
        type: ``str``, ``int``, ``float`` or ``bool``; of the items when ``is_list``.
        is_list: Whether it holds a list.
        default: The literal in the cell.
        help: The comment, without its constraint.
        low: Smallest allowed number, or null.
        high: Largest allowed number, or null.
        choices: What is allowed; empty means anything.
        is_path: Whether it names a file or folder of the caller.
        may_be_name: Whether a text without a dot or a slash is a name instead.
        is_filter: Whether it is a filter of log entries.
    """

    name: str
    type: str
    is_list: bool
    default: Any
    help: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    is_path: bool = False
    may_be_name: bool = False
    is_filter: bool = False

    @property
    def type_name(self) -> str:
        """The type as it is written in the cell."""
        return f"list[{self.type}]" if self.is_list else self.type

    @property
    def constraint(self) -> str:
        """The constraint as it is written in the cell, or an empty string."""
        if self.choices:
            return "{" + "|".join(self.choices) + "}"
        if self.low is None and self.high is None:
            return ""
        return f"[{_number(self.low)}..{_number(self.high)}]"


def read_declarations(notebook: Path) -> tuple[Declaration, ...]:
    """The parameters that a notebook declares, in the order of its cell.

    Raises:
        ParameterError: The file is no notebook, has no parameters cell, or its cell holds something else
            than declarations.
    """
    return parse_cell(parameters_cell(notebook), notebook.stem)


def parameters_cell(notebook: Path) -> str:
    """The source of the cell tagged ``parameters``.

    Raises:
        ParameterError: The file is no notebook, or no cell has the tag.
    """
    try:
        content = json.loads(notebook.read_text("utf-8"))
        cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ParameterError(
            f"{notebook.name} is not a notebook.", f"It cannot be read as one ({type(error).__name__})."
        ) from None
    for cell in cells:
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            source = cell.get("source", "")
            return source if isinstance(source, str) else "".join(source)
    raise ParameterError(
        f"{notebook.stem} has no parameters cell.",
        "A run takes its parameters from the cell tagged 'parameters'.",
        "Add the tag to the cell that declares them (JupyterLab: Property Inspector, Cell Tags).",
    )


def parse_cell(source: str, notebook: str) -> tuple[Declaration, ...]:
    """The declarations in the source of a parameters cell. Pure.

    Raises:
        ParameterError: Something in it is not a declaration.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ParameterError(f"The parameters cell of {notebook} is not valid Python (line {error.lineno}).") from None
    comments = _comments(source)
    return tuple(_declaration(statement, comments, notebook) for statement in tree.body if not _is_docstring(statement))


def _declaration(statement: ast.stmt, comments: dict[int, str], notebook: str) -> Declaration:
    if not (
        isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is not None
    ):
        raise _undeclared(notebook, statement, "It is not a declaration")
    try:
        default = ast.literal_eval(statement.value)
    except ValueError:
        raise _undeclared(notebook, statement, "Its default is not a literal") from None
    type_name, is_list = _type(statement.annotation)
    if type_name not in TYPES:
        raise _undeclared(notebook, statement, "Its type is none of str, int, float, bool and lists of them")
    last_line = statement.end_lineno or statement.lineno
    comment = " ".join(comments[line] for line in range(statement.lineno, last_line + 1) if line in comments)
    return _with_constraint(Declaration(statement.target.id, type_name, is_list, default), comment)


def _with_constraint(declared: Declaration, comment: str) -> Declaration:
    low = high = None
    choices: tuple[str, ...] = ()
    is_path = may_be_name = is_filter = False
    is_number = declared.type in ("int", "float")
    if is_number and (bounds := _BOUNDS.search(comment)):
        low, high = (float(end) if end else None for end in bounds.groups())
        comment = comment.replace(bounds.group(0), "")
    if listed := _CHOICES.search(comment):
        may_be_name = listed.group(1) == "name or path"
        is_path = may_be_name or listed.group(1) == "path"
        is_filter = listed.group(1) == "filter"
        choices = () if is_path or is_filter else tuple(choice.strip() for choice in listed.group(1).split("|"))
        comment = comment.replace(listed.group(0), "")
    return Declaration(
        declared.name,
        declared.type,
        declared.is_list,
        declared.default,
        " ".join(comment.split()),
        low,
        high,
        choices,
        is_path,
        may_be_name,
        is_filter,
    )


def _type(annotation: ast.expr) -> tuple[str, bool]:
    if isinstance(annotation, ast.Name):
        return annotation.id, False
    if (
        isinstance(annotation, ast.Subscript)
        and isinstance(annotation.value, ast.Name)
        and annotation.value.id == "list"
        and isinstance(annotation.slice, ast.Name)
    ):
        return annotation.slice.id, True
    return "", False


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _undeclared(notebook: str, statement: ast.stmt, why: str) -> ParameterError:
    return ParameterError(
        f"Line {statement.lineno} of the parameters cell of {notebook} declares no parameter.",
        f"{why}: {ast.unparse(statement)[:80]}",
        "Write name: type = default  # help [low..high]",
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else str(value)
