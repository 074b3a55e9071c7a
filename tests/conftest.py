"""What every test may use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# Fixtures of every test that asks for them.
from tests.browser_support import browser as browser
from tests.browser_support import devtools as devtools
from tests.spark_support import spark as spark

# A test that starts a process imports pandas and the like in it. Compiling them anew each time, as some machines ask
# for, takes longer than the tests do.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def exports() -> Path:
    """Real exports, named by GPKIT_EXPORTS or beside the checkout; CI has them."""
    folder = Path(os.environ.get("GPKIT_EXPORTS", ROOT.parent / "shared" / "exports")).resolve()
    if not folder.is_dir():
        assert not os.environ.get("CI"), "CI must have the exports: set GPKIT_EXPORTS."
        pytest.skip("the real exports are not on this machine: set GPKIT_EXPORTS")
    return folder
