"""JupyterLab, as an analyst uses it: open a notebook, Run All, look at the charts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser_support import tab

READY_DEADLINE_S = 60.0
RUN_DEADLINE_S = 120.0
TOKEN = "a-token-for-this-test-only"


@pytest.fixture(scope="module")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on a copy of the notebooks, whose probes are made short; its address."""
    python = root / ".venv-lab" / "bin" / "python"
    assert python.is_file(), "JupyterLab has its own environment: make lab sets it up (.venv-lab)."
    home = tmp_path_factory.mktemp("lab")
    (home / "notebooks").mkdir()
    for name in ("handshake_race", "event_success_rates", "auth_timing"):
        text = (root / "notebooks" / f"{name}.ipynb").read_text("utf-8")
        short, changed = re.subn(r"attempts: int = \d+", "attempts: int = 40", text)
        assert changed == 1
        (home / "notebooks" / f"{name}.ipynb").write_text(short, "utf-8")
    (home / "parameters").symlink_to(root / "parameters")
    log = (home / "lab.log").open("w")
    process = subprocess.Popen(
        [python, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0",
         f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None",
         "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--ServerApp.allow_root=True",
         f"--ServerApp.root_dir={home}"],
        cwd=home, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_DATA_DIR": str(home / "data"),
             "JUPYTER_RUNTIME_DIR": str(home / "runtime"), "PATH": f"{python.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    try:
        yield _address(home / "runtime", process)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _address(runtime: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + READY_DEADLINE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "JupyterLab ended before it was ready."
        for file in runtime.glob("jpserver-*.json"):
            try:
                return str(json.loads(file.read_text())["url"])
            except (json.JSONDecodeError, KeyError):
                pass
        time.sleep(0.1)
    raise AssertionError("JupyterLab was not ready in time.")


@pytest.mark.parametrize("name", ["handshake_race", "event_success_rates", "auth_timing"])
def test_run_all_works_in_jupyterlab_and_draws_the_charts(lab: str, devtools: str, name: str) -> None:
    with tab(devtools) as page:
        page.open(f"{lab}lab/workspaces/{name}?token={TOKEN}")
        page.wait_until("window.jupyterapp && window.jupyterapp.restored", 60)
        page.evaluate("window.jupyterapp.restored.then(() => true)")
        opened = f"window.jupyterapp.commands.execute('docmanager:open', {{path: 'notebooks/{name}.ipynb'}})"
        page.evaluate(
            f"{opened}.then(async w => {{ window.nb = w; await w.context.ready; await w.sessionContext.ready; "
            "await w.sessionContext.session.kernel.info; return true; })"
        )
        page.evaluate("window.done = false; window.jupyterapp.commands.execute('notebook:run-all-cells')"
                      ".then(ok => { window.done = true; window.allRan = ok; }); true")  # fmt: skip
        page.wait_until("window.done", RUN_DEADLINE_S)
        told = json.loads(page.evaluate("JSON.stringify(window.nb.content.model.toJSON().cells)"))
        ran = [cell for cell in told if cell["cell_type"] == "code"]
        outputs = [output for cell in ran for output in cell["outputs"]]
        charts = sum("application/vnd.plotly.v1+json" in output.get("data", {}) for output in outputs)
        # Lab draws a cell when it is scrolled into view: go through all of them.
        page.evaluate("(async () => { for (let i = 0; i < window.nb.content.widgets.length; i++) {"
                      "window.nb.content.activeCellIndex = i; await window.nb.content.scrollToItem(i);"
                      "await new Promise(r => setTimeout(r, 60)); } return true; })()")  # fmt: skip
        page.wait_until(f"document.querySelectorAll('.jp-Notebook .js-plotly-plot .main-svg').length >= {charts}", 30)

    assert all(cell["execution_count"] for cell in ran)
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert charts >= 2


def test_lab_has_the_extension_that_draws_charts(root: Path) -> None:
    extensions = root / ".venv-lab" / "share" / "jupyter" / "labextensions"

    assert (extensions / "jupyterlab-plotly").is_dir()


def test_jupyterlab_stays_out_of_the_environment_of_runs() -> None:
    found = subprocess.run([sys.executable, "-c", "import jupyterlab"], capture_output=True, check=False)

    assert found.returncode != 0
