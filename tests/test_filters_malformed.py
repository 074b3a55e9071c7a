"""Values that no service would write select the same entries of a file as the interpreter does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gpkit import logs
from gpkit.filters import predicate
from tests.log_entries_support import entry, request, write_array

ODD: list[dict[str, Any]] = [
    entry("13:00:00", "", trace="", severity="", spanId=""),
    entry("13:00:01", "x", trace="projects/shop/traces/1", severity="INFO"),
    entry("13:00:02", "x", logName=""),
    request("13:00:03", latency="1e-1s", status="4e2"),
    request("13:00:04", latency="0.1s", requestMethod="", remoteIp=""),
    request("13:00:05", latency="100ms", status=403.0),
    request("13:00:06", latency="0.1", requestSize="1e3", status=" 403 "),
    request("13:00:07", latency="", requestSize="", userAgent=""),
    request("13:00:08", latency=None, requestSize=None, userAgent=None),
]


@pytest.mark.parametrize(
    "text",
    [
        *("trace:*", "severity:*", "spanId:*", "logName:*", "textPayload:*", "timestamp:*", "insertId:*"),
        *("httpRequest.requestMethod:*", "httpRequest.userAgent:*", "httpRequest.remoteIp:*"),
        *("httpRequest.latency:*", "httpRequest.requestSize:*", "httpRequest.status:*", "resource.type:*"),
        *(
            'httpRequest.latency="0.1s"',
            'httpRequest.latency<"10ms"',
            "httpRequest.status=403",
            "httpRequest.status=400",
        ),
        *("httpRequest.requestSize>=1000", "httpRequest.requestSize=0", "NOT httpRequest.latency:*"),
    ],
)
def test_an_odd_value_is_read_alike_in_files_and_by_the_interpreter(tmp_path: Path, text: str):
    selects = predicate(text)

    read = logs.read(write_array(tmp_path / "export.json", ODD), filter=text)

    assert read.frame["insert_id"].tolist() == [each["insertId"] for each in ODD if selects(each)]


@pytest.mark.parametrize(("text", "found"), [("trace:*", False), ("severity:*", False), ("textPayload:*", True)])
def test_an_empty_text_is_no_text_but_for_a_payload(text: str, found: bool):
    assert predicate(text)({"trace": "", "severity": "", "textPayload": ""}) is found
