"""Functions that are true or false of an entry: ``log_id``, ``source``, ``ip_in_net``, ``SEARCH``.

Documented: what each takes and when it is true. Inferred: ``source`` is told from ``logName``, which begins with the
resource that an entry was written for; ``log_id`` is compared without case, as all texts are.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from gpkit.filters.language.syntax import Argument, Call, Path, Text
from gpkit.filters.meaning.fields import resolve
from gpkit.filters.meaning.reaching import MISSING, Entry, reader
from gpkit.filters.meaning.searching import scalars, search, texts_of_entry
from gpkit.filters.meaning.values import fold, leaves

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Condition = Callable[[Entry], bool]

RESOURCES = ("organizations", "folders", "projects", "billingAccounts")
"""What an entry can belong to; billing accounts are inferred from the names of logs."""


def condition(call: Call) -> Condition:
    """The function, checked before, as something that an entry satisfies or not."""
    return {"log_id": _log_id, "source": _source, "ip_in_net": _ip_in_net, "search": _search}[call.name.lower()](call)


@functools.lru_cache(maxsize=4096)  # a log has few addresses, each in many entries
def network(text: str) -> Network | None:
    """The address or range that a text is; null if it is none."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _text(argument: Argument) -> str:
    assert isinstance(argument, Text)
    return argument.value


def _log_name(entry: Entry) -> tuple[str, str]:
    """The resource and the log id in the name of an entry's log."""
    name = entry.get("logName") or entry.get("log_name")
    resource, _, log = name.partition("/logs/") if isinstance(name, str) else ("", "", "")
    return resource, log


def _log_id(call: Call) -> Condition:
    wanted = {fold(_text(call.arguments[0])), fold(unquote(_text(call.arguments[0])))}
    return lambda entry: fold(unquote(_log_name(entry)[1])) in wanted


def _source(call: Call) -> Condition:
    wanted = fold(_text(call.arguments[0]))
    return lambda entry: fold(_log_name(entry)[0]) == wanted


def _ip_in_net(call: Call) -> Condition:
    path, subnet = call.arguments
    assert isinstance(path, Path)
    read, wanted = reader(resolve(path)), network(_text(subnet))

    def inside(value: Any) -> bool:
        held = network(value) if isinstance(value, str) else None
        if isinstance(held, ipaddress.IPv4Network) and isinstance(wanted, ipaddress.IPv4Network):
            return held.subnet_of(wanted)
        if isinstance(held, ipaddress.IPv6Network) and isinstance(wanted, ipaddress.IPv6Network):
            return held.subnet_of(wanted)
        return False

    return lambda entry: any(map(inside, leaves([] if (value := read(entry)) is MISSING else value)))


def _search(call: Call) -> Condition:
    if len(call.arguments) == 1:
        return search(_text(call.arguments[0]), texts_of_entry)
    path = call.arguments[0]
    assert isinstance(path, Path)
    field = resolve(path)
    read = reader(field)

    def texts(entry: Entry) -> Iterator[str]:
        value = read(entry)
        for kind, leaf in () if value is MISSING else scalars(value, field.kind):
            if kind in ("string", "label", "struct", "any") and isinstance(leaf, str):
                yield leaf

    return search(_text(call.arguments[1]), texts)
