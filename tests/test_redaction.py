import base64
import json
import re
import urllib.parse

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit import redaction
from gpkit.errors import TargetError
from gpkit.redaction import (
    CANDIDATE,
    candidate_pattern,
    contacts,
    credentials,
    mask_contacts,
    read_secret,
    redact,
    remember_secret,
    secrets,
)

TOKEN = jwt.encode({"sub": "somebody", "aud": "netra-platform", "exp": 1}, "s" * 40, "HS256")
B64 = base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")
SIGNATURE = TOKEN.split(".")[2]

TRAVELS = {
    "header": f"Authorization: Bearer {TOKEN}",
    "header dump": repr({b"authorization": f"Bearer {TOKEN}".encode()}),
    "subprotocol b64": f"jwt-auth, jwt.{B64}",
    "subprotocol raw": f"jwt-auth.{TOKEN}, bearer.{TOKEN}, e2e-testing",
    "echoed": f"Sec-WebSocket-Protocol: jwt.{B64}",
    "query": f"wss://host/ws?mode=main&token={TOKEN}",
    "query encoded": f"wss://host/ws?token={urllib.parse.quote(TOKEN).replace('.', '%2E')}",
    "b64 encoded": f"subprotocol=jwt.{urllib.parse.quote(B64 + '==')}",
    "log text": f"no supported subprotocols found in client request: ['jwt.{B64}']",
    "json": json.dumps({"access_token": TOKEN, "n": 1}),
    "json in json": json.dumps({"message": json.dumps({"headers": {"authorization": f"Bearer {TOKEN}"}})}),
    "glued": f"x{TOKEN}y",
    "cut": f"token {TOKEN[:70]}",
    "multi-line": f'CONTEXT: {{\n  "token": "{TOKEN}"\n}}',
}


@pytest.mark.parametrize("name", TRAVELS)
def test_a_token_does_not_get_through(name):
    safe = redact(TRAVELS[name])

    assert TOKEN[:40] not in safe
    assert SIGNATURE not in safe
    assert B64[:40] not in safe
    assert "[redacted:" in safe


@pytest.mark.parametrize("name", TRAVELS)
def test_redacting_twice_changes_nothing_more(name):
    assert redact(redact(TRAVELS[name])) == redact(TRAVELS[name])


@pytest.mark.parametrize("name", TRAVELS)
def test_the_prefilter_lets_nothing_past(name):
    assert re.search(CANDIDATE, TRAVELS[name])


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic dXNlcjpwYXNzd29yZDE=",
        "Bearer 9f8e7d6c5b4a39281706",
        "GET /ws?ticket=ab12cd&x=1",
        "GET /ws?x=1&auth_ticket=ab12cd",
        '{"ticket": "abc"}',
        '{"refresh_token": "abc", "password": "x y z"}',
        "JWT_SECRET_KEY=abcd1234efgh5678",
        "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"[:35],
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
    ],
)
def test_other_credentials_do_not_get_through(text):
    safe = redact(text)

    assert "[redacted:" in safe
    assert redact(safe) == safe


SECRET = "hunter2"
HIDDEN = [
    "password=hunter2",
    "user=app DB_PASSWORD=hunter2 host=db",
    "Password: hunter2",
    "connect(password='hunter2', user='x')",
    'passwd = "hunter2"',
    'password="one hunter2 two"',
    "pwd=hunter2;",
    "api_key=hunter2",
    "secret-key: hunter2",
    "client_secret=hunter2&x=1",
    '{"pwd": "hunter2", "clientSecret": "hunter2"}',
    "postgres://app:hunter2@db.example:5432/x",
    "redis://:hunter2@cache:6379 refused",
    "mongodb+srv://app:hunter2%40@c.example/x?y=1",
    "Set-Cookie: session=hunter2; Path=/; HttpOnly",
    "Cookie: a=hunter2; b=hunter2",
    "{'cookie': 'sid=hunter2; x=hunter2'}",
    "(b'cookie', b'sid=hunter2')",
]


@pytest.mark.parametrize("text", HIDDEN)
@pytest.mark.parametrize("wrapped", [0, 1, 2], ids=["plain", "in JSON", "in JSON in JSON"])
def test_passwords_and_cookies_do_not_get_through(text, wrapped):
    for _ in range(wrapped):
        text = json.dumps({"message": text, "after": "kept"})

    safe = redact(text)

    assert SECRET not in safe
    assert redact(safe) == safe
    assert re.search(CANDIDATE, text)
    assert not wrapped or json.loads(safe)["after"] == "kept"


@given(
    st.sampled_from(["password=%s", "redis://:%s@cache:6379", "Set-Cookie: sid=%s; Path=/", 'client_secret="%s"']),
    st.text(alphabet="abcdefghijkmpqrtuvwyzABCDEFGHJ0123456789-_~%", min_size=8, max_size=40).filter(
        lambda value: any(each.isdigit() for each in value) and value[0].isalnum()
    ),
)
def test_no_value_of_these_gets_through(form, value):
    text = json.dumps({"textPayload": form % value, "n": 1})

    safe = redact(text)

    assert value not in safe
    assert json.loads(safe)["n"] == 1
    assert re.search(CANDIDATE, text)


def test_attributes_of_a_cookie_and_the_place_of_a_url_stay():
    cookie = redact("Set-Cookie: session=abc; Path=/; Max-Age=60")
    assert cookie == "Set-Cookie: session=[redacted:cookie]; Path=/; Max-Age=60"
    assert redact("redis://app:pw@cache:6379/0") == "redis://app:[redacted:password]@cache:6379/0"


