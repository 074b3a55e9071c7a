"""The messages that the service sends: the welcome of each generation, the four event paths, replies, errors.

Pure: stamps are arguments, in nanoseconds since 1970 on the instance's clock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gpkit.protocol.events import EVENTS

AGENT = "supervisor"
TOOL = "data_lookup"


@dataclass(frozen=True, slots=True)
class Address:
    """Whom an event is for and which run it belongs to."""

    user_id: str
    run_id: str
    thread_id: str


def iso(at_ns: int) -> str:
    """ISO 8601 in UTC with microseconds and an offset."""
    at = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ns // 1000 % 1_000_000:06d}+00:00"


def unix(at_ns: int) -> float:
    """Seconds since 1970, to the microsecond."""
    return at_ns // 1000 / 1_000_000


def server_message(kind: str, data: Mapping[str, Any], at_ns: int) -> dict[str, Any]:
    """A control reply: everything but the type lies in ``data``."""
    return {"type": kind, "data": dict(data), "timestamp": unix(at_ns), "server_id": None, "correlation_id": None}


def error_message(code: str, text: str, at_ns: int) -> dict[str, Any]:
    """An error envelope."""
    return {
        "type": "error_message",
        "error_code": code,
        "error_message": text,
        "details": {"environment": "staging"},
        "timestamp": unix(at_ns),
        "recovery_suggestions": None,
    }


def authentication_error(code: str, text: str, at_ns: int) -> dict[str, Any]:
    """The notice that comes before a close by the alternative close policy."""
    return {
        "type": "authentication_error",
        "event": "auth_failed",
        "error": text,
        "error_code": code,
        "timestamp": iso(at_ns),
        "retry_allowed": False,
        "ssot_authenticated": False,
    }


def welcome(generation: str, user: str, connection_id: str, at_ns: int) -> dict[str, Any]:
    """The message that says that the service is ready."""
    data: dict[str, Any]
    if generation == "C":
        data = {
            "mode": "main",
            "user_id": f"{user[:8]}...",
            "connection_id": connection_id,
            "golden_path_events": list(EVENTS),
            "features": {
                "full_business_logic": True,
                "golden_path_integration": True,
                "cloud_run_optimized": True,
                "emergency_fallback": True,
                "agent_orchestration": True,
            },
            "timestamp": iso(at_ns),
        }
        return server_message("connection_established", data, at_ns)
    data = {
        "event": "connection_established",
        "connection_id": connection_id,
        "user_id": user,
        "server_time": iso(at_ns),
        "connection_ready": True,
        "environment": "staging",
        "startup_complete": True,
        "config": {"heartbeat_interval": 45, "max_message_size": 8192},
        "factory_pattern_enabled": generation == "B",
    }
    return server_message("system_message", data, at_ns)


def event(path: int, name: str, to: Address, at_ns: int, text: str) -> dict[str, Any]:
    """One agent event.

    Args:
        path: Event path, 1 to 4.
        name: One of the five events.
        to: Whom it is for.
        at_ns: Its stamp.
        text: What stands where a person would read.
    """
    return (_bridge, _emitter, _simple, _send_event)[path - 1](name, to, at_ns, text)


_STATUS = {
    "agent_started": "started",
    "agent_thinking": "thinking",
    "tool_executing": "executing",
    "tool_completed": "completed",
    "agent_completed": "completed",
}


def _bridge(name: str, to: Address, at_ns: int, text: str) -> dict[str, Any]:
    data: dict[str, Any] = {"status": _STATUS[name], "message": text}
    frame: dict[str, Any] = {
        "type": name,
        "run_id": to.run_id,
        "user_id": to.user_id,
        "agent_name": AGENT,
        "timestamp": iso(at_ns),
        "data": data,
    }
    if name == "agent_started":
        data["context"] = {}
    elif name == "agent_thinking":
        data |= {"reasoning": text, "step_number": 1, "progress_percentage": 20.0}
    elif name == "tool_executing":
        frame["tool_name"] = TOOL
        data["parameters"] = {"limit": 10}
    elif name == "tool_completed":
        frame |= {"tool_name": TOOL, "results": {"rows": 3}}
        data |= {"result": {"rows": 3}, "execution_time_ms": 5.0}
    else:
        data |= {"result": {"answer": text}, "execution_time_ms": 20.0}
    return frame


def _emitter(name: str, to: Address, at_ns: int, text: str) -> dict[str, Any]:
    frame: dict[str, Any] = {
        "type": name,
        "critical": True,
        "timestamp": unix(at_ns),
        "run_id": to.run_id,
        "thread_id": to.thread_id,
        "user_id": to.user_id,
        "request_id": f"req_{to.run_id}",
        "metadata": {"user_tier": "free", "coordination_mode": "default"},
    }
    if name == "agent_started":
        frame |= {"agent_name": AGENT, "task_description": text, "status": "started"}
    elif name == "agent_thinking":
        frame["reasoning"] = text
    elif name == "tool_executing":
        frame |= {"tool_name": TOOL, "tool_args": {}, "parameters": {"limit": 10}, "execution_id": f"x_{to.run_id}"}
    elif name == "tool_completed":
        frame |= {
            "tool_name": TOOL,
            "results": text,
            "execution_time": 0.005,
            "duration": 0.005,
            "execution_id": f"x_{to.run_id}",
            "success": True,
        }
    else:
        frame |= {"status": "completed", "final_response": text}
    return frame


_OUTER = {"agent_started": "system_message", "agent_completed": "agent_response_complete"}


def _simple(name: str, to: Address, at_ns: int, text: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "event": name,
        "type": name,
        "status": _STATUS[name],
        "user_id": to.user_id,
        "turn_id": to.run_id,
        "timestamp": unix(at_ns),
    }
    if name.startswith("tool_"):
        data["tool_name"] = TOOL
    if name == "agent_completed":
        data |= {"content": text, "message": text, "agents_involved": [AGENT], "real_llm_used": False}
    else:
        data["message"] = text
    return server_message(_OUTER.get(name, "agent_progress"), data, at_ns)


def _send_event(name: str, to: Address, at_ns: int, text: str) -> dict[str, Any]:
    frame: dict[str, Any] = {
        "type": name,
        "user_id": to.user_id,
        "thread_id": to.thread_id,
        "run_id": to.run_id,
        "timestamp": iso(at_ns),
        "agent_name": AGENT,
        "message": text,
    }
    if name.startswith("tool_"):
        frame["tool_name"] = TOOL
    return frame


def oversized(to: Address, at_ns: int, size_bytes: int) -> str:
    """A well-formed progress update of exactly this many bytes."""
    frame: dict[str, Any] = {
        "type": "progress_update",
        "run_id": to.run_id,
        "user_id": to.user_id,
        "agent_name": AGENT,
        "timestamp": iso(at_ns),
        "data": {"status": "working", "progress_data": "", "message": "large"},
    }
    empty = len(json.dumps(frame))
    frame["data"]["progress_data"] = "x" * max(0, size_bytes - empty)
    return json.dumps(frame)


def malformed(kind: str) -> str | bytes:
    """A frame that is no message."""
    frames: dict[str, str | bytes] = {
        "not-json": "agent_thinking: not a message",
        "truncated": '{"type": "agent_thinking", "run_id": "run_',
        "not-an-object": '["agent_thinking"]',
        "no-type": '{"run_id": "run_1", "data": {}}',
        "binary": b"\x00\xff\x00\xff",
    }
    return frames[kind]
