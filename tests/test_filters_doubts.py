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
        ('severity>=300 timestamp>="2026-03-01T00:00:00Z" jsonPayload.level=EROR', []),
        ('"and" textPayload:and', []),
        ("", []),
    ],
)
def test_what_can_hardly_be_meant_is_told(text, told):
    assert list(doubts(parse(text))) == told
