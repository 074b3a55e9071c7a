"""``gpkit report``: a past run's report made again, or one file of it to send."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from gpkit.report.fitting import REPORT_BYTES, SINGLE_BYTES
from gpkit.runs.machine.processes import identity
from tests.cache_support import small_disk
from tests.history_support import at_a_terminal
from tests.report_support import run_folder
from tests.runs_support import gpkit, make_project


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "project")
    run_folder(made / "outputs", "20261120T100000000Z-auth_timing-7f3a00")
    return made


def test_a_report_is_made_again_and_what_it_weighs_is_told(project):
    done = gpkit(project, "report", "last")

    told = json.loads(done.stdout)
    folder = project / "outputs" / "runs" / told["run_id"]
    assert (done.returncode, done.stderr) == (0, "")
    assert told["report"] == str(folder / "report.html")
    assert told["size_bytes"] == (folder / "report.html").stat().st_size == sum(p["size_bytes"] for p in told["parts"])
    assert told["budget_bytes"] == REPORT_BYTES
    assert (folder / "report.md").is_file()
    assert "What is big" not in (folder / "report.html").read_text()


def test_sizes_are_told_on_demand_at_the_terminal_and_on_the_page(project):
    done = at_a_terminal(project, "report", "last", "--single-file", "out.html", "--sizes")

    assert done.returncode == 0
    assert f"Report: {project / 'out.html'}\nThis page weighs 1.9" in done.stderr
    assert "1.84 MB  plotly.js, which draws the figures" in done.stderr
    assert "What is big" in (project / "out.html").read_text()
    assert (project / "out.html").stat().st_size <= SINGLE_BYTES


def test_a_folder_that_was_unpacked_somewhere_is_reported_too(project, tmp_path):
    folder = tmp_path / "artifact"
    shutil.move(project / "outputs" / "runs" / "20261120T100000000Z-auth_timing-7f3a00", folder)

    done = gpkit(project, "report", str(folder))

    assert done.returncode == 0
    assert 'data-plotly="assets/plotly-' in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "ParameterError: There is no run 'nothing' in"),
        (["last", "--single-file", "out"], "OutputError: 'out' has no ending that a browser opens.\nUse .html.\n"),
        (["last", "--single-file", "gone/out.html"], "OutputError: The folder of '"),
        (["last", "--single-file", "notebooks"], "OutputError: 'notebooks' has no ending that a browser opens."),
    ],
)
def test_what_cannot_be_made_is_one_clear_error(project, arguments, said):
    done = gpkit(project, "report", *arguments)

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(said)


def test_a_run_that_is_being_made_has_no_report_yet(project):
    made = json.dumps({"run_id": "r", "status": "running"})
    partial = project / "outputs" / "runs" / "20261121T100000000Z-auth_timing-7f3a00.partial"
    partial.mkdir()
    (partial / "run.json").write_text(made)
    (partial / "process.json").write_text(json.dumps(identity(os.getpid())))

    done = gpkit(project, "report", "20261121", "--single-file", "out.html")

    assert done.returncode == 4
    assert "is being made. Its report comes at its end." in done.stderr
    assert not (project / "out.html").exists()


def test_a_full_disk_is_one_clear_error_and_leaves_no_part(project, tmp_path):
    with small_disk(tmp_path / "disk", size_kib=200) as disk:
        done = gpkit(project, "report", "last", "--single-file", str(disk / "out.html"))

        assert done.returncode == 4
        assert done.stderr == (
            f"OutputError: {disk / 'out.html'} cannot be written: No space left on device.\n"
            "Free the disk or choose another folder.\n"
        )
        assert list(disk.iterdir()) == []
