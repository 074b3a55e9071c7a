"""A raw HTTP server for answers that no faithful API gives: cut, packed badly, of the wrong kind, or for ever the same.

Each request is answered by the next of the given answers; the last one answers all that follow.
"""

from __future__ import annotations

import contextlib
import json
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from gpkit.cloud import Limits, Pace, Page, Target, pages, quota

BASE_NS = 1_757_252_041_000_000_000
"""2025-09-07T13:34:01Z"""


STEP_NS = 1_000
"""From one entry to the next, unless said otherwise: the finest order that the service is believed to keep."""


def stamp(at_ns: int) -> str:
    seconds, below = divmod(at_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{below:09d}Z"


def entry(number: int, at_ns: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "logName": "projects/p/logs/run.googleapis.com%2Fstderr",
        "insertId": f"id{number:06d}",
        "timestamp": stamp(BASE_NS + number * STEP_NS if at_ns is None else at_ns),
        "textPayload": f"line {number}",
        **more,
    }


def page_json(numbers: range, token: str = "", **more: Any) -> bytes:
    return json.dumps({"entries": [entry(n) for n in numbers], "nextPageToken": token, **more}).encode()


@dataclass(frozen=True)
class Reply:
    """What goes over the wire: the status, headers and as much of the body as ``sent`` says, then the end."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json; charset=UTF-8"
    sent: int | None = None
    length: bool = True


def refused(status: int, name: str, message: str = "", reason: str = "", **headers: str) -> Reply:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    body = {"error": {"code": status, "status": name, "message": message, "details": details}}
    return Reply(json.dumps(body).encode(), status, {key.replace("_", "-"): value for key, value in headers.items()})


@dataclass
class Raw:
    """The server: its address, and what it was asked."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    arrived_s: list[float] = field(default_factory=list)


Answer = Reply | Callable[[dict[str, Any]], Reply]


@contextlib.contextmanager
def raw_server(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Raw]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            raw.arrived_s.append(time.monotonic())
            raw.headers.append({name.lower(): value for name, value in self.headers.items()})
            raw.asked.append(json.loads(body) if body.startswith(b"{") else {"form": body.decode()})
            answer = answers[min(len(raw.asked), len(answers)) - 1]
            self.reply(answer if isinstance(answer, Reply) else answer(raw.asked[-1]))

        def reply(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Type": reply.kind, **reply.headers}.items():
                if value:
                    self.send_header(name, value)
            if reply.length:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: reply.sent])
            self.close_connection = reply.sent is not None or not reply.length

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that goes away, or never was one of this protocol

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        raw = Raw(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield raw
        finally:
            server.shutdown()
            thread.join()


class FakeTime:
    """A clock that moves only when somebody sleeps; the longest of all random numbers."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []
        self.pace = Pace(clock=lambda: self.now_s, sleep=self.sleep, random=lambda: 1.0)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def read(
    url: str,
    folder: Any,
    *,
    filter: str = "",
    since: int = BASE_NS,
    until: int = BASE_NS + 10**9,
    fake: FakeTime | None = None,
    limits: Limits | None = None,
    project: str = "gpkit-local",
    **more: Any,
) -> Iterator[Page]:
    """Pages of a loopback API, anonymously, at a quota that does not matter."""
    target = Target(project, url, anonymous=True, reads_per_minute=100_000)
    pace = (fake or FakeTime()).pace
    more.setdefault("bucket", quota.of(target, folder=folder, pace=pace))
    return pages(target, filter=filter, since=since, until=until, limits=limits, pace=pace, **more)


def ids(found: list[Page]) -> list[str]:
    """Insert ids in the order in which they came."""
    return [json.loads(item)["insertId"] for page in found for item in page.entries]
