"""What logs.read makes of entries: nothing lost, nothing altered, each once, in order."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpkit import logs
from gpkit.tables import ENTRIES
from tests.log_entries_support import INSTANCE, PROJECT, entry, request, snake, write_array, write_lines


def read_one(folder: Path, *entries: dict[str, object]) -> pd.DataFrame:
    return logs.read(write_array(folder / "export.json", list(entries))).frame


def test_the_table_is_entries_with_the_applications_own_stamp_behind_it(tmp_path: Path):
    frame = read_one(tmp_path, entry("13:00:00", "a"))
    assert list(frame.columns) == [column.name for column in ENTRIES] + ["payload_timestamp_ns"]
    assert {name: str(frame[name].dtype) for name in frame.columns if name != "payload_timestamp_ns"} == {
        column.name: column.dtype for column in ENTRIES
    }


@pytest.mark.parametrize(
    ("stamp", "nanoseconds"),
    [
        ("2025-09-07T13:00:00Z", 0),
        ("2025-09-07T13:00:00.1Z", 100_000_000),
        ("2025-09-07T13:00:00.123Z", 123_000_000),
        ("2025-09-07T13:00:00.123456Z", 123_456_000),
        ("2025-09-07T13:00:00.123456789Z", 123_456_789),
        ("2025-09-07T13:00:00.000000001+00:00", 1),
        ("2025-09-07T15:00:00.123456789+02:00", 123_456_789),
        ("2025-09-07T07:30:00.5-05:30", 500_000_000),
        ("2025-09-07T13:00:00.123456z", 123_456_000),
    ],
)
def test_instants_keep_every_digit_and_heed_the_offset(tmp_path: Path, stamp: str, nanoseconds: int):
    row = read_one(tmp_path, entry("13:00:00", "a", timestamp=stamp)).iloc[0]
    assert row["timestamp_ns"] == 1757250000 * 10**9 + nanoseconds
    assert row["timestamp"] == pd.Timestamp(row["timestamp_ns"] // 1000 * 1000, tz="UTC")


def test_an_entry_without_a_readable_timestamp_stands_last_and_is_reported(tmp_path: Path):
    path = write_array(tmp_path / "a.json", [entry("13:00:00", "a", timestamp="soon"), entry("13:00:01", "b")])
    read = logs.read(path)
    assert read.frame["message"].tolist() == ["b", "a"]
    assert read.coverage.without_timestamp == 1


def test_order_is_time_order_even_where_text_order_differs(tmp_path: Path):
    frame = read_one(
        tmp_path, entry("13:00:00.14", "third"), entry("13:00:00.123456", "second"), entry("13:00:00.12", "first")
    )
    assert frame["message"].tolist() == ["first", "second", "third"]


def test_equal_instants_of_a_newest_first_file_come_out_oldest_first(tmp_path: Path):
    same = [entry("13:00:05", text, insertId=text) for text in ("c", "b", "a")]
    frame = read_one(tmp_path, entry("13:00:09", "last"), *same, entry("13:00:01", "first"))
    assert frame["message"].tolist() == ["first", "a", "b", "c", "last"]


def test_overlapping_files_give_each_entry_once(tmp_path: Path):
    one = [entry(f"13:00:0{number}", "x") for number in range(6)]
    first = write_array(tmp_path / "first.json", one[:4])
    second = write_lines(tmp_path / "second.jsonl", one[2:])
    read = logs.read([first, second])
    assert len(read.frame) == 6
    assert read.coverage.duplicates == 2
    assert [file.entries for file in read.coverage.files] == [4, 4]


def test_the_same_insert_id_in_another_log_or_at_another_instant_is_another_entry(tmp_path: Path):
    frame = read_one(
        tmp_path,
        entry("13:00:00", "a", insertId="same"),
        entry("13:00:00", "b", insertId="same", logName=PROJECT + "stdout"),
        entry("13:00:00.000000001", "c", insertId="same"),
    )
    assert len(frame) == 3


@pytest.mark.parametrize("order", [("bare", "whole"), ("whole", "bare")])
def test_of_two_copies_the_one_with_its_payload_wins(tmp_path: Path, order: tuple[str, str]):
    whole = snake(entry("13:00:00.123456", "the text"))
    copies = {"whole": whole, "bare": {key: value for key, value in whole.items() if key != "text_payload"}}
    paths = []
    for name in order:
        (tmp_path / f"{name}.json").write_text(json.dumps({"logs_by_severity": {"INFO": [copies[name]]}}))
        paths.append(tmp_path / f"{name}.json")
    read = logs.read(paths)
    assert read.frame["message"].tolist() == ["the text"]
    assert read.coverage.payload_missing == 0


def test_a_rewritten_copy_without_log_name_and_nanoseconds_merges_with_the_original(tmp_path: Path):
    original = entry("13:00:00.123456789", "the text")
    raw = write_array(tmp_path / "raw.json", [original])
    (tmp_path / "wrap.json").write_text(json.dumps({"raw_logs": [snake(original)]}))
    frame = logs.read([tmp_path / "wrap.json", raw]).frame
    assert frame["log_name"].tolist() == [PROJECT + "stderr"]
    assert frame["timestamp_ns"].iloc[0] % 1000 == 789


def test_entries_without_an_insert_id_are_merged_between_files_but_not_within_one(tmp_path: Path):
    nameless = entry("13:00:00", "tick", insertId=None)
    first = write_array(tmp_path / "first.json", [nameless, nameless])
    second = write_array(tmp_path / "second.json", [nameless, nameless, nameless])
    assert len(logs.read(first).frame) == 2
    assert len(logs.read([first, second]).frame) == 3


def test_a_window_keeps_what_lies_in_it(tmp_path: Path):
    path = write_array(tmp_path / "a.json", [entry(f"13:00:0{second}", str(second)) for second in range(5)])
    since, until = (datetime(2025, 9, 7, 13, 0, second, tzinfo=UTC) for second in (1, 3))
    assert logs.read(path, since=since, until=until).frame["message"].tolist() == ["1", "2"]


def test_a_json_payload_gives_its_message_and_the_applications_own_stamp(tmp_path: Path):
    payload = {"message": "hello", "timestamp": "2025-09-07T12:59:59.999999+00:00", "error": {"severity": "ERROR"}}
    row = read_one(tmp_path, entry("13:00:00", severity="INFO", jsonPayload=payload)).iloc[0]
    assert (row["payload_kind"], row["message"], row["effective_severity"]) == ("json", "hello", "INFO")
    assert row["payload_timestamp_ns"] == 1757249999 * 10**9 + 999_999_000


def test_a_json_payload_without_a_message_is_shown_whole(tmp_path: Path):
    row = read_one(tmp_path, entry("13:00:00", jsonPayload={"a": {"b": [1, "x"]}})).iloc[0]
    assert json.loads(row["message"]) == {"a": {"b": [1, "x"]}}


def test_an_audit_entry_is_of_kind_proto_also_where_a_script_made_it_json(tmp_path: Path):
    audit = {"@type": "type.googleapis.com/google.cloud.audit.AuditLog", "methodName": "Services.ReplaceService"}
    raw = entry("13:00:00", protoPayload=audit, labels=None)
    rewritten = snake(entry("13:00:01", jsonPayload=audit))
    frame = read_one(tmp_path, raw, rewritten)
    assert frame["payload_kind"].tolist() == ["proto", "proto"]
    assert frame["message"].tolist() == ["Services.ReplaceService"] * 2
    assert frame["instance_id"].isna().tolist() == [True, False]


def test_text_and_request_in_one_entry_are_both_kept(tmp_path: Path):
    row = read_one(tmp_path, request("13:00:00", status=503, textPayload="The request failed")).iloc[0]
    assert (row["http_status"], row["message"], row["payload_kind"]) == (503, "The request failed", "text")
    assert (row["http_request_size"], row["http_latency_s"]) == (1016, 0.002852)


def test_an_entry_without_any_payload_has_none(tmp_path: Path):
    row = read_one(tmp_path, entry("13:00:00")).iloc[0]
    assert pd.isna(row["payload_kind"])
    assert pd.isna(row["message"])


SEVERITIES = {
    "[2025-09-07 13:34:00 +0000] [15] [ERROR] Exception in worker process": "ERROR",
    "[2025-09-07 13:34:00 +0000] [15] [INFO] connection closed": "INFO",
    "2025-09-07 13:34:00 - app.clients.auth - WARNING - Using cached validation": "WARNING",
    "2025-09-07 13:35:00,013 - auth-service - auth.routes - WARNING - Service ID mismatch": "WARNING",
    "\x1b[32m2025-08-28 00:21:51.725\x1b[0m | \x1b[31m\x1b[1mCRITICAL\x1b[0m | app:f:3 | \x1b[1mno\x1b[0m": "CRITICAL",
    "2025-08-28 00:21:51.725 | SUCCESS  | app:f:3 | <green>ready</green>": "INFO",
    "WARNING:app.smd:Circuit breaker": "WARNING",
    "INFO:     Application startup complete.": "INFO",
    'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no': "ERROR",
    '169.254.169.126:50046 - "GET /health HTTP/1.1" 500': "DEFAULT",
    "an ERROR in the middle of a line": "DEFAULT",
}


@pytest.mark.parametrize("text", SEVERITIES)
def test_a_missing_severity_is_read_from_the_text(tmp_path: Path, text: str):
    row = read_one(tmp_path, entry("13:00:00", text)).iloc[0]
    assert pd.isna(row["severity"])
    assert row["effective_severity"] == SEVERITIES[text]


def test_a_logged_severity_is_never_overruled(tmp_path: Path):
    row = read_one(tmp_path, entry("13:00:00", "ERROR: no", severity="NOTICE")).iloc[0]
    assert (row["severity"], row["effective_severity"]) == ("NOTICE", "NOTICE")


def test_default_is_as_good_as_missing(tmp_path: Path):
    row = read_one(tmp_path, entry("13:00:00", "ERROR: no", severity="DEFAULT")).iloc[0]
    assert (row["severity"], row["effective_severity"]) == ("DEFAULT", "ERROR")


def test_ansi_codes_and_colour_tags_go_and_the_original_stays(tmp_path: Path):
    text = "\x1b[1;31m<red>bad <level>thing</level></red>\x1b[0m \x1b]0;title\x07<script>x</script> a<b>c \x1b"
    row = read_one(tmp_path, entry("13:00:00", text)).iloc[0]
    assert row["message"] == "bad thing <script>x</script> a<b>c "
    assert json.loads(row["entry"])["textPayload"] == text


def test_contacts_are_masked_and_ids_are_not(tmp_path: Path):
    frame = read_one(
        tmp_path,
        request("13:00:00"),
        entry("13:00:01", "from 203.0.113.77 by someone@example.com via 169.254.169.126:80 on 2001:db8:1:2:3:4:5:6"),
        request("13:00:02", remoteIp="127.0.0.1", userAgent="Mozilla/5.0 Chrome/139.0.0.0"),
    )
    assert frame["remote_ip"].tolist()[0] == "203.0.x.x"
    assert frame["remote_ip"].tolist()[2] == "127.0.0.1"
    assert frame["message"].iloc[1] == "from 203.0.x.x by ***@example.com via 169.254.169.126:80 on 2001:0db8:x:x"
    assert frame["user_agent"].iloc[2] == "Mozilla/5.0 Chrome/139.0.0.0"
    assert "203.0.113.77" not in "".join(frame["entry"])
    assert "198.51.100.5" not in "".join(frame["entry"])
    assert frame["instance_id"].tolist() == [INSTANCE] * 3


def test_contacts_stay_when_asked(tmp_path: Path):
    path = write_array(tmp_path / "a.json", [request("13:00:00")])
    assert logs.read(path, mask_contacts=False).frame["remote_ip"].tolist() == ["203.0.113.77"]


def test_a_token_is_redacted_wherever_it_stands(tmp_path: Path):
    token = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJ1c2VyLTEifQ" + ".c2lnbmF0dXJlLW9mLXRva2Vu"
    frame = read_one(
        tmp_path,
        request("13:00:00", requestUrl=f"https://api.example.test/ws?token={token}"),
        entry("13:00:01", f"WebSocket subprotocol negotiated: jwt.{token}"),
        entry(
            "13:00:02", severity="INFO", jsonPayload={"message": "x", "headers": {"authorization": f"Bearer {token}"}}
        ),
        entry("13:00:03", "x", labels={"instanceId": INSTANCE, "note": token}),
    )
    everything = frame.to_csv()
    assert "c2lnbmF0dXJlLW9mLXRva2Vu" not in everything
    assert "eyJzdWIiOiJ1c2VyLTEifQ" not in everything
    assert [json.loads(each)["insertId"] for each in frame["entry"]] == frame["insert_id"].tolist()
    assert frame["instance_id"].tolist() == [INSTANCE] * 4


texts = st.text(max_size=30) | st.sampled_from(
    ["\x00", "\ud800", "\udfff\ud800", "😀", "\u2028", '"\\', "a\nb", "<script>"]
)
numbers = (
    st.integers()
    | st.sampled_from([9007199254740993, 2**63, 10**30, -(2**63)])
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def has_half_a_pair(entries: object) -> bool:
    """Half of a surrogate pair has no UTF-8 form: it can only be written as an escape."""
    return "\ufffd" in json.dumps(entries, ensure_ascii=False).encode("utf-8", "surrogatepass").decode(
        "utf-8", "replace"
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.fixed_dictionaries(
            {"insertId": st.uuids().map(str), "timestamp": st.just("2025-09-07T13:00:00.123456789Z")},
            optional={
                "textPayload": texts,
                "jsonPayload": st.dictionaries(texts, values, max_size=3),
                "future": values,
            },
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda each: each["insertId"],
    ),
    st.sampled_from(["array", "indented", "lines", "wrapped"]),
    st.booleans(),
)
def test_the_entry_column_is_the_entry_whatever_it_holds(
    entries: list[dict[str, object]], shape: str, ascii_only: bool
):
    ascii_only = ascii_only or has_half_a_pair(entries)
    written = {
        "array": lambda: json.dumps(entries, ensure_ascii=ascii_only),
        "indented": lambda: json.dumps(entries, ensure_ascii=ascii_only, indent=2),
        "lines": lambda: "\n".join(json.dumps(each, ensure_ascii=ascii_only) for each in entries),
        "wrapped": lambda: json.dumps({"raw_logs": entries}, ensure_ascii=ascii_only),
    }[shape]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.json"
        path.write_text(written, "utf-8")
        frame = logs.read(path, mask_contacts=False).frame
    by_id = {each["insertId"]: each for each in entries}
    assert {
        insert_id: json.loads(text) for insert_id, text in zip(frame["insert_id"], frame["entry"], strict=True)
    } == by_id
