"""However a notebook ends, the record says so: real papermill, real kernels."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from gpkit import runs
from tests.runs_support import FINISH, add_notebook, cells_of, make_project, processes_with

RECORDS = ["evidence", "notebook.ipynb", "report.html", "report.md", "results.json", "run.json"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_project(tmp_path / "project")
    monkeypatch.chdir(made)
    return made


def one(notebook: Path, **how) -> runs.Run:
    return runs.run(notebook, **how)[0]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[runs.Run, list[runs.Progress]]]:
    """One run that worked, and its progress; several tests look at it."""
    private = (
        "from ipykernel.kernelapp import IPKernelApp\n"
        "app = IPKernelApp.instance()\n"
        "import os, stat\n"
        "print(app.transport, oct(stat.S_IMODE(os.stat(os.path.dirname(app.ip)).st_mode) & 0o777))"
    )
    seen: list[runs.Progress] = []
    with pytest.MonkeyPatch.context() as patch:
        project = make_project(tmp_path_factory.mktemp("worked") / "project")
        patch.chdir(project)
        notebook = add_notebook(project, "works", FINISH, "print(attempts, label)", private)
        yield one(notebook, texts={"attempts": "7"}, on_progress=seen.append), seen


def test_a_run_that_worked_has_its_records_and_its_verdict(worked):
    made, _ = worked
    outputs = made.folder.parent.parent

    assert (made.status, made.verdict, made.exit_code) == ("ok", "findings", 1)
    assert sorted(path.name for path in made.folder.iterdir()) == RECORDS
    assert (outputs.name, outputs.parent.name) == ("outputs", "project")
    assert made.record["parameters"] == {"attempts": 7, "label": "plain"}
    assert made.record["given"] == ["attempts"]
    assert made.record["headline"]["n"] == 200
    assert made.record["coverage"] == {"entries": 3}
    assert made.results["verdict"] == "findings"
    assert made.results["run_id"] == made.record["run_id"] == made.run_id
    assert cells_of(made.folder)[1].outputs[0].text == "7 plain\n"
    assert made.run_id in (outputs / "index.html").read_text()


def test_a_record_says_with_what_it_was_made(worked):
    record = worked[0].record

    assert record["notebook_file"] == "notebooks/works.ipynb"
    assert record["versions"]["papermill"].startswith("2.")
    assert record["python"].count(".") == 2
    assert record["git"] == {"revision": None, "dirty": None}
    assert record["started_utc"] < record["ended_utc"]
    assert set(record["timings"]) == {"kernel_s", "cells_s", "report_s", "total_s"}
    assert record["timings"]["total_s"] >= record["timings"]["kernel_s"] + record["timings"]["cells_s"]


def test_progress_names_the_cell(worked):
    told = [(at.notebook, at.cell, at.of) for at in worked[1] if at.stage == "cells"]

    assert told[-1][0] == "works"
    assert {of for _, _, of in told} == {5}
    assert [cell for _, cell, _ in told] == sorted(cell for _, cell, _ in told)


def test_the_kernel_cannot_be_reached_over_the_network(worked):
    assert cells_of(worked[0].folder)[2].outputs[0].text == "ipc 0o700\n"


def test_a_run_that_judged_nothing_is_no_data(project):
    made = one(add_notebook(project, "idle", "1"))

    assert (made.status, made.verdict, made.exit_code) == ("ok", "no-data", 2)


def test_a_cell_that_raises_fails_the_run_and_keeps_what_came_before(project):
    made = one(add_notebook(project, "raises", "print('kept')", FINISH, "1 / 0", "print('never')"))

    assert (made.status, made.verdict, made.exit_code) == ("failed", None, 3)
    assert made.record["error"] == {
        "kind": "ZeroDivisionError",
        "message": "division by zero",
        "stage": "cells",
        "cell": 4,
    }
    kept, _, failed, never = cells_of(made.folder)
    assert kept.outputs[0].text == "kept\n"
    assert (failed.metadata.papermill.status, failed.metadata.papermill.exception) == ("failed", True)
    assert never.metadata.papermill.status == "pending"
    assert made.results["findings"][0]["id"] == "events.all_five"
    assert made.results["verdict"] is None
    assert "division by zero" in made.report.read_text()


def test_a_killed_kernel_is_never_success(project):
    made = one(add_notebook(project, "killed", "print('kept')", "import os; os.kill(os.getpid(), 9)", "1"))

    assert (made.status, made.verdict, made.exit_code) == ("kernel-died", None, 3)
    assert made.record["error"]["message"] == "The kernel was ended by SIGKILL in code cell 3."
    kept, died, never = cells_of(made.folder)
    assert kept.outputs[0].text == "kept\n"
    assert died.metadata.papermill.status == "failed"
    assert died.outputs[0].output_type == "error"
    assert never.metadata.papermill.status == "pending"
    assert "SIGKILL" in made.report.read_text()


def test_a_cell_that_hangs_is_ended_at_the_deadline_and_shows_where(project):
    began_s = time.monotonic()
    made = one(add_notebook(project, "hangs", "print('kept')", "import time\ntime.sleep(600)"), deadline_s=5)

    assert (made.status, made.verdict, made.exit_code) == ("timeout", None, 3)
    assert time.monotonic() - began_s < 20
    kept, hung = cells_of(made.folder)
    assert kept.outputs[0].text == "kept\n"
    assert hung.outputs[-1].ename == "KeyboardInterrupt"
    assert "time.sleep(" in "".join(hung.outputs[-1].traceback)


def test_a_cell_that_ignores_the_interruption_is_killed(project):
    deaf = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(600)"
    made = one(add_notebook(project, "deaf", "print('kept')", deaf), deadline_s=5)

    assert (made.status, made.exit_code) == ("timeout", 3)
    assert cells_of(made.folder)[0].outputs[0].text == "kept\n"
    assert cells_of(made.folder)[1].metadata.papermill.status == "failed"


def test_a_cell_that_survives_its_interruption_does_not_let_the_next_one_run(project):
    patient = "import time\ntry:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    print('kept')"
    made = one(add_notebook(project, "patient", patient, "print('never')"), deadline_s=5)

    assert made.status == "timeout"
    assert cells_of(made.folder)[0].outputs[0].text == "kept\n"
    assert "never" not in str(cells_of(made.folder)[1].outputs)


def test_a_kernel_that_never_answers_is_ended_at_the_deadline(project, monkeypatch):
    add_kernel(project, monkeypatch, "silent", ["sh", "-c", "sleep 600.75"])
    made = one(add_notebook(project, "silent", "1", kernel="silent"), deadline_s=3)

    assert (made.status, made.exit_code) == ("timeout", 3)
    assert sorted(path.name for path in made.folder.iterdir()) == RECORDS
    assert processes_with("sleep 600.75") == []


def test_a_kernel_that_ends_before_it_answers_is_a_dead_kernel(project, monkeypatch):
    add_kernel(project, monkeypatch, "brief", ["sh", "-c", "exit 7"])
    made = one(add_notebook(project, "brief", "1", kernel="brief"))

    assert (made.status, made.exit_code) == ("kernel-died", 3)
    assert made.record["error"]["message"] == "The kernel ended by itself with exit code 7 before the first cell."


def test_a_kernel_that_is_not_installed_fails_the_run_and_names_those_that_are(project):
    made = one(add_notebook(project, "missing", "1", kernel="no-such-kernel"))

    assert (made.status, made.exit_code) == ("failed", 3)
    assert "no-such-kernel" in made.record["error"]["message"]
    assert "python3" in made.record["error"]["message"]
    assert made.report.is_file()


def add_kernel(project: Path, monkeypatch: pytest.MonkeyPatch, name: str, command: list[str]) -> None:
    folder = project / "jupyter" / "kernels" / name
    folder.mkdir(parents=True)
    folder.joinpath("kernel.json").write_text(json.dumps({"argv": command, "display_name": name, "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(project / "jupyter"))


def test_a_run_does_not_depend_on_what_its_users_shell_loads(project, monkeypatch):
    home = project / "home"
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("attempts_seen = True")
    (home / "startup.py").write_text("attempts_seen = True")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHONSTARTUP", str(home / "startup.py"))
    made = one(add_notebook(project, "fresh", "print('attempts_seen' in globals())"))

    assert cells_of(made.folder)[0].outputs[0].text == "False\n"


def test_leaving_with_code_zero_in_the_middle_is_not_success(project):
    made = one(add_notebook(project, "leaves", "import sys; sys.exit(0)", "print('never')"))

    assert (made.status, made.exit_code) == ("failed", 3)
    assert made.record["error"]["kind"] == "SystemExit"


def test_what_the_caller_got_wrong_is_told_without_a_traceback(project):
    wrong = "from gpkit.errors import SourceError\nraise SourceError('x.json is no export.', '', 'Export entries.')"
    made = one(add_notebook(project, "wrong", wrong))

    assert (made.status, made.exit_code) == ("failed", 4)
    assert made.record["error"]["message"] == "x.json is no export.\nExport entries."
    assert cells_of(made.folder)[0].outputs[0].traceback == ["SourceError: x.json is no export.\nExport entries."]


def test_nothing_that_a_notebook_started_outlives_it(project):
    hides = (
        "import subprocess\n"
        "subprocess.Popen(['setsid', 'env', '-i', '/bin/sleep', '601.5'], start_new_session=True)\n"
        "subprocess.Popen(['sh', '-c', '(/bin/sleep 602.5 &)'])"
    )
    made = one(add_notebook(project, "forks", hides))

    assert made.status == "ok"
    assert processes_with("sleep 601.5") + processes_with("sleep 602.5") == []


def test_a_notebook_that_names_no_kernel_runs_on_the_usual_one(project):
    notebook = add_notebook(project, "bare", "print(attempts)")
    content = nbformat.read(notebook, as_version=4)
    content.metadata.clear()
    nbformat.write(content, notebook)

    made = one(notebook, texts={"attempts": "3"})

    assert made.status == "ok"
    assert cells_of(made.folder)[0].outputs[0].text == "3\n"


def test_a_process_that_a_cell_forked_does_not_outlive_the_run(project):
    made = one(
        add_notebook(project, "fork", "import os, time\nif os.fork() == 0:\n    time.sleep(600)", "print('kept')")
    )

    assert made.status == "ok"
    assert cells_of(made.folder)[1].outputs[0].text == "kept\n"
    assert processes_with(made.run_id) == []


def test_a_credential_that_a_cell_shows_is_not_written(project, monkeypatch):
    monkeypatch.setenv("GPKIT_JWT_SECRET", "correct-horse-battery")
    shows = (
        "import os\nsecret = os.environ['GPKIT_JWT_SECRET']\nprint(secret)\nprint(secret[:10], end='')\n"
        "print(secret[10:])\nraise ValueError(secret)"
    )
    parameters = 'environment: str = "local"  # where'
    made = one(add_notebook(project, "shows", shows, parameters=parameters))

    assert made.status == "failed"
    written = b"".join(path.read_bytes() for path in made.folder.rglob("*") if path.is_file())
    assert b"correct-horse" not in written


def test_a_report_that_cannot_be_made_fails_the_run_and_leaves_a_plain_one(project):
    chart = (
        "from IPython.display import display\n"
        "display({'application/vnd.plotly.v1+json': {'data': [], 'layout': {}}}, raw=True)\n"
        "open('outputs/assets', 'w').close()"
    )
    made = one(add_notebook(project, "chart", FINISH, chart))

    assert (made.status, made.verdict, made.exit_code) == ("failed", None, 4)  # OutputError: the caller must act
    assert made.record["error"]["stage"] == "report"
    assert "The full report could not be made." in made.report.read_text()
    assert "0.71 of 200 attempts" in made.report.read_text()


def test_a_project_folder_with_braces_in_its_name_is_only_a_folder(tmp_path, monkeypatch):
    project = make_project(tmp_path / "a {b} c")
    monkeypatch.chdir(project)

    assert one(add_notebook(project, "works", "1")).status == "ok"


def test_runs_at_a_time_keep_to_themselves(project):
    writes = "import os, pathlib\nprint(os.environ['GPKIT_RUN_ID'])\nprint(pathlib.Path.cwd().name)"
    made = runs.run([add_notebook(project, name, writes) for name in ("a", "b", "c")], jobs=3)

    assert [run.status for run in made] == ["ok"] * 3
    for run in made:
        assert cells_of(run.folder)[0].outputs[0].text == f"{run.run_id}\nproject\n"
    assert len({run.run_id for run in made}) == 3
