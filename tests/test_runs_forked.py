"""A kernel that is forked from a warm process is what a fresh one is: same results and statuses, nothing shared."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from gpkit import runs
from gpkit.runs.machine import labels, preload
from gpkit.runs.machine.forks import fork
from gpkit.runs.recording import folder as folders
from tests.runs_support import (
    FINISH,
    add_notebook,
    cells_of,
    make_project,
    processes_with,
    read,
    run_folders,
    start_gpkit,
    until,
)

EXPORT = "cl_raw_20250916_0041_bootloop_1000.json"
OWN = ("GPKIT_RUN_ID", "GPKIT_RUN_FOLDER", "TMPDIR", "IPYTHONDIR", "JPY_PARENT_PID")
DEBUGGER = "PYDEVD_USE_FRAME_EVAL"  # of the debugger, which only a fresh kernel loads
LOOK = f"""
import hashlib, json, os, pathlib, signal, sys, tempfile, threading, warnings
import numpy as np, pandas as pd, plotly.io, duckdb, pyarrow.compute
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tqdm.auto import tqdm
grid = np.random.default_rng(1).normal(size=(300, 300))
numbers = pd.DataFrame(grid).groupby(0).sum().to_numpy().tobytes() + np.linalg.svd(grid)[1].tobytes()
print(json.dumps({{
    "arguments": [sys.argv[0], sys.argv[3]],
    "environment": {{name: value for name, value in os.environ.items() if name not in {(*OWN, DEBUGGER)}}},
    "own": sorted(name for name in {OWN} if name in os.environ),
    "parent": int(os.environ["JPY_PARENT_PID"]) == os.getppid(),
    "temporary": tempfile.gettempdir() == os.environ["TMPDIR"],
    "flags": str(sys.flags), "path": sys.path, "folder": os.getcwd(), "executable": sys.executable,
    "main": sorted(name for name in vars(sys.modules["__main__"]) if name.startswith("__")),
    "signals": [str(signal.getsignal(number)) for number in range(1, 32) if number not in (9, 19)],
    "leads": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    "threads": sorted(thread.name.split("-")[0] for thread in threading.enumerate() if thread.name != "Thread-1"),
    "mark": ("GPKIT_RUN_ID=" + os.environ["GPKIT_RUN_ID"]) in pathlib.Path("/proc/self/environ").read_text(),
    "renderer": plotly.io.renderers.default, "bar": tqdm.__module__,
    "borrowed": sorted({{"papermill", "nbclient", "nbconvert", "bleach"}} & set(sys.modules)),
    "numbers": hashlib.sha256(numbers).hexdigest(),
    "summed": [duckdb.sql("select sum(range) from range(1000000)").fetchall(), pyarrow.compute.sum([1, 2]).as_py()],
}}))
"""
SHOW = "import plotly.graph_objects as go\ngo.Figure(go.Scatter(x=[1, 2], y=[3, 4]))"
DRAW = "import random, uuid, numpy as np\nprint(random.random(), np.random.rand(), uuid.uuid4(), hash(object()))"
HIDE = "import os, subprocess\nif os.fork() == 0:\n    os.setsid()\n    os.execvpe('sleep', ['sleep', '603.5'], {})"


def add_fresh_kernel(project: Path, patch: pytest.MonkeyPatch) -> None:
    """The same kernel as ``python3`` through a program that gpkit does not know: so it is started, not forked."""
    folder = project / "jupyter" / "kernels" / "fresh"
    folder.mkdir(parents=True)
    command = ["env", sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    folder.joinpath("kernel.json").write_text(json.dumps({"argv": command, "display_name": "", "language": "python"}))
    patch.setenv("JUPYTER_PATH", str(project / "jupyter"))


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, runs.Run]]:
    """Notebooks that end in every way, made by one command and so from one warm parent."""
    with pytest.MonkeyPatch.context() as patch:
        project = make_project(tmp_path_factory.mktemp("together") / "project")
        patch.chdir(project)
        add_fresh_kernel(project, patch)
        notebooks = [
            add_notebook(project, "forked", LOOK, SHOW),
            add_notebook(project, "fresh", LOOK, SHOW, kernel="fresh"),
            add_notebook(project, "draws", DRAW),
            add_notebook(project, "draws_too", DRAW),
            add_notebook(project, "finds", FINISH),
            add_notebook(project, "raises", "print('kept')", "1 / 0"),
            add_notebook(project, "killed", "import os; os.kill(os.getpid(), 9)"),
            add_notebook(project, "leaves", "import os; os._exit(7)"),
            add_notebook(project, "hides", HIDE),
        ]
        made = runs.run(notebooks, jobs=2)
        yield {run.record["notebook"]: run for run in made}


def looked(run: runs.Run) -> dict[str, Any]:
    assert run.status == "ok", run.record["error"]
    told: dict[str, Any] = json.loads(cells_of(run.folder)[0].outputs[0].text)
    return told


def test_a_forked_kernel_finds_what_a_fresh_one_finds(together):
    forked, fresh = looked(together["forked"]), looked(together["fresh"])

    assert forked == fresh
    assert forked["mark"]
    assert forked["parent"]
    assert forked["borrowed"] == []


def test_a_figure_is_shown_in_the_same_forms(together):
    forked, fresh = (
        [sorted(output.data) for output in cells_of(together[name].folder)[1].outputs] for name in ("forked", "fresh")
    )

    assert forked == fresh
    assert "application/vnd.plotly.v1+json" in forked[-1]


def test_kernels_of_one_parent_draw_different_numbers(together):
    one, two = (cells_of(together[name].folder)[0].outputs[0].text.split() for name in ("draws", "draws_too"))

    assert all(a != b for a, b in zip(one[:3], two[:3], strict=True))


def test_however_a_forked_kernel_ends_the_record_says_so(together):
    ended = {name: (run.status, run.verdict, run.exit_code) for name, run in together.items()}

    assert ended["finds"] == ("ok", "findings", 1)
    assert ended["raises"] == ("failed", None, 3)
    assert ended["killed"] == ended["leaves"] == ("kernel-died", None, 3)
    assert together["killed"].record["error"]["message"] == "The kernel was ended by SIGKILL in code cell 2."
    assert together["leaves"].record["error"]["message"].startswith("The kernel ended by itself with exit code 7")
    assert cells_of(together["raises"].folder)[0].outputs[0].text == "kept\n"


def test_nothing_that_a_forked_kernel_started_outlives_its_run(together):
    assert together["hides"].status == "ok"
    assert processes_with("sleep 603.5") == []
    assert [processes_with(run.run_id) for run in together.values()] == [[]] * len(together)


def test_the_notebooks_find_the_same_in_forked_and_fresh_kernels(root, tmp_path, exports, monkeypatch):
    project = make_project(tmp_path / "project")
    monkeypatch.chdir(project)
    add_fresh_kernel(project, monkeypatch)
    for name in ("handshake_race", "auth_timing"):
        content = nbformat.read(root / "notebooks" / f"{name}.ipynb", as_version=4)
        nbformat.write(content, project / "notebooks" / f"{name}.ipynb")
        content.metadata.kernelspec.name = "fresh"
        nbformat.write(content, project / "notebooks" / f"{name}-fresh.ipynb")
    names = sorted(path.stem for path in (project / "notebooks").iterdir())
    made = runs.run(names, texts={"logs": str(exports / "cloud_logging" / EXPORT)}, jobs=2)
    found = {run.record["notebook"]: (run.status, run.verdict, judged(run)) for run in made}

    assert [found[name][0] for name in names] == ["ok"] * 4
    assert found["handshake_race"] == found["handshake_race-fresh"]
    assert found["auth_timing"] == found["auth_timing-fresh"]


def judged(run: runs.Run) -> dict[str, Any]:
    """``results.json`` but for what tells one run from another: its name, and what it is against earlier ones."""
    told: dict[str, Any] = json.loads(json.dumps(run.results).replace(run.run_id, "RUN"))
    return {name: value for name, value in told.items() if name not in ("notebook", "against")}


def test_runs_outlive_the_warm_parent_and_the_next_one_gets_another(tmp_path):
    project = make_project(tmp_path / "project")
    waits = "import os, time\nopen('waiting', 'w').close()\nwhile not os.path.exists('go'):\n    time.sleep(0.01)"
    add_notebook(project, "waits", FINISH, waits)
    add_notebook(project, "follows", FINISH)
    process = start_gpkit(project, "run", "waits", "follows")
    until(lambda: (project / "waiting").exists())
    [warm] = [pid for pid in processes_with("gpkit.runs.making.warm") if parent(pid) == process.pid]
    os.kill(warm, signal.SIGKILL)
    (project / "go").touch()
    process.communicate(timeout=60)

    assert [read(folder / "run.json")["status"] for folder in run_folders(project)] == ["ok", "ok"]
    assert process.returncode == 1


def test_what_a_forked_kernel_forks_is_found_by_its_mark_when_the_supervisor_is_killed(tmp_path):
    project = make_project(tmp_path / "project")
    daemon = (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        open('daemon', 'w').write(str(os.getpid()))\n        time.sleep(600)\n    os._exit(0)\ntime.sleep(600)"
    )
    add_notebook(project, "daemon", daemon)
    process = start_gpkit(project, "run", "daemon")
    pid = int(until(lambda: (project / "daemon").exists() and (project / "daemon").read_text()))
    [folder] = run_folders(project)
    os.kill(int(read(folder / folders.PROCESS_FILE)["pid"]), signal.SIGKILL)
    process.communicate(timeout=60)

    until(lambda: not Path(f"/proc/{pid}").exists())  # init collects it
    assert read(run_folders(project)[0] / "run.json")["status"] == "interrupted"


def test_a_project_that_hides_an_imported_module_gets_a_fresh_kernel(tmp_path, monkeypatch):
    project = make_project(tmp_path / "project")
    monkeypatch.chdir(project)
    (project / "yaml.py").write_text("OWN = True")
    [made] = runs.run(add_notebook(project, "own", "import yaml\nprint(yaml.OWN)"))

    assert cells_of(made.folder)[0].outputs[0].text == "True\n"


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_only_what_notebooks_import_is_imported_for_them(tmp_path):
    project = make_project(tmp_path / "project")
    plain = add_notebook(project, "plain", "x = 1\n# import pandas")
    tables = add_notebook(project, "tables", "import pandas as pd", "    from plotly import graph_objects")

    assert preload.wanted([plain]) == ()
    assert preload.wanted([plain, tables])[:2] == ("numpy", "pandas")
    assert preload.wanted([tmp_path / "missing.ipynb"]) == ()


def test_a_forked_child_has_only_the_descriptors_it_is_given(tmp_path):
    out = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    kept_from_it = os.open(os.devnull, os.O_RDONLY)

    def look() -> int:
        os.write(3, json.dumps(sorted(map(int, os.listdir("/proc/self/fd")))[:-1]).encode())
        return 5

    child = fork(look, [0, 1, 2, out])

    assert child.wait(10) == child.poll() == 5
    assert json.loads((tmp_path / "out").read_text()) == [0, 1, 2, 3]
    for descriptor in (out, kept_from_it):
        os.close(descriptor)


def test_a_child_that_raises_or_is_killed_says_so(tmp_path):
    def fail() -> int:
        raise ValueError

    nowhere = os.open(os.devnull, os.O_RDWR)
    failed = fork(fail, [nowhere] * 3)
    killed = fork(lambda: os.kill(os.getpid(), signal.SIGKILL) or 0, [nowhere] * 3)
    os.close(nowhere)

    assert (failed.wait(), killed.wait()) == (70, -signal.SIGKILL)


def test_a_process_without_room_for_a_label_goes_without(monkeypatch):
    before = Path("/proc/self/environ").read_bytes()
    labels.mark("20250101T000000000Z-a-000000")

    assert Path("/proc/self/environ").read_bytes() == before
