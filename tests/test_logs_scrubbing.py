"""Nothing that redaction would change passes DuckDB's filter unseen."""

import json
from pathlib import Path

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from gpkit import logs, redaction
from gpkit.entries.scrubbing import scrubber
from tests.log_entries_support import entry, write_array

TOKEN = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJ1c2VyLTEifQ" + ".c2lnbmF0dXJlLW9mLXRva2Vu"
WORDS = """
Bearer|bearer |basic dXNlcjpwYXNzMTIz|token|Token=|access_token:|"token": "|?token=|&jwt=|;ticket=abc|secret|=a1b2c3d4|
abcdefgh|REDACTED|Authorization: |authorization": "|jwt.|jwt-auth.|staging-auth.|eyJ|eyJhbGciOiJIUzI1NiJ9|.|
ZXlKaGJHY2lPaUpJVXpJMU5p|-----BEGIN PRIVATE KEY-----|sk-a1b2c3d4e5f6g7h8i9j0k|AKIAABCDEFGHIJKLMNOP| |\\"|'|,|12345678|
password|: |x
"""


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(WORDS.replace("\n", "").split("|")), max_size=8).map("".join))
def test_whatever_redaction_changes_is_a_candidate(text: str):
    if redaction.redact(text) != text:
        (found,) = duckdb.execute("SELECT regexp_matches(?, ?)", [text, redaction.candidate_pattern()]).fetchall()[0]
        assert found


def test_ordinary_lines_about_tokens_are_no_candidates():
    lines = [
        "Token validation successful",
        "WebSocket connection rejected in staging: No JWT token provided",
        "Invalid JWT=REDACTED audience",
        "AuthServiceClient initialized - Service ID: shop, Service Secret=REDACTED True",
        "Loaded JWT_SECRET_KEY from environment",
    ]
    for line in lines:
        (found,) = duckdb.execute("SELECT regexp_matches(?, ?)", [line, redaction.candidate_pattern()]).fetchall()[0]
        assert not found, line


def test_an_entry_that_redaction_would_break_is_cleaned_value_by_value(monkeypatch):
    monkeypatch.setattr(
        redaction, "redact", lambda text: text.replace('"a secret', "[gone]").replace("a secret", "[gone]")
    )
    cleaned = json.loads(scrubber(mask_contacts=False)('{"insertId": "keep", "list": ["a secret", 1]}'))
    assert cleaned == {"insertId": "keep", "list": ["[gone]", 1]}


def test_an_id_that_looks_like_a_credential_is_kept():
    text = json.dumps({"insertId": TOKEN, "labels": {"instanceId": TOKEN, "other": TOKEN}, "textPayload": TOKEN})
    cleaned = json.loads(scrubber(mask_contacts=True)(text))
    assert (cleaned["insertId"], cleaned["labels"]["instanceId"]) == (TOKEN, TOKEN)
    assert (cleaned["labels"]["other"], cleaned["textPayload"]) == ("[redacted:jwt]", "[redacted:jwt]")


def test_a_remembered_secret_is_redacted(tmp_path: Path):
    redaction.remember_secret("correct-horse-battery")
    frame = logs.read(write_array(tmp_path / "a.json", [entry("13:00:00", "it is correct-horse-battery now")])).frame
    assert frame["message"].tolist() == ["it is [redacted:secret] now"]
    assert "correct-horse" not in frame["entry"].iloc[0]
