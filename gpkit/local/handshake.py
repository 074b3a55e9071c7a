"""From the upgrade request to the welcome, in the order of each generation.

A authenticates and then accepts: every refusal is an HTTP 403. B and C accept and then authenticate: a refusal is a
close 1008. Whatever goes wrong between accept and welcome goes wrong here.
"""

from __future__ import annotations

import json
import time
import traceback

from gpkit.local import envelopes, tokens
from gpkit.local.conversation import Conversation, EndedError
from gpkit.local.cuts import cut
from gpkit.local.lines import FAILURES, Line
from gpkit.local.tokens import Verdict

NOT_READY = "Service not ready: database, agent_supervisor"
BREAKER = Verdict(None, "breaker_open", "Authentication circuit breaker is open")
DEMO_USER = "demo-user-001"

_SEVERITY = {"signature": "ERROR"}
_REASON_1008 = {"A": "Invalid authentication", "B": "SSOT Auth failed", "C": "Authentication failed"}


async def shake_hands(talk: Conversation) -> None:
    """Everything up to and including the welcome.

    Raises:
        EndedError: The connection was refused or closed.
        GoneError: The client left.
        RuntimeError: The application read before it accepted.
    """
    talk.say("initiated")
    talk.session.write(talk.session.stamped(talk.session.hostile_lines()))
    if talk.session.apply("receive_before_accept") is not None:
        await _read_before_accept(talk)
    not_ready = _not_ready(talk)
    if not_ready and talk.generation != "B":
        talk.truth["refused"] = "not_ready"
        await _refuse_http(talk, talk.stamped("not_ready"))
    talk.say("ready_checked")
    greets_first = talk.session.apply("welcome_before_verdict") is not None
    if talk.generation == "A" and not greets_first:
        verdict = await _authenticate(talk)
        if verdict.reason is not None:
            await _refuse_http(talk, _reasons(talk, verdict))
        await _accept(talk)
    else:
        await _accept(talk)
        if not_ready:
            talk.truth["refused"] = "not_ready"
            talk.say("not_ready")
            await talk.close(1011, NOT_READY)
            raise EndedError
        if greets_first:
            await cut(talk, "before-ready")
            await _welcome(talk, tokens.named_user(_presented(talk, clean=True).token) or DEMO_USER)
        verdict = await _authenticate(talk)
        if verdict.reason is not None:
            await _refuse_close(talk, verdict)
    if talk.session.apply("close_1008_after_accept") is not None:
        talk.truth["refused"] = "unknown"
        await _refuse_close(talk, Verdict(None, "unknown", "Authentication failed"), quiet=True)
    if not greets_first:
        await cut(talk, "before-ready")
        await talk.pause(talk.scenario.pace_ms["ready"] + talk.session.apply_delays_ms("slow_ready"))
        await _welcome(talk, talk.user)
    await cut(talk, "after-ready")


async def _read_before_accept(talk: Conversation) -> None:
    talk.truth.update(refused="unknown", closed_by="server")
    try:
        await talk.ws.receive_text()
    except RuntimeError as error:
        talk.say("failed", error=error)
        talk.say("application_error")
        trace = "".join(traceback.format_exception(error)).rstrip()
        talk.session.write(talk.session.stamped([Line("error", "text", "ERROR", trace)]))
        talk.say("rejected_500")
        raise


def _not_ready(talk: Conversation) -> bool:
    drawn = talk.session.drawn_fault("not_ready")
    if drawn is None or talk.session.elapsed_s >= drawn.parameters["for_s"]:
        return False
    drawn.applied = True
    return True


async def _refuse_http(talk: Conversation, reasons: list[tuple[Line, int]]) -> None:
    """Close before accept: 403 on the wire. The lines come in the order that the platform's log shows."""
    talk.truth["closed_by"] = "server"
    await talk.ws.close(1008, "Authentication required")
    talk.session.write([*talk.stamped("access_403"), *reasons, *talk.stamped("refused_http")])
    raise EndedError


async def _accept(talk: Conversation) -> None:
    session, head = talk.session, talk.session.head
    chosen, goes_on = tokens.answer(head.offered, talk.generation)
    bearing = tokens.token_bearing(head.offered)
    if (foreign := session.apply("subprotocol_never_offered")) is not None:
        chosen = str(foreign["value"])
    elif not goes_on:
        talk.truth["refused"] = "subprotocol"
        offered = ", ".join(head.offered)
        await _refuse_http(talk, talk.stamped("unsupported", offered=offered))
    elif session.drawn_fault("subprotocol_not_echoed") is not None and chosen is not None:
        session.apply("subprotocol_not_echoed")
        chosen = None
    elif session.drawn_fault("subprotocol_echoed_with_token") is not None and bearing is not None:
        session.apply("subprotocol_echoed_with_token")
        chosen = bearing
    if chosen is not None:
        talk.say("negotiated", subprotocol=chosen)
    await talk.accept(chosen)


