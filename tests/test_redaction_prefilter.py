"""The quick look before redaction lets nothing through that the patterns would find."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from gpkit.redaction import CANDIDATE, contacts, credentials, mask_contacts

around = st.text(alphabet=" \"':=?&;.eyJtokenabcXYZ019_-\u017f\u0130\u212a", max_size=12)


@settings(max_examples=500)
@given(around, st.from_regex(CANDIDATE), around)
def test_whatever_the_pattern_finds_passes_the_quick_look(before, candidate, after):
    text = before + candidate + after

    assert re.search(CANDIDATE, text) is None or credentials.may_hold(text)


def test_ordinary_events_do_not():
    assert not credentials.may_hold('{"type": "agent_started", "run_id": "run_1", "data": {"status": "ok"}}')


@given(around, st.ip_addresses(v=6).map(lambda address: (str(address), address.exploded)), around)
def test_no_ipv6_address_escapes_the_quick_look(before, forms, after):
    for form in forms:
        text = f"{before} {form} {after}"
        assert contacts._IPV6.sub(contacts._mask_ipv6, text) == text or contacts._may_hold_ipv6(text)


@given(st.ip_addresses(v=4).map(str))
def test_no_ipv4_address_escapes_the_quick_look(address):
    text = f"from {address}"

    assert mask_contacts(text) == contacts._IPV4.sub(contacts._mask_ipv4, text)
