"""Who reads: real google-auth credentials against issuers on loopback, and errors that hold nothing secret."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.auth.credentials
import google.auth.iam
import google.oauth2.credentials
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gpkit.cloud import Target, from_environment, pages, quota, target
from gpkit.environments import from_mapping, load
from gpkit.errors import ParameterError, TargetError
from tests.cloud_support import BASE_NS, Answer, FakeTime, Raw, Reply, ids, page_json, raw_server, refused

TOKEN = "ya29.c0ASRK0GaTheTokenOfTheReader0123456789"
ACTING = "ya29.c0ASRK0GbTheTokenOfTheActedOne987654321"
READER = "reader@shop-prod.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of this machine, and nothing that asks Google in the background."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setattr(
        google.auth.credentials.CredentialsWithRegionalAccessBoundary,
        "_is_regional_access_boundary_lookup_required",
        lambda self: False,
    )


def issued(token: str = TOKEN) -> Reply:
    return Reply(json.dumps({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}).encode())


def service_account(folder: Path, key: str, token_url: str) -> Path:
    file = folder / "key.json"
    file.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "shop-prod",
                "private_key_id": "f00dfeed",
                "private_key": key,
                "client_email": READER,
                "client_id": "1",
                "token_uri": f"{token_url}/token",
            }
        )
    )
    return file


def read(aimed: Target, folder: Path, **more: Any) -> list[Any]:
    pace = FakeTime().pace
    bucket = quota.of(aimed, folder=folder, pace=pace)
    return list(pages(aimed, since=BASE_NS, until=BASE_NS + 10**9, bucket=bucket, pace=pace, **more))


def refusal(aimed: Target, folder: Path, key: str = "", **more: Any) -> str:
    """The text of the error, after a look that nothing secret stands in it or in its traceback."""
    with pytest.raises((TargetError, ParameterError)) as caught:
        read(aimed, folder, **more)
    whole = "".join(traceback.format_exception(caught.value))
    for secret in (TOKEN, ACTING, "hunter2-hunter2", "assertion=", *key.splitlines()[1:-1]):
        assert secret not in whole
    return str(caught.value)


@pytest.fixture
def issuer() -> Iterator[Raw]:
    with raw_server(issued()) as raw:
        yield raw


def test_a_service_accounts_key_opens_the_log(tmp_path: Path, key: str, issuer: Raw) -> None:
    file = service_account(tmp_path, key, issuer.url)

    with raw_server(Reply(page_json(range(3)))) as api:
        found = read(Target("shop-prod", api.url, credentials_file=str(file)), tmp_path)

    assert len(ids(found)) == 3
    assert api.headers[0]["authorization"] == f"Bearer {TOKEN}"
    assert "assertion=" in issuer.asked[0]["form"]


def test_the_token_asks_for_no_more_than_reading(tmp_path: Path, key: str, issuer: Raw) -> None:
    import jwt

    file = service_account(tmp_path, key, issuer.url)
    with raw_server(Reply(page_json(range(1)))) as api:
        read(Target("shop-prod", api.url, credentials_file=str(file)), tmp_path)

    assertion = issuer.asked[0]["form"].split("assertion=")[1].split("&")[0]
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert claims["scope"] == "https://www.googleapis.com/auth/logging.read"


def test_application_default_credentials_are_found(
    tmp_path: Path, key: str, issuer: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(service_account(tmp_path, key, issuer.url)))

    with raw_server(Reply(page_json(range(3)))) as api:
        found = read(Target("shop-prod", api.url), tmp_path)

    assert len(ids(found)) == 3
    assert api.headers[0]["authorization"] == f"Bearer {TOKEN}"


def test_a_persons_own_login_is_found(tmp_path: Path, issuer: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.oauth2.credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{issuer.url}/token")
    folder = tmp_path / "gcloud"  # where gcloud keeps what application-default login made
    folder.mkdir()
    (folder / "application_default_credentials.json").write_text(
        json.dumps(
            {"type": "authorized_user", "client_id": "id", "client_secret": "hunter2-hunter2",
             "refresh_token": "1//0a-refresh"}
        )
    )  # fmt: skip
    with raw_server(Reply(page_json(range(3)))) as api:
        found = read(Target("shop-prod", api.url), tmp_path)

    assert len(ids(found)) == 3
    assert api.headers[0]["authorization"] == f"Bearer {TOKEN}"


def test_a_service_account_is_acted_as(tmp_path: Path, key: str, issuer: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    file = service_account(tmp_path, key, issuer.url)
    acting = Reply(json.dumps({"accessToken": ACTING, "expireTime": "2099-01-01T00:00:00Z"}).encode())

    with raw_server(acting) as iam, raw_server(Reply(page_json(range(3)))) as api:
        monkeypatch.setattr(google.auth.iam, "_IAM_ENDPOINT", iam.url + "/v1/{}:generateAccessToken")
        aimed = Target(
            "shop-prod", api.url, credentials_file=str(file), impersonate="viewer@shop.iam.gserviceaccount.com"
        )
        found = read(aimed, tmp_path)

    assert len(ids(found)) == 3
    assert api.headers[0]["authorization"] == f"Bearer {ACTING}"
    assert iam.headers[0]["authorization"] == f"Bearer {TOKEN}"
    assert iam.asked[0]["scope"] == ["https://www.googleapis.com/auth/logging.read"]


def test_who_may_not_act_as_an_account_is_told_which_role_is_missing(
    tmp_path: Path, key: str, issuer: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = service_account(tmp_path, key, issuer.url)

    with raw_server(refused(403, "PERMISSION_DENIED", f"No, {TOKEN}")) as iam:
        monkeypatch.setattr(google.auth.iam, "_IAM_ENDPOINT", iam.url + "/v1/{}:generateAccessToken")
        aimed = Target("shop-prod", "http://127.0.0.1:1", credentials_file=str(file), impersonate="viewer@shop.example")

        assert refusal(aimed, tmp_path, key) == (
            "No token was given to act as viewer@shop.example on project 'shop-prod'. "
            "The own credentials are expired, or may not act as it.\n"
            "Ask for roles/iam.serviceAccountTokenCreator on it, or run on an export: gpkit logs export.json"
        )


def test_anonymous_sends_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login reader password hunter2-hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    with raw_server(Reply(page_json(range(1)))) as api:
        read(Target("p", api.url, anonymous=True), tmp_path)

    assert "authorization" not in api.headers[0]


def test_a_proxy_is_not_asked_for_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    with raw_server(Reply(page_json(range(1)))) as api:
        assert len(read(Target("p", api.url, anonymous=True), tmp_path)) == 1


def test_missing_credentials_say_how_to_get_some(tmp_path: Path) -> None:
    assert refusal(Target("shop-prod", "http://127.0.0.1:1"), tmp_path) == (
        "There are no Google credentials to read the log of project 'shop-prod' with. "
        "GOOGLE_APPLICATION_CREDENTIALS names no usable file, and nobody is logged in.\n"
        "Run gcloud auth application-default login, or name an environment (-e NAME, a file in "
        "parameters/environments) with logs_credentials: file:KEY.json, or for a server that asks for none "
        "logs_endpoint and logs_anonymous: true, or run on an export: gpkit logs export.json"
    )


@pytest.mark.parametrize(
    "content",
    [None, "", "{", "[]", "7", '{"type": "service_account"}',
     '{"type": "pigeon"}', '{"private_key": "hunter2-hunter2"}',
     '{"type": "service_account", "client_email": "a@b.c", "token_uri": "x", "private_key": "hunter2-hunter2"}'],
)  # fmt: skip
def test_a_file_that_holds_no_credentials_is_named_and_not_quoted(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)

    said = refusal(Target("shop-prod", "http://127.0.0.1:1", credentials_file=str(file)), tmp_path)

    assert said.startswith(f"'{file}' is no credentials file.")


@pytest.mark.parametrize(
    "answer",
    [
        Reply(json.dumps({"error": "invalid_grant", "error_description": f"Bad {TOKEN}"}).encode(), 400),
        Reply(b"<html>no</html>", 403, kind="text/html"),
        Reply(b'{"token_type": "Bearer"}'),
    ],
)
def test_credentials_that_give_no_token_are_said_to_be_expired(tmp_path: Path, key: str, answer: Reply) -> None:
    with raw_server(answer) as issuer:
        file = service_account(tmp_path, key, issuer.url)
        said = refusal(Target("shop-prod", "http://127.0.0.1:1", credentials_file=str(file)), tmp_path, key)

    assert said == (
        f"The Google credentials of {READER} for project 'shop-prod' give no token any more. "
        "They are expired, revoked, or the key was deleted.\n"
        "Run gcloud auth application-default login, or name another file (logs_credentials), "
        "or run on an export: gpkit logs export.json"
    )


def refused_by(answer: Answer, tmp_path: Path, key: str, issuer: Raw, **more: Any) -> str:
    file = service_account(tmp_path, key, issuer.url)
    with raw_server(answer) as api:
        return refusal(Target("shop-prod", api.url, credentials_file=str(file)), tmp_path, key, **more)


def test_a_missing_role_is_named_with_the_account_and_the_project(tmp_path: Path, key: str, issuer: Raw) -> None:
    answer = refused(403, "PERMISSION_DENIED", "Permission denied for all log views")

    assert refused_by(answer, tmp_path, key, issuer) == (
        "Cloud Logging refused the query on project 'shop-prod' (logging.logEntries.list). "
        f"Account: {READER}. It said: Permission denied for all log views\n"
        "Ask for roles/logging.viewer, or run on an export: gpkit logs export.json"
    )


def test_private_logs_need_their_own_role(tmp_path: Path, key: str, issuer: Raw) -> None:
    filter = 'log_id("cloudaudit.googleapis.com/data_access")'

    said = refused_by(refused(403, "PERMISSION_DENIED"), tmp_path, key, issuer, filter=filter)

    assert "roles/logging.viewer (roles/logging.privateLogViewer for Data Access logs)" in said


def test_an_api_that_is_not_enabled_is_said(tmp_path: Path, key: str, issuer: Raw) -> None:
    said = refused_by(refused(403, "PERMISSION_DENIED", "Off.", "SERVICE_DISABLED"), tmp_path, key, issuer)

    assert "is not enabled in project 'shop-prod'" in said
    assert "gcloud services enable logging.googleapis.com --project shop-prod" in said


def test_a_quota_project_that_is_denied_is_said(tmp_path: Path, key: str, issuer: Raw) -> None:
    said = refused_by(refused(403, "PERMISSION_DENIED", "No.", "USER_PROJECT_DENIED"), tmp_path, key, issuer)

    assert "set-quota-project shop-prod" in said


def test_credentials_that_are_not_accepted_are_refreshed_then_said(tmp_path: Path, key: str, issuer: Raw) -> None:
    said = refused_by(refused(401, "UNAUTHENTICATED"), tmp_path, key, issuer)

    assert said.startswith("Cloud Logging did not accept the credentials for project 'shop-prod'.")
    assert len(issuer.asked) > 1


def test_a_token_that_expired_on_the_way_is_renewed(tmp_path: Path, key: str, issuer: Raw) -> None:
    answers = [Reply(page_json(range(3), "a")), refused(401, "UNAUTHENTICATED"), Reply(page_json(range(3, 6)))]

    file = service_account(tmp_path, key, issuer.url)
    with raw_server(*answers) as api:
        found = read(Target("shop-prod", api.url, credentials_file=str(file)), tmp_path)

    assert len(ids(found)) == 6
    assert len(issuer.asked) == 2


def test_an_unknown_project_is_said(tmp_path: Path, key: str, issuer: Raw) -> None:
    said = refused_by(refused(404, "NOT_FOUND", "Project does not exist: shop-prod"), tmp_path, key, issuer)

    assert "knows no projects/shop-prod" in said


def test_a_filter_that_the_service_refuses_is_the_callers(tmp_path: Path, key: str, issuer: Raw) -> None:
    answer = refused(400, "INVALID_ARGUMENT", "Unparseable filter: syntax error at line 1, column 7")

    assert refused_by(answer, tmp_path, key, issuer) == (
        "Cloud Logging does not understand the request. "
        "It said: Unparseable filter: syntax error at line 1, column 7\nLook at the filter."
    )


def test_what_the_service_says_is_shown_redacted_short_and_harmless(tmp_path: Path, key: str, issuer: Raw) -> None:
    message = f"No.\x1b[31m\r\nBearer {TOKEN} \u202e " + "x" * 5000

    said = refused_by(refused(403, "PERMISSION_DENIED", message), tmp_path, key, issuer)

    assert "\x1b" not in said
    assert "\u202e" not in said
    assert len(said) < 800


def test_without_credentials_a_refusal_says_so(tmp_path: Path) -> None:
    with raw_server(refused(401, "UNAUTHENTICATED")) as api:
        said = refusal(Target("p", api.url, anonymous=True), tmp_path)

    assert "does not answer without credentials" in said
    assert "Leave out --anonymous" in said


def test_a_target_comes_from_an_environment_and_the_caller_goes_first() -> None:
    environment = from_mapping(
        "x",
        {"url": "wss://h/ws", "logs_project": "shop-staging", "logs_endpoint": "http://127.0.0.1:8085/",
         "logs_credentials": "file:/run/key.json", "logs_impersonate": "a@b.example", "logs_reads_per_minute": 30},
    )  # fmt: skip

    assert from_environment(environment) == Target(
        "shop-staging", "http://127.0.0.1:8085", credentials_file="/run/key.json", impersonate="a@b.example",
        reads_per_minute=30,
    )  # fmt: skip
    assert target(environment, "other", endpoint="https://h.example", anonymous=True) == Target(
        "other", "https://h.example", anonymous=True, reads_per_minute=30
    )


def test_the_project_of_googles_own_tools_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = load("local")

    with pytest.raises(TargetError, match="Nothing names the project"):
        from_environment(environment)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop-dev")
    assert from_environment(environment).project == "shop-dev"
    assert from_environment(environment, "mine").project == "mine"


@pytest.mark.parametrize(
    "wrong",
    [
        {"project": "projects/shop"},
        {"project": "shop prod"},
        {"project": ""},
        {"endpoint": "http://logs.example.com"},
        {"endpoint": "logging.googleapis.com"},
        {"impersonate": "somebody"},
        {"reads_per_minute": 0},
        {"resource_names": ("shop",)},
        {"resource_names": tuple(f"projects/p{n}" for n in range(101))},
    ],
)
def test_a_malformed_target_is_refused_before_anything_is_asked(wrong: dict[str, Any]) -> None:
    with pytest.raises(TargetError):
        pages(Target(**{"project": "shop", **wrong}), since=1, until=2)
