"""The one table of faults: what each does, which parameters it takes, and what a client then sees.

Pure data. The local service plants these faults, the documentation lists them, and tests compare both with the wire.

A row of :data:`FAULTS` says what a client sees on a connection where the fault *took effect*. A fault that was drawn
may have nothing to act on: a subprotocol fault on a client that offers none, a lost event after the connection was
cut. The truth file says which ones took effect (``applied``); :mod:`gpkit.protocol.effects` makes one outcome of them.
Outcomes are written as in :mod:`gpkit.protocol.outcomes`. An outcome of null means: as if there were no fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gpkit.protocol.credentials import MUST_BE_REFUSED
from gpkit.protocol.events import EVENTS

GENERATIONS = ("A", "B", "C")

FRONT, UPGRADE, OPEN, READY, RUN, EVENT, SIDE = range(7)
"""Stages of the golden path, in order: of several faults that took effect, the earliest stage decides the outcome.

``SIDE`` faults change what is logged, stamped, delayed or counted, not the outcome.
"""

AT_STAGE = {"before-ready": OPEN, "after-ready": READY, "mid-run": RUN}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a fault.

    Attributes:
        name: As written in a faults file; the unit is in the name.
        kind: ``number``, ``integer``, ``text``, ``choice``, ``choices`` (a list) or ``delay`` (a distribution).
        default: Used when the file says nothing.
        meaning: One sentence.
        choices: Allowed values of a ``choice`` or ``choices``.
        minimum: Smallest allowed number.
        maximum: Largest allowed number.
    """

    name: str
    kind: str
    default: Any
    meaning: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client, and the server's log, show where the fault took effect.

    Attributes:
        outcome: Outcome of the attempt; null when the fault does not change it.
        stage: Where on the path it decides.
        generations: The generations this row is about.
        when: Values of the fault's parameters, or ``credential``, that this row is about; a tuple is any of them.
        http_status: Status of the upgrade's answer; null for 101 or none at all.
        close_code: As the client receives it; 1006 is a cut without a close frame.
        decided_at: ``before-accept`` for a 4xx at the upgrade, ``after-accept`` for a close that refuses the
            credential, ``silence`` when no answer or no welcome came; null for anything else.
        counts: Messages counted apart: late, duplicate, reordered, malformed, foreign.
        browser_would_fail: A browser refuses this upgrade although this client does not.
        server_outcome: Outcome of the server's own row in ``connections``; null when unchanged.
        reason: The refusal's reason in the server's log, of the closed list; null when there is none.
    """

    outcome: str | None = None
    stage: int = SIDE
    generations: str = "ABC"
    when: Mapping[str, Any] = field(default_factory=dict)
    http_status: int | None = None
    close_code: int | None = None
    decided_at: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    browser_would_fail: bool = False
    server_outcome: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its name, what goes wrong, what it needs to act on, what is then seen, and its parameters."""

    name: str
    meaning: str
    needs: str
    seen: tuple[Seen, ...] = (Seen(),)
    parameters: tuple[Parameter, ...] = ()


def _delay(default_ms: float, meaning: str) -> Parameter:
    return Parameter("delay_ms", "delay", {"constant": default_ms}, meaning)


def _event(default: str, meaning: str, events: tuple[str, ...] = EVENTS) -> Parameter:
    return Parameter("event", "choice", default, meaning, events)


def _at(default: str) -> tuple[Parameter, ...]:
    return (
        Parameter("at", "choice", default, "When it happens.", tuple(AT_STAGE)),
        # Not after the last event: then nothing is left to go wrong.
        Parameter("after", "choice", "tool_executing", "mid-run: right after this event.", EVENTS[:4]),
        _delay(0, "How long after that moment."),
    )


def _refused(reason: str, close_code: int = 1008) -> tuple[Seen, ...]:
    """Generation A refuses at the upgrade, B and C after accept."""
    return (_http_403("A", reason), _refused_open("BC", reason, close_code))


def _http_403(generations: str, reason: str) -> Seen:
    return Seen(
        "upgrade_status_403",
        UPGRADE,
        generations,
        http_status=403,
        decided_at="before-accept",
        server_outcome="refused",
        reason=reason,
    )


def _refused_open(generations: str, reason: str, close_code: int) -> Seen:
    return Seen(
        "refused_after_accept",
        OPEN,
        generations,
        close_code=close_code,
        decided_at="after-accept",
        server_outcome="refused",
        reason=reason,
    )


def _failed(status: int, stage: int, reason: str) -> Seen:
    return Seen(f"upgrade_status_{status}", stage, http_status=status, server_outcome="failed", reason=reason)


