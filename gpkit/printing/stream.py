"""How a kernel sends what its cells put out: bounded, and nothing of it lost on the way. Loaded by the kernel.

ipykernel keeps in memory whatever its reader has not read yet (1 GB printed took 2.9 GB), and drops messages of a cell
that shows much faster than they are read; and it listens on a port. Here a printed text keeps its first and last part,
with a note between them, a message that its reader has no room for waits, and there is no port.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp

from gpkit.printing.cutting import STREAM_CAP_CHARS, fitting

_WAITING_CHARS = 8 * STREAM_CAP_CHARS  # chosen: it waits 0.2 s to be sent, in which 160 MB may be printed
_LINGER_MS = 3000  # ipykernel's own


class CappedStream(OutStream):  # type: ignore[misc]
    """ipykernel's standard output or error."""

    def __init__(self, session: Any, pub_thread: Any, *given: Any, **named: Any) -> None:
        self._waiting_chars = 0
        super().__init__(session, pub_thread, *given, **named)
        # In the thread of the socket, which is the only one that may touch it.
        pub_thread.schedule(lambda: _secure(pub_thread))

    def write(self, string: str) -> int | None:
        """Take a text to be sent soon."""
        length: int | None = super().write(string)
        self._waiting_chars += len(string)
        if self._waiting_chars > _WAITING_CHARS:
            self._cut_what_waits()
        return length

    def _cut_what_waits(self) -> None:
        with self._buffer_lock:
            for parent, buffer in list(self._buffers.items()):
                kept = StringIO()
                kept.write(fitting(buffer.getvalue()))
                self._buffers[parent] = kept
        self._waiting_chars = STREAM_CAP_CHARS
        if IPKernelApp.initialized():
            # A second copy of all that was printed, for %notebook alone.
            IPKernelApp.instance().shell.history_manager.outputs.clear()

    def _flush_buffers(self) -> Iterator[tuple[dict[str, Any], str]]:
        """ipykernel's own step: take what was printed since the last time, for each cell."""
        self._waiting_chars = 0
        for parent, text in super()._flush_buffers():
            yield parent, fitting(text)


def _secure(pub_thread: Any) -> None:
    """Have full messages wait, and take what forked processes print on a Unix socket beside the kernel's others.

    ipykernel takes it on a port of the loopback address, where every user of the machine can send something.
    """
    pub_thread.socket.xpub_nodrop = True
    kernel = IPKernelApp.instance()
    if not pub_thread._pipe_flag or kernel.transport != "ipc" or pub_thread._setup_pipe_out.__name__ == "connected":
        return
    inbox = pub_thread._pipe_in.socket
    path = f"ipc://{kernel.ip}-pipe"
    inbox.unbind(inbox.last_endpoint)
    inbox.bind(path)

    def connected() -> tuple[Any, Any]:
        """ipykernel's own step, in a process that was forked."""
        context = type(inbox.context)()
        outbox = context.socket(type(inbox.socket_type).PUSH)
        outbox.linger = _LINGER_MS
        outbox.connect(path)
        return context, outbox

    pub_thread._setup_pipe_out = connected
