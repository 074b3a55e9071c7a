"""Every way to end has one outcome."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit.protocol import closes
from gpkit.protocol.closes import CLOSE_CODES, category, is_auth_refusal
from gpkit.protocol.events import EVENTS
from gpkit.protocol.outcomes import FAILURES, OUTCOMES, Ending, Verdict, classify, outcome_of
from gpkit.tables import PHASES

MISSING = ("tool_completed", "agent_completed")


@pytest.mark.parametrize(
    ("ending", "verdict"),
    [
        (Ending("dns", "dns"), Verdict("dns_error", "dns")),
        (Ending("dns", "timeout"), Verdict("dns_error", "timeout")),
        (Ending("tcp", "refused", "ECONNREFUSED"), Verdict("tcp_refused", "ECONNREFUSED")),
        (Ending("tcp", "timeout"), Verdict("tcp_timeout", "timeout")),
        (Ending("tls", "tls_expired"), Verdict("tls_error", "expired")),
        (Ending("tls", "tls_verify"), Verdict("tls_error", "verify")),
        (Ending("tls", "timeout"), Verdict("open_timeout", "timeout")),
        (Ending("upgrade_wait", http_status=403), Verdict("upgrade_status_403", "http_403", "before-accept")),
        (Ending("upgrade_wait", http_status=503), Verdict("upgrade_status_503", "http_503")),
        (
            Ending("upgrade_wait", "timeout", http_status=403),
            Verdict("upgrade_status_403", "http_403", "before-accept"),
        ),
        (Ending("upgrade_wait", "not_http"), Verdict("upgrade_invalid", "not_http")),
        (Ending("upgrade_wait", "bad_upgrade", "accept"), Verdict("upgrade_invalid", "accept")),
        (Ending("upgrade_wait", "unoffered"), Verdict("subprotocol_unoffered", "unoffered")),
        (Ending("upgrade_wait", "timeout"), Verdict("open_timeout", "timeout", "silence")),
        (
            Ending("ready", is_closed=True, close_code=1008, close_reason="Authentication failed"),
            Verdict("refused_after_accept", "close_1008", "after-accept"),
        ),
        (
            Ending("ready", is_closed=True, close_code=1008, refusal_code="AUTH_FAILED"),
            Verdict("refused_after_accept", "AUTH_FAILED", "after-accept"),
        ),
        (
            Ending("ready", is_closed=True, close_code=1011, close_reason="Token validation failed"),
            Verdict("refused_after_accept", "close_1011", "after-accept"),
        ),
        (
            Ending("ready", is_closed=True, close_code=1011, close_reason="Service initialization failed"),
            Verdict("closed_before_ready:1011", "close_1011"),
        ),
        (Ending("ready", is_closed=True, close_code=1000), Verdict("closed_before_ready:1000", "close_1000")),
        (Ending("ready", is_closed=True, error_type="reset"), Verdict("closed_before_ready:1006", "reset")),
        (Ending("ready", "timeout", is_alive=True), Verdict("ready_timeout", "no_welcome", "silence")),
        (Ending("ready", "timeout", is_alive=False), Verdict("ready_timeout", "no_pong", "silence")),
        (
            Ending("exchange", is_ready=True, missing=MISSING, is_alive=True),
            Verdict("event_missing:tool_completed", "event_missing"),
        ),
        (
            Ending("exchange", is_ready=True, missing=MISSING, is_alive=False),
            Verdict("silent_mid_run", "no_pong"),
        ),
        (
            Ending("exchange", is_ready=True, missing=MISSING, is_closed=True, close_code=1011),
            Verdict("closed_mid_run:1011", "close_1011"),
        ),
        (
            Ending("exchange", is_ready=True, missing=MISSING, is_closed=True, error_type="reset"),
            Verdict("closed_mid_run:1006", "reset"),
        ),
        (
            Ending("exchange", is_ready=True, missing=MISSING, is_closed=True, close_code=1008),
            Verdict("closed_mid_run:1008", "close_1008"),
        ),
        (Ending("close", is_ready=True, is_control=True), Verdict("accepted_bad_credential", "bypass")),
        (
            Ending("exchange", is_ready=True, missing=EVENTS, is_closed=True, close_code=1008),
            Verdict("refused_after_accept", "close_1008", "after-accept"),
        ),
        (Ending("close", is_ready=True), Verdict("ok")),
        (Ending("exchange", is_ready=True, is_closed=True, close_code=1000), Verdict("ok")),
        (Ending("ready", "interrupted"), Verdict(None, "interrupted")),
    ],
)
def test_an_ending_has_its_outcome(ending, verdict):
    assert classify(ending) == verdict


endings = st.builds(
    Ending,
    ended_in=st.sampled_from(PHASES),
    failure=st.none() | st.sampled_from([*FAILURES, "timeout"]),
    http_status=st.none() | st.integers(100, 999),
    is_closed=st.booleans(),
    close_code=st.none() | st.integers(0, 65535),
    close_reason=st.none() | st.text(),
    is_ready=st.booleans(),
    is_control=st.booleans(),
    missing=st.sampled_from([(), ("agent_thinking",), MISSING]),
    is_alive=st.none() | st.booleans(),
)


@given(endings)
def test_whatever_the_facts_the_outcome_is_in_the_table_and_only_ok_has_no_error(ending):
    verdict = classify(ending)

    assert verdict.outcome is not None
    assert outcome_of(verdict.outcome) in OUTCOMES
    assert (verdict.error_type is None) == (verdict.outcome == "ok")
    assert verdict.decided_at in (None, "before-accept", "after-accept", "silence")


def test_the_table_has_each_name_once_and_a_phase_for_each():
    assert len({outcome.name for outcome in OUTCOMES}) == len(OUTCOMES)
    assert {outcome.step for outcome in OUTCOMES} <= set(PHASES)
    assert set(FAILURES.values()) <= {outcome.name for outcome in OUTCOMES}


def test_a_patterned_outcome_is_found_by_what_is_written():
    assert outcome_of("upgrade_status_403").pattern == "upgrade_status_NNN"
    assert outcome_of("event_missing:tool_completed").name == "event_missing"
    assert outcome_of("closed_mid_run:1006").pattern == "closed_mid_run:CODE"
    with pytest.raises(ValueError, match="'sad' is no outcome"):
        outcome_of("sad")


def test_close_codes_blame_the_side_that_the_platform_blames():
    assert [category(code) for code in (1000, 1003, 1008, 1011, 1006, 1005, 4001, None)] == [
        closes.NORMAL,
        closes.CLIENT,
        closes.CLIENT,
        closes.SERVER,
        closes.INFRASTRUCTURE,
        closes.UNKNOWN,
        closes.UNKNOWN,
        closes.INFRASTRUCTURE,
    ]
    assert [code for code, row in CLOSE_CODES.items() if not row.on_the_wire] == [1005, 1006, 1015]


@pytest.mark.parametrize(
    ("reason", "is_refusal"),
    [
        ("Authentication failed", True),
        ("Invalid JWT token", True),
        ("TOKEN_EXPIRED", True),
        ("Authentication circuit breaker is open", True),
        ("Service not ready: auth_validation", False),
        ("main mode error", False),
        ("", False),
        (None, False),
    ],
)
def test_a_1011_is_a_refusal_only_when_it_speaks_of_authentication(reason, is_refusal):
    assert is_auth_refusal(1011, reason) is is_refusal
    assert is_auth_refusal(1011, reason, hinted=True)
    assert is_auth_refusal(1008, reason)
    assert not is_auth_refusal(1000, reason, hinted=True)
