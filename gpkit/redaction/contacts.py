"""Client addresses and e-mail addresses, masked so that the network and the domain stay. Pure."""

from __future__ import annotations

import ipaddress
import re

_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@([A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+)")
# Not after a letter and a slash, a digit or a dot: that is a product version (Chrome/134.0.0.0), not an address.
_IPV4 = re.compile(r"(?<![A-Za-z]/)(?<![\w.])(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}(?![\w.]*\d|\.\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])")


PATTERNS = (_EMAIL, _IPV4, _IPV6)


def mask_contacts(text: str) -> str:
    """Client addresses and e-mail addresses masked, keeping the network and the domain.

    Loopback and link-local addresses stay: they are the machine's own plumbing and identify nobody.
    """
    if "@" in text:
        text = _EMAIL.sub(r"***@\1", text)
    if _may_hold_ipv4(text):
        text = _IPV4.sub(_mask_ipv4, text)
    return _IPV6.sub(_mask_ipv6, text) if _may_hold_ipv6(text) else text


def _may_hold_ipv4(text: str) -> bool:
    """An IPv4 address has two numbers of at most three digits in a row, each between dots."""
    numbers = 0
    for part in text.split(".")[1:-1]:
        numbers = numbers + 1 if len(part) <= 3 and part.isdigit() else 0
        if numbers == 2:
            return True
    return False


def _may_hold_ipv6(text: str) -> bool:
    """An IPv6 address has two colons in a row, or seven with at most four digits between each two."""
    if "::" in text:
        return True
    short_ones = 0
    for part in text.split(":")[1:-1]:
        short_ones = short_ones + 1 if len(part) <= 4 else 0
        if short_ones == 6:
            return True
    return False


def _mask_ipv4(match: re.Match[str]) -> str:
    whole = match.group(0)
    try:
        address = ipaddress.IPv4Address(whole)
    except ValueError:
        return whole
    kept = address.is_loopback or address.is_link_local or address.is_unspecified
    return whole if kept else f"{match.group(1)}.x.x"


def _mask_ipv6(match: re.Match[str]) -> str:
    whole = match.group(0)
    try:
        address = ipaddress.IPv6Address(whole)
    except ValueError:  # a time of day, a MAC address, a Python slice
        return whole
    if address.is_loopback or address.is_link_local or address.is_unspecified:
        return whole
    return ":".join(address.exploded.split(":")[:2]) + ":x:x"
