import pytest

from gpkit import environments
from gpkit.environments import check_url, from_mapping, load, require_credentials
from gpkit.errors import TargetError


def test_the_committed_environments_are_valid(root):
    for file in (root / "parameters" / "environments").glob("*.yaml"):
        assert load(file.stem).name == file.stem


def test_an_unknown_environment_names_the_nearest():
    with pytest.raises(TargetError) as caught:
        load("stagin")

    assert str(caught.value) == (
        "There is no environment 'stagin'. Did you mean 'staging'?\n"
        "Known: local, staging. An environment is a file in parameters/environments."
    )


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(TargetError, match=r"'ulr' is not a setting of an environment. Did you mean 'url'"):
        from_mapping("x", {"ulr": "wss://host/ws"})


@pytest.mark.parametrize(
    "values",
    [
        {"users": "one"},
        {"max_rate_per_s": 0},
        {"max_rate_per_s": True},
        {"max_concurrency": 1.5},
        {"mask_contacts": "no"},
        {"carrier": 3},
        {"carrier": "pigeon"},
        {"headers": ["a"]},
        {"logs_project": 7},
        {"logs_anonymous": "yes"},
        {"logs_reads_per_minute": 0},
        {"logs_reads_per_minute": 1.5},
        {"logs_late_s": -1},
        {"logs_credentials": "file:"},
        {"logs_credentials": "env:KEY"},
        {"logs_credentials": "key.json"},
        {"logs_anonymous": True, "logs_credentials": "file:key.json"},
        {"logs_anonymous": True, "logs_impersonate": "reader@p.iam.gserviceaccount.com"},
        {"logs_endpoint": ""},
    ],
)
def test_a_value_of_the_wrong_type_is_refused(values):
    with pytest.raises(TargetError):
        from_mapping("x", {"url": "wss://host/ws", **values})


@pytest.mark.parametrize("url", ["ws://127.0.0.1:8000/ws", "wss://host.example/ws?mode=main", "wss://[::1]:8443/ws"])
def test_an_address_that_can_be_tried_is_accepted(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "host/ws", "https://host/ws", "wss://", "wss://host:99999/ws", "wss://host:0/ws", "wss://ho st/ws", "wss://[::1/ws",
     f"wss://{'a' * 64}.example/ws", "wss://host/ws#part"],
)  # fmt: skip
def test_a_malformed_address_is_refused(url):
    with pytest.raises(TargetError):
        check_url(url)


def test_credentials_in_an_address_are_refused_and_not_shown():
    with pytest.raises(TargetError) as caught:
        check_url("wss://user:hunter2hunter2@host/ws")

    assert "hunter2" not in str(caught.value)


def test_a_token_in_an_address_is_not_shown():
    with pytest.raises(TargetError) as caught:
        check_url("https://host/ws?token=a1b2c3d4e5f6")

    assert "a1b2c3" not in str(caught.value)


def test_a_remote_target_needs_a_credential_and_local_none(monkeypatch):
    monkeypatch.delenv("GPKIT_JWT_SECRET", raising=False)
    monkeypatch.delenv("GPKIT_TOKEN", raising=False)
    remote = from_mapping("remote", {"url": "wss://host/ws"})

    require_credentials(load("local"))
    with pytest.raises(TargetError, match="GPKIT_JWT_SECRET"):
        require_credentials(remote)
    monkeypatch.setenv("GPKIT_TOKEN", "a-token-of-some-length")
    require_credentials(remote)


def test_a_file_that_is_no_mapping_is_refused(tmp_path):
    file = tmp_path / "odd.yaml"
    file.write_text("- a\n- b\n")

    with pytest.raises(TargetError, match="holds no names and values"):
        load(file)
    file.write_text("a: [")
    with pytest.raises(TargetError, match="is not YAML"):
        load(file)


def test_remote_defaults_stay_below_the_platforms_limits():
    remote = from_mapping("remote", {"url": "wss://host/ws"})

    assert remote.max_rate_per_s * 60 <= 30
    assert remote.max_concurrency <= 3
    assert remote.max_rate_per_s == environments.REMOTE_RATE_PER_S


@pytest.mark.parametrize(
    "url",
    ["https://logging.googleapis.com", "http://127.0.0.1:8085", "http://[::1]:8085", "https://host.example:8443/v"],
)
def test_an_address_that_a_log_can_be_read_from_is_accepted(url):
    assert environments.check_api_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "host", "ftp://host", "https://", "https://host:0", "https://host:99999", "https://ho st", "https://host?x=1",
     "https://host#part", "https://[::1", f"https://{'a' * 64}.example", "wss://host/ws"],
)  # fmt: skip
def test_an_address_that_no_log_can_be_read_from_is_refused(url):
    with pytest.raises(TargetError):
        environments.check_api_url(url)


def test_plain_http_to_another_machine_is_refused_with_the_reason():
    with pytest.raises(TargetError) as caught:
        environments.check_api_url("http://logs.example.com")

    assert str(caught.value) == (
        "'http://logs.example.com' is not read from over plain HTTP. "
        "Log entries, and the token that opens them, would cross the network in the clear.\n"
        "Use https://HOST[:PORT]; on this machine also http://127.0.0.1:PORT."
    )


def test_credentials_in_the_address_of_a_log_are_refused_and_not_shown():
    with pytest.raises(TargetError) as caught:
        environments.check_api_url("https://reader:hunter2hunter2@host.example")

    assert "hunter2" not in str(caught.value)


def test_logs_settings_are_read_as_they_stand():
    values = {
        "logs_project": "shop-staging",
        "logs_endpoint": "http://127.0.0.1:8085",
        "logs_anonymous": True,
        "logs_reads_per_minute": 120,
        "logs_late_s": 60,
    }

    made = from_mapping("x", {"url": "wss://host/ws", **values})

    assert {name: getattr(made, name) for name in values} == values
