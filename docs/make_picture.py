"""Write ``docs/report.png``, the top of a real report in Chromium: ``python docs/make_picture.py RUN_FOLDER``."""

import base64
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser_support import chromium, tab  # noqa: E402 - the tests' browser, found from the root

WIDTH_PX, HEIGHT_PX = 1240, 1010


def main() -> None:
    report = Path(sys.argv[1]).resolve() / "report.html"
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        chromium(Path(profile)) as browser,
        tab(browser) as page,
    ):
        page.open(report.as_uri(), width=WIDTH_PX, height=HEIGHT_PX)
        shot = page.call("Page.captureScreenshot", format="png")
    (ROOT / "docs" / "report.png").write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    main()
