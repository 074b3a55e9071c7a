"""Asking the local logging API: by hand over REST, and with the official client's classes."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from gpkit.stack import LoggingApi

_numbers = itertools.count(1)


def fresh_project() -> str:
    """A project that no other test uses, so that one API serves them all."""
    return f"test-{next(_numbers)}"


def entry(project: str, second: int, insert_id: str = "", log: str = "app", **fields: Any) -> dict[str, Any]:
    """A log entry at a second of one hour."""
    return {
        "insertId": insert_id or f"id-{second:04d}",
        "logName": f"projects/{project}/logs/{log}",
        "timestamp": f"2025-09-07T13:{second // 60:02d}:{second % 60:02d}.000000001Z",
        **fields,
    }


def ask(api: LoggingApi, body: Mapping[str, Any] | bytes, path: str = "/v2/entries:list") -> tuple[int, Any, Any]:
    """Status, headers and parsed body of one POST."""
    connection = http.client.HTTPConnection(*api.rest_url.removeprefix("http://").split(":"), timeout=30)
    try:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        is_json = answer.headers["Content-Type"].startswith("application/json")
        return answer.status, answer.headers, json.loads(content) if is_json else content.decode()
    finally:
        connection.close()


def listed(api: LoggingApi, project: str, **parameters: Any) -> dict[str, Any]:
    """The body of a call that is answered with a page."""
    status, _, body = ask(api, {"resourceNames": [f"projects/{project}"], **parameters})
    assert status == 200, body
    return body


def refused(api: LoggingApi, project: str, **parameters: Any) -> tuple[int, str, str]:
    """Code, name and message of a call that is refused."""
    status, _, body = ask(api, {"resourceNames": [f"projects/{project}"], **parameters})
    error = body["error"]
    assert error["code"] == status
    return status, error["status"], error["message"]


def pages(api: LoggingApi, project: str, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
    """The entries of each page, to the last one."""
    token = ""
    for _ in range(1000):
        body = listed(api, project, **parameters, **({"pageToken": token} if token else {}))
        yield body.get("entries", [])
        token = body.get("nextPageToken", "")
        if not token:
            return
    raise AssertionError("The pages do not end.")


def all_ids(api: LoggingApi, project: str, **parameters: Any) -> list[str]:
    """The insert ids of every page, in order."""
    return [one["insertId"] for page in pages(api, project, **parameters) for one in page]


def grpc_client(api: LoggingApi) -> tuple[Any, Any]:
    """The official class on a loopback channel, and the channel."""
    import grpc
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

    channel = grpc.insecure_channel(api.grpc_target)
    return LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=channel)), channel


def rest_client(api: LoggingApi, project: str) -> Any:
    """The official client over REST."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import logging

    return logging.Client(
        project=project,
        credentials=AnonymousCredentials(),
        _use_grpc=False,
        client_options={"api_endpoint": api.rest_url},
    )