def test_a_message_that_asks_for_a_password_does_not_swallow_what_follows():
    entry = json.dumps({"textPayload": "Enter password: ", "severity": "INFO", "password=": "x"})
    assert json.loads(redact(entry))["severity"] == "INFO"


@pytest.mark.parametrize(
    "text",
    [
        "password: required",
        "Password: please try again",
        "password=None, pwd=/srv/app PWD=/srv",
        "password=self.password, secret_key=settings.SECRET_KEY api_key=os.environ['X']",
        "password=hashed_password)",
        "if password == expected:",
        "password=***** password=$DB_PASSWORD password=%s password={password}",
        'password="" user="x"',
        '{"pwd": "/srv/app"}',
        "cookie: missing",
        "cookies={} set-cookie header is missing",
        "https://user@host/x https://host:8080/path@2x.png wss://host:443/ws?mail=a",
        "Invalid JWT=REDACTED audience",
        "JWT=REDACTED verification failed - likely JWT=REDACTED between services",
        "WebSocket connection rejected in staging: No JWT=REDACTED",
        "AuthServiceClient initialized - Service ID: netra-backend, Service Secret=REDACTED True",
        "jwt.exceptions.InvalidAudienceError: Invalid audience",
        "Service ID mismatch: received 'netra-auth-staging-1757251019', expected 'netra-auth-staging-1757252040'",
        "Environment mismatch: token=staging, current=production",
        "Authorization: required",
        "Bearer token is missing",
        "max_tokens=4096 prompt_tokens: 12345678",
        "projects/p/traces/13bbeb5f9e710737c2effe1b2255a08c",
        "netra-backend-staging-00083-5xw 68bd89c8000b4c2bee303d86 0069c7a988cfdf862ecf067b8b5cad04024b192ef22630d5",
        '{"insertId": "1ac96vwd9g1a", "n": 9007199254740993, "t": "2025-09-07T13:34:00.733023999Z"}',
        "secret_key length: 51",
    ],
)
def test_ids_numbers_and_meaning_stay(text):
    assert redact(text) == text


def test_redacted_json_is_still_json():
    entry = {"textPayload": TRAVELS["json in json"], "labels": {"token": "a1b2c3d4e5"}, "n": 2**60 + 1}

    safe = json.loads(redact(json.dumps(entry)))

    assert safe["n"] == 2**60 + 1
    assert TOKEN not in json.dumps(safe)
    assert json.loads(safe["textPayload"])


@pytest.fixture
def remembered(monkeypatch):
    monkeypatch.setattr(secrets, "_remembered", {})
    monkeypatch.setenv("GPKIT_TEST_SECRET", "corréct horse/battery+staple")
    return read_secret("env:GPKIT_TEST_SECRET")


def test_a_value_read_through_a_reference_is_redacted_in_every_form(remembered):
    raw = remembered.encode()
    forms = [
        remembered,
        urllib.parse.quote(remembered, safe=""),
        base64.b64encode(raw).decode(),
        base64.b64encode(b"user:" + raw).decode(),
        base64.urlsafe_b64encode(b"ab" + raw + b"!").decode(),
        raw.hex(),
    ]

    for form in forms:
        safe = redact(f"before {form} after")
        assert "[redacted:secret]" in safe
        assert form not in safe
        assert re.search(candidate_pattern(), f"before {form} after")


@given(st.binary(max_size=7), st.binary(max_size=7))
def test_base64_around_a_secret_never_shows_it_whole(before, after):
    value = "0123-secret-value-4567"
    remember_secret(value)
    try:
        encoded = base64.b64encode(before + value.encode() + after).decode()
        safe = redact(encoded)
        padded = re.sub(r"\[redacted:secret\]", "", safe)
        assert len(padded) <= len(encoded) - (len(value) * 8 // 6 - 2)
    finally:
        secrets._remembered.clear()


def test_a_secret_that_is_missing_or_short_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("GPKIT_TEST_SECRET", "short")

    with pytest.raises(TargetError, match="fewer than 8"):
        read_secret("env:GPKIT_TEST_SECRET")
    with pytest.raises(TargetError, match="holds no secret"):
        read_secret("env:GPKIT_TEST_NOTHING")
    with pytest.raises(TargetError, match="holds no secret"):
        read_secret(f"file:{tmp_path / 'nothing'}")
    with pytest.raises(TargetError, match="named by a reference") as caught:
        read_secret("hunter2-is-not-a-reference")
    assert "hunter2" not in str(caught.value)


@given(st.text())
def test_ordinary_text_is_left_alone_or_matches_the_prefilter(text):
    if redact(text) != text:
        assert re.search(CANDIDATE, text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("from 203.0.113.7:443", "from 203.0.x.x:443"),
        ("user4@example.com said", "***@example.com said"),
        ("2001:db8:1::7", "2001:0db8:x:x"),
        ("peer 169.254.169.126:14842", "peer 169.254.169.126:14842"),
        ("127.0.0.1", "127.0.0.1"),
        ("Chrome/134.0.0.0 Safari/537.36", "Chrome/134.0.0.0 Safari/537.36"),
        ("13:34:00 12:34:56", "13:34:00 12:34:56"),
        ("999.1.2.3", "999.1.2.3"),
    ],
)
def test_contacts_are_masked_and_the_machines_own_plumbing_is_not(text, masked):
    assert mask_contacts(text) == masked


def test_entries_that_were_kept_under_other_rules_are_told_apart():
    named = (*vars(credentials).values(), *vars(contacts).values())
    patterns = [each.pattern for each in named if isinstance(each, re.Pattern)]

    assert all(pattern in redaction.RULES for pattern in patterns)
