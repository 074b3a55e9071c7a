"""A secret planted wherever one can travel is nowhere under the outputs afterwards, in no form."""

from __future__ import annotations

import base64
import html
import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import jwt
import pyarrow.parquet as pq
import pytest

from gpkit import stack

TICKET = "tkt-5f0c9a1b2d3e4f"
API_KEY = "AIza" + "SyA0b1C2d3E4f5G6h7I8j9K0l1M2n3O4p5Q"


def forms(value: str) -> set[str]:
    """A value as it stands, encoded for an address, as base64 wherever it begins, and in hexadecimal."""
    raw = value.encode()
    inner = set()
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw).decode().rstrip("=")
        cut = encoded[(lead * 8 + 5) // 6 : (lead + len(raw)) * 8 // 6]
        inner |= {cut, cut.replace("+", "-").replace("/", "_")}
    return {value, urllib.parse.quote(value, safe=""), raw.hex(), *inner}


def texts(file: Path) -> Iterator[str]:
    """Everything that a file says: its bytes, and what they decode to."""
    raw = file.read_bytes().decode("utf-8", "replace")
    yield raw
    yield html.unescape(raw)
    yield urllib.parse.unquote(raw)
    if file.suffix == ".parquet":
        for column in pq.read_table(file).to_pydict().values():
            yield json.dumps(column, default=str, ensure_ascii=False)
    if file.suffix in (".json", ".ipynb"):
        yield json.dumps(json.loads(raw), ensure_ascii=False)


def leaks(folder: Path, secrets: dict[str, str]) -> list[str]:
    needles = {form: name for name, value in secrets.items() for form in forms(value) if len(form) >= 8}
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix != ".js":
            said = list(texts(file))
            found += [f"{name} in {file.name}" for form, name in needles.items() if any(form in text for text in said)]
    return found


def parts(token: str) -> dict[str, str]:
    """A token whole, and each part that would let somebody rebuild it."""
    _, claims, signature = token.split(".")
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    return {"token": token, "claims": claims, "signature": signature, "encoded token": encoded}


def gpkit(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gpkit", *words], cwd=root, env={**os.environ, **environment},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("carrier", ["header", "subprotocol-b64", "subprotocol-raw", "query"])
def test_a_token_leaves_no_trace_whatever_carries_it(root: Path, tmp_path: Path, carrier: str) -> None:
    faults = {
        "generation": "C",
        "faults": [
            {"fault": "subprotocol_echoed_with_token", "probability": 0.5},
            {"fault": "hostile_text", "probability": 0.5},
        ],
    }
    outputs = tmp_path / "outputs"
    with stack.local_stack(faults, seed=3) as local:
        secret = local.secret_file.read_text().strip()
        claims = {"sub": "gpkit-user-001", "iat": 1_700_000_000, "exp": 4_000_000_000, "iss": "netra-auth-service"}
        token = jwt.encode({**claims, "type": "access", "permissions": ["read", "write"]}, secret, "HS256")
        target = tmp_path / "target.yaml"
        target.write_text(
            f"url: {local.url}\ncarrier: {carrier}\nusers: [gpkit-user-001]\nmax_rate_per_s: 100\nmax_concurrency: 50\n"
        )
        done = gpkit(
            root, "run", "event_success_rates", "-e", str(target), "-p", "attempts=20", "-p", "rate_per_s=50",
            "--outputs", str(outputs), "--json", GPKIT_TOKEN=token, GPKIT_JWT_SECRET=secret,
        )  # fmt: skip

    assert done.returncode in (0, 1, 2), done.stderr
    headline = json.loads(done.stdout)["findings"][0]
    assert headline["n"] == 20
    assert headline["estimate"] > 0  # the token was really used
    (tmp_path / "outputs" / "said.txt").write_text(done.stdout + done.stderr)
    assert leaks(outputs, {"secret": secret, **parts(token)}) == []


def test_secrets_in_a_log_leave_no_trace_and_joining_ids_stay(root: Path, tmp_path: Path) -> None:
    token = jwt.encode({"sub": "somebody", "exp": 4_000_000_000}, "k" * 40, "HS256")
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    said = [
        f"Authorization: Bearer {token}",
        f"WebSocket subprotocol negotiated: jwt.{encoded}",
        f"no supported subprotocols found in client request: ['jwt-auth.{token}']",
        f"GET /ws?ticket={TICKET} key={API_KEY}",
        f'CONTEXT: {{\n  "headers": {{"authorization": "Bearer {token}"}}\n}}',
        f"\x1b[31mtoken={token}\x1b[0m",
    ]
    trace = "13bbeb5f9e710737c2effe1b2255a08c"
    entries = [entry(index, textPayload=text) for index, text in enumerate(said)]
    entries.append(
        entry(90, jsonPayload={"message": "x", "access_token": token, "nested": {"password": "hunter2-hunter2"}})
    )
    request = {"requestMethod": "GET", "requestUrl": f"https://api.example.com/ws?token={token}", "status": 403,
               "latency": "0.002852s", "requestSize": "2499", "userAgent": "Chrome/134.0.0.0"}  # fmt: skip
    entries.append({**entry(99, httpRequest=request), "trace": f"projects/p/traces/{trace}",
                    "logName": "projects/p/logs/run.googleapis.com%2Frequests"})  # fmt: skip
    (tmp_path / "export.json").write_text(json.dumps(entries))
    outputs = tmp_path / "outputs"

    done = gpkit(root, "run", "auth_timing", "-p", f"logs={tmp_path / 'export.json'}", "--outputs", str(outputs))

    assert done.returncode in (0, 1, 2), done.stderr
    secrets = {**parts(token), "ticket": TICKET, "key": API_KEY, "password": "hunter2-hunter2"}
    assert leaks(outputs, secrets) == []
    kept = pq.read_table(next(outputs.rglob("entries.parquet"))).to_pandas()
    assert list(kept["insert_id"]) == [f"id{index:04d}" for index in (*range(6), 90, 99)]
    assert kept["trace"].iloc[-1].endswith(trace)
    assert kept["http_request_size"].iloc[-1] == 2499


def entry(index: int, **payload: object) -> dict[str, object]:
    return {
        "insertId": f"id{index:04d}",
        "timestamp": f"2025-09-07T13:34:{index % 60:02d}.733023999Z"
        if index < 60
        else f"2025-09-07T13:35:{index - 60:02d}Z",
        "severity": "WARNING",
        "logName": "projects/p/logs/run.googleapis.com%2Fstderr",
        "labels": {"instanceId": "0069c7a988cfdf86"},
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "s", "revision_name": "s-00083-5xw"}},
        **payload,
    }


def test_the_search_itself_finds_what_is_planted(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("before planted-secret-value after")
    (tmp_path / "coded.txt").write_text(base64.b64encode(b"ab planted-secret-value cd").decode())
    (tmp_path / "address.txt").write_text("x?y=planted%2Dsecret%2Dvalue")

    found = leaks(tmp_path, {"it": "planted-secret-value"})

    assert {item.split()[-1] for item in found} == {"plain.txt", "coded.txt", "address.txt"}
