"""The API over REST: ``POST /v2/entries:list``. Entries are answered in the bytes in which they came.

No authorization is asked for, and one that is sent is not looked at.
"""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

import msgspec
from google.cloud.logging_v2.types import ListLogEntriesRequest
from google.protobuf import json_format  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gpkit.local.cloud_logging.listing import Call, Listing
from gpkit.local.cloud_logging.refusals import RefusedError, invalid
from gpkit.local.cloud_logging.tokens import Query

JSON = "application/json; charset=UTF-8"
BODY_BYTES = 1 << 20  # chosen: a filter has 20 000 characters, a hundred resource names far less than that
_GATEWAY = "<!DOCTYPE html>\n<html lang=en><title>Error 502 (Server Error)!!1</title><p>502. That's an error.</html>\n"


def application(listing: Listing) -> Starlette:
    """The ASGI application."""

    async def entries_list(request: Request) -> Response:
        try:
            call = _call(await _body(request))
            page = await listing.answer(call)
        except RefusedError as refused:
            return _refusal(refused)
        raws = listing.store.raws
        # As proto3 JSON has it, what is empty is left out.
        parts = [b'"entries":[' + b",".join([raws[number] for number in page.numbers]) + b"]"] if page.numbers else []
        if page.next_token:
            parts.append(b'"nextPageToken":' + msgspec.json.encode(page.next_token))
        body = b"{" + b",".join(parts) + b"}"
        answer = CutResponse if page.is_cut else Response
        return answer(body, headers={"Date": formatdate(usegmt=True)}, media_type=JSON)

    async def about(_: Request) -> Response:
        return JSONResponse({"resources": listing.store.parents(), "entries": len(listing.store.raws)})

    async def broken(_: Request, __: Exception) -> Response:
        return _refusal(RefusedError(500, "Internal error encountered."))

    async def unknown(request: Request, _: Exception) -> Response:
        return _refusal(RefusedError(404, f"Not found: {request.method} {request.url.path}"))

    return Starlette(
        routes=[Route("/v2/entries:list", entries_list, methods=["POST"]), Route("/", about)],
        # A web page that gives its own name this address must not read logs through a browser.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        exception_handlers={404: unknown, 405: unknown, 500: broken, ClientDisconnect: _gone},
    )


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES:
            raise invalid("Request payload size exceeds the limit.")
    return bytes(body)


def _call(body: bytes) -> Call:
    """A call from its JSON body, read as proto3 JSON is.

    Raises:
        RefusedError: The body is none.
    """
    try:
        values: Any = json.loads(body or b"{}")
        if not isinstance(values, dict):
            raise ValueError("Root element must be a message.")
        projects = values.pop("projectIds", [])
        found = json_format.ParseDict(values, ListLogEntriesRequest.pb()())
        # Documented: the older field is added to the newer one.
        names = [*found.resource_names, *(f"projects/{project}" for project in projects)]
    except (json_format.ParseError, ValueError, TypeError, RecursionError) as error:
        raise invalid(f"Invalid JSON payload received. {str(error)[:300]}") from None
    query = Query(tuple(names), found.filter, found.order_by, found.page_size)
    return Call("REST", query, found.page_token)


def _refusal(refused: RefusedError) -> Response:
    headers = {} if refused.retry_after_s is None else {"Retry-After": str(refused.retry_after_s)}
    if refused.code == 502:
        # What stands in front of a service answers as a web page: inferred, from Google's front end.
        return Response(_GATEWAY, 502, headers, media_type="text/html; charset=UTF-8")
    return Response(json.dumps(refused.body(), indent=2), refused.code, headers, media_type=JSON)


class CutResponse(Response):
    """A response that promises its whole length and ends in the middle: the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the half."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
