"""A YAML file with the line of everything in it, and what is named twice. Knows nothing of schedules."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gpkit.errors import ParameterError, SourceError

_MERGE = "<<"


@dataclass(frozen=True)
class Document:
    """What a YAML file holds.

    Args:
        file: The file, as messages name it.
        content: Plain values.
        lines: The line of every key, by its path from the top: ``("entries", "nightly", "cron")``.
        twice: Each further time that a key is there, by its path, with what is wrong; YAML itself would keep the last
            one in silence.
    """

    file: str
    content: Any
    lines: dict[tuple[str, ...], int]
    twice: tuple[tuple[tuple[str, ...], ParameterError], ...] = ()

    def place(self, *path: str) -> str:
        """Where something is written, for a message; of what is not written, where it should be."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.file}, line {self.lines[path]}" if path else self.file


class _Loader(yaml.SafeLoader):
    """YAML as papermill reads it: a time stays text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the name and kind that PyYAML looks for
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_document(path: Path, shown: str) -> Document:
    """Read a YAML file.

    Args:
        path: The file.
        shown: Its name in messages.

    Raises:
        SourceError: It cannot be read.
        ParameterError: It is not YAML.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise SourceError(
            f"{shown} does not exist.", next_step="Write one, or name another: gpkit schedule … --file FILE"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{shown} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from None
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        lines: dict[tuple[str, ...], int] = {}
        twice: list[tuple[tuple[str, ...], ParameterError]] = []
        if root is not None:
            _find_lines(root, (), lines, twice, shown, ())
        content = None if root is None else loader.construct_document(root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{shown}, line {mark.line + 1}" if mark is not None else shown
        raise ParameterError(
            f"{place}: this is not YAML.",
            next_step="A text that begins with * or @ needs quotes: cron: '*/15 * * * *'",
        ) from None
    finally:
        loader.dispose()
    return Document(shown, content, lines, tuple(twice))


def _find_lines(
    node: yaml.Node,
    path: tuple[str, ...],
    lines: dict[tuple[str, ...], int],
    twice: list[tuple[tuple[str, ...], ParameterError]],
    shown: str,
    above: tuple[int, ...],
) -> None:
    if not isinstance(node, yaml.MappingNode) or id(node) in above:  # an alias may hold itself
        return
    for key, value in node.value:
        name = str(key.value)
        here = (*path, name)
        line = key.start_mark.line + 1
        if here in lines and name != _MERGE:
            what = f"{shown}, line {line}: {name!r} is there twice, first in line {lines[here]}."
            twice.append((here, ParameterError(what, next_step="Give each its own name.")))
            for inside in [path for path in lines if path[: len(here)] == here]:
                del lines[inside]  # the last one counts
        lines[here] = line
        _find_lines(value, here, lines, twice, shown, (*above, id(node)))
