"""One connection, as the front and the application share it: its faults, its clock, its log lines, its truth.

True instants are nanoseconds since 1970 on this machine's clock; the instance's own may be off. Durations come from
the monotonic clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gpkit.local import hostile
from gpkit.local.draws import Drawn
from gpkit.local.entries import Instance, Journal
from gpkit.local.http_head import Head
from gpkit.local.lines import Line, gunicorn, payload

STEP_NS = 1000  # entries of one connection are at least this far apart: their stamps have microseconds


def _cut_nothing(frames: int, how: str) -> None:
    """There is no connection to cut yet."""


@dataclass(slots=True)
class Session:
    """One upgrade request and what follows.

    Attributes:
        index: Order of arrival, from 0.
        trace: 32 hexadecimal digits.
        arrived_ns: When the first byte of the request came.
        arrived_perf_ns: The same on the monotonic clock.
        elapsed_s: Seconds since the service started, at arrival.
        head: The request, as the application gets it.
        target: Path and query, as they came.
        instance: Which container serves it.
        generation: ``A``, ``B`` or ``C``.
        drawn: The faults that meet it.
        journal: Where its lines go.
        cut_after: Tells the front to cut (``reset``) or silence (``half-open``) after so many frames.
        client_port: The front's own port on the way to the instance.
        claimed: The application has taken the connection over.
        is_stripped: A token was removed on the way.
        answered: Set when the front has passed the answer to the upgrade on, or there will be none.
        done: Set when the application is through with it.
    """

    index: int
    trace: str
    arrived_ns: int
    arrived_perf_ns: int
    elapsed_s: float
    head: Head
    target: str
    instance: Instance
    generation: str
    drawn: list[Drawn]
    journal: Journal
    cut_after: Callable[[int, str], None] = _cut_nothing
    client_port: int = 0
    claimed: bool = False
    is_stripped: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    truth: dict[str, Any] = field(default_factory=dict)
    _last_entry_ns: int = 0

    def __post_init__(self) -> None:
        self.truth = {
            "trace": self.trace,
            "index": self.index,
            "arrived_ns": self.arrived_ns,
            "generation": self.generation,
            "revision": self.instance.revision,
            "instance_id": self.instance.instance_id,
            "faults": [],
            "carrier": None,
            "credential_seen": None,
            "refused": None,
            "http_status": None,
            "connection_id": None,
            "accepted_ns": None,
            "auth_started_ns": None,
            "verdict_ns": None,
            "ready_sent_ns": None,
            "first_message_ns": None,
            "message_lost": False,
            "events_sent": [],
            "events_suppressed": [],
            "closed_by": "none",
            "close_code": None,
            "close_reason": None,
            "auth_delay_ms": 0.0,
            "log_lines": [],
            "log_lines_dropped": [],
            "user": None,
            "client": self.head.get("user-agent"),
        }

    # Faults

    def drawn_fault(self, name: str) -> Drawn | None:
        """The drawn fault of this name, whether or not it has anything to act on."""
        return next((drawn for drawn in self.drawn if drawn.fault == name), None)

    def all_drawn(self, name: str) -> list[Drawn]:
        """Every drawn entry of a fault that stacks."""
        return [drawn for drawn in self.drawn if drawn.fault == name]

    def apply(self, name: str) -> dict[str, Any] | None:
        """The parameters of a drawn fault, which takes effect now; null when it was not drawn."""
        drawn = self.drawn_fault(name)
        if drawn is None:
            return None
        drawn.applied = True
        return drawn.parameters

    def apply_delays_ms(self, name: str) -> float:
        """The summed delays of a fault that stacks, which take effect now."""
        total = 0.0
        for drawn in self.all_drawn(name):
            drawn.applied = True
            total += float(drawn.parameters["delay_ms"])
        return total

    # Clocks

    def application_ns(self, at_ns: int | None = None) -> int:
        """An instant on the application's clock; now when none is given."""
        at_ns = time.time_ns() if at_ns is None else at_ns
        return at_ns + self._clock_error_ns(at_ns)

    def _clock_error_ns(self, at_ns: int) -> int:
        off = self.apply("clock_off")
        if off is None:
            return 0
        running_s = self.elapsed_s + (at_ns - self.arrived_ns) / 1e9
        return int(off["offset_s"] * 1e9 + off["drift_ppm"] * 1000 * running_s)

    def _entry_ns(self) -> int:
        """The stamp of the next application entry: never before the one before it."""
        now_ns = time.time_ns()
        off = self.drawn_fault("clock_off")
        if off is not None and off.parameters["stamps"] == "instance":
            now_ns = self.application_ns(now_ns)
        self._last_entry_ns = max(now_ns, self._last_entry_ns + STEP_NS)
        return self._last_entry_ns

    # Log lines

    def stamped(self, lines: Iterable[Line]) -> list[tuple[Line, int]]:
        """Lines with the application's own stamp of now, to be written later."""
        now_ns = self.application_ns()
        return [(line, now_ns) for line in lines]

    def write(self, lines: Iterable[tuple[Line, int]]) -> None:
        """Write stamped lines in this order, apart from those that a fault drops."""
        for line, at_ns in lines:
            if self._dropped(line.kind):
                continue
            entry_ns = self._entry_ns()
            text: str | None = None
            json_payload: dict[str, Any] | None = None
            severity = line.severity
            if line.shape == "gunicorn":
                text, severity = gunicorn(line, entry_ns), None
            elif line.shape == "text":
                text = line.text
            else:
                json_payload = payload(line, at_ns, self.generation)
            insert_id = self.journal.entry(
                self.instance,
                "stderr",
                entry_ns,
                time.time_ns(),
                severity=severity,
                text=text,
                json_payload=json_payload,
            )
            self.truth["log_lines"].append(insert_id)

    def write_requests(
        self, status: int, latency_ns: int, received_bytes: int, sent_bytes: int, text: str | None = None
    ) -> None:
        """Write the platform's own entry for the request: stamped at its start, on a clock that is right."""
        if self._dropped("requests"):
            return
        severity = "ERROR" if status >= 500 else "WARNING" if status >= 400 else "INFO"
        http = {
            "latency": f"{latency_ns // 1000 / 1e6:.6f}s",
            "protocol": "HTTP/1.1",
            "remoteIp": "127.0.0.1",
            "requestMethod": self.head.method,
            "requestSize": str(received_bytes),
            "requestUrl": f"https://{self.head.get('host')}{self.target}",
            "responseSize": str(sent_bytes),
            "serverIp": "127.0.0.1",
            "status": status,
            "userAgent": self.head.get("user-agent"),
        }
        insert_id = self.journal.entry(
            self.instance,
            "requests",
            self.arrived_ns,
            time.time_ns(),
            severity=severity,
            text=text,
            http=http,
            trace=self.trace,
            span_id=self.trace[:16],
        )
        self.truth["log_lines"].append(insert_id)

    def _dropped(self, kind: str) -> bool:
        for drawn in self.all_drawn("log_lines_missing"):
            if kind in drawn.parameters["lines"]:
                drawn.applied = True
                self.truth["log_lines_dropped"].append(kind)
                return True
        return False

    def hostile_lines(self) -> list[Line]:
        """Hostile texts as log lines, if the fault was drawn for the log."""
        drawn = self.drawn_fault("hostile_text")
        if drawn is None or drawn.parameters["where"] == "events":
            return []
        drawn.applied = True
        return [
            Line("hostile", "app", "WARNING", f"Client message: {hostile.text(kind, self.trace)}")
            for kind in drawn.parameters["kinds"]
        ]

    def hostile_event_text(self, event: str) -> str:
        """What an event says where a person reads, if the fault was drawn for events; else a plain text."""
        drawn = self.drawn_fault("hostile_text")
        if drawn is None or drawn.parameters["where"] == "log":
            return f"{event.replace('_', ' ')}."
        drawn.applied = True
        kinds = drawn.parameters["kinds"]
        if event == "tool_completed" and "long" in kinds:
            return hostile.text("long", self.trace)
        return hostile.short(kinds, self.trace) or f"{event}."

    # Truth

    def write_truth(self) -> None:
        """Write what was really done to this connection."""
        self.truth["faults"] = [
            {"fault": d.fault, "position": d.position, "drawn": d.parameters, "applied": d.applied} for d in self.drawn
        ]
        self.journal.truth(self.truth)
