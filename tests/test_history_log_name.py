"""The short name of a log in lists."""

from __future__ import annotations

import pytest

from gpkit.history.log_name import MAX_CHARS, log_name


@pytest.mark.parametrize(
    ("logs", "name"),
    [
        (None, ""),
        ("", ""),
        ("/home/me/exports/export.json", "export.json"),
        ("exports/", "exports"),
        ("C:\\exports\\export.json", "export.json"),
        ("/exports/2026-*.json", "2026-*.json"),
        (["/a/one.json", "/b/two.json", "three.json"], "one.json +2"),
        ("api:shop-prod", "api:shop-prod"),
        ("bigquery:shop.logs._AllLogs", "bigquery:shop.logs._AllLogs"),
        ("gs://bucket/a.json", "gs://bucket/a.json"),
        ("gs://shop-logs/run.googleapis.com/stdout/2026/11/20/10.json", "gs://shop-logs/run.…t/2026/11/20/10.json"),
        (7, "7"),
    ],
)
def test_a_log_is_named_without_its_folder_and_a_long_address_without_its_middle(logs, name):
    assert log_name(logs) == name
    assert len(name) <= MAX_CHARS


def test_no_half_of_a_secret_is_left_by_the_cut():
    token = "eyJhbGciOiJIUzI1NiJ9." + "a" * 60 + "." + "b" * 40

    name = log_name(f"gs://bucket/{token}/x.json")

    assert "eyJ" not in name
    assert "aaa" not in name
    assert "bbb" not in name
