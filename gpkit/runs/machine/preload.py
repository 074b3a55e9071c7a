"""What a process imports before a kernel is forked from it, and what such a kernel begins with.

Only what the notebook would import anyway, and nothing that looks around when it is imported: plotly's renderers and
tqdm's bars ask then whether they are in a notebook, so they are left for the notebook. A kernel begins with these
modules and no others: what its parents imported for themselves is forgotten (:func:`forget_all_but`).
"""

from __future__ import annotations

import contextlib
import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

KERNEL = "ipykernel.kernelapp"
SHARED = "jupyter_client"  # a kernel imports all of it, and so does who talks to one
_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_FIGURE = ("plotly.graph_objects", "plotly.graph_objs._figure", "plotly.graph_objs._scatter", "plotly.offline.offline")
_TABLES = ("numpy", "pandas")
_EVIDENCE = (
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "duckdb",
    "ibis.backends.duckdb",
    "gpkit",
)
# What a notebook is likely to use of a package that it imports.
_USED: dict[str, tuple[str, ...]] = {
    "numpy": ("numpy",),
    "pandas": _TABLES,
    "plotly": _FIGURE,
    "gpkit": (*_TABLES, *_FIGURE, *_EVIDENCE),
}


def wanted(notebooks: Iterable[Path]) -> tuple[str, ...]:
    """The modules that these notebooks will import, as far as they are known here; none for one that is unreadable."""
    modules: dict[str, None] = {}
    for notebook in notebooks:
        for package in _IMPORT.findall(_code(notebook)):
            modules.update(dict.fromkeys(_USED.get(package, ())))
    return tuple(modules)


def preload(modules: Iterable[str]) -> None:
    """Import modules. One that cannot be imported is left for the notebook to say so."""
    for name in modules:
        with contextlib.suppress(Exception):
            module = importlib.import_module(name)
            if name == "gpkit":  # it loads a module when one of its names is first used
                for public in module.__all__:
                    getattr(module, public)


def modules_now() -> frozenset[str]:
    """The modules that are imported."""
    return frozenset(sys.modules)


@contextlib.contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Let imports of these modules fail meanwhile, for who can do without what takes long to import."""
    modules: dict[str, Any] = sys.modules
    before = {name: modules[name] for name in names if name in modules}
    modules.update(dict.fromkeys(names))
    try:
        yield
    finally:
        for name in names:
            del modules[name]
        modules.update(before)


def forget_all_but(kept: frozenset[str]) -> None:
    """Forget every imported module but these and the standard library's, as if it had never been imported."""
    for name in list(sys.modules):
        if name not in kept and name.partition(".")[0] not in sys.stdlib_module_names:
            del sys.modules[name]


def is_shadowed(folder: Path) -> bool:
    """Whether a fresh kernel in this folder would find another file for something that is imported here."""
    for path in folder.iterdir() if folder.is_dir() else ():
        loaded = sys.modules.get(path.name.partition(".")[0])
        if loaded is None or path.name.partition(".")[0] in sys.stdlib_module_names:
            continue
        found = path / "__init__.py" if path.is_dir() else path
        if found.suffix in (".py", ".so") and found.exists() and not _is_file(loaded, found):
            return True
    return False


def _is_file(module: object, path: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve() == path.resolve()


def _code(notebook: Path) -> str:
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        sources = [cell.get("source", "") for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    return "\n".join(source if isinstance(source, str) else "".join(source) for source in sources)
