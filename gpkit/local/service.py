"""The golden path service: an ASGI application, one conversation a connection.

What the framework itself says about a socket in the wrong state is not imitated: the application makes the mistake,
and Starlette and uvicorn answer.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from gpkit.local.agent import serve_messages
from gpkit.local.conversation import Conversation, EndedError, GoneError
from gpkit.local.envelopes import error_message
from gpkit.local.handshake import shake_hands
from gpkit.local.limits import Limits
from gpkit.local.session import Session
from gpkit.protocol.events import EVENTS
from gpkit.protocol.scenarios import Scenario

PATHS = ("/ws", "/websocket", "/api/v1/websocket")

Claim = Callable[[int], Session | None]


def application(claim: Claim, scenario: Scenario, secret: str, seed: int) -> Starlette:
    """The ASGI application.

    Args:
        claim: Gives the session that the front opened for a local port, once.
        scenario: What the faults file says.
        secret: HS256 secret of the service.
        seed: Of all draws.
    """

    limits = Limits(scenario.limits)

    async def golden_path(ws: WebSocket) -> None:
        session = claim(ws.client.port) if ws.client else None
        if session is None:
            await ws.close(1008)
            return
        talk = Conversation(ws, session, scenario, secret, seed, limits)
        try:
            await _converse(talk)
        finally:
            await talk.finish()
            session.done.set()

    return Starlette(
        routes=[
            *(WebSocketRoute(path, golden_path) for path in PATHS),
            Route("/health", _health),
            Route("/health/ready", _health),
            Route("/ws/health", _ws_health),
            Route("/ws/config", _ws_config),
            Route("/ws/beacon", _ws_beacon),
        ]
    )


async def _converse(talk: Conversation) -> None:
    entered = ""
    try:
        await shake_hands(talk)
        if talk.limits.enter(talk.user):
            entered = talk.user
            await serve_messages(talk)
        else:
            await _one_too_many(talk)
    except GoneError:
        if talk.truth["accepted_ns"] is not None and not talk.closing:
            talk.say("client_disconnect", code=talk.truth["close_code"])
    except EndedError:
        pass
    finally:
        if entered:
            talk.limits.leave(entered)
    if talk.truth["accepted_ns"] is not None:
        talk.say("cleanup")
        talk.say("closed")


async def _one_too_many(talk: Conversation) -> None:
    now_ns = talk.session.application_ns()
    await talk.send(error_message("CONNECTION_LIMIT", "Too many connections for this user", now_ns))
    await talk.close(1008, "Connection limit exceeded")
    talk.truth["refused"] = "unknown"


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "healthy", "service": "golden-path"})


async def _ws_health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "healthy", "mode": "main"})


async def _ws_config(_: Request) -> JSONResponse:
    config = {"heartbeat_interval": 30, "connection_timeout": 300, "max_message_size": 8192}
    return JSONResponse({"websocket_config": config})


async def _ws_beacon(_: Request) -> JSONResponse:
    return JSONResponse({"service": "websocket", "status": "operational", "events": list(EVENTS)})
