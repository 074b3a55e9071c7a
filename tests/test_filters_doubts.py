"""What a filter says that can hardly be meant is told; what is meant is not."""

import pytest

from gpkit.filters import doubts, parse


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("severity>=EROR", ["In the filter 'EROR' is no severity: a comparison of severity with it is never true."]),
        (
            "NOT (a and severity=error)",
            ["In the filter 'and' is a word to search for: operators are written in capitals."],
        ),
        (
            'timestamp>="yesterday"',
            ["In the filter 'yesterday' is no instant: a comparison of timestamp with it is never true."],
        ),
        (
            "httpRequest.status>=4xx",
            [
                "In the filter '4xx' is no whole number in its range: a comparison of httpRequest.status with it is "
                "never true."
            ],
        ),
        (
            'httpRequest.latency>100 OR httpRequest.latency<"1h30m"',
            [
                f"In the filter '{value}' is no duration, such as 100ms or 1.5h: a comparison of httpRequest.latency "
                "with it is never true."
                for value in ("100", "1h30m")
            ],
        ),
        (
            "httpRequest.responseSize=many httpRequest.cacheHit=yes",
            [
                "In the filter 'many' is no whole number in its range: a comparison of httpRequest.responseSize with "
                "it is never true.",
                "In the filter 'yes' is no truth value (true, false): a comparison of httpRequest.cacheHit with it is "
                "never true.",
            ],
        ),
        (
            "severity IN (ERROR)",
            ["In the filter 'IN' is a word to search for: the language has no such operator."],
        ),
        (
            'textPayload LIKE "x"',
            ["In the filter 'LIKE' is a word to search for: the language has no such operator."],
        ),
        ('"IN" in textPayload:LIKE httpRequest.status=403 httpRequest.latency>"0.1s" trace:x', []),
        ("httpRequest.status=NULL_VALUE httpRequest.cacheHit=TRUE httpRequest.status:*", []),
        ('severity>=300 timestamp>="2026-03-01T00:00:00Z" jsonPayload.level=EROR', []),
        ('"and" textPayload:and', []),
        ("", []),
    ],
)
def test_what_can_hardly_be_meant_is_told(text, told):
    assert list(doubts(parse(text))) == told
