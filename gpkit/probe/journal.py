"""What was said in one attempt, in order, and what it amounts to so far.

Pure: a message and its instant go in. The session asks it what to wait for, the rows are made from it.
"""

from __future__ import annotations

from typing import NamedTuple

from gpkit.protocol.envelopes import RUN_ENDED, Frame, read_frame
from gpkit.protocol.events import EVENTS

KEPT_CHARS = 8192  # of each received payload: a server that floods must not fill the memory
_REFUSALS = ("AUTH", "TOKEN", "NO_TOKEN", "JWT")


class Message(NamedTuple):
    """One message as sent or received: when, its text (bytes when binary), and what it says (null when sent).

    Of a received payload only the first :data:`KEPT_CHARS` are kept; its size is the frame's.
    """

    at_ns: int
    is_received: bool
    payload: str | bytes
    frame: Frame | None


class Journal:
    """Everything said in one attempt.

    Attributes:
        user: Whose events should come; null when the credential names nobody.
        messages: In order.
        welcome, ready_ns: The first welcome, and when it came.
        complete_ns: All five events had come.
        run_ended_ns: The run's last event, or its death, came: more is not to be expected for long.
        refusal_code: An error said that authentication failed.
        last_heard_ns: When the last message came; 0 before.
    """

    def __init__(self, user: str | None) -> None:
        self.user = user
        self.messages: list[Message] = []
        self.welcome: Frame | None = None
        self.ready_ns: int | None = None
        self.complete_ns: int | None = None
        self.run_ended_ns: int | None = None
        self.refusal_code: str | None = None
        self.last_heard_ns = 0
        self._came: set[str] = set()

    @property
    def missing(self) -> tuple[str, ...]:
        """Events that did not come, in path order."""
        return tuple(event for event in EVENTS if event not in self._came)

    def is_foreign(self, frame: Frame) -> bool:
        """Whether an event names another user; it cannot be told when the credential names nobody."""
        return self.user is not None and frame.is_foreign(self.user)

    def say(self, text: str, at_ns: int) -> None:
        """Note a message that was sent."""
        self.messages.append(Message(at_ns, False, text, None))

    def hear(self, payload: str | bytes, at_ns: int) -> tuple[Frame, bool]:
        """Note a message that was received: what it says, and whether it changes what to wait for."""
        frame = read_frame(payload)
        self.messages.append(Message(at_ns, True, payload[:KEPT_CHARS], frame))
        self.last_heard_ns = at_ns
        if frame.event is not None:
            return frame, not self.is_foreign(frame) and self._event(frame.event, at_ns)
        if frame.kind == "welcome" and self.ready_ns is None:
            self.welcome, self.ready_ns = frame, at_ns
            return frame, True
        return frame, frame.kind == "error" and self._error(frame, at_ns)

    def _event(self, event: str, at_ns: int) -> bool:
        self._came.add(event)
        is_fifth = self.complete_ns is None and len(self._came) == len(EVENTS)
        if is_fifth:
            self.complete_ns = at_ns
        return (event == EVENTS[-1] and self._run_ended(at_ns)) or is_fifth

    def _error(self, frame: Frame, at_ns: int) -> bool:
        if frame.type == "authentication_error" or (frame.code or "").startswith(_REFUSALS):
            self.refusal_code = frame.code or "authentication_error"
        return frame.type in RUN_ENDED and self._run_ended(at_ns)

    def _run_ended(self, at_ns: int) -> bool:
        is_first = self.run_ended_ns is None
        if is_first:
            self.run_ended_ns = at_ns
        return is_first
