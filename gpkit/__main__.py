"""``python -m gpkit`` and the command ``gpkit``."""

from __future__ import annotations

import sys

from gpkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
