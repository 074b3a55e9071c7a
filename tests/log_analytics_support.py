"""Log Analytics as far as it can be had here: entries in its shape, its functions as DuckDB has them, and its REST API.

BigQuery itself is not to be had in tests. What stands in for it answers with given rows; it runs no SQL.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FUNCTIONS = """
    CREATE MACRO to_json_string(value) AS CASE WHEN value IS NULL THEN 'null' ELSE to_json(value)::VARCHAR END;
    CREATE MACRO json_value(text, path) AS CASE WHEN json_type(text, path) NOT IN ('OBJECT', 'ARRAY')
        THEN json_extract_string(text, path) END;
    CREATE MACRO json_query(text, path) AS json_extract(text, path)::VARCHAR;
    CREATE MACRO unix_micros(instant) AS epoch_us(instant);
"""


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name)


def as_row(entry: dict[str, Any]) -> dict[str, Any]:
    """A REST entry as a row of Log Analytics."""
    row = {snake(name): value for name, value in entry.items()}
    if "http_request" in row:
        request = {snake(name): value for name, value in row["http_request"].items()}
        if "latency" in request:
            seconds, _, nanos = request["latency"].removesuffix("s").partition(".")
            request["latency"] = {"seconds": int(seconds), "nanos": int(nanos.ljust(9, "0"))}
        for name in ("request_size", "response_size"):
            if name in request:
                request[name] = int(request[name])
        row["http_request"] = request
    if "proto_payload" in row:
        payload = dict(row["proto_payload"])
        row["proto_payload"] = {"type": payload.pop("@type", None), "audit_log": payload}
    row.setdefault("severity", "DEFAULT")
    return row


@contextlib.contextmanager
def api(rows: list[str], counts: tuple[int, int, int, int], scan_bytes: int = 1000, fail: int = 0) -> Iterator[Any]:
    """BigQuery's REST API on loopback: a client of it, and the bodies of the jobs that it was asked for."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    jobs: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def _answer(self, body: dict[str, Any], status: int = 200) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if fail:
                self._answer({"error": {"code": fail, "message": "no", "errors": []}}, fail)
                return
            jobs.append(body)
            self._answer(
                {
                    "jobReference": body["jobReference"],
                    "configuration": body["configuration"],
                    "status": {"state": "DONE"},
                    "statistics": {"query": {"totalBytesProcessed": str(scan_bytes)}},
                }
            )

        def do_GET(self) -> None:
            if "/tables/" in self.path:
                reference = {"projectId": "shop", "datasetId": "logs", "tableId": "_AllLogs"}
                fields = [{"name": "timestamp", "type": "TIMESTAMP"}]
                self._answer({"tableReference": reference, "schema": {"fields": fields}})
                return
            number = re.search(r"/(?:queries|jobs)/([^?]+)", self.path)[1]  # type: ignore[index]
            job = next(body for body in jobs if body["jobReference"]["jobId"] == number)
            counted = "COUNT(" in job["configuration"]["query"]["query"]
            names = ["entries", "selected", "undecided", "known"] if counted else ["entry"]
            found: list[tuple[object, ...]] = [counts] if counted else [(row,) for row in rows]
            kind = "INTEGER" if counted else "STRING"
            self._answer(
                {
                    "jobComplete": True,
                    "jobReference": job["jobReference"],
                    "configuration": job["configuration"],
                    "status": {"state": "DONE"},
                    "statistics": {"query": {"statementType": "SELECT"}},
                    "schema": {"fields": [{"name": name, "type": kind} for name in names]},
                    "totalRows": str(len(found)),
                    "rows": [{"f": [{"v": str(value)} for value in row]} for row in found],
                }
            )

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        client = bigquery.Client(
            project="shop",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": f"http://127.0.0.1:{server.server_port}"},
        )
        yield client, jobs
        client.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