def _presented(talk: Conversation, *, clean: bool) -> tokens.Presented:
    head = talk.session.head
    decodes = clean or talk.session.drawn_fault("base64url_not_decoded") is None
    headers = {name.lower(): value for name, value in head.headers}
    return tokens.find(headers, head.offered, head.query, talk.generation, decode_base64url=decodes)


async def _authenticate(talk: Conversation) -> Verdict:
    """The verdict, after the time that it takes; a demo user for those whom demo mode lets in."""
    session = talk.session
    talk.truth["auth_started_ns"] = time.time_ns()
    started_ns = time.perf_counter_ns()
    talk.say("auth_started")
    if session.drawn_fault("breaker_open") is not None:
        verdict, blamed = BREAKER, "breaker_open"
    else:
        planted_ms = session.apply_delays_ms("slow_auth")
        talk.truth["auth_delay_ms"] = planted_ms
        await talk.pause(talk.scenario.pace_ms["auth"] + planted_ms)
        verdict, blamed = _verdict(talk)
    talk.truth.update(
        verdict_ns=time.time_ns(),
        carrier=_presented(talk, clean=True).carrier,
        credential_seen=verdict.reason or "valid",
    )
    auth_ms = (time.perf_counter_ns() - started_ns) / 1e6
    if verdict.reason is not None and session.apply("demo_mode") is not None:
        talk.user = DEMO_USER
        talk.say("bypass")
        verdict = Verdict(DEMO_USER)
    elif verdict.reason is not None:
        if blamed:
            session.apply(blamed)
        talk.truth["refused"] = verdict.reason
        return verdict
    else:
        talk.user = str(verdict.user)
        talk.say("auth_ok", auth_ms=auth_ms, level="relaxed")
    talk.truth["user"] = talk.user
    return verdict


def _verdict(talk: Conversation) -> tuple[Verdict, str]:
    """The verdict on the token as this service reads it, and the fault to blame when it is not the right one."""
    session = talk.session
    right = tokens.verify(_presented(talk, clean=True).token, talk.secret)
    wrong_secret = session.drawn_fault("secret_mismatch") is not None
    verdict = tokens.verify(
        _presented(talk, clean=False).token,
        tokens.other_secret(talk.secret) if wrong_secret else talk.secret,
        pass_audience=session.drawn_fault("audience_misconfigured") is None,
    )
    if session.is_stripped and verdict.reason == "no_token":
        return verdict, "token_stripped"
    if verdict.reason == right.reason:
        return verdict, ""
    blamed = {
        "segments": "base64url_not_decoded",
        "signature": "secret_mismatch",
        "audience": "audience_misconfigured",
    }
    return verdict, blamed.get(str(verdict.reason), "")


def _reasons(talk: Conversation, verdict: Verdict) -> list[tuple[Line, int]]:
    head = talk.session.head
    context = {
        "has_auth_header": bool(head.get("authorization")),
        "has_subprotocol_header": bool(head.get("sec-websocket-protocol")),
        "environment": "staging",
    }
    special = verdict.reason in ("no_token", "breaker_open")
    return talk.stamped(
        f"refused_{verdict.reason}" if special else "refused",
        message=verdict.message,
        failure=FAILURES.get(str(verdict.reason), "UNKNOWN AUTH FAILURE"),
        severity=_SEVERITY.get(str(verdict.reason), "WARNING"),
        context=json.dumps(context, indent=2),
    )


async def _refuse_close(talk: Conversation, verdict: Verdict, *, quiet: bool = False) -> None:
    """Refuse after accept: C says why in a message first, the breaker closes 1011."""
    if verdict.reason == "breaker_open":
        notice = envelopes.authentication_error(
            "AUTH_CIRCUIT_BREAKER_OPEN", verdict.message, talk.session.application_ns()
        )
        await talk.send(notice)
        await talk.close(1011, verdict.message[:50])
    else:
        if talk.generation == "C" and not quiet:
            await talk.send(envelopes.error_message("AUTH_FAILED", _hint(verdict), talk.session.application_ns()))
        await talk.close(1008, _REASON_1008[talk.generation])
    talk.session.write(_reasons(talk, verdict))
    raise EndedError


def _hint(verdict: Verdict) -> str:
    if verdict.reason == "no_token":
        return "No token found. Supported: Authorization header 'Bearer ...', subprotocol 'jwt.<base64url>', ?ticket="
    if verdict.reason in ("signature", "audience", "segments"):
        return f"{verdict.message}. Ensure JWT_SECRET_KEY is configured consistently"
    return f"Authentication failed: {verdict.message}"


async def _welcome(talk: Conversation, user: str) -> None:
    message = envelopes.welcome(talk.generation, user, talk.connection_id, talk.session.application_ns())
    await talk.send(message)
    talk.truth["ready_sent_ns"] = time.time_ns()
    talk.say("established", short=user[:8])
