"""One answer of ``entries:list``, taken apart without touching what is in it.

Pure: bytes in, bytes out. An entry is never decoded and encoded again, so that integers above 2⁵³, nanoseconds,
``-0.0``, ``1e400``, escapes and fields that nobody knows stay as the service sent them.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from gpkit.cloud.stamps import nanoseconds

if TYPE_CHECKING:
    import msgspec


@dataclass(frozen=True)
class Page:
    """Part of the entries of a window.

    Attributes:
        entries: Each the very bytes of one entry, a JSON object. May be empty while more follows.
        first_ns: Timestamp of the first entry that has one, since 1970; null when none has.
        last_ns: Timestamp of the last one.
        token: Whether more follows.
        call_no: Calls made so far, failed ones too.
        served_ns: When it was answered, by the service's clock, to the second; null when it does not say.
    """

    entries: tuple[bytes, ...]
    first_ns: int | None
    last_ns: int | None
    token: bool
    call_no: int
    served_ns: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Content:
    """What an answer holds: entries, their timestamps (null where there is none to be read), and the next token; and
    when it was answered.
    """

    entries: tuple[bytes, ...]
    stamps_ns: tuple[int | None, ...]
    next_token: str
    served_ns: int | None = None


class Malformed(Exception):  # noqa: N818 - says what an answer is, not who must act
    """An answer that is not one of this API.

    Args:
        reason: What is wrong with it.
        is_cut: Whether it may be whole when asked for again.
    """

    def __init__(self, reason: str, *, is_cut: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_cut = is_cut


def content(body: bytes) -> Content:
    """Take an answer apart.

    Raises:
        Malformed: It is no JSON, is cut, or has another structure.
    """
    import msgspec

    try:
        answer, bodies = _split(body)
        # Where an escape had to be made harmless, the timestamp is read from the harmless copy.
        stamps = tuple(map(_stamp_ns, answer.entries))
    except msgspec.ValidationError as error:
        raise Malformed(f"it has another structure ({error})", is_cut=False) from None
    except msgspec.DecodeError as error:
        raise Malformed(f"it is no whole JSON ({error})", is_cut=True) from None
    except RecursionError:
        raise Malformed("it is nested too deeply", is_cut=False) from None
    if bytes(
        answer.error
    ):  # with an honest status it would not come here; without entries it would pass for no entries
        raise Malformed("it says success, and holds an error", is_cut=False)
    return Content(bodies, stamps, answer.nextPageToken or "")


def _split(body: bytes) -> tuple[Any, tuple[bytes, ...]]:
    import msgspec

    try:
        answer = _decoders().answer.decode(body)
        return answer, tuple(map(bytes, answer.entries))
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if not _SURROGATE.search(body):
            raise
    # Half a surrogate pair is valid JSON, and the decoder refuses it. A copy of the same length, without any, tells
    # where each entry stands.
    harmless = _ESCAPE.sub(_without_surrogate, body)
    answer = _decoders().answer.decode(harmless)
    bodies, at = [], 0
    for raw in answer.entries:
        length = len(bytes(raw))
        at = harmless.index(bytes(raw), at)
        bodies.append(body[at : at + length])
        at += length
    return answer, tuple(bodies)


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)  # whole escapes: \\ud800 is a backslash and text


def _without_surrogate(match: re.Match[bytes]) -> bytes:
    return rb"\u0041" if _SURROGATE.match(match[0]) else match[0]


def _stamp_ns(raw: Any) -> int | None:
    import msgspec

    try:
        stamp = _decoders().entry.decode(raw).timestamp
    except msgspec.DecodeError:
        if not bytes(raw).startswith(b"{"):
            raise msgspec.ValidationError("an entry is no object") from None
        return None  # an object with a timestamp that is none: passed on as it is
    return nanoseconds(stamp) if isinstance(stamp, str) else None


class _Decoders(NamedTuple):
    answer: msgspec.json.Decoder[Any]
    entry: msgspec.json.Decoder[Any]


@functools.cache
def _decoders() -> _Decoders:
    import msgspec

    answer = msgspec.defstruct(
        "Answer",
        [
            ("entries", list[msgspec.Raw], msgspec.field(default_factory=list)),
            ("nextPageToken", str | None, None),
            ("error", msgspec.Raw, msgspec.Raw(b"")),
        ],
    )
    entry = msgspec.defstruct("Entry", [("timestamp", Any, None)])
    return _Decoders(msgspec.json.Decoder(answer), msgspec.json.Decoder(entry))
