"""Real exports: what is read from them equals an independent count in plain Python.

The exports stand beside the checkout and are no part of it; where they are absent these tests are skipped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gpkit import logs, timeline
from gpkit.errors import SourceError

FOLDER = "cloud_logging"


def plain(path: Path) -> list[dict[str, Any]]:
    """The entries of a file, without any of gpkit."""
    whole = json.loads(path.read_text("utf-8"))
    if isinstance(whole, list):
        return whole
    groups = whole.get("logs_by_severity") or {"all": whole.get("raw_logs", [])}
    return [entry for group in groups.values() for entry in group]


def either(entry: dict[str, Any], camel: str, snake: str) -> Any:
    return entry.get(camel) if entry.get(camel) is not None else entry.get(snake)


def http(entry: dict[str, Any], camel: str, snake: str) -> Any:
    request = either(entry, "httpRequest", "http_request") or {}
    return request.get(camel) if camel in request else request.get(snake)


def label(entry: dict[str, Any], name: str) -> str | None:
    return ((entry.get("resource") or {}).get("labels") or {}).get(name) or None


def all_files(exports: Path) -> list[Path]:
    return sorted(path for path in (exports / FOLDER).iterdir() if "summary" not in path.name)


def one(exports: Path, part: str) -> Path:
    (path,) = (path for path in all_files(exports) if part in path.name)
    return path


def counted(series: pd.Series[Any]) -> Counter[Any]:
    return Counter(None if pd.isna(value) else value for value in series)


def test_every_entry_of_every_file_is_there_whole(exports: Path):
    for path in all_files(exports):
        entries, frame = plain(path), logs.read(path, mask_contacts=False).frame
        expected = {either(entry, "insertId", "insert_id"): entry for entry in entries}
        assert len(frame) == len(expected) == len(entries)
        for insert_id, text in zip(frame["insert_id"], frame["entry"], strict=True):
            found = json.loads(text)
            # Where a credential was redacted the entry differs, by its mark and by nothing that counts.
            assert found == expected[insert_id] or "[redacted:" in text, path.name


def test_counts_by_severity_service_revision_and_status_equal_a_plain_count(exports: Path):
    for path in all_files(exports):
        entries, frame = plain(path), logs.read(path).frame
        assert counted(frame["severity"]) == Counter(entry.get("severity") for entry in entries), path.name
        assert counted(frame["service"]) == Counter(label(entry, "service_name") for entry in entries), path.name
        assert counted(frame["revision"]) == Counter(label(entry, "revision_name") for entry in entries), path.name
        assert counted(frame["http_status"]) == Counter(http(entry, "status", "status") for entry in entries), path.name
        assert counted(frame["log_name"]) == Counter(entry.get("logName") for entry in entries), path.name
        assert counted(frame["trace"]) == Counter(entry.get("trace") for entry in entries), path.name


def ns(stamp: str) -> int:
    """Nanoseconds of an RFC 3339 text in UTC, digit by digit."""
    whole, _, rest = stamp.replace("+00:00", "Z").rstrip("Z").partition(".")
    seconds = pd.Timestamp(whole, tz="UTC").value // 10**9
    return seconds * 10**9 + int(rest.ljust(9, "0") or 0)


def test_instants_are_exact_and_rows_in_order(exports: Path):
    for path in all_files(exports):
        frame = logs.read(path).frame
        by_id = {either(entry, "insertId", "insert_id"): ns(entry["timestamp"]) for entry in plain(path)}
        assert frame["timestamp_ns"].tolist() == [by_id[insert_id] for insert_id in frame["insert_id"]], path.name
        assert frame["timestamp_ns"].is_monotonic_increasing
        received = {
            entry["insertId"]: ns(entry["receiveTimestamp"]) for entry in plain(path) if "receiveTimestamp" in entry
        }
        known = frame[frame["receive_timestamp_ns"].notna()]
        assert dict(zip(known["insert_id"], known["receive_timestamp_ns"], strict=True)) == received, path.name


def test_overlapping_files_add_up(exports: Path):
    paths = all_files(exports)
    whole = logs.read(paths)
    keys = {(ns(e["timestamp"]), either(e, "insertId", "insert_id")) for path in paths for e in plain(path)}
    total = sum(len(plain(path)) for path in paths)
    assert len(whole.frame) == len(keys)
    assert whole.coverage.duplicates == total - len(keys) > 0
    assert {(int(n), i) for n, i in zip(whole.frame["timestamp_ns"], whole.frame["insert_id"], strict=True)} == keys


def test_of_two_copies_the_one_with_its_payload_is_kept(exports: Path):
    paths = [one(exports, "nopayload"), one(exports, "snake_2")]
    with_payload = {
        e["insert_id"] for path in paths for e in plain(path) if e.get("json_payload") or e.get("text_payload")
    }
    for order in (paths, paths[::-1]):
        frame = logs.read(order).frame
        assert set(frame.loc[frame["payload_kind"].notna(), "insert_id"]) == with_payload


def test_signs_of_what_is_missing_are_told(exports: Path):
    assert any("lost its payloads" in sign for sign in logs.read(one(exports, "nopayload")).coverage.row_limit_signs)
    assert any("of each severity" in sign for sign in logs.read(one(exports, "snake_2")).coverage.row_limit_signs)
    assert any("row limit" in sign for sign in logs.read(one(exports, "bootloop")).coverage.row_limit_signs)


def test_a_summary_is_refused_and_so_is_everything_else_that_is_no_log(exports: Path):
    others = [path for folder in ("junit", "pytest_json", "timing") for path in (exports / folder).iterdir()]
    summaries = [path for path in (exports / FOLDER).iterdir() if "summary" in path.name]
    for path in [*others, *summaries]:
        with pytest.raises(SourceError, match="is not a log export"):
            logs.read(path)
    with pytest.raises(SourceError, match="it is a summary"):
        logs.read(summaries[0])


LEVEL = re.compile(
    r"\[\d+\] \[(\w+)\]| - (INFO|WARNING|ERROR|CRITICAL|DEBUG) - |\| (INFO|WARNING|ERROR|CRITICAL|DEBUG) *\|"
)


def test_levels_that_stand_in_the_text_are_found(exports: Path):
    for path in all_files(exports):
        frame = logs.read(path).frame.set_index("insert_id")
        for entry in plain(path):
            text = either(entry, "textPayload", "text_payload") or ""
            found = LEVEL.search(text[:160])
            if entry.get("severity") is None and found:
                assert frame.loc[entry["insertId"], "effective_severity"] == next(filter(None, found.groups())), text
            if entry.get("severity") is not None:
                assert frame.loc[either(entry, "insertId", "insert_id"), "effective_severity"] == entry["severity"]


def test_the_filler_error_of_the_structured_logger_makes_no_error(exports: Path):
    frame = logs.read(one(exports, "bootloop")).frame
    filler = frame[frame["entry"].str.contains("zero_empty_guarantee")]
    assert len(filler) > 100
    assert "ERROR" not in set(filler["effective_severity"])


def test_texts_are_clean_and_cut_lines_joined(exports: Path):
    frame = logs.read([path for path in all_files(exports) if "startup" in path.name]).frame
    assert not frame["message"].str.contains(r"\x1b|</?(?:red|white|yellow|level)>", na=False).any()
    parts = frame[frame["continues"].notna()]
    heads = frame.set_index("insert_id").loc[parts["continues"].unique(), "message"]
    assert len(parts) > 0
    assert heads.str.contains("\n").all()


def upgrades(path: Path) -> list[dict[str, Any]]:
    return [e for e in plain(path) if "httpRequest" in e and e["httpRequest"]["requestUrl"].endswith("/ws")]


def reason_lines(path: Path) -> Counter[str]:
    """Lines that tell why, counted by what stands in them."""
    texts = [(entry.get("jsonPayload") or {}).get("message", "") for entry in plain(path)]
    return Counter(
        {
            "signature": sum("verification failed" in text for text in texts),
            "audience": sum("audience" in text for text in texts),
            "no_token": sum("No JWT" in text for text in texts),
        }
    )


def test_the_large_export_gives_its_upgrades_their_outcome_and_a_cause_for_each_client(exports: Path):
    path = one(exports, "2002")
    rows = timeline.connections(logs.read(path).frame)
    asked = upgrades(path)
    assert len(rows) == len(asked)
    assert set(rows["trace"]) == {entry["trace"].rsplit("/", 1)[-1] for entry in asked}
    assert counted(rows["http_status"]) == Counter(entry["httpRequest"]["status"] for entry in asked)
    assert set(rows["outcome"]) == {"refused"}
    assert Counter(rows["reason"]) == +reason_lines(path)
    # One cause for each client, although they share one status.
    assert rows.groupby("client")["reason"].nunique().tolist() == [1] * rows["client"].nunique()
    agents = Counter(entry["httpRequest"]["userAgent"] for entry in asked)
    assert counted(rows["user_agent"]) == agents


def test_in_the_large_export_a_size_without_room_for_a_token_goes_with_no_token(exports: Path):
    rows = timeline.connections(logs.read(one(exports, "2002")).frame)
    without = rows["reason"] == "no_token"
    assert rows.loc[without, "http_request_size"].max() < rows.loc[~without, "http_request_size"].min()


def test_in_the_large_export_bursts_are_marked_and_lone_upgrades_are_not(exports: Path):
    rows = timeline.connections(logs.read(one(exports, "2002")).frame)
    stamps = rows["requested_ns"].to_numpy()
    alone = [min(abs(other - at) for other in stamps if other != at) > 600e6 for at in stamps]
    assert not rows.loc[alone, "ambiguous"].any()
    close = [min(abs(other - at) for other in stamps if other != at) < 2e6 for at in stamps]
    assert rows.loc[close, "ambiguous"].all()


def test_in_the_large_export_every_decision_follows_its_request(exports: Path):
    rows = timeline.connections(logs.read(one(exports, "2002")).frame)
    assert (rows["request_to_decision_low_s"] > 0).all()
    assert (rows["request_to_decision_high_s"] < 0.5).all()
    assert (
        rows["request_to_decision_s"]
        .between(rows["request_to_decision_low_s"], rows["request_to_decision_high_s"])
        .all()
    )


def test_a_clean_shutdown_is_no_boot_loop(exports: Path):
    for part in ("2002", "startup_100", "ws500"):
        assert timeline.boot_loops(logs.read(one(exports, part)).frame).empty


def test_the_boot_loop_is_named_a_boot_loop(exports: Path):
    path = one(exports, "bootloop")
    entries = plain(path)
    exits = Counter(e["labels"]["instanceId"] for e in entries if "called exit" in e.get("textPayload", ""))
    (loop,) = timeline.boot_loops(logs.read(path).frame).to_dict("records")
    assert loop["failed"] == len(exits)
    assert set(loop["evidence"]) == set(exits)
    assert (loop["exit_code"], loop["booted"]) == (3, 0)
    assert loop["revision"] == label(entries[0], "revision_name")
    assert "No module named" in loop["boot_failure"]


def test_instances_of_the_boot_loop_are_all_accounted_for(exports: Path):
    path = one(exports, "bootloop")
    lives = timeline.instances(logs.read(path).frame)
    assert set(lives["instance_id"]) == {entry["labels"]["instanceId"] for entry in plain(path)}
    assert lives["entries"].sum() == len(plain(path))
    # The port answers although the application never starts: that is not serving.
    assert "serves" not in set(lives["outcome"])


def test_an_application_error_at_the_upgrade_is_a_failure_with_its_text_and_no_refusal(exports: Path):
    path = one(exports, "ws500")
    rows = timeline.connections(logs.read(path).frame)
    errors = {(e.get("jsonPayload") or {}).get("message") for e in plain(path)} - {None}
    assert len(rows) == len(upgrades(path))
    assert set(rows["outcome"]) == {"failed"}
    assert set(rows["reason"]) == {"unknown"}
    assert set(rows["error"]) == errors
    assert len(errors) == 1


def test_lines_without_any_request_are_rows_without_a_trace(exports: Path):
    path = one(exports, "ws_text")
    rows = timeline.connections(logs.read(path).frame)
    assert len(rows) == sum('"WebSocket' in entry.get("textPayload", "") for entry in plain(path))
    assert rows["trace"].isna().all()
    assert set(rows["outcome"]) == {"refused"}
    assert list(rows["http_status"]) == [403] * len(rows)


def test_no_contact_of_the_exports_passes_unmasked(exports: Path):
    contact = re.compile(r"\b(?!127\.|169\.254\.|0\.)(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+|[\w.]+@example\.com")
    for path in all_files(exports):
        frame = logs.read(path).frame
        assert not [text for text in frame["entry"] if contact.search(text.replace("***@example.com", ""))], path.name
