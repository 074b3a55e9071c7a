"""Pages of the log: nothing lost, nothing twice, complete or said not to be."""

from __future__ import annotations

from pathlib import Path

from tests.cloud_support import Reply, ids, page_json, raw_server, read, refused


def test_pages_follow_each_other_until_there_is_no_token(tmp_path: Path) -> None:
    with raw_server(Reply(page_json(range(3), "a")), Reply(page_json(range(3, 6)))) as raw:
        found = list(read(raw.url, tmp_path))

    assert ids(found) == [f"id{number:06d}" for number in range(6)]
    assert [page.token for page in found] == [True, False]


def test_an_unavailable_service_is_asked_again(tmp_path: Path) -> None:
    with raw_server(refused(503, "UNAVAILABLE"), Reply(page_json(range(3)))) as raw:
        found = list(read(raw.url, tmp_path))

    assert len(ids(found)) == 3
    assert found[0].call_no == 2
