"""What is declared, pinned and offered to conda users is the same set."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib

import yaml


def names(requirements):
    return {re.split(r"[\[<>=~! ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def declared(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    return [*project["dependencies"], *extras]


def test_conda_users_get_the_same_packages(root):
    environment = yaml.safe_load((root / "environment.yml").read_text())
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))

    assert sorted(set(pip) - {"-e ."}) == sorted(declared(root))
    assert "-e ." in pip
    assert "pip" in environment["dependencies"]


def test_every_declared_package_is_pinned(root):
    pins = (root / "constraints.txt").read_text().splitlines()

    assert names(declared(root)) <= names(pins)


def test_the_constraints_hold_names_and_versions_only(root):
    lines = [line for line in (root / "constraints.txt").read_text().splitlines() if not line.startswith("#")]

    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.\-]+==[0-9A-Za-z.!+]+", line)] == []


def test_jupyterlab_is_no_dependency_of_a_run(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    assert "jupyterlab" not in names(project["dependencies"])
    assert names(project["optional-dependencies"]["lab"]) == {"jupyterlab"}


def test_importing_gpkit_does_nothing(root):
    code = (
        "import sys, logging, threading; import gpkit; "
        "heavy = {'pandas', 'numpy', 'plotly', 'duckdb', 'ibis', 'papermill', 'google'} & set(sys.modules); "
        "assert not heavy, heavy; assert not logging.root.handlers; assert threading.active_count() == 1"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


IMPORT_NAMES = {"jwt": "pyjwt", "yaml": "pyyaml", "ibis": "ibis-framework", "IPython": "ipykernel"}


def test_every_package_that_is_imported_is_declared(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    imported = set()
    for path in (root / "gpkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    outside = imported - set(sys.stdlib_module_names) - {"gpkit"}

    assert {IMPORT_NAMES.get(name, name).replace("_", "-") for name in outside} <= names(project["dependencies"])


def test_a_python_without_venv_gets_one_message_that_names_the_package(root, tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(root / name, tmp_path / name)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)

    done = subprocess.run(
        ["make", "setup", "UV=", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if "python3-venv" in line] == [
        "Python has no venv here. Install the package python3-venv (apt-get install python3-venv), or uv."
    ]
    assert not (tmp_path / ".venv").exists()
