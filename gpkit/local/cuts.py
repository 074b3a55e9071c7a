"""Closes and cuts that the faults ask for, at three moments: before the welcome, after it, in the middle of a run."""

from __future__ import annotations

from typing import Any

from gpkit.local import envelopes
from gpkit.local.conversation import Conversation, EndedError

# Of several that fall on one moment the first one acts, as the table of faults has them.
CUTS = ("reset_1006", "half_open", "close_1011", "receive_after_close", "clean_close")
_REASON_1011 = {"A": "Internal error", "B": "Internal error", "C": "main mode error"}
CLEANUP = "main cleanup"


async def cut(talk: Conversation, at: str, event: str | None = None) -> None:
    """Close or cut the connection if a drawn fault says so for this moment.

    Args:
        talk: The connection.
        at: ``before-ready``, ``after-ready`` or ``mid-run``.
        event: The event just dealt with, mid-run.

    Raises:
        EndedError: The service closed.
        GoneError: The client left, or was cut off.
    """
    for name in CUTS:
        drawn = talk.session.drawn_fault(name)
        if drawn is None or drawn.applied or drawn.parameters["at"] != at:
            continue
        if at == "mid-run" and drawn.parameters["after"] != event:
            continue
        await talk.pause(drawn.parameters["delay_ms"])
        drawn.applied = True
        await _act(talk, name, drawn.parameters)


async def _act(talk: Conversation, name: str, parameters: dict[str, Any]) -> None:
    if name == "reset_1006":
        talk.truth.update({"closed_by": "reset", "close_code": 1006})
        talk.session.cut_after(talk.sent, "reset")
        await talk.until_gone()
    elif name == "half_open":
        talk.session.cut_after(talk.sent, "half-open")
        # The service knows nothing of it: it goes on, and its log says so.
    elif name == "close_1011":
        reason = parameters["reason"] or _REASON_1011[talk.generation]
        talk.say("failed", error=reason)
        if talk.generation == "C":
            await talk.send(envelopes.error_message("CONNECTION_ERROR", reason, talk.session.application_ns()))
        await talk.close(1011, reason)
        raise EndedError
    elif name == "receive_after_close":
        await talk.close(1000, CLEANUP)
        try:
            await talk.ws.receive_text()
        except RuntimeError as error:
            talk.say("loop_error", error=error)
        raise EndedError
    else:
        talk.say("disconnect", processed=talk.processed)
        await talk.close(1000, CLEANUP)
        raise EndedError
