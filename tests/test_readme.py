"""Every command of the README is run, in a copy of the project, as a new user would run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpkit import probe, stack

# How each command is run below; the suite itself is what `make test` and `make check` run.
ENDS = {
    "make report": (0,),
    ".venv/bin/gpkit run auth_timing -p logs=export.json": (0, 1, 2),
    ".venv/bin/gpkit run handshake_race event_success_rates auth_timing --deadline 10m --json": (0, 1, 2),
    ".venv/bin/gpkit run event_success_rates -e staging -f parameters/event_success_rates.staging.yaml": (0, 1, 2),
    ".venv/bin/gpkit run handshake_race -p attempts=100 -p faults=race": (1,),
    ".venv/bin/gpkit probe --attempts 20 -o attempts.parquet": (0,),
    ".venv/bin/gpkit logs api: -e staging --since -1h --until now --filter 'severity>=ERROR' -o errors.parquet": (0,),
    ".venv/bin/gpkit run auth_timing -e staging -p logs=api: -p since=-1h -p until=now": (0, 1, 2),
    ".venv/bin/gpkit cache": (0,),
    ".venv/bin/gpkit logs export.json --filter 'httpRequest.status>=400' -o entries.jsonl": (0,),
    ".venv/bin/gpkit connections export.json -o connections.csv": (0,),
    ".venv/bin/gpkit runs --verdict findings --since -7d": (0,),
    ".venv/bin/gpkit show last": (0,),
    ".venv/bin/gpkit rerun last": (0, 1, 2),
    ".venv/bin/gpkit prune --keep 30d --dry-run": (0,),
    ".venv/bin/gpkit schedule check": (0,),
}
STAYS = {
    "make lab": "http://(?:localhost|127.0.0.1):",
    ".venv/bin/gpkit local up --faults parameters/faults/race.yaml": "ws://127.0.0.1:",
}
BY_THE_SUITE = {"make test", "make check"}
COPIED = ("Makefile", "pyproject.toml", "constraints.txt", "README.md", "notebooks", "parameters", "gpkit")


def commands(root: Path) -> list[str]:
    blocks = re.findall(r"^```\n(.*?)^```", (root / "README.md").read_text("utf-8"), flags=re.M | re.S)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_every_command_of_the_readme_is_known_here(root: Path) -> None:
    inline = set(re.findall(r"`(make \w+)`", (root / "README.md").read_text("utf-8")))

    assert set(commands(root)) == {*ENDS, *STAYS}
    assert inline <= {*ENDS, *STAYS, *BY_THE_SUITE}


def test_every_page_that_the_readme_links_to_is_there(root: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", (root / "README.md").read_text("utf-8"))

    assert [target for target in targets if not (root / target).exists()] == []
    assert len(targets) > 8


@pytest.fixture(scope="module")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A copy of the project whose runs are short, with an export in it, and a staging that answers."""
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source = root / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    for name in ("pyproject.toml", "constraints.txt"):  # older than the environments: make leaves those as they are
        os.utime(folder / name, (1, 1))
    for name in (".venv", ".venv-lab"):
        (folder / name).symlink_to(root / name)
    (folder / "outputs").mkdir()
    for notebook in (folder / "notebooks").glob("*.ipynb"):
        notebook.write_text(re.sub(r"attempts: int = \d+", "attempts: int = 20", notebook.read_text("utf-8")), "utf-8")
    with stack.local_stack({"faults": []}, seed=1) as local:
        probe.run(local.environment, probe.Plan(attempts=15, rate_per_s=50), progress=False)
        local.settle()
        shutil.copy(local.log_file, folder / "export.json")
        staging = folder / "parameters" / "environments" / "staging.yaml"
        text = re.sub(r"url: \S+", f"url: {local.url}", staging.read_text("utf-8"))
        text = re.sub(r"max_rate_per_s: \S+", "max_rate_per_s: 20", text)
        log = f"\nlogs_project: {local.logging_project}\nlogs_endpoint: {local.logging_url}\nlogs_anonymous: true\n"
        staging.write_text(text + log, "utf-8")
        values = folder / "parameters" / "event_success_rates.staging.yaml"
        text = re.sub(r"attempts: \d+", "attempts: 20", values.read_text("utf-8"))
        values.write_text(re.sub(r"rate_per_s: \S+", "rate_per_s: 20", text), "utf-8")
        yield folder, {"GPKIT_JWT_SECRET": local.secret_file.read_text("utf-8").strip()}


@pytest.mark.parametrize("command", ENDS)
def test_a_command_of_the_readme_works(project: tuple[Path, dict[str, str]], command: str) -> None:
    folder, secrets = project

    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | secrets,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert done.returncode in ENDS[command], done.stderr[-3000:]
    if "api:" in command:
        assert "Not read" not in done.stderr
    if "--json" in command:
        assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["ok"] * 3
    if command == "make report":
        assert len(list((folder / "outputs" / "runs").glob("*/report.html"))) >= 3
        assert (folder / "outputs" / "index.html").is_file()


@pytest.mark.parametrize("command", STAYS)
def test_a_command_that_stays_says_where_it_is_and_ends_when_asked(
    project: tuple[Path, dict[str, str]], tmp_path: Path, command: str
) -> None:
    folder, _ = project
    said = tmp_path / "said.txt"
    plain = {"BROWSER": "true", "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    allowed = {"JUPYTER_ALLOW_ROOT": "1"} if os.geteuid() == 0 else {}
    line = command.replace("make lab", "make lab LAB_OPTIONS='--no-browser --allow-root --port=0 --ip=127.0.0.1'")
    with (
        said.open("w") as out,
        subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=folder, env=os.environ | plain | allowed,
            stdout=out, stderr=out, stdin=subprocess.PIPE, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            deadline = time.monotonic() + 90
            while not re.search(STAYS[command], said.read_text()):
                assert process.poll() is None, said.read_text()[-2000:]
                assert time.monotonic() < deadline, said.read_text()[-2000:]
                time.sleep(0.1)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
