"""The log grammar: well-formed, documented, and able to read what the local service writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import hypothesis
import hypothesis.strategies as st
import pandas as pd
import pytest

from gpkit.local import boot, entries, lines
from gpkit.logs.grammar import (
    CONNECTION,
    PLAIN_PATH,
    REASONS,
    UPGRADE_PATH,
    classified,
    classify,
    grammar,
    in_ibis,
    match,
    on_engines,
)
from gpkit.timeline.lines import STORY
from tests.many_entries_support import exported, local_log

IDS = [rule.id for rule in grammar()]

# What the service writes and the grammar leaves alone, on purpose: neither tells of a connection or of an instance.
NOT_READ = (
    "Configuration loaded and cached",
    "SERVICE_ID configured: True",
    "Starting enhanced middleware setup with WebSocket exclusion support...",
)


def test_ids_are_unique_and_fields_are_of_the_closed_lists():
    assert len(set(IDS)) == len(IDS)
    for rule in grammar():
        assert rule.field in ("text", "json", "any", "http"), rule.id
        assert rule.reason is None or rule.reason in REASONS, rule.id
        assert rule.seen in ("R", "S", "D", "I"), rule.id
        assert set(rule.generation) <= set("ABC"), rule.id
        assert (rule.field == "http") == bool(rule.status), rule.id


def test_every_pattern_is_read_alike_by_re2_and_python():
    for rule in grammar():
        re.compile(rule.pattern)
        duckdb.execute("SELECT regexp_matches('', ?)", [rule.pattern])
        assert "(?=" not in rule.pattern, rule.id
        assert "(?<" not in rule.pattern, rule.id


def test_only_phases_of_a_refusal_carry_a_reason():
    with_reason = {rule.phase for rule in grammar() if rule.reason}
    assert with_reason == {"auth_failed", "rejected", "front_failed"}
    assert with_reason - {"front_failed"} <= STORY


FACTS: dict[str, Any] = {
    "connection": "main_0123456789ab",
    "peer": "169.254.169.126:5000",
    "path": "/ws",
    "user": "user-0001",
    "short": "user-000",
    "event": "agent_started",
    "run_id": "run_0123456789_1",
    "by": "agent=supervisor",
    "other": "user-0002",
    "subprotocol": "jwt-auth",
    "offered": "chat.v9",
    "auth_ms": 5.0,
    "level": "relaxed",
    "failure": "JWT VALIDATION FAILURE",
    "severity": "WARNING",
    "message": "Invalid JWT token: Invalid audience",
    "context": "{}",
    "took_ms": 3.0,
    "type": "user_message",
    "processed": 0,
    "code": 1000,
    "error": "something",
}
SAID = sorted({(moment, generation) for moment, _ in lines._MOMENTS for generation in "ABC"})


@pytest.mark.parametrize(("moment", "generation"), SAID)
def test_every_line_of_the_service_is_read(moment: str, generation: str):
    for line in lines.lines(moment, generation, **FACTS):
        text = lines.gunicorn(line, 1_757_250_000 * 10**9) if line.shape == "gunicorn" else line.text
        rule = match(text, kind="text" if line.shape == "gunicorn" else "json")
        assert rule is not None, text
        assert rule.phase in STORY, text
        assert generation in rule.generation, (rule.id, text)


REFUSALS = {
    "signature": "JWT signature verification failed - likely JWT secret mismatch between services",
    "audience": "Invalid JWT token: Invalid audience",
    "segments": "Invalid JWT token: Not enough segments",
    "expired": "JWT token has expired",
}


@pytest.mark.parametrize("generation", ["A", "B", "C"])
@pytest.mark.parametrize("reason", [*REFUSALS, "no_token", "breaker_open"])
def test_every_refusal_of_the_service_tells_its_reason(reason: str, generation: str):
    special = reason in ("no_token", "breaker_open")
    facts = FACTS | {
        "message": REFUSALS.get(reason, "No JWT token provided" if reason == "no_token" else "Circuit breaker is open"),
        "failure": lines.FAILURES.get(reason, ""),
    }
    said = lines.lines(f"refused_{reason}" if special else "refused", generation, **facts)
    told = [rule.reason for line in said if (rule := match(line.text, kind="json")) is not None and rule.reason]
    assert told
    assert set(told) == {reason}


@pytest.mark.parametrize(("moment", "reason"), [("not_ready", "not_ready"), ("unsupported", "subprotocol")])
def test_refusals_before_authentication_tell_their_reason(moment: str, reason: str):
    for line in lines.lines(moment, "C", **FACTS):
        rule = match(line.text, kind="json")
        assert rule is not None
        assert rule.reason == reason


@pytest.mark.parametrize("write", [boot.started, boot.crashed, boot.gave_up])
def test_every_line_of_a_start_is_read_or_left_alone_on_purpose(tmp_path: Path, write: Any):
    import json

    journal = entries.Journal(tmp_path)
    source = entries.instance(0, "rev", 0)
    write(journal, source, 1_757_250_000 * 10**9, *([boot.MANUAL] if write is boot.started else []))
    for row in map(json.loads, journal.log_file.read_text().splitlines()):
        kind = "text" if "textPayload" in row else "json"
        text = row.get("textPayload") or row["jsonPayload"]["message"]
        assert match(text, kind=kind) is not None or text in NOT_READ, text


def test_what_the_front_says_of_a_failed_instance_is_read():
    assert match(entries.NOT_STARTED).reason == "start_failed"  # type: ignore[union-attr]
    assert match(entries.CRASHED).phase == "front_failed"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("Invalid JWT=REDACTED audience", "audience"),
        ("Invalid JWT=REDACTED enough segments", "segments"),
        ("JWT=REDACTED verification failed - likely JWT=REDACTED between services", "signature"),
        ("JWT=REDACTED expired", "expired"),
        ("WebSocket connection rejected in staging: No JWT=REDACTED", "no_token"),
        ("Invalid JWT token: Invalid audience", "audience"),
        ("Invalid JWT token: Not enough segments", "segments"),
        ("JWT token has expired", "expired"),
        ("WebSocket connection rejected in staging: No JWT token", "no_token"),
    ],
)
def test_a_line_is_read_with_and_without_the_services_own_filter(written: str, reason: str):
    rule = match(written, kind="json")
    assert rule is not None
    assert rule.reason == reason


@pytest.mark.parametrize(
    ("url", "is_upgrade"),
    [
        ("https://api.example.test/ws", True),
        ("https://api.example.test/ws?mode=main&token=x", True),
        ("https://api.example.test/websocket", True),
        ("https://api.example.test/ws/factory", True),
        ("https://api.example.test/api/v1/websocket", True),
        ("https://api.example.test/ws/health", False),
        ("https://api.example.test/websocket/config", False),
        ("https://api.example.test/news", False),
        ("https://api.example.test/wsx", False),
    ],
)
def test_an_upgrade_is_known_by_its_path(url: str, is_upgrade: bool):
    assert (bool(re.search(UPGRADE_PATH, url)) and not re.search(PLAIN_PATH, url)) is is_upgrade


def frame(*rows: tuple[str | None, str | None, str | None, int | None]) -> pd.DataFrame:
    made = pd.DataFrame(
        rows, columns=["message", "payload_kind", "http_url", "http_status"], index=range(7, 7 + len(rows))
    )
    return made.astype({"message": "str", "payload_kind": "str", "http_url": "str", "http_status": "Int64"})


def test_classify_adds_phase_reason_and_rule_and_keeps_the_rows():
    given = frame(
        ("Invalid JWT=REDACTED audience", "json", None, None),
        ("nothing known", "text", None, None),
        (None, None, "https://api.example.test/ws", 403),
        ("The request failed because the instance could not start successfully.", "text", "https://x.test/ws", 500),
        (None, None, "https://x.test/health", 200),
        (None, None, None, None),
    )
    before = given.copy()
    found = classify(given)
    assert found["rule"].tolist()[:1] == ["reason-audience"]
    assert [None if pd.isna(rule) else rule for rule in found["rule"]] == [
        "reason-audience",
        None,
        "upgrade-refused",
        "upgrade-failed",
        None,
        None,
    ]
    assert found["reason"].notna().tolist() == [True, False, False, False, False, False]
    assert found.index.tolist() == given.index.tolist()
    pd.testing.assert_frame_equal(given, before)


def test_duckdb_and_python_choose_the_same_row():
    texts = [line.text for moment, generation in SAID for line in lines.lines(moment, generation, **FACTS)]
    found = classify(frame(*((text, "json", None, None) for text in texts)))
    chosen = [match(text, kind="json") for text in texts]
    assert found["rule"].fillna("none").tolist() == [rule.id if rule else "none" for rule in chosen]


@pytest.mark.parametrize(
    ("text", "connection"),
    [
        ("initiated - connection_id: main_a1b2-c3, mode: main", "main_a1b2-c3"),
        ("Starting main mode connection ws_conn_user_1", "ws_conn_user_1"),
        ("the main thing", None),
    ],
)
def test_a_connection_is_named_by_the_shape_of_its_id(text: str, connection: str | None):
    found = re.search(CONNECTION, text)
    assert (found[1] if found else None) == connection


def test_the_heavy_expression_is_sql_for_bigquery_too():
    import ibis

    from gpkit.timeline.lines import COLUMNS, story

    whole = ("timestamp_ns", "payload_timestamp_ns", "http_status", "http_request_size")
    kinds = dict.fromkeys(whole, "int64") | {"http_latency_s": "float64"}
    table = ibis.table({name: kinds.get(name, "string") for name in [*COLUMNS, "payload_kind", "http_url"]}, "entries")
    assert "REGEXP_CONTAINS" in ibis.to_sql(story(table), dialect="bigquery")


def row_by_row(table: Any) -> Any:
    """The rule of each entry, every row of the grammar tried on it in turn."""
    import ibis

    is_upgrade = table.http_url.re_search(UPGRADE_PATH) & ~table.http_url.re_search(PLAIN_PATH)
    branches = []
    for rule in grammar():
        found = table.message.re_search(rule.pattern)
        if rule.field == "http":
            found = is_upgrade & table.http_status.isin(rule.status)
        elif rule.field != "any":
            found = (table.payload_kind == rule.field) & found
        branches.append((found, rule.id))
    return table.mutate(rule=ibis.cases(*branches, else_=ibis.null(str)))


def assert_classified_alike(entries: pd.DataFrame) -> int:
    """Both ways give the same rules, also where only phases of a connection are asked for; how many rules."""
    kept = entries[["message", "payload_kind", "http_url", "http_status"]].reset_index(drop=True)
    kept["line"] = range(len(kept))
    table = in_ibis(kept)
    expected = row_by_row(table).order_by("line").rule.to_pyarrow().to_pylist()
    assert classified(table).order_by("line").rule.to_pyarrow().to_pylist() == expected
    of_a_story = {rule.id for rule in grammar() if rule.phase in STORY}
    told = classified(table, phases=STORY).order_by("line").rule.to_pyarrow().to_pylist()
    assert told == [rule if rule in of_a_story else None for rule in expected]
    return len({rule for rule in expected if rule})


def test_one_pattern_first_classifies_the_real_exports_as_row_by_row(exports: Path):
    assert assert_classified_alike(exported(exports)) > 40


def test_one_pattern_first_classifies_the_local_log_as_row_by_row():
    assert assert_classified_alike(local_log()) > 40


@hypothesis.settings(max_examples=5, deadline=None, derandomize=True)
@hypothesis.given(
    st.lists(
        st.sampled_from([rule for rule in grammar() if rule.field != "http"]).flatmap(
            lambda rule: st.tuples(
                st.from_regex(re.compile(rule.pattern, re.ASCII)), st.sampled_from(["text", "json", "proto", None])
            )
        ),
        min_size=20,
        max_size=40,
    )
)
def test_one_pattern_first_classifies_texts_of_every_pattern_as_row_by_row(texts: list[tuple[str, str | None]]):
    given = [(text.encode("utf-8", "replace").decode(), kind, None, None) for text, kind in texts]
    assert_classified_alike(frame(*given))


def test_every_row_of_the_grammar_is_found_by_one_pattern_first():
    samples = {rule.id: sample(rule.pattern) for rule in grammar() if rule.field != "http"}
    kinds = {rule.id: rule.field if rule.field in ("text", "json") else "json" for rule in grammar()}
    given = frame(*((samples[name], kinds[name], None, None) for name in samples))
    assert_classified_alike(given)
    first = [match(samples[name], kind=kinds[name]) for name in samples]
    assert classify(given)["rule"].tolist() == [rule.id if rule else None for rule in first]
    assert all(first)


def sample(pattern: str) -> str:
    """A text that a pattern matches: its first alternative, the least of each repetition."""
    made = []
    for kind, value in re._parser.parse(pattern):  # type: ignore[attr-defined]
        made.append(_least(kind, value))
    return "".join(made)


def _least(kind: Any, value: Any) -> str:
    name = str(kind)
    if name == "LITERAL":
        return chr(value)
    if name in ("NOT_LITERAL", "ANY"):
        return "x"
    if name == "IN":
        sort, first = value[0]
        if str(sort) == "NEGATE":
            return "x"
        return {"CATEGORY_DIGIT": "7"}.get(str(first), "x") if str(sort) == "CATEGORY" else _first_of(sort, first)
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        least, _, inner = value
        return "".join(_least(*each) for each in inner) * max(least, 0)
    if name == "SUBPATTERN":
        return "".join(_least(*each) for each in value[-1])
    if name == "BRANCH":
        return "".join(_least(*each) for each in value[1][0])
    return ""


def _first_of(sort: Any, value: Any) -> str:
    return chr(value[0] if str(sort) == "RANGE" else value)


@pytest.mark.parametrize(
    ("pattern", "spelled"),
    [
        (r"a.b$", r"a[^\n]b\z"),
        (r"[\d.]+ms", r"[\d.]+ms"),
        (r"\. ok\$", r"\. ok\$"),
        (r"JWT\S* x", r"JWT[^\t\n\f\r ]* x"),
        (r"[^\]$]*.", r"[^\]$]*[^\n]"),
    ],
)
def test_a_pattern_is_spelled_so_that_java_reads_it_as_re2(pattern: str, spelled: str):
    assert on_engines(pattern) == spelled
