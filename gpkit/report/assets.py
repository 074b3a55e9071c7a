"""What a page may load and run, and the policy that says so.

Reports share one copy of plotly.js, taken from the installed wheel, under a name that carries its version. A page
has one inline script, the loader. The policy names its hash and lets it, and nothing else, insert that file; so a
script that came in with log text has no right to run even if it were not escaped. This policy works from ``file://``
and over ``http``. Firefox applies no policy to scripts of ``file:`` pages: escaping is the first defence.

A page that stands alone carries plotly.js inside: gzip in base 85, unpacked by the browser (``DecompressionStream``:
Chromium 80, Firefox 113, Safari 16.4). Its policy names two scripts by their hashes, the loader and plotly.js, and no
address at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
import os
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gpkit.errors import FarSideError, OutputError

_HERE = Path(__file__).parent / "template" / "gpkit"


@cache
def loader() -> str:
    """The one inline script of a report."""
    return (_HERE / "loader.js").read_text(encoding="utf-8")


@cache
def style() -> str:
    """The style sheet of reports and of the index, comments and indentation taken out."""
    text = re.sub(r"/\*.*?\*/", "", (_HERE / "report.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\n\s*", "\n", text).strip()


@dataclass(frozen=True)
class Library:
    """Where a page has plotly.js from.

    Attributes:
        address: Of a file beside the page; empty when there is none.
        packed: plotly.js itself, as :func:`packed` makes it; empty when there is none.
        scripts: What the policy lets run.
        name: What a reader is told when it is missing.
    """

    address: str = ""
    packed: str = ""
    scripts: str = "'none'"
    name: str = ""


NO_LIBRARY = Library()


def policy(library: Library) -> str:
    """The Content-Security-Policy of a page; without a library nothing can run on it at all.

    Inline styles stay allowed: plotly.js writes them. They can load nothing, since images and fonts come from
    ``data:`` only.
    """
    return (
        f"default-src 'none'; script-src {library.scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )


def shared_library(root: Path, folder: Path) -> Library:
    """The shared copy of plotly.js under ``root/assets``, made when it is not there, as a page in ``folder`` finds it.

    Raises:
        FarSideError: plotly is not installed, or its wheel carries no plotly.js.
        OutputError: The folder cannot be written.
    """
    source = _plotly()
    shared = root / "assets" / f"plotly-{_version(source)}.min.js"
    if not shared.is_file() or shared.stat().st_size != source.stat().st_size:
        write_whole(shared, source.read_bytes())
    address = Path(os.path.relpath(shared, folder)).as_posix()
    return Library(address=address, scripts=f"'strict-dynamic' '{_hash(loader().encode())}'", name=address)


def packed_library() -> Library:
    """plotly.js for a page that stands alone: 4.82 MB become 1.47 MB by gzip, and 1.84 MB as text.

    Raises:
        FarSideError: As for :func:`shared_library`.
    """
    source = _plotly()
    content = source.read_bytes()
    scripts = f"'{_hash(loader().encode())}' '{_hash(content)}'"
    return Library(packed=packed(content), scripts=scripts, name=f"plotly.js {_version(source)}")


def packed(content: bytes) -> str:
    """Content as text that a script element can hold and the loader unpacks: gzip in base 85, a comma for ``<``.

    Base 64 would take 0.12 MB more of plotly.js, which is half of what a page has for everything else.
    """
    return base64.b85encode(gzip.compress(content, 9, mtime=0)).replace(b"<", b",").decode()


def _plotly() -> Path:
    """plotly.js in the installed wheel."""
    found = importlib.util.find_spec("plotly")
    source = Path(found.origin).parent / "package_data" / "plotly.min.js" if found and found.origin else None
    if source is None or not source.is_file():
        raise FarSideError(
            "plotly.min.js is not in the installed plotly.", "Charts are drawn with it.", "pip install --force plotly"
        )
    return source


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old one or the new one, never a part.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(beside, 0o644)
            os.replace(beside, path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}.", "", "Free the disk or choose another folder."
        ) from error


@cache
def _version(source: Path) -> str:
    with source.open(encoding="utf-8") as file:
        found = re.search(r"plotly\.js v(\d[\w.\-]*)", file.read(400))
    return found[1] if found else "0"


def _hash(script: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script).digest()).decode()
