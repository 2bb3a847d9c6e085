from __future__ import annotations

from datetime import UTC, datetime

import pytest

from beckn.wire import chain, signing
from beckn.wire.errors import WireError
from beckn.wire.profile import LTS, ONIX, PROFILES, V1

BUYER = signing.Signer.of("buyer.example", "k1", bytes(range(32)))
SELLER = signing.Signer.of("seller.example", "k1", bytes(range(1, 33)))
NOW = datetime(2026, 1, 15, 17, tzinfo=UTC)
REQUEST, CALLBACK = b'{"context":{"action":"select"}}', b'{"context":{"action":"on_select"}}'
ASKED = [signing.sign(REQUEST, BUYER, now=NOW), signing.sign(REQUEST + b" ", BUYER, now=NOW)]


def verify(header: str, *, profile=ONIX, answered=(), raw=CALLBACK) -> list[str]:
    return chain.verify(signing.parse(header), raw, SELLER.public_key, profile=profile, answered=answered)


def chained(answering: str) -> str:
    return signing.sign(CALLBACK, SELLER, now=NOW, answering=answering)


def test_a_callback_signed_over_any_attempt_at_its_request_holds():
    for request in ASKED:
        header = chained(signing.value_of(request))
        assert 'headers="(created) (expires) digest request-signature"' in header
        assert verify(header, answered=ASKED) == []


def test_the_fourth_line_is_the_raw_signature():
    header = chained(signing.value_of(ASKED[0]))
    found = signing.parse(header)
    text = (
        signing.signing_string(CALLBACK, found.created, found.expires)
        + f"\nrequest-signature: {signing.value_of(ASKED[0])}"
    )
    assert signing.holds(found.value, text, SELLER.public_key)


def test_a_callback_over_the_whole_header_holds_and_is_named():
    assert verify(chained(ASKED[0]), answered=ASKED) == ["full-header-chain"]


def test_a_three_line_callback_holds_and_is_named_only_if_it_answers_something():
    header = signing.sign(CALLBACK, SELLER, now=NOW)
    assert verify(header, answered=ASKED) == ["unchained-callback"]
    assert verify(header) == []


def test_a_chain_to_another_request_or_to_none_does_not_hold():
    other = signing.sign(b"{}", BUYER, now=NOW)
    for answered in (ASKED, []):
        with pytest.raises(WireError, match="AUT_SIGNATURE_INVALID"):
            verify(chained(signing.value_of(other)), answered=answered)
    with pytest.raises(WireError, match="AUT_SIGNATURE_INVALID"):
        verify(chained(signing.value_of(ASKED[0])), answered=ASKED, raw=CALLBACK + b" ")


@pytest.mark.parametrize("profile", [one for one in PROFILES.values() if not one.is_chained], ids=lambda one: one.name)
def test_other_profiles_take_three_lines_only(profile):
    with pytest.raises(WireError, match="headers must be"):
        verify(chained(signing.value_of(ASKED[0])), profile=profile, answered=ASKED)
    assert verify(signing.sign(CALLBACK, SELLER, now=NOW), profile=profile) == []
    with pytest.raises(WireError, match="headers must be"):
        signing.verify(signing.parse(chained("x")), CALLBACK, SELLER.public_key)


def test_the_drafts_name_for_the_digest_holds_where_it_is_allowed():
    created = int(NOW.timestamp())
    text = signing.signing_string(CALLBACK, created, created + 300, label="BLAKE2b-512")
    header = signing.header(SELLER, created, created + 300, SELLER.secret.sign(text.encode()).signature)
    assert verify(header) == ["digest-label"]
    for profile in (LTS, V1):
        with pytest.raises(WireError, match="AUT_SIGNATURE_INVALID"):
            verify(header, profile=profile)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda one: one.name)
def test_another_spelling_of_the_header_is_named(profile):
    header = signing.sign(CALLBACK, SELLER, now=NOW)
    assert verify(header.replace(",", " , "), profile=profile) == ["header-spelling"]
