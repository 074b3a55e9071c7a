"""From a host name to a connected socket, each step apart so that it can be stamped.

Every resolved address is tried in order; those that failed are remembered. A failure is a :class:`Stopped`: a result
to record, never an error to the caller. Nagle's algorithm is off, so that a message leaves when it is written.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from gpkit.errors import TargetError

SocketAddress = tuple[str | int, ...]


@dataclass(frozen=True)
class Address:
    """One resolved address."""

    family: socket.AddressFamily
    sockaddr: SocketAddress

    @property
    def host(self) -> str:
        """The numeric address."""
        return str(self.sockaddr[0])


class Stopped(Exception):  # noqa: N818 - a result, not an error
    """What stopped an attempt before it was open.

    Args:
        failure: A key of :data:`gpkit.protocol.outcomes.FAILURES`, or ``timeout``.
        error_type: A finer name, such as an errno's.
    """

    def __init__(self, failure: str, error_type: str | None = None) -> None:
        super().__init__(failure, error_type)
        self.failure = failure
        self.error_type = error_type


def numeric(host: str, port: int) -> Address | None:
    """The address when the host is one already: then there is no lookup to measure."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.version == 6:
        return Address(socket.AF_INET6, (host, port, 0, 0))
    return Address(socket.AF_INET, (host, port))


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a name, in the resolver's order.

    Each lookup has a thread of its own: in asyncio's shared pool a lookup would wait for others, and a resolver that
    hangs would hold up the end of the process.

    Raises:
        Stopped: The name does not resolve.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Address]] = loop.create_future()

    def deliver(addresses: list[Address], error: Stopped | None) -> None:
        if not found.done():  # cancelled meanwhile
            found.set_exception(error) if error else found.set_result(addresses)

    def look_up() -> None:
        addresses, error = _look_up(host, port)
        if not loop.is_closed():
            loop.call_soon_threadsafe(deliver, addresses, error)

    threading.Thread(target=look_up, name="gpkit-dns", daemon=True).start()
    return await found


def _look_up(host: str, port: int) -> tuple[list[Address], Stopped | None]:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return [], Stopped("dns", _gai_name(error.errno))
    except (OSError, UnicodeError):  # UnicodeError: a label that no name can have
        return [], Stopped("dns", "unresolvable")
    return [Address(family, cast(SocketAddress, sockaddr)) for family, _, _, _, sockaddr in infos], None


def _gai_name(number: int | None) -> str:
    names = {value: name for name, value in vars(socket).items() if name.startswith("EAI_")}
    return names.get(number, "EAI_UNKNOWN")


async def open_socket(
    addresses: Sequence[Address], *, until: float, failed: list[str]
) -> tuple[socket.socket, Address]:
    """A connected socket to the first address that takes the connection.

    Args:
        addresses: In the order to try.
        until: Limit on the loop's clock. An address that stays silent uses up its share only.
        failed: Receives ``"ADDRESS ERROR"`` for each address that failed.

    Raises:
        Stopped: None took it. A timeout of any address counts as a timeout: that one is not known to refuse.
    """
    loop = asyncio.get_running_loop()
    reasons: list[str] = []
    for index, address in enumerate(addresses):
        share_s = (until - loop.time()) / (len(addresses) - index)
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if len(addresses) == 1:  # the caller's own limit holds
                await loop.sock_connect(sock, address.sockaddr)
            else:
                async with asyncio.timeout(share_s):
                    await loop.sock_connect(sock, address.sockaddr)
        except OSError as error:  # TimeoutError is one
            sock.close()
            reasons.append(errno.errorcode.get(error.errno or errno.ETIMEDOUT, "unknown"))
            failed.append(f"{address.host} {reasons[-1]}")
        except BaseException:
            sock.close()
            raise
        else:
            return sock, address
    if "ETIMEDOUT" in reasons:
        raise Stopped("timeout", "ETIMEDOUT")
    last = reasons[-1] if reasons else "unknown"
    raise Stopped("refused" if last == "ECONNREFUSED" else "unreachable", last)


def trust(ca_file: str | None) -> ssl.SSLContext:
    """A TLS context that verifies, with one more certificate authority beside the system's.

    Raises:
        TargetError: The file is missing or holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise TargetError(
                f"'{ca_file}' holds no certificate authority.", next_step="Name a PEM file as ca_file."
            ) from error
    return context


_CERTIFICATE_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED


def tls_failure(error: OSError) -> Stopped:
    """What a failed TLS handshake says: an expired certificate, one that does not verify, or no handshake at all."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Stopped("tls_expired" if error.verify_code == _CERTIFICATE_EXPIRED else "tls_verify")
    return Stopped("tls_handshake")
