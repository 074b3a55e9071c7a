"""Which filters choose only a place and a time."""

import pytest

from gpkit.filters import is_scope, parse


@pytest.mark.parametrize(
    "text",
    [
        "",
        'resource.labels.service_name="chat"',
        'resource.type="cloud_run_revision" AND NOT resource.labels.revision_name="old"',
        'timestamp>="2025-09-07T13:00:00Z" (resource.labels.location=a OR resource.labels.location=b)',
    ],
)
def test_a_filter_of_place_and_time_is_a_scope(text):
    assert is_scope(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "severity>=WARNING",
        "httpRequest.status=403",
        "websocket",
        'resource.type="x" AND textPayload:"refused"',
        'NOT (resource.type="x" OR severity=ERROR)',
        'log_id("run.googleapis.com/requests")',
        'SEARCH("x")',
        'CAST(httpRequest.status, STRING)="403"',
        "logName:requests",
    ],
)
def test_a_filter_of_what_happened_is_none(text):
    assert not is_scope(parse(text))
