"""The notebooks as they are committed, and what they find: what is planted, and nothing when nothing is."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gpkit
from gpkit.findings import Finding, run_verdict
from gpkit.runs.asking.declarations import read_declarations

NAMES = ("handshake_race", "event_success_rates", "auth_timing")
SEEDS = range(20)


def cells(root: Path, name: str) -> list[dict[str, Any]]:
    return json.loads((root / "notebooks" / f"{name}.ipynb").read_text("utf-8"))["cells"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_without_outputs(root: Path, name: str) -> None:
    code = [cell for cell in cells(root, name) if cell["cell_type"] == "code"]

    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_tells_a_story_without_code_of_its_own(root: Path, name: str) -> None:
    code = [cell for cell in cells(root, name) if cell["cell_type"] == "code"]
    first, last = cells(root, name)[0], cells(root, name)[-1]
    plain = ["".join(cell["source"]) for cell in code if "parameters" not in cell["metadata"].get("tags", [])]

    assert "".join(first["source"]).splitlines()[0].endswith("?")
    assert "What this cannot tell" in "".join(last["source"])
    for source in plain:
        tree = ast.parse(source)
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda | ast.For)]
        assert len([line for line in source.splitlines() if line.strip()]) <= 3


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_says_what_it_is(root: Path, name: str) -> None:
    declared = read_declarations(root / "notebooks" / f"{name}.ipynb")

    assert [item.name for item in declared if not item.help] == []
    assert {"environment", "logs", "faults", "attempts", "seed", "since", "until"} <= {item.name for item in declared}


@pytest.mark.parametrize("name", NAMES)
def test_plain_papermill_runs_it(root: Path, tmp_path: Path, name: str) -> None:
    values = tmp_path / "values.yaml"
    values.write_text((root / "parameters" / f"{name}.local.yaml").read_text() + "attempts: 20\nrate_per_s: 40\n")
    out = tmp_path / "out.ipynb"
    before = set((root / "outputs").glob("interactive/*"))

    done = subprocess.run(
        [Path(sys.executable).with_name("papermill"), f"notebooks/{name}.ipynb", out, "-f", values, "-k", "python3"],
        cwd=root, capture_output=True, text=True, timeout=180, check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("GPKIT_RUN")},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(out.read_text())
    assert all(cell["execution_count"] for cell in made["cells"] if cell["cell_type"] == "code")
    new = set((root / "outputs").glob("interactive/*")) - before
    assert any((folder / "results.json").is_file() for folder in new)


def findings_of(run: gpkit.investigation.Investigation) -> list[Finding]:
    """What the three notebooks judge, from one gathering of evidence."""
    cases = run.cases
    kinds = gpkit.mechanisms(cases, boot_failures=gpkit.failed_boots(run.instances))
    broken = gpkit.violations(run.attempts, run.messages, run.entries, run.connections)
    claims = gpkit.match_claims(run.messages, gpkit.server_events(run.entries), set(run.attempts["user"].dropna()))
    boots = gpkit.judge_boots(run.instances)
    return [
        gpkit.judge_races(cases, kinds, gpkit.message_order(run.attempts, run.messages)),
        gpkit.judge_failures(cases, kinds),
        gpkit.judge_order(broken, cases),
        *([boots] if boots else []),
        *gpkit.judge_events(run.attempts, claims),
        gpkit.judge_refusals(cases),
        *gpkit.judge_auth(run.attempts),
    ]


def gather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> gpkit.investigation.Investigation:
    monkeypatch.setenv("GPKIT_RUN_FOLDER", str(tmp_path))
    plan = {"attempts": 60, "rate_per_s": 60.0, "deadline_s": 2.0, "send": "both", "send_delays_ms": [0, 5, 20, 80]}
    return gpkit.start("test", **{**plan, **given})


@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_service_gives_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    healthy = tmp_path / "healthy.yaml"
    healthy.write_text(f"generation: {'ABC'[seed % 3]}\nevent_path: {seed % 4 + 1}\n")
    controls = ["none", "garbage", "wrong-secret", "expired"]
    run = gather(tmp_path, monkeypatch, faults=str(healthy), seed=seed, controls=controls)

    found = findings_of(run)

    assert [finding.claim for finding in found if finding.verdict == "fails"] == []
    assert run_verdict(found) in ("healthy", "inconclusive")


def by_id(found: list[Finding]) -> dict[str, Finding]:
    return {finding.id: finding for finding in found}


def test_a_planted_race_is_found_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = gather(tmp_path, monkeypatch, faults="race", seed=4, attempts=200)

    found = by_id(findings_of(run))

    assert found["race.ratio"].verdict == "fails"
    assert found["race.ratio"].cause == "the first message overtakes readiness"
    assert set(found["race.ratio"].evidence) <= set(run.attempts["attempt_id"])


def test_a_planted_deterministic_refusal_is_no_race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = gather(tmp_path, monkeypatch, faults="deterministic_refusal", seed=4, attempts=120)

    found = by_id(findings_of(run))

    assert found["race.ratio"].verdict != "fails"
    assert found["race.ratio"].estimate == 0
    assert found["handshake.through"].verdict == "fails"
    assert "a deterministic refusal" in found["handshake.through"].cause


def test_a_planted_boot_loop_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = gather(tmp_path, monkeypatch, faults="boot_loop", seed=4)

    found = by_id(findings_of(run))

    assert found["race.ratio"].estimate == 0
    assert found["handshake.through"].verdict == "fails"
    assert "a crash loop" in found["handshake.through"].cause


def test_a_planted_cold_start_is_a_start_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = gather(tmp_path, monkeypatch, faults="cold_start", seed=4, attempts=240)

    kinds = gpkit.mechanisms(run.cases)

    assert set(kinds["mechanism"]) == {"start_up"}


def test_a_limit_of_connections_is_an_overload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = tmp_path / "overload.yaml"
    faults.write_text(
        "pace_ms: {auth: 5, ready: 5, event: 30}\nusers: [gpkit-user-001]\nlimits: {connections_per_user: 4}\n"
        "faults: [{fault: slow_auth, probability: 0.5, delay_ms: {exponential: {mean: 60}}}]\n"
    )
    run = gather(tmp_path, monkeypatch, faults=str(faults), seed=1, attempts=200, rate_per_s=20.0)

    kinds = gpkit.mechanisms(run.cases).set_index("failure")

    assert kinds.loc["refused_after_accept", "mechanism"] == "overload"


def test_the_default_incident_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = gather(tmp_path, monkeypatch, faults="incident", seed=1, attempts=400, rate_per_s=50.0)

    kinds = gpkit.mechanisms(run.cases).set_index("failure")["mechanism"]
    found = by_id(findings_of(run))

    assert kinds["refused_after_accept"] == "deterministic"
    assert kinds["closed_mid_run:1000 before any event"] == "race"
    assert kinds["event_missing:tool_completed"] == "intermittent"
    assert found["race.ratio"].verdict == "fails"
    assert "signature" in found["auth.let_in"].claim


def test_intervals_of_full_runs_cover_the_planted_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = tmp_path / "lossy.yaml"
    faults.write_text("faults: [{fault: event_lost, probability: 0.3, event: tool_completed}]\n")
    covered = 0
    for seed in range(10):
        run = gather(tmp_path, monkeypatch, faults=str(faults), seed=seed, send="after-ready", deadline_s=0.5)
        finding = by_id(gpkit.judge_events(run.attempts))["events.all_five"]
        covered += finding.interval[0] <= 0.7 <= finding.interval[1]

    # Of 10 intervals that each cover in 95 of 100 cases, fewer than 7 do so once in a thousand.
    assert covered >= 7


def test_evidence_leads_back_to_frames_and_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = gather(tmp_path, monkeypatch, faults="race", seed=4, attempts=100)
    finding = by_id(findings_of(run))["race.ratio"]
    run.finish([finding])

    lines = gpkit.evidence("race.ratio", limit=2)
    server = run.attempts.set_index("attempt_id").loc[finding.evidence[0], "server_connection_id"]

    assert set(lines["case"]) == set(finding.evidence[:2])
    assert set(lines["kind"]) == {"attempt", "frame", "entry"}
    assert set(gpkit.evidence([server])["kind"]) == {"entry"}
    assert gpkit.evidence(["nothing"])["kind"].tolist() == ["missing"]
    assert json.loads((tmp_path / "results.json").read_text())["evidence_lines"]["race.ratio"]


def test_real_refusals_have_one_cause_for_each_client_and_are_no_race(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = exports / "cloud_logging" / "cl_raw_20250907_1320_iter9_2002.json"
    requests = [entry["httpRequest"] for entry in json.loads(file.read_text()) if "httpRequest" in entry]
    upgrades = [request for request in requests if request["requestUrl"].endswith("/ws")]
    monkeypatch.setenv("GPKIT_RUN_FOLDER", str(tmp_path))
    run = gpkit.start("handshake_race", logs=str(file))

    kinds = gpkit.mechanisms(run.cases, boot_failures=gpkit.failed_boots(run.instances))
    through = gpkit.judge_failures(run.cases, kinds)
    race = gpkit.judge_races(run.cases, kinds, gpkit.message_order(run.attempts, run.messages))
    clients = gpkit.by_client(run.cases)

    assert through.n == len(upgrades) == clients["n"].sum()
    assert (through.estimate, through.verdict) == (0, "fails")
    assert list(kinds["mechanism"]) == ["deterministic"]
    assert race.verdict == "undecided"
    assert race.ruled_out
    assert not clients["mixes"].any()
    assert clients["reason"].nunique() == len(clients) == len({request["userAgent"][:12] for request in upgrades})


def test_a_real_boot_loop_is_named_and_nothing_is_called_healthy(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPKIT_RUN_FOLDER", str(tmp_path))
    run = gpkit.start("handshake_race", logs=str(exports / "cloud_logging" / "cl_raw_20250916_0041_bootloop_1000.json"))

    boots = gpkit.judge_boots(run.instances)
    verdict = run.finish(gpkit.judge_failures(run.cases, gpkit.mechanisms(run.cases)), boots)

    assert boots.cause == "crash_loop"
    assert verdict.verdict == "findings"
    assert set(gpkit.evidence("instances.boot")["kind"]) == {"entry"}
