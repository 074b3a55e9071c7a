"""The head of an HTTP/1.1 request or response, and the frames after it. Pure: bytes in, facts out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

END = b"\r\n\r\n"
LARGEST_HEAD_BYTES = 65_536
_METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"))


@dataclass(slots=True)
class Head:
    """A request head. Header names keep their spelling; look-ups ignore it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    size_bytes: int

    def get(self, name: str) -> str:
        """The values of a header, joined; empty when there is none."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)

    def drop(self, matches: Callable[[str, str], bool]) -> bool:
        """Remove the headers for which ``matches(name, value)`` holds; say whether there were any."""
        kept = [(key, value) for key, value in self.headers if not matches(key.lower(), value)]
        dropped = len(kept) != len(self.headers)
        self.headers = kept
        return dropped

    def replace(self, name: str, value: str) -> None:
        """Set a header, in place of any of the same name."""
        self.drop(lambda key, _: key == name.lower())
        self.headers.append((name, value))

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]

    @property
    def offered(self) -> list[str]:
        """Offered subprotocols."""
        return [item for part in self.get("sec-websocket-protocol").split(",") if (item := part.strip())]

    @property
    def is_upgrade(self) -> bool:
        """Whether it asks for a WebSocket."""
        return "websocket" in self.get("upgrade").lower()

    def render(self) -> bytes:
        """As bytes, blank line included."""
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{key}: {value}" for key, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def parse(data: bytes) -> Head | None:
    """A request head; null when the bytes are none."""
    request, *rest = data.removesuffix(END).split(b"\r\n")
    parts = request.split(b" ")
    if (
        len(parts) != 3
        or parts[0] not in _METHODS
        or not parts[1].startswith(b"/")
        or not parts[2].startswith(b"HTTP/1")
    ):
        return None
    headers = []
    for line in rest:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            return None
        headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
    return Head(parts[0].decode(), parts[1].decode("latin-1"), headers, len(data))


def status(data: bytes) -> int | None:
    """The status of a response head; null when the bytes are none."""
    parts = data.split(b"\r\n", 1)[0].split(b" ")
    return int(parts[1]) if len(parts) >= 2 and parts[0].startswith(b"HTTP/") and parts[1].isdigit() else None


@dataclass(slots=True)
class FrameCounter:
    """Counts data frames in a server's stream, and says where in a chunk each one ends."""

    count: int = 0
    _header: bytearray = field(default_factory=bytearray)
    _left: int = 0
    _is_data: bool = False

    def feed(self, chunk: bytes) -> list[int]:
        """The offsets in ``chunk`` right after each data frame that ends in it."""
        ends: list[int] = []
        at = 0
        while at < len(chunk):
            if self._left:
                step = min(self._left, len(chunk) - at)
                self._left -= step
                at += step
                if not self._left and self._is_data:
                    self.count += 1
                    ends.append(at)
                continue
            self._header.append(chunk[at])
            at += 1
            if (length := _payload_length(self._header)) is None:
                continue
            # Opcodes above 7 are control frames: close, ping, pong.
            self._is_data = self._header[0] & 0x0F < 8
            self._left = length
            self._header.clear()
            if not length and self._is_data:
                self.count += 1
                ends.append(at)
        return ends


def _payload_length(header: bytearray) -> int | None:
    """Payload bytes of an unmasked frame, once its header is complete."""
    if len(header) < 2:
        return None
    short = header[1] & 0x7F
    wanted = {126: 4, 127: 10}.get(short, 2)
    if len(header) < wanted:
        return None
    return short if wanted == 2 else int.from_bytes(header[2:wanted], "big")
