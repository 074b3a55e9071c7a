"""The API over gRPC: ``ListLogEntries`` and ``TailLogEntries`` of google.logging.v2.LoggingServiceV2.

Other methods are answered UNIMPLEMENTED. A planted cut is UNAVAILABLE: that is what a client of gRPC makes of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import grpc  # type: ignore[import-untyped]
from google.cloud.logging_v2.types import ListLogEntriesRequest, TailLogEntriesRequest
from google.protobuf import json_format  # type: ignore[import-untyped]
from google.rpc import (  # type: ignore[import-untyped]
    error_details_pb2,  # noqa: F401 - registers the details' types
    status_pb2,
)

from gpkit.local.cloud_logging.listing import Call, Listing
from gpkit.local.cloud_logging.messages import LARGEST_PAGE_BYTES, Encoder
from gpkit.local.cloud_logging.refusals import RefusedError
from gpkit.local.cloud_logging.tailing import Tails, Wanted
from gpkit.local.cloud_logging.tokens import Query

SERVICE = "google.logging.v2.LoggingServiceV2"


def server(listing: Listing) -> tuple[grpc.aio.Server, int]:
    """A server on a free port of loopback, not started yet, and the port."""
    encoder = Encoder(listing.store)
    tails = Tails(listing)

    async def list_log_entries(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        names = tuple(request.resource_names)
        query = Query(names, request.filter, request.order_by, request.page_size)
        try:
            page = await listing.answer(Call("gRPC", query, request.page_token), encoder.size, LARGEST_PAGE_BYTES)
            if page.is_cut:
                raise RefusedError(503, "Socket closed")
        except RefusedError as refused:
            await _abort(context, refused)
        return encoder.page(page.numbers, page.next_token)

    async def tail_log_entries(requests: AsyncIterator[Any], context: grpc.aio.ServicerContext[Any, Any]) -> None:
        try:
            # A client that leaves cancels the writing, and its session must end with it.
            async with contextlib.aclosing(tails.follow(_wanted(requests))) as session:
                async for numbers, over_rate, not_consumed in session:
                    for part in encoder.parts(numbers):
                        await context.write(encoder.tailed(part, over_rate, not_consumed))
                        over_rate = not_consumed = 0
        except RefusedError as refused:
            await _abort(context, refused)

    handlers = {
        "ListLogEntries": grpc.unary_unary_rpc_method_handler(
            list_log_entries, request_deserializer=ListLogEntriesRequest.pb().FromString
        ),
        "TailLogEntries": grpc.stream_stream_rpc_method_handler(
            tail_log_entries, request_deserializer=TailLogEntriesRequest.pb().FromString
        ),
    }
    made = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    made.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    return made, made.add_insecure_port("127.0.0.1:0")


async def _wanted(requests: AsyncIterator[Any]) -> AsyncIterator[Wanted]:
    async for request in requests:
        window = request.buffer_window if request.HasField("buffer_window") else None
        nanos = None if window is None else window.seconds * 1_000_000_000 + window.nanos
        yield Wanted(tuple(request.resource_names), request.filter, nanos)


async def _abort(context: grpc.aio.ServicerContext[Any, Any], refused: RefusedError) -> NoReturn:
    code = grpc.StatusCode[refused.status]
    values = {"code": code.value[0], "message": refused.message, "details": refused.all_details()}
    status = json_format.ParseDict(values, status_pb2.Status())
    await context.abort(code, refused.message, (("grpc-status-details-bin", status.SerializeToString()),))
    raise AssertionError
