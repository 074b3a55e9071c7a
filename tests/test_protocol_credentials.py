"""What a client presents at the upgrade."""

import base64

import jwt
import pytest

from gpkit.environments import CARRIERS as ENVIRONMENT_CARRIERS
from gpkit.protocol.credentials import (
    CARRIERS,
    CREDENTIALS,
    MUST_BE_REFUSED,
    browser_would_fail,
    handshake,
    is_negative_control,
    mint,
    speaks_for,
)
from gpkit.redaction import redact

SECRET = "a secret for these tests only, 32+"
NOW_S = 1_757_251_000


def claims(credential: str, secret: str = SECRET) -> dict:
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
    return jwt.decode(mint(SECRET, "ada", credential, NOW_S), secret, algorithms=["HS256"], options=options)


def test_a_valid_token_speaks_for_its_user_and_carries_no_audience():
    read = claims("valid")

    assert read["sub"] == "ada"
    assert "aud" not in read
    assert read["iat"] == NOW_S < read["exp"]


def test_each_kind_differs_from_a_valid_one_in_one_way():
    assert claims("with-aud")["aud"] == "netra-platform"
    assert "aud" not in claims("without-aud")
    assert claims("wrong-aud")["aud"] != "netra-platform"
    assert claims("expired")["exp"] < NOW_S
    assert claims("not-yet-valid")["nbf"] > NOW_S
    assert claims("other-user")["sub"] == speaks_for("ada", "other-user") != "ada"


def test_a_wrong_secret_fails_the_signature_and_nothing_else():
    with pytest.raises(jwt.InvalidSignatureError):
        claims("wrong-secret")


def test_no_credential_is_no_token_and_garbage_is_none_that_decodes():
    assert mint(SECRET, "ada", "none", NOW_S) is None
    with pytest.raises(jwt.DecodeError, match="Not enough segments"):
        claims("garbage")


def test_a_short_secret_mints_without_a_warning():
    assert mint("12345678", "ada", "valid", NOW_S)


def test_the_same_moment_mints_the_same_token():
    assert mint(SECRET, "ada", "valid", NOW_S) == mint(SECRET, "ada", "valid", NOW_S)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_what_a_carrier_adds_is_legal_in_a_header_and_redacted_everywhere(carrier, credential):
    token = mint(SECRET, "ada", credential, NOW_S)
    added = handshake(carrier, token)

    assert all(not set(name) & set(' ,;="') for name in added.subprotocols)
    if token and token.count(".") == 2:
        query = "&".join(f"{name}={value}" for name, value in added.query.items())
        shown = redact(f"{dict(added.headers)} {added.subprotocols} ws://h/ws?{query}")
        assert token not in shown
        assert token.split(".")[2] not in shown


def test_each_carrier_puts_the_token_where_it_says():
    token = mint(SECRET, "ada", "valid", NOW_S)

    assert handshake("header", token).headers == {"Authorization": f"Bearer {token}"}
    assert handshake("query", token).query == {"token": token}
    assert handshake("ticket", token).query == {"ticket": token}
    assert handshake("subprotocol-raw", token).subprotocols == ("jwt-auth", f"jwt-auth.{token}")
    plain, encoded = handshake("subprotocol-b64", token).subprotocols
    assert plain == "jwt-auth"
    padded = encoded.removeprefix("jwt.") + "=" * (-len(encoded.removeprefix("jwt.")) % 4)
    assert base64.urlsafe_b64decode(padded).decode() == token
    assert handshake("none", token) == handshake("header", None)


def test_an_unknown_carrier_or_credential_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="'pigeon' is no carrier"):
        handshake("pigeon", "x")
    with pytest.raises(ValueError, match="'forged' is no credential"):
        mint(SECRET, "ada", "forged", NOW_S)


def test_refusal_is_right_for_a_bad_credential_and_for_one_that_does_not_travel():
    assert all(is_negative_control(credential, "header") for credential in MUST_BE_REFUSED)
    assert is_negative_control("valid", "none")
    assert not is_negative_control("valid", "header")
    assert not is_negative_control("other-user", "query")


@pytest.mark.parametrize(
    ("offered", "selected", "fails"),
    [((), None, False), (("a",), None, True), (("a", "b"), "b", False), (("a",), "c", True), ((), "c", True)],
)
def test_a_browser_needs_one_of_what_it_offered(offered, selected, fails):
    assert browser_would_fail(offered, selected) is fails


def test_environments_know_the_same_carriers():
    assert ENVIRONMENT_CARRIERS == CARRIERS
