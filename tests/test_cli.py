"""The command line: answers to programs and people, exit codes, and what a caller can get wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import gpkit.cli
from gpkit import probe, stack
from gpkit.errors import FarSideError
from tests.runs_support import FINISH, add_notebook, make_project, run_folders, start_gpkit
from tests.runs_support import gpkit as command

HEAVY = (
    *("pandas", "numpy", "papermill", "nbclient", "nbconvert", "nbformat", "scipy", "duckdb", "ibis", "plotly"),
    *("jwt", "cryptography", "lark", "pyarrow", "google.auth", "requests"),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = make_project(tmp_path / "project")
    environments = made / "parameters" / "environments"
    (environments / "staging.yaml").write_text("url: wss://staging.example.com/ws\n")
    (environments / "broken.yaml").write_text("url: https://staging.example.com/ws\n")
    parameters = 'environment: str = "local"  # where\nlogs: str = ""  # {path}\nattempts: int = 5  # [1..10]'
    add_notebook(made, "works", FINISH, parameters=parameters)
    return made


def refused(project: Path, *arguments: str, **environment: str) -> str:
    """What a refusal says: exit code 4, no traceback, nothing on standard output, no run folder."""
    done = command(project, *arguments, **environment)

    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert run_folders(project) == []
    return done.stderr


def test_a_run_prints_its_results_for_programs_and_a_line_for_people(project):
    done = command(project, "run", "works", "--json")

    results = json.loads(done.stdout)
    assert done.returncode == 1
    assert (results["notebook"], results["status"], results["verdict"]) == ("works", "ok", "findings")
    assert results["environment"] == "local"
    [line] = done.stderr.splitlines()
    assert line.startswith("works  ok  findings  events.all_five 71 % (95 % interval 64–77 %, n = 200)")
    assert line.endswith(f"outputs/runs/{results['run_id']}/report.html")


def test_several_runs_end_with_the_exit_code_of_the_worst(project):
    add_notebook(project, "raises", "1 / 0")
    done = command(project, "run", "works", "raises", "--jobs", "2", "--json")

    assert done.returncode == 3
    assert sorted(json.loads(line)["status"] for line in done.stdout.splitlines()) == ["failed", "ok"]
    assert "raises  failed  ZeroDivisionError: division by zero (code cell 2)" in done.stderr


def test_parameters_come_from_a_file_and_from_the_command_line_which_wins(project):
    (project / "given.yaml").write_text("attempts: 3\nenvironment: local\n")
    command(project, "run", "works", "-f", "given.yaml", "-p", "attempts=4")

    [folder] = run_folders(project)
    assert json.loads((folder / "run.json").read_text())["parameters"]["attempts"] == 4


def test_an_export_is_named_relative_to_the_callers_folder(project):
    (project / "deep").mkdir()
    (project / "deep" / "entries.json").write_text("[{}]")
    done = subprocess.run(
        [sys.executable, "-m", "gpkit", "run", "works", "-p", "logs=entries.json"],
        cwd=project / "deep",
        capture_output=True,
        timeout=120,
    )

    [folder] = run_folders(project)
    assert done.returncode == 1
    assert json.loads((folder / "run.json").read_text())["parameters"]["logs"] == str(project / "deep" / "entries.json")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "worksx"], "ParameterError: There is no notebook 'worksx'. Did you mean 'works'?\nThere are: works."),
        (["run", "works", "-p", "attemps=5"], "ParameterError: 'attemps' is not a parameter of works. Did you mean"),
        (["run", "works", "-p", "attempts=0"], "ParameterError: attempts = 0 is not possible. It must be in [1..10]."),
        (["run", "works", "-p", "attempts"], "ParameterError: -p 'attempts' names no value."),
        (["run", "works", "-f", "gone.yaml"], "SourceError: gone.yaml cannot be read"),
        (["run", "works", "-p", "logs=gone.json"], "SourceError: gone.json does not exist."),
        (["run", "works", "-e", "stagin"], "TargetError: There is no environment 'stagin'. Did you mean 'staging'?"),
        (["run", "works", "-e", "broken"], "TargetError: 'https://staging.example.com/ws' is no WebSocket address."),
        (["run", "works", "-e", "staging"], "TargetError: Environment 'staging' needs a credential"),
        (["run", "works", "--deadline", "soon"], "ParameterError: 'soon' is no duration."),
        (["run", "works", "--deadline", "0s"], "ParameterError: A deadline of 0.0 s leaves no time."),
        (["run", "works", "--jobs", "0"], "ParameterError: --jobs 0 leaves nothing to run."),
        (["run", "works", "--outputs", "/dev/null/x"], "OutputError: /dev/null/x cannot be written."),
        (["run"], "ParameterError: The following arguments are required: NOTEBOOK."),
        (["run", "works", "--job", "2"], "ParameterError: '--job' is no option of gpkit. Did you mean '--jobs'?"),
        (["rnu"], "ParameterError: 'rnu' is not possible here. Did you mean 'run'?"),
        ([], "ParameterError: The following arguments are required: COMMAND."),
        (["logs", "gone.json", "-o", "entries.txt"], "OutputError: 'entries.txt' has no ending"),
        (["logs", "gone.json", "-o", "/dev/null/x.csv"], "OutputError: '/dev/null/x.csv' cannot be written."),
        (["logs", "x.json", "--since", "soon"], "ParameterError: since = 'soon' is no time."),
        (["probe", "https://h/ws"], "TargetError: 'https://h/ws' is no WebSocket address."),
        (["probe", "--send-delay-ms", "a"], "ParameterError: --send-delay-ms takes numbers, not 'a'."),
        (["local", "up", "--port", "99999"], "ParameterError: There is no port 99999."),
        (["local", "up", "--faults", "gone.yaml"], "SourceError: gone.yaml does not exist."),
    ],
)
def test_what_a_caller_got_wrong_is_one_message(project, arguments, says):
    assert refused(project, *arguments, GPKIT_JWT_SECRET="", GPKIT_TOKEN="").startswith(says)


@pytest.fixture
def with_faults(project: Path) -> Path:
    """A project whose notebook takes faults, of which there are two files: a good one and one that is impossible."""
    folder = project / "parameters" / "faults"
    folder.mkdir()
    (folder / "race.yaml").write_text("faults: [slow_auth]\n")
    (folder / "broken.yaml").write_text("faults: [slow_out]\n")
    parameters = 'environment: str = "local"  # where\nlogs: str = ""  # {path}\nfaults: str = "race"  # {name or path}'
    add_notebook(project, "faulty", FINISH, parameters=parameters)
    return project


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ("rce", "ParameterError: There are no faults named 'rce'. Did you mean 'race'?\nKnown: broken, race; or"),
        ("broken", "ParameterError: 'slow_out' is no fault. Did you mean 'slow_auth'?"),
        ("parameters/faults/broken.yaml", "ParameterError: 'slow_out' is no fault. Did you mean 'slow_auth'?"),
        ("gone.yaml", "SourceError: gone.yaml does not exist."),
    ],
)
def test_impossible_faults_are_refused_before_a_kernel_starts(with_faults, faults, says):
    assert refused(with_faults, "run", "faulty", "-p", f"faults={faults}").startswith(says)


@pytest.mark.parametrize(
    "arguments",
    [
        ["-p", "faults="],
        ["-p", "faults=parameters/faults/race.yaml"],
        ["-p", "faults=broken", "-p", "logs=entries.json"],
        ["-p", "faults=broken", "-e", "staging"],
    ],
)
def test_faults_concern_the_local_stack_alone(with_faults, arguments):
    (with_faults / "entries.json").write_text("[{}]")

    assert command(with_faults, "run", "faulty", *arguments, GPKIT_JWT_SECRET="x" * 32).returncode == 1


def test_every_notebook_is_checked_before_the_first_one_starts(project):
    add_notebook(project, "plain", "1", parameters=None)

    assert refused(project, "run", "works", "plain").startswith("ParameterError: plain has no parameters cell.")


def test_a_file_that_is_no_notebook_is_refused(project):
    (project / "notebooks" / "text.ipynb").write_text("not JSON")

    assert refused(project, "run", "text").startswith("ParameterError: text.ipynb is not a notebook.")


def test_an_account_in_logs_needs_no_credential(project):
    (project / "entries.json").write_text("[{}]")
    done = command(
        project, "run", "works", "-e", "staging", "-p", "logs=entries.json", GPKIT_JWT_SECRET="", GPKIT_TOKEN=""
    )

    assert done.returncode == 1


def test_help_and_refusals_are_fast_because_nothing_heavy_is_imported(project):
    script = (
        "import sys, gpkit.cli\n"
        "try:\n    gpkit.cli.main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('loaded:', *sys.modules)"
    )
    for arguments in (["--help"], ["run", "--help"], ["run", "works", "-p", "bad=1"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], cwd=project, capture_output=True, text=True, timeout=60
        )
        loaded = done.stdout.rpartition("loaded:")[2].split()
        assert [name for name in HEAVY if name in loaded] == []


def test_help_names_the_exit_codes(project):
    done = command(project, "run", "--help")

    assert done.returncode == 0
    assert "4 asked" in done.stdout


def ends(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def fails(_: object) -> int:
        raise error

    monkeypatch.setattr("gpkit.cli.run.run", fails)
    return gpkit.cli.main(["run", "works"])


def test_anything_uncaught_is_exit_code_three_and_names_the_place(monkeypatch, capsys):
    import gpkit.cli.run  # noqa: F401 - to replace a function in it

    assert ends(monkeypatch, ZeroDivisionError("Bearer abcdefgh12345678")) == 3
    said = capsys.readouterr().err
    assert said.startswith("ZeroDivisionError: Bearer [redacted:bearer] (test_cli.py, line ")
    assert "not an answer about the service" in said


def test_the_far_side_is_exit_code_three(monkeypatch, capsys):
    import gpkit.cli.run  # noqa: F401 - to replace a function in it

    assert ends(monkeypatch, FarSideError("It did not start.", "", "Look at its log.")) == 3
    assert capsys.readouterr().err == "FarSideError: It did not start.\nLook at its log.\n"


def test_an_interruption_is_exit_code_three_without_a_traceback(monkeypatch, capsys):
    import gpkit.cli.run  # noqa: F401 - to replace a function in it

    assert ends(monkeypatch, KeyboardInterrupt()) == 3
    assert capsys.readouterr().err == "Interrupted.\n"


def test_a_reader_that_goes_away_is_no_error(project):
    entries = [{"timestamp": "2025-09-07T13:20:00Z", "insertId": str(i), "textPayload": "x" * 500} for i in range(500)]
    (project / "entries.json").write_text(json.dumps(entries))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "gpkit", "logs", "entries.json"],
        cwd=project,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(write)

    assert done.returncode == 0
    assert "Broken" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("arguments", [["logs", "entries.json"], ["--version"], ["logs", "--help"]])
@pytest.mark.parametrize("output", ["full", "closed"])
def test_an_output_that_cannot_be_written_is_one_message(project, arguments, output):
    (project / "entries.json").write_text(
        '[{"timestamp": "2025-09-07T13:20:00Z", "insertId": "i", "textPayload": "x"}]'
    )
    redirection = ">/dev/full" if output == "full" else ">&-"
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "gpkit", *arguments],
        cwd=project,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )

    said = [line for line in done.stderr.splitlines() if "entry, " not in line]
    what = {
        "full": "Standard output cannot be written: No space left on device.",
        "closed": "Standard output is closed.",
    }
    assert said[0] == f"OutputError: {what[output]}"
    assert len(said) == 2
    assert done.returncode == 4


def test_a_run_is_whole_though_its_results_cannot_be_put_out(project):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gpkit", "run", "works", "--json"],
            cwd=project,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )

    [folder] = run_folders(project)
    assert json.loads((folder / "run.json").read_text())["status"] == "ok"
    assert done.stderr.splitlines()[1].startswith("OutputError: Standard output cannot be written")
    assert done.returncode == 4


@pytest.mark.parametrize(("arguments", "code"), [(["logs", "entries.json"], 0), (["run", "works", "--json"], 1)])
def test_an_error_output_that_is_closed_changes_nothing(project, arguments, code):
    (project / "entries.json").write_text(
        '[{"timestamp": "2025-09-07T13:20:00Z", "insertId": "i", "textPayload": "x"}]'
    )
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-m", "gpkit", *arguments],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )

    assert done.returncode == code
    [line] = done.stdout.splitlines()
    assert json.loads(line).get("insert_id" if code == 0 else "verdict") == ("i" if code == 0 else "findings")


def test_the_version_is_that_of_the_package(project, root):
    done = command(project, "--version")

    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert (done.returncode, done.stdout, done.stderr) == (0, f"gpkit {version}\n", "")


def test_a_reader_that_goes_away_changes_no_exit_code_of_a_run(project):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "gpkit", "run", "works", "--json"],
        cwd=project,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(write)

    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if not line.endswith(" s")]  # but for progress on a slow machine
    assert len(told) == 1


def test_entries_are_put_out_as_lines_or_into_a_file(project):
    entries = [{"timestamp": f"2025-09-07T13:20:0{i}Z", "insertId": f"i{i}", "textPayload": "x"} for i in range(3)]
    (project / "entries.json").write_text(json.dumps(entries))

    lines = command(project, "logs", "entries.json", "--since", "2025-09-07T13:20:01Z")
    into = command(project, "logs", "entries.json", "-o", "entries.parquet")

    assert [json.loads(line)["insert_id"] for line in lines.stdout.splitlines()] == ["i1", "i2"]
    assert (into.returncode, into.stdout) == (0, "")
    assert into.stderr.splitlines()[-1] == "3 rows in entries.parquet"


def test_an_empty_selection_has_no_window(project):
    entry = {"timestamp": "2025-09-07T13:20:00Z", "insertId": "i", "textPayload": "x"}
    (project / "entries.json").write_text(json.dumps([entry]))
    one = command(project, "logs", "entries.json")
    none = command(project, "logs", "entries.json", "--since", "2025-09-08T00:00:00Z")

    assert one.stderr == "1 entry, 2025-09-07T13:20:00Z – 2025-09-07T13:20:00Z\n"
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "0 entries\n")


def test_a_probe_of_the_local_stack_puts_out_one_line_for_each_attempt(project):
    done = command(project, "probe", "--attempts", "3", "--rate", "50", "--carrier", "subprotocol-b64")

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [row["attempt_index"] for row in rows] == [0, 1, 2]
    assert {row["carrier"] for row in rows} == {"subprotocol-b64"}
    assert {row["outcome"] for row in rows} == {"ok"}


def test_a_local_stack_stays_up_for_others_until_it_is_ended(project):
    stack = start_gpkit(project, "local", "up", "--seed", "7")
    told = json.loads(stack.stdout.readline())
    secret = Path(told["secret_file"]).read_text().strip()
    probed = command(project, "probe", told["url"], "--attempts", "2", "-o", "a.csv", GPKIT_JWT_SECRET=secret)
    served = command(project, "connections", told["log"], "-o", "c.jsonl")
    stack.send_signal(signal.SIGTERM)
    _, said = stack.communicate(timeout=30)

    assert probed.returncode == 0, probed.stderr
    assert len((project / "a.csv").read_text().splitlines()) == 3
    assert served.returncode == 0, served.stderr
    assert [json.loads(row)["outcome"] for row in (project / "c.jsonl").read_text().splitlines()] == ["accepted"] * 2
    assert (stack.returncode, secret in said) == (0, False)
    assert not Path(told["folder"]).exists()


def test_a_port_in_use_is_refused(project):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "OutputError" in refused(project, "local", "up", "--port", str(taken.getsockname()[1]))


def test_an_address_that_refuses_is_a_result_and_no_error(project):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = command(project, "probe", f"ws://127.0.0.1:{port}/ws", "--attempts", "1", GPKIT_JWT_SECRET="x" * 32)

    assert done.returncode == 0
    assert json.loads(done.stdout)["outcome"] == "tcp_refused"


def test_connections_of_a_table_of_entries_are_those_of_its_export(project, tmp_path):
    with stack.local_stack({"faults": []}, seed=3) as local:
        probe.run(local.environment, probe.Plan(attempts=5, rate_per_s=50), progress=False)
        local.settle()
        log = tmp_path / "log.jsonl"
        log.write_bytes(local.log_file.read_bytes())

    command(project, "logs", str(log), "-o", str(tmp_path / "entries.parquet"))
    of_export = command(project, "connections", str(log))
    of_table = command(project, "connections", str(tmp_path / "entries.parquet"))
    limits = ["--since", "-1h", "--filter", "severity>=WARNING OR httpRequest.status=101"]
    limited = [command(project, "connections", str(path), *limits) for path in (log, tmp_path / "entries.parquet")]
    late = command(project, "connections", str(tmp_path / "entries.parquet"), "--until", "-1h")

    assert len(of_export.stdout.splitlines()) == 5
    assert of_table.stdout == of_export.stdout
    assert limited[1].stdout == limited[0].stdout
    assert len(limited[1].stdout.splitlines()) == 5
    assert (late.returncode, late.stdout) == (0, "")
