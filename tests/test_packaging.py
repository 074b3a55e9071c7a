"""What is declared, pinned and offered to conda users is the same set."""

import ast
import json
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


def test_what_comes_from_npm_is_named_with_one_version_each_and_no_address(root):
    text = (root / "package.json").read_text()

    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in json.loads(text)["devDependencies"].values())
    assert "//" not in text
    assert list(root.glob("*lock*.json")) == []


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


IMPORT_NAMES = {
    "jwt": "pyjwt",
    "yaml": "pyyaml",
    "ibis": "ibis-framework",
    "IPython": "ipykernel",
    "grpc": "grpcio",
    "re2": "google-re2",
    # Several packages share the name google.
    "google.api_core": "google-api-core",
    "google.auth": "google-auth",
    "google.oauth2": "google-auth",
    "google.cloud.audit": "google-cloud-audit-log",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.logging_v2": "google-cloud-logging",
    "google.cloud.logging": "google-cloud-logging",
    "google.logging": "googleapis-common-protos",
    "google.protobuf": "protobuf",
    "google.rpc": "googleapis-common-protos",
}


OPTIONAL = {"bigquery", "gcs", "spark"}  # extras that gpkit itself imports from, where they are asked for


def package_of(module):
    parts = module.split(".")
    known = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((IMPORT_NAMES[name] for name in known if name in IMPORT_NAMES), parts[0].replace("_", "-"))


def test_every_package_that_is_imported_is_declared(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    imported = set()
    for path in (root / "gpkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    outside = {name for name in imported if name.split(".")[0] not in {*sys.stdlib_module_names, "gpkit"}}
    optional = [each for extra in OPTIONAL for each in project["optional-dependencies"][extra]]

    assert {package_of(name) for name in outside} <= names(project["dependencies"]) | names(optional)


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
