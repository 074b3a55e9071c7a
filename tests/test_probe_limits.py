"""An address that is named on the command line is spared as any remote target is."""

import pytest

from gpkit import cli
from gpkit.environments import is_loopback


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("ws://127.0.0.1:8000/ws", True),
        ("ws://localhost/ws", True),
        ("ws://[::1]:8000/ws", True),
        ("wss://staging.example/ws", False),
        ("ws://192.0.2.1/ws", False),
        ("ws://localhost.example/ws", False),
    ],
)
def test_this_machine_is_told_from_others(url, loopback):
    assert is_loopback(url) is loopback


def test_a_named_address_is_not_probed_at_the_rate_of_the_local_stack(monkeypatch, capsys):
    monkeypatch.setenv("GPKIT_JWT_SECRET", "a secret for these tests only, 32+")

    code = cli.main(["probe", "wss://staging.example/ws", "--attempts", "2", "--rate", "5"])

    assert code == 4
    assert "rate_per_s = 5 is above what 'address' allows (0.25)." in capsys.readouterr().err