def _closes(code: int) -> tuple[Seen, ...]:
    """A close or a cut: before the welcome, after it, or in the middle of a run."""
    return tuple(
        Seen(
            f"{'closed_before_ready' if stage == OPEN else 'closed_mid_run'}:{code}",
            stage,
            when={"at": at},
            close_code=code,
            server_outcome="closed",
        )
        for at, stage in AT_STAGE.items()
    )


# One fault is a few lines of a table, not a page.
# fmt: off
_ANY = "nothing"
_RUN = "a run that gets that far"

_ALL = (
    # In front of the service.
    Fault("token_stripped", "A proxy removes the credential before the application sees it.",
          "a credential where the proxy strips it", _refused("no_token"),
          (Parameter("strips", "choice", "all", "What is removed.", ("all", "header", "subprotocol", "query")),)),
    Fault("slow_front", "The request waits in front of the service.", _ANY, parameters=(_delay(80, "How long."),)),
    Fault("crash_loop", "The container crashes while it boots, over and over; the front answers 503.", _ANY,
          (_failed(503, FRONT, "crash_loop"),), (_delay(30, "Until the front gives up."),)),
    Fault("start_failed", "No instance could be started for the request; the front answers 500.", _ANY,
          (_failed(500, FRONT, "start_failed"),), (_delay(30, "Until the front gives up."),)),
    Fault("silent_upgrade", "The upgrade request is taken and never answered.", _ANY,
          (Seen("open_timeout", FRONT, decided_at="silence", server_outcome="unknown"),)),
    Fault("upgrade_garbled", "The upgrade is answered by something that is no WebSocket handshake.", _ANY,
          (Seen("upgrade_invalid", FRONT, server_outcome="unknown"),),
          (Parameter("answer", "choice", "not-http", "What comes back.", ("not-http", "bad-accept")),)),
    # The handshake.
    Fault("receive_before_accept", "The application reads from a socket that it has not accepted: HTTP 500.", _ANY,
          (_failed(500, UPGRADE, "unknown"),)),
    Fault("not_ready", "The service is not ready for the first seconds of its life.",
          "a connection that arrives in that time",
          (_http_403("AC", "not_ready"),
           Seen("closed_before_ready:1011", OPEN, "B", close_code=1011, server_outcome="refused", reason="not_ready")),
          (Parameter("for_s", "number", 1.0, "Seconds since the service started.", minimum=0, maximum=3600),)),
    Fault("breaker_open", "The circuit breaker before authentication is open: everybody is refused at once.", _ANY,
          _refused("breaker_open", 1011)),
    Fault("slow_auth", "Authentication takes longer.", _ANY, parameters=(_delay(80, "Added to the usual time."),)),
    Fault("secret_mismatch", "The service verifies with another secret than the one tokens are signed with.",
          "a well-formed token that would be accepted", _refused("signature")),
    Fault("audience_misconfigured",
          "The service passes no audience to the verifier, which then refuses every token that has one.",
          "a good token with an audience", _refused("audience")),
    Fault("base64url_not_decoded", "The service does not decode the token of the subprotocol carrier.",
          "a good token carried as jwt.<base64url>", _refused("segments")),
    Fault("demo_mode", "Whoever would be refused for the credential is let in as a demo user.",
          "a credential that would be refused",
          (Seen("accepted_bad_credential", when={"credential": MUST_BE_REFUSED}), Seen())),
    Fault("subprotocol_not_echoed", "The service accepts without choosing an offered subprotocol.",
          "an offer from which one would be chosen", (Seen(browser_would_fail=True),)),
    Fault("subprotocol_echoed_with_token", "The service echoes the offered subprotocol that holds the token.",
          "a client that offers its token as a subprotocol"),
    Fault("subprotocol_never_offered", "The service chooses a subprotocol that was not offered.", _ANY,
          (Seen("subprotocol_unoffered", UPGRADE, browser_would_fail=True),),
          (Parameter("value", "text", "chat.v9", "What it chooses."),)),
    Fault("close_1008_after_accept", "The service accepts and then refuses by closing 1008, without a message.", _ANY,
          (_refused_open("ABC", "unknown", 1008),)),
    Fault("welcome_before_verdict", "The service accepts and greets before it knows who is there.", _ANY),
    Fault("slow_ready", "The service greets later, after the verdict.", _ANY,
          parameters=(_delay(80, "Added to the usual time."),)),
    # Closes and cuts.
    Fault("reset_1006", "The connection is reset; no close frame arrives.", _RUN, _closes(1006), _at("mid-run")),
    Fault("half_open", "The connection stays open and nothing comes through any more.", _RUN,
          (Seen("ready_timeout", OPEN, when={"at": "before-ready"}, decided_at="silence"),
           Seen("silent_mid_run", READY, when={"at": "after-ready"}),
           Seen("silent_mid_run", RUN)),
          _at("mid-run")),
    Fault("close_1011", "The service fails and closes 1011.", _RUN, _closes(1011),
          (*_at("before-ready"),
           Parameter("reason", "text", "", "Close reason; empty for the generation's own, which is no refusal."))),
    Fault("receive_after_close", 'The service closes 1000 "main cleanup" and then reads from the closed socket.',
          _RUN, _closes(1000), _at("before-ready")),
    Fault("clean_close", 'The service closes 1000 "main cleanup" although nothing is wrong.', _RUN, _closes(1000),
          _at("before-ready")),
    # Messages.
    Fault("message_before_ready_lost", "A message that arrives before the service is ready is lost.",
          "a message sent before the welcome, and the draw for its delay",
          (Seen("closed_mid_run:1000", RUN, when={"effect": "close"}, close_code=1000, server_outcome="closed"),
           Seen("event_missing:agent_started", EVENT)),
          (Parameter("window_ms", "number", None, "Delay after accept at which half are lost; null: all early ones.",
                     minimum=0),
           Parameter("width_ms", "number", 0.0, "Scale of the logistic around window_ms; 0 is sharp.", minimum=0),
           Parameter("effect", "choice", "ignore", "Ignore it, answer with an error, or close 1000.",
                     ("ignore", "error", "close")))),
    Fault("event_lost", "An event is never sent.", _RUN, (Seen("event_missing:{event}", EVENT),),
          (_event("tool_completed", "Which event."),
           Parameter("logged", "choice", "failed", "What the service's log says of it.",
                     ("failed", "sent", "nothing")))),
    Fault("event_late", "An event, and those after it, come late; counted when it passes its own deadline.", _RUN,
          (Seen(counts={"late": 1}),),
          (_event("agent_started", "Which event."), _delay(2100, "How long it is held back."))),
    Fault("event_duplicated", "An event is sent twice.", _RUN, (Seen(counts={"duplicate": 1}),),
          (_event("agent_thinking", "Which event."),)),
    Fault("events_out_of_order", "An event is sent after its successor.", _RUN, (Seen(counts={"reordered": 1}),),
          # Not the fourth: a run whose last event came is over.
          (_event("tool_executing", "Which event changes places with the next one.", EVENTS[:3]),)),
    Fault("event_to_another_user", "An event reaches a user it was not meant for.", _RUN,
          (Seen("event_missing:{event}", EVENT, when={"side": "owner"}), Seen(counts={"foreign": 1})),
          (_event("tool_completed", "Which event."),
           Parameter("side", "choice", "recipient",
                     "recipient: this client also gets another user's event; owner: its own goes elsewhere.",
                     ("recipient", "owner")))),
    Fault("malformed_frame", "A frame that is no message comes before an event.", _RUN,
          (Seen(counts={"malformed": 1}),),
          (_event("tool_executing", "Before which event."),
           Parameter("kind", "choice", "not-json", "What it is instead.",
                     ("not-json", "truncated", "not-an-object", "no-type", "binary")))),
    Fault("oversized_frame", "A well-formed frame far above the agreed 8192 bytes comes before an event.", _RUN,
          parameters=(_event("tool_completed", "Before which event."),
                      Parameter("size_bytes", "integer", 100_000, "How large.", minimum=8193, maximum=900_000))),
    # What the instance writes.
    Fault("clock_off", "The instance's clock is wrong: its log stamps and the stamps in its messages.", _ANY,
          parameters=(
              Parameter("offset_s", "number", 3.0, "Instance minus true, at its start.", minimum=-86400, maximum=86400),
              Parameter("drift_ppm", "number", 0.0, "How fast that grows.", minimum=-100_000, maximum=100_000),
              Parameter("stamps", "choice", "instance",
                        "instance: also the entries' own timestamps; application: only what the application writes.",
                        ("instance", "application")))),
    Fault("hostile_text", "Log lines and event texts hold what an attacker would put there.", _ANY,
          parameters=(
              Parameter("kinds", "choices", ["script", "ansi", "nul", "bidi", "token", "long"],
                        "Which texts; long is 100 kB.", ("script", "ansi", "nul", "bidi", "token", "long")),
              Parameter("where", "choice", "both", "Where they stand.", ("both", "log", "events")))),
    Fault("log_lines_missing", "Some of the connection's log lines never arrive.", "a line of that kind",
          parameters=(
              Parameter("lines", "choices", ["reason"], "Which kinds of line.",
                        ("requests", "access", "open", "reason", "rejected", "auth", "established", "event",
                         "message", "error", "cleanup", "closed")),)),
)

# fmt: on

FAULTS: dict[str, Fault] = {fault.name: fault for fault in _ALL}
"""Every fault by name, in the order in which they act on a connection."""

VERDICT_FAULTS = (
    "token_stripped",
    "breaker_open",
    "secret_mismatch",
    "audience_misconfigured",
    "base64url_not_decoded",
)
"""Faults that make the verdict a refusal."""
