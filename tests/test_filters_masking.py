"""What a filter says of values that masking alters is known; what it says of all else is not held against it."""

import pytest

from gpkit.filters import masked, parse


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('httpRequest.remoteIp="1.2.3.4"', ["httpRequest.remoteIp"]),
        ('NOT http_request.server_ip:"10."', ["http_request.server_ip"]),
        ('protoPayload.requestMetadata.callerIp="::1:2"', ["protoPayload.requestMetadata.callerIp"]),
        ('severity=ERROR AND ip_in_net(jsonPayload.ip, "0.0.0.0/0")', ["ip_in_net()"]),
        ('textPayload:"ann@example.com"', ["textPayload"]),
        ('textPayload=~"ann@example\\\\.com"', ["textPayload"]),
        ('textPayload:"from 203.0.113."', ["textPayload"]),
        ('textPayload=~"203\\\\.0\\\\.113\\\\.77"', ["textPayload"]),
        ('jsonPayload.client="2001:db8::17"', ["jsonPayload.client"]),
        ('regexp_extract(httpRequest.remoteIp, "^([0-9]+)")="203"', ["httpRequest.remoteIp"]),
        ('"203.0.113.77" OR SEARCH("ann@example.com")', ["a search term", "SEARCH()"]),
        ('httpRequest.requestUrl:"token=abc123def456ghi789"', ["httpRequest.requestUrl"]),
    ],
)
def test_a_filter_names_what_masking_alters(text, named):
    assert list(masked(parse(text))) == named


@pytest.mark.parametrize(
    "text",
    [
        "",
        "httpRequest.remoteIp:*",
        'severity>=ERROR timestamp>="2026-03-01T00:00:00Z" httpRequest.status=403',
        'textPayload:"version 1.2.3" OR httpRequest.userAgent:"Chrome/134.0.0.0"',
        'trace="projects/shop/traces/0af7651916cd43dd8448eb211c80319c"',
        'SEARCH("websocket closed") log_id("run.googleapis.com/requests")',
    ],
)
def test_a_filter_of_what_stays_names_nothing(text):
    assert masked(parse(text)) == ()
