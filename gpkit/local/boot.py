"""What an instance logs when it starts, and when it fails to. The templates are the service's own.

Instances start with the platform's lines, then gunicorn's, then the application's. A failing one ends with exit 3.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gpkit.local.entries import SERVICE, Instance, Journal

MASTER, WORKER = 12, 15
AUTOSCALING = "AUTOSCALING - Instance started due to traffic."
MANUAL = (
    "MANUAL_OR_CUSTOMER_MIN_INSTANCE - Instance started because of customer-configured min-instances or manual scaling."
)
_MISSING = "No module named 'backend.app.services.monitoring'"
_TRACE_1 = (
    "Traceback (most recent call last):\n"
    '  File "/app/backend/app/core/middleware_setup.py", line 852, in _add_exclusion_middleware\n'
    "    from backend.app.services.monitoring import tracker\n"
    f"ModuleNotFoundError: {_MISSING}"
)
_TRACE_2 = (
    "Traceback (most recent call last):\n"
    '  File "/usr/local/lib/python3.11/site-packages/gunicorn/arbiter.py", line 608, in spawn_worker\n'
    "    worker.init_process()\n"
    '  File "/usr/local/lib/python3.11/site-packages/uvicorn/workers.py", line 75, in init_process\n'
    "    super().init_process()\n"
    "RuntimeError: Enhanced middleware setup failed"
)


def started(journal: Journal, source: Instance, at_ns: int, reason: str) -> None:
    """The lines of an instance that comes up."""
    at_ns = _began(journal, source, at_ns, reason)
    for text in ("DETERMINISTIC STARTUP SEQUENCE INITIATED", "PHASE TRANSITION  ->  READY"):
        at_ns += 1000
        _structured(journal, source, at_ns, text)
    for text in ("Application startup complete.",):
        at_ns += 1000
        _gunicorn(journal, source, at_ns, WORKER, "INFO", text)


def crashed(journal: Journal, source: Instance, at_ns: int) -> None:
    """The lines of an instance whose worker fails to boot."""
    at_ns = _began(journal, source, at_ns, MANUAL)
    for text in ("Configuration loaded and cached", "SERVICE_ID configured: True"):
        at_ns += 1000
        _structured(journal, source, at_ns, text)
    at_ns += 1000
    _bridged(journal, source, at_ns, "INFO", "Starting enhanced middleware setup with WebSocket exclusion support...")
    at_ns += 1000
    _bridged(journal, source, at_ns, "ERROR", f"CRITICAL: Enhanced middleware setup failed: {_MISSING}")
    at_ns += 1000
    error = {"traceback": None, "type": "ModuleNotFoundError", "value": _MISSING}
    text = f"Middleware setup failure details: ModuleNotFoundError: {_MISSING}"
    _bridged(journal, source, at_ns, "ERROR", text, error=error)
    at_ns += 1000
    _gunicorn(journal, source, at_ns, WORKER, "ERROR", "Exception in worker process")
    for severity, plain in (
        ("ERROR", _TRACE_1),
        (None, "During handling of the above exception, another exception occurred:"),
        ("ERROR", _TRACE_2),
    ):
        at_ns += 1000
        journal.entry(source, "stderr", at_ns, at_ns, severity=severity, text=plain)
    for pid, level, text in (
        (WORKER, "INFO", f"Worker exiting (pid: {WORKER})"),
        (MASTER, "ERROR", f"Worker (pid:{WORKER}) exited with code 3"),
        (MASTER, "ERROR", "Shutting down: Master"),
        (MASTER, "ERROR", "Reason: Worker failed to boot."),
    ):
        at_ns += 1000
        _gunicorn(journal, source, at_ns, pid, level, text)
    at_ns += 1000
    _system(journal, source, at_ns, "WARNING", "Container called exit(3).", {"container_name": f"{SERVICE}-1"})


def gave_up(journal: Journal, source: Instance, at_ns: int) -> None:
    """The lines of an instance whose application does not start up in time."""
    at_ns = _began(journal, source, at_ns, AUTOSCALING)
    for text in (
        "FAIL:  PHASE FAILED: DATABASE - Database initialization timeout after 25.0s in staging environment",
        "DETERMINISTIC STARTUP FAILURE: Database initialization timeout",
    ):
        at_ns += 1000
        _bridged(journal, source, at_ns, "ERROR", text)
    at_ns += 1000
    _gunicorn(journal, source, at_ns, WORKER, "ERROR", "Application startup failed. Exiting.")


def _began(journal: Journal, source: Instance, at_ns: int, reason: str) -> int:
    labels = {"scaling_reason": reason.split(" ")[0]}
    _system(journal, source, at_ns, "INFO", f"Starting new instance. Reason: {reason}", labels)
    for pid, text in (
        (MASTER, "Starting gunicorn 23.0.0"),
        (MASTER, f"Listening at: http://0.0.0.0:8000 ({MASTER})"),
        (MASTER, "Using worker: uvicorn.workers.UvicornWorker"),
        (WORKER, f"Booting worker with pid: {WORKER}"),
    ):
        at_ns += 1000
        _gunicorn(journal, source, at_ns, pid, "INFO", text)
    at_ns += 1000
    probe = f'Default STARTUP TCP probe succeeded after 1 attempt for container "{SERVICE}-1" on port 8000.'
    _system(journal, source, at_ns, "INFO", probe)
    return at_ns


def _system(
    journal: Journal, source: Instance, at_ns: int, severity: str, text: str, labels: dict[str, str] | None = None
) -> None:
    journal.entry(source, "varlog/system", at_ns, at_ns, severity=severity, text=text, labels=labels)


def _gunicorn(journal: Journal, source: Instance, at_ns: int, pid: int, level: str, text: str) -> None:
    at = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    journal.entry(source, "stderr", at_ns, at_ns, text=f"[{at:%Y-%m-%d %H:%M:%S} +0000] [{pid}] [{level}] {text}")


def _iso(at_ns: int) -> str:
    at = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ns // 1000 % 1_000_000:06d}"


def _bridged(
    journal: Journal, source: Instance, at_ns: int, severity: str, text: str, error: dict[str, Any] | None = None
) -> None:
    """The standard library's bridge: a useless origin, sometimes with an error."""
    payload: dict[str, Any] = {
        "labels": {"function": "callHandlers", "line": "1706", "module": "logging"},
        "message": text,
        "timestamp": _iso(at_ns - 500_000) + "+00:00",
    }
    if error is not None:
        payload["error"] = error
    journal.entry(source, "stderr", at_ns, at_ns, severity=severity, json_payload=payload)


def _structured(journal: Journal, source: Instance, at_ns: int, text: str) -> None:
    """The structured logger: it fills in an error that never was."""
    stamp = _iso(at_ns - 500_000) + "Z"
    payload = {
        "error": {"message": "Missing field", "severity": "ERROR", "timestamp": stamp, "traceback": "", "type": "str"},
        "logger": "logging",
        "message": text,
        "service": "golden-path",
        "textPayload": text,
        "timestamp": stamp,
        "validation": {
            "message_length": len(text),
            "severity": "INFO",
            "validated_at": stamp,
            "zero_empty_guarantee": True,
        },
    }
    journal.entry(source, "stdout", at_ns, at_ns, severity="INFO", json_payload=payload)
